//! What goes wrong on demand.

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::json;

use crate::org::{BASE, Org};

#[tokio::test]
async fn a_fault_strikes_as_often_as_told() {
    let org = Org::new().await;
    let lock = Fault::new(Operation::Create, FaultKind::LockRow).object("Case").skip(1).times(2);
    org.sandbox.fail(lock);
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(org.post("/sobjects/Case", json!({"Subject": "x"})).await.code());
        org.made("Account", json!({"Name": "x"})).await;
    }
    assert_eq!(codes, ["", "UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW", ""]);
    assert_eq!(org.sandbox.records("Case").len(), 2);
    assert!(org.sandbox.faults().is_empty());
}

#[tokio::test]
async fn a_part_of_all_calls_is_struck_and_always_the_same() {
    let org = Org::new().await;
    let mut struck = Vec::new();
    for seed in [1, 1, 2] {
        let lock = Fault::new(Operation::Create, FaultKind::LockRow).permille(250, seed);
        org.sandbox.fail(lock);
        let mut codes = Vec::new();
        for _ in 0..40 {
            codes.push(org.post("/sobjects/Case", json!({"Subject": "x"})).await.code());
        }
        struck.push(codes);
        org.sandbox.clear_faults();
    }
    assert_eq!(struck[0], struck[1]);
    assert_ne!(struck[0], struck[2]);
    for codes in &struck {
        let locked = codes.iter().filter(|code| *code == "UNABLE_TO_LOCK_ROW").count();
        assert!((3..=20).contains(&locked), "{locked} of 40");
    }
    assert_eq!(org.sandbox.under_way(), 0);
}

#[tokio::test]
async fn an_answer_is_lost_before_or_after_the_effect() {
    let org = Org::new().await;
    let body = json!({"Subject": "x"});
    for (after, cases) in [(false, 0), (true, 1)] {
        org.sandbox.fail(Fault::new(Operation::Create, FaultKind::Cut { after }).times(1));
        let said = org.try_ask("POST", "/sobjects/Case", &[], Some(&body)).await;
        assert!(said.is_err(), "{said:?}");
        assert_eq!(org.sandbox.records("Case").len(), cases);
        org.sandbox
            .fail(Fault::new(Operation::Create, FaultKind::Html { status: 503, after }).times(1));
        let said = org.post("/sobjects/Case", body.clone()).await;
        assert_eq!(said.status, 503);
        assert!(said.headers["content-type"].starts_with("text/html"));
        assert_eq!(org.sandbox.records("Case").len(), 2 * cases);
    }
    org.sandbox.fail(Fault::new(Operation::Query, FaultKind::Truncated).times(1));
    let said = org.query("SELECT Id FROM Case").await;
    assert!(serde_json::from_str::<serde_json::Value>(&said.text).is_err());
    let statuses: Vec<u16> = org.sandbox.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [0, 503, 0, 503, 200]);
}

#[tokio::test]
async fn inside_a_composite_the_part_is_struck() {
    let org = Org::new().await;
    let body = json!({"compositeRequest": [{"method": "POST", "referenceId": "c",
        "url": format!("{BASE}/sobjects/Case"), "body": {"Subject": "x"}}]});
    org.sandbox.fail(Fault::new(Operation::Create, FaultKind::StorageLimit).times(1));
    let said = org.post("/composite", body.clone()).await;
    assert_eq!(said.status, 200);
    let part = &said.json()["compositeResponse"][0];
    assert_eq!(part["body"][0]["errorCode"], "STORAGE_LIMIT_EXCEEDED");
    org.sandbox.fail(Fault::new(Operation::Create, FaultKind::SessionExpired).times(1));
    assert_eq!(org.post("/composite", body.clone()).await.status, 401);
    // The session is gone, the fault as well.
    assert_eq!(org.post("/composite", body).await.status, 401);
    assert!(org.sandbox.records("Case").is_empty());
}

#[tokio::test]
async fn limits_are_told_and_kept() {
    let org = Org::new().await;
    org.sandbox.set_usage(98, 100);
    let said = org.get("/limits/").await;
    assert_eq!(said.headers["sforce-limit-info"], "api-usage=99/100");
    assert_eq!(said.json()["DailyApiRequests"], json!({"Max": 100, "Remaining": 1}));
    assert_eq!(org.get("/limits").await.status, 200);
    let said = org.get("/limits").await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (403, "REQUEST_LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn what_is_held_goes_on_when_faults_are_cleared() {
    let org = Org::new().await;
    org.sandbox.fail(Fault::new(Operation::Create, FaultKind::Held { after: false }));
    let body = json!({"Subject": "x"});
    let ask = org.ask("POST", "/sobjects/Case", &[], Some(&body));
    tokio::pin!(ask);
    // It has come in, and waits.
    while org.sandbox.requests().is_empty() {
        tokio::select! {
            said = &mut ask => panic!("{said:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert!(org.sandbox.records("Case").is_empty());
    // Also before it is known to wait: what is cleared is not waited for.
    let clear = async {
        loop {
            org.sandbox.clear_faults();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        said = &mut ask => assert_eq!(said.status, 201),
        () = clear => {}
    }
}

#[tokio::test]
async fn another_process_switches_them_over_http() {
    let org = Org::new().await;
    let fault = json!({"at": "create", "object": "Case", "times": 1,
                       "kind": {"refuse": {"status": 400, "code": "QUERY_TIMEOUT", "message": "x"}}});
    let url = format!("{}/sandbox/faults", org.url);
    let body = fault.to_string();
    let request = org.client.post(&url).header("Content-Type", "application/json").body(body);
    assert_eq!(request.send().await.unwrap().status(), 204);
    assert_eq!(org.post("/sobjects/Case", json!({})).await.code(), "QUERY_TIMEOUT");
    let made = org.made("Case", json!({})).await;
    let records = org.client.get(format!("{}/sandbox/records/Case", org.url)).send().await.unwrap();
    let records: serde_json::Value = serde_json::from_str(&records.text().await.unwrap()).unwrap();
    assert_eq!(records[0]["Id"], json!(made));
}
