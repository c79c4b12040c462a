//! Records one by one and many at once: what is checked, and what is said.

use salesforce_sandbox::{DuplicateSaid, Options, Switches};
use serde_json::{Value, json};

use crate::org::{Org, url_encoded};

#[tokio::test]
async fn what_is_wrong_with_a_record_is_said_by_its_code() {
    let org = Org::new().await;
    let account = org.id("Account", "Bakery Dubois");
    let hidden = org.id("Account", "Harbour Logistics");
    org.sandbox.hide("Account", &hidden, true).unwrap();
    let long = "x".repeat(256);
    for (object, body, code, fields) in [
        ("Contact", json!({"FirstName": "J"}), "REQUIRED_FIELD_MISSING", json!(["LastName"])),
        ("Contact", json!({"LastName": "  "}), "REQUIRED_FIELD_MISSING", json!(["LastName"])),
        ("Case", json!({"Subject": long}), "STRING_TOO_LONG", json!(["Subject"])),
        (
            "CI__c",
            json!({"Name": "srv", "CI_Type__c": "Toaster"}),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            json!(["CI_Type__c"]),
        ),
        (
            "Case",
            json!({"CreatedDate": "2020-01-01T00:00:00Z"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["CreatedDate"]),
        ),
        ("Case", json!({"Foo__c": "1"}), "INVALID_FIELD", Value::Null),
        ("Case", json!({"Subject": 5}), "JSON_PARSER_ERROR", Value::Null),
        (
            "Contact",
            json!({"LastName": "D", "Email": "x"}),
            "INVALID_EMAIL_ADDRESS",
            json!(["Email"]),
        ),
        ("Case", json!({"AccountId": "12"}), "MALFORMED_ID", json!(["AccountId"])),
        // An id of another object.
        ("Case", json!({"ContactId": account}), "MALFORMED_ID", json!(["ContactId"])),
        ("Case", json!({"AccountId": "001xx0zzzzzzzzz"}), "INVALID_CROSS_REFERENCE_KEY", json!([])),
        (
            "Case",
            json!({"AccountId": hidden}),
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            json!([]),
        ),
        (
            "Case",
            json!({"RecordTypeId": org.id("RecordType", "Old")}),
            "INVALID_CROSS_REFERENCE_KEY",
            json!(["RecordTypeId"]),
        ),
        (
            "Asset",
            json!({"Name": "A"}),
            "FIELD_INTEGRITY_EXCEPTION",
            json!(["AccountId", "ContactId"]),
        ),
    ] {
        let said = org.post(&format!("/sobjects/{object}/"), body.clone()).await;
        assert_eq!(
            (said.status.as_u16(), said.code().as_str()),
            (400, code),
            "{body}: {}",
            said.text
        );
        assert_eq!(said.json()[0]["fields"], fields, "{}", said.text);
    }
    assert!(org.sandbox.records("Case").is_empty());
    let said = org.post("/sobjects/Nothing__c", json!({})).await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn values_are_stored_as_salesforce_stores_them() {
    let org = Org::new().await;
    let contact = org.id("Contact", "Jean Dubois");
    let case = org
        .made(
            "Case",
            json!({"Subject": "  two words \n", "Description": "", "priority": "HIGH",
                   "Origin": "Monitoring", "ContactId": &contact[..15], "Comments": "first"}),
        )
        .await;
    let read = org.get(&format!("/sobjects/Case/{}", &case[..15])).await.json();
    assert_eq!(read["Id"], json!(case));
    assert_eq!(read["Subject"], "two words");
    assert_eq!(read["Description"], Value::Null);
    assert_eq!(read["Priority"], "High");
    assert_eq!(read["Status"], "New");
    assert_eq!(read["IsClosed"], false);
    assert_eq!(read["ContactId"], json!(contact));
    // From the contact, where nothing is said.
    assert_eq!(read["AccountId"], json!(org.id("Account", "Bakery Dubois")));
    let date = read["CreatedDate"].as_str().unwrap();
    assert!(date.ends_with(".000+0000") && date.len() == 28, "{date}");
    assert_eq!(org.sandbox.records("CaseComment")[0]["CommentBody"], "first");
    // A value that was not known is there now, and not active.
    let described = org.get("/sobjects/Case/describe").await.json();
    let fields = described["fields"].as_array().unwrap();
    let origin = fields.iter().find(|field| field["name"] == "Origin").unwrap();
    let grown = origin["picklistValues"].as_array().unwrap().last().unwrap();
    assert_eq!((&grown["value"], &grown["active"]), (&json!("Monitoring"), &json!(false)));

    let said = org.patch(&format!("/sobjects/Case/{case}/"), json!({"Status": "Closed"})).await;
    assert_eq!((said.status.as_u16(), said.text.as_str()), (204, ""));
    let read = org.get(&format!("/sobjects/Case/{case}?fields=IsClosed,ClosedDate")).await.json();
    assert_eq!(read["IsClosed"], true);
    assert!(read["ClosedDate"].is_string());
    let four = "é".repeat(2_001);
    let said =
        org.post("/sobjects/CaseComment", json!({"ParentId": case, "CommentBody": four})).await;
    assert_eq!(said.code(), "STRING_TOO_LONG");
}

#[tokio::test]
async fn a_unique_value_is_had_once() {
    for (duplicate, shown) in [
        (DuplicateSaid::Short, 15),
        (DuplicateSaid::Long, 18),
        (DuplicateSaid::Unknown, "<unknown>".len()),
    ] {
        let switches = Switches { duplicate, ..Switches::default() };
        let org = Org::with(Options { switches, ..Options::default() }).await;
        let key = "sn-prod:48213/ä";
        let case = org.made("Case", json!({"Bridge_Ack__c": key})).await;
        // Case matters, blanks around do not.
        org.made("Case", json!({"Bridge_Ack__c": key.to_uppercase()})).await;
        let said = org.post("/sobjects/Case", json!({"Bridge_Ack__c": format!(" {key} ")})).await;
        assert_eq!((said.status.as_u16(), said.code().as_str()), (400, "DUPLICATE_VALUE"));
        let id = said.message().rsplit_once(": ").unwrap().1.to_owned();
        assert_eq!(id.len(), shown, "{id}");
        let path = format!("/sobjects/Case/Bridge_Ack__c/{}", url_encoded(key));
        let read = org.get(&format!("{path}?fields=Id,CaseNumber,Status")).await;
        assert_eq!(read.json()["Id"], json!(case));
        // A slash that is not encoded is taken as well.
        let read = org.get("/sobjects/Case/Bridge_Ack__c/sn-prod:48213/%C3%A4").await;
        assert_eq!(read.status, 200);
        org.sandbox.hide("Case", &case, true).unwrap();
        assert_eq!(org.get(&path).await.status, 404);
        assert_eq!(
            org.post("/sobjects/Case", json!({"Bridge_Ack__c": key})).await.code(),
            "DUPLICATE_VALUE"
        );
        org.sandbox.hide("Case", &case, false).unwrap();
        org.delete(&format!("/sobjects/Case/{case}")).await;
        // Freed by the Recycle Bin.
        org.made("Case", json!({"Bridge_Ack__c": key})).await;
        org.sandbox.set_key("Case", "Bridge_Ack__c", true, false, true).unwrap();
        org.made("Case", json!({"Bridge_Ack__c": key})).await;
        let several = org.get(&path).await;
        assert_eq!((several.status.as_u16(), several.json().as_array().unwrap().len()), (300, 2));
    }
}

#[tokio::test]
async fn deleting_heeds_children() {
    let org = Org::new().await;
    let account = org.id("Account", "Bakery Dubois");
    let contact = org.id("Contact", "Jean Dubois");
    let case = org.made("Case", json!({"ContactId": contact})).await;
    for path in [format!("/sobjects/Account/{account}"), format!("/sobjects/Contact/{contact}")] {
        let said = org.delete(&path).await;
        assert_eq!((said.status.as_u16(), said.code().as_str()), (400, "DELETE_FAILED"));
        assert!(said.message().contains("cases.: 00001001\n"), "{}", said.message());
    }
    org.made("CaseComment", json!({"ParentId": case, "CommentBody": "x"})).await;
    assert_eq!(org.delete(&format!("/sobjects/Case/{case}")).await.status, 204);
    assert!(org.sandbox.records("CaseComment").is_empty());
    assert_eq!(org.delete(&format!("/sobjects/Account/{account}")).await.status, 204);
    // Its contacts went with it.
    let left = org.sandbox.records("Contact");
    assert!(left.iter().all(|contact| contact["AccountId"] != json!(account)));
    // A lookup of one's own is emptied.
    let orphans = org.sandbox.records("CI__c");
    assert_eq!(orphans.iter().filter(|ci| ci["Account__c"].is_null()).count(), 3);
    let said = org.delete(&format!("/sobjects/Account/{account}")).await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (404, "ENTITY_IS_DELETED"));
}

#[tokio::test]
async fn upserts_by_an_external_id() {
    let org = Org::new().await;
    let path = "/sobjects/Account/Itop_Id__c/42";
    let said = org.patch(path, json!({"Name": "Demo"})).await;
    assert_eq!((said.status.as_u16(), &said.json()["created"]), (201, &json!(true)));
    let said = org.patch(path, json!({"Name": "Demo 2"})).await;
    assert_eq!((said.status.as_u16(), &said.json()["created"]), (200, &json!(false)));
    let id = said.json()["id"].clone();
    let contact = "/sobjects/Contact/Itop_Id__c/7";
    let parent = |key: &str| json!({"LastName": "Doe", "Account": {"Itop_Id__c": key}});
    let said = org.patch(contact, parent("999")).await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (400, "INVALID_FIELD"));
    assert_eq!(org.patch(contact, parent("42")).await.status, 201);
    assert_eq!(org.sandbox.records("Contact").last().unwrap()["AccountId"], id);
    let said =
        org.patch("/sobjects/Account/Itop_Id__c/43?updateOnly=true", json!({"Name": "x"})).await;
    assert_eq!(said.status, 404);
    let said = org.patch("/sobjects/Account/Nope__c/43", json!({"Name": "x"})).await;
    assert!(said.message().starts_with("Provided external ID field"), "{}", said.text);
}

#[tokio::test]
async fn an_assignment_rule_is_told_to_keep_off() {
    let rule = Some("Network".to_owned());
    let org = Org::with(Options { assignment_rule: rule, ..Options::default() }).await;
    org.made("Case", json!({"Subject": "a"})).await;
    let off = [("Sforce-Auto-Assign", "FALSE")];
    let body = json!({"Subject": "b", "OwnerId": org.id("Group", "Systems")});
    org.ask("POST", "/sobjects/Case", &off, Some(&body)).await;
    let owners: Vec<Value> =
        org.sandbox.records("Case").iter().map(|case| case["OwnerId"].clone()).collect();
    assert_eq!(owners, [json!(org.id("Group", "Network")), json!(org.id("Group", "Systems"))]);
}

#[tokio::test]
async fn a_duplicate_rule_warns() {
    let org = Org::with(Options { duplicate_rule: true, ..Options::default() }).await;
    let body = json!({"LastName": "Other", "Email": "JEAN.dubois@example.com"});
    let said = org.post("/sobjects/Contact", body.clone()).await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (400, "DUPLICATES_DETECTED"));
    assert_eq!(said.json()[0]["duplicateResut"]["allowSave"], true);
    let allow = [("Sforce-Duplicate-Rule-Header", "allowSave=true")];
    let said = org.ask("POST", "/sobjects/Contact", &allow, Some(&body)).await;
    assert_eq!(said.status, 201, "{}", said.text);
}
