//! Many records at once, and what rights make of all.

use salesforce_sandbox::ObjectAccess;
use serde_json::{Value, json};

use crate::org::Org;

#[tokio::test]
async fn collections_give_each_its_verdict() {
    let org = Org::new().await;
    let account = |name: Option<&str>, key: &str| json!({"attributes": {"type": "Account"}, "Name": name, "Itop_Id__c": key});
    let body =
        json!({"allOrNone": false, "records": [account(None, "1"), account(Some("B"), "2")]});
    let said = org.post("/composite/sobjects", body.clone()).await.json();
    assert_eq!(said[0]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(said[1]["success"], true);
    let mut all = body;
    all["allOrNone"] = json!(true);
    all["records"][1] = account(Some("C"), "3");
    let said = org.post("/composite/sobjects", all.clone()).await.json();
    assert_eq!(said[1]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(said[1]["success"], false);
    all["allOrNone"] = json!(false);
    all["records"] =
        json!([account(Some("D"), "4"), account(Some("E"), "4"), account(Some("F"), "2")]);
    let said = org.patch("/composite/sobjects/Account/Itop_Id__c", all).await.json();
    assert_eq!(said[0]["success"], false);
    assert_eq!(said[1]["success"], false);
    assert_eq!((&said[2]["success"], &said[2]["created"]), (&json!(true), &json!(false)));
    let names: Vec<Value> =
        org.sandbox.records("Account").iter().map(|account| account["Name"].clone()).collect();
    assert_eq!(
        names.iter().filter(|name| name.as_str().is_some_and(|name| name.len() == 1)).count(),
        1
    );
    let many: Vec<Value> = (0..201).map(|key| account(Some("M"), &format!("m{key}"))).collect();
    let said = org.post("/composite/sobjects", json!({"records": many})).await;
    assert_eq!(said.status, 400);

    let id = |name: &str| org.id("Account", name);
    let ids = json!([id("F"), "001xx0zzzzzzzzz", id("Bakery Dubois")]);
    let said = org
        .post("/composite/sobjects/Account", json!({"ids": ids, "fields": ["Name"]}))
        .await
        .json();
    assert_eq!((&said[0]["Name"], &said[1]), (&json!("F"), &Value::Null));
    assert_eq!(said[2]["Name"], "Bakery Dubois");
    let said =
        org.post("/composite/sobjects/Account", json!({"ids": ids, "fields": ["Bad"]})).await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (400, "INVALID_FIELD"));
    let gone = org
        .delete(&format!("/composite/sobjects?ids={},bad&allOrNone=false", id("F")))
        .await
        .json();
    assert_eq!(
        (&gone[0]["success"], &gone[1]["errors"][0]["statusCode"]),
        (&json!(true), &json!("MALFORMED_ID"))
    );
}

#[tokio::test]
async fn rights_decide_what_there_is() {
    let org = Org::new().await;
    org.sandbox.access(|access| {
        access.hide_field("Case", "Bridge_Ack__c");
        access.lock_field("Case", "Subject");
        let none = ObjectAccess { read: false, create: false, update: false, delete: false };
        access.set_object("CI__c", none);
    });
    let said = org.post("/sobjects/Case", json!({"Bridge_Ack__c": "x"})).await;
    assert_eq!(said.message(), "No such column 'Bridge_Ack__c' on sobject of type Case");
    let said = org.post("/sobjects/Case", json!({"Subject": "x"})).await;
    assert_eq!(said.code(), "INVALID_FIELD_FOR_INSERT_UPDATE");
    let described = org.get("/sobjects/Case/describe").await.json();
    let names: Vec<&str> = described["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"Subject") && !names.contains(&"Bridge_Ack__c"));
    assert_eq!(org.get("/sobjects/CI__c/describe").await.status, 404);
    assert_eq!(org.query("SELECT Bridge_Ack__c FROM Case").await.code(), "INVALID_FIELD");
    let all = org.get("/sobjects").await.json();
    let all: Vec<&Value> =
        all["sobjects"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(all.contains(&&json!("Case")) && !all.contains(&&json!("CI__c")));
    // Audit fields on insert, with the permission, and never after.
    org.sandbox.access(|access| access.sets_audit_fields = true);
    let case = org.made("Case", json!({"CreatedDate": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(org.sandbox.records("Case")[0]["CreatedDate"], "2020-01-01T00:00:00.000+0000");
    let again = json!({"CreatedDate": "2020-01-01T00:00:00Z"});
    let said = org.patch(&format!("/sobjects/Case/{case}"), again).await;
    assert_eq!(said.code(), "INVALID_FIELD_FOR_INSERT_UPDATE");
}
