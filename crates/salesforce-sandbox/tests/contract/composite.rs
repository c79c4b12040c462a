//! Several requests in one.

use serde_json::{Value, json};

use crate::org::{BASE, Org};

fn create_and_read(subject: &str, key: &str) -> Value {
    json!({
        "allOrNone": false,
        "collateSubrequests": false,
        "compositeRequest": [
            {"method": "POST", "url": format!("{BASE}/sobjects/Case"), "referenceId": "c",
             "httpHeaders": {"Sforce-Auto-Assign": "FALSE"},
             "body": {"Subject": subject, "Bridge_Ack__c": key}},
            {"method": "GET", "referenceId": "r",
             "url": format!("{BASE}/sobjects/Case/@{{c.id}}?fields=CaseNumber,Status")},
        ],
    })
}

#[tokio::test]
async fn a_case_is_made_and_read_in_one_call() {
    let org = Org::new().await;
    let said = org.post("/composite", create_and_read("Disk", "k1")).await;
    let [made, read] = [0, 1].map(|place| said.json()["compositeResponse"][place].clone());
    assert_eq!((&made["httpStatusCode"], &read["httpStatusCode"]), (&json!(201), &json!(200)));
    assert_eq!(read["body"]["Id"], made["body"]["id"]);
    assert_eq!(read["body"]["CaseNumber"], "00001001");
    assert_eq!(org.sandbox.usage(), 1);

    let said = org.post("/composite", create_and_read("Disk", "k1")).await;
    assert_eq!(said.status, 200);
    let [made, read] = [0, 1].map(|place| said.json()["compositeResponse"][place].clone());
    assert_eq!(made["body"][0]["errorCode"], "DUPLICATE_VALUE");
    assert_eq!(read["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(org.sandbox.records("Case").len(), 1);
}

#[tokio::test]
async fn all_or_none_leaves_nothing() {
    let org = Org::new().await;
    let mut body = create_and_read("Disk", "k1");
    body["allOrNone"] = json!(true);
    body["compositeRequest"][1]["url"] = json!(format!("{BASE}/sobjects/Case/500xx0000000zzz"));
    let said = org.post("/composite", body).await;
    let responses = &said.json()["compositeResponse"];
    assert_eq!(responses[0]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(responses[1]["httpStatusCode"], 404);
    assert!(org.sandbox.records("Case").is_empty());
}

#[tokio::test]
async fn its_limits_are_kept() {
    let org = Org::new().await;
    let query = json!({"method": "GET", "url": format!("{BASE}/query?q=SELECT+Id+FROM+Case")});
    let parts: Vec<Value> = (0..6)
        .map(|place| {
            let mut part = query.clone();
            part["referenceId"] = json!(format!("q{place}"));
            part
        })
        .collect();
    let said = org.post("/composite", json!({"compositeRequest": parts[..5]})).await;
    assert_eq!(said.status, 200, "{}", said.text);
    let said = org.post("/composite", json!({"compositeRequest": parts})).await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (400, "LIMIT_EXCEEDED"));
    let mut part = query;
    part["referenceId"] = json!("q");
    part["httpHeaders"] = json!({"Authorization": "Bearer x"});
    let said = org.post("/composite", json!({"compositeRequest": [part]})).await;
    assert_eq!(said.status, 400, "{}", said.text);
}

#[tokio::test]
async fn a_graph_is_done_as_a_whole() {
    let org = Org::new().await;
    let node = |method: &str, object: &str, reference: &str, body: Value| {
        json!({"method": method, "url": format!("{BASE}/sobjects/{object}"),
               "referenceId": reference, "body": body})
    };
    let good = json!({"graphId": "good", "compositeRequest": [
        node("POST", "Account", "a", json!({"Name": "Good"})),
        node("POST", "Contact", "c", json!({"LastName": "D", "AccountId": "@{a.id}"})),
    ]});
    let bad = json!({"graphId": "bad", "compositeRequest": [
        node("POST", "Account", "a", json!({"Name": "Bad"})),
        node("POST", "Contact", "c", json!({"FirstName": "D", "AccountId": "@{a.id}"})),
    ]});
    let said = org.post("/composite/graph", json!({"graphs": [bad, good]})).await.json();
    assert_eq!(said["graphs"][0]["isSuccessful"], false);
    assert_eq!(said["graphs"][1]["isSuccessful"], true);
    let names: Vec<Value> =
        org.sandbox.records("Account").iter().map(|account| account["Name"].clone()).collect();
    assert!(names.contains(&json!("Good")) && !names.contains(&json!("Bad")));
}
