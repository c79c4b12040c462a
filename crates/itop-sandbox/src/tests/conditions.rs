//! What must hold when something is written.

use super::*;

#[tokio::test]
async fn the_probe_of_the_path_uses_up_a_number_and_makes_a_ticket_only_where_nothing_is_checked() {
    let sandbox = start(Options::default()).await;
    let number = |answer: &serde_json::Value| {
        let (_, created) = answer["objects"].as_object().unwrap().iter().next().unwrap();
        created["fields"]["ref"].as_str().unwrap()[2..].parse::<u32>().unwrap()
    };
    let probe = json!({
        "operation": "core/create", "class": "UserRequest", "comment": "test",
        "fields": { "title": "x".repeat(256) }, "output_fields": "id,ref",
    });
    let before = number(&call(&sandbox, "bridge", create("a")).await);
    let refused = call(&sandbox, "bridge", probe.clone()).await;
    assert_eq!(refused["code"], 100, "{refused}");
    assert_eq!(number(&call(&sandbox, "bridge", create("b")).await), before + 2);
    assert_eq!(sandbox.tickets().await.unwrap().len(), 2);
    sandbox.faults().set(FaultKind::SkipChecks, true);
    assert_eq!(call(&sandbox, "bridge", probe).await["code"], 0);
    assert_eq!(sandbox.tickets().await.unwrap()[2].org_id, 0);
}

#[tokio::test]
async fn what_must_hold_is_asked_for_in_the_order_of_the_fields_and_after_the_right_to_write() {
    let sandbox = start(Options::default()).await;
    let mut create = create("t");
    create["fields"] = json!({
        "title": "t", "description": "d",
        "functionalcis_list": [{ "functionalci_id": "SELECT FunctionalCI WHERE id = 7000" }],
        "caller_id": "SELECT Person WHERE id = 7000",
        "org_id": "SELECT Organization WHERE id IN (SELECT Organization AS o WHERE o.id = 5002)",
    });
    let refused = call(&sandbox, "bridge", create.clone()).await;
    let first = "Error: functionalcis_list: functionalci_id: No item found for query: SELECT \
                 FunctionalCI WHERE id = 7000";
    assert_eq!(refused["message"], first);
    sandbox.faults().set(FaultKind::ReadOnly, true);
    assert_eq!(call(&sandbox, "bridge", create.clone()).await["code"], 1);
    sandbox.faults().clear();
    create["fields"].as_object_mut().unwrap().shift_remove("functionalcis_list");
    create["fields"]["caller_id"] = json!({ "org_id": 5002, "email": "julie.martin@acme.example" });
    assert_eq!(call(&sandbox, "bridge", create.clone()).await["code"], 0);
    create["fields"]["caller_id"]["email"] = json!("nobody@acme.example");
    assert_eq!(
        call(&sandbox, "bridge", create.clone()).await["message"],
        "Error: caller_id: No item found with criteria: org_id: 5002 (5002), email: \
         nobody@acme.example (nobody@acme.example)"
    );
    create["fields"].as_object_mut().unwrap().shift_remove("caller_id");
    sandbox.faults().set(FaultKind::NoNestedQueries, true);
    let old = call(&sandbox, "bridge", create).await;
    let message = old["message"].as_str().unwrap();
    assert!(message.starts_with("Error: org_id: Unexpected token SELECT - found 'SELECT' at 33"));
    // The key of an update packs the same exception.
    let update = json!({
        "operation": "core/update", "class": "UserRequest", "comment": "test",
        "key": "SELECT UserRequest WHERE id IN (SELECT UserRequest AS u)", "fields": {},
    });
    let packed = call(&sandbox, "bridge", update).await;
    assert!(packed["message"].as_str().unwrap().starts_with("Error: Query failed to execute: "));
}

/// What a fault does to a request that a condition should refuse, and to one that it should not.
#[tokio::test]
async fn a_refusal_by_a_condition_has_four_shapes() {
    let sandbox = start(Options::default()).await;
    let mut conditional = create("t");
    let org = "SELECT Organization WHERE id = 5002 AND status = 'inactive'";
    let caller = "SELECT Person WHERE id = 601 AND org_id = 5003";
    let ci = "SELECT FunctionalCI WHERE id = 200001 AND org_id = 5003";
    conditional["fields"]["caller_id"] = json!(caller);
    conditional["fields"]["functionalcis_list"] = json!([{ "functionalci_id": ci }]);
    conditional["output_fields"] = json!("id,caller_id,functionalcis_list");
    let sent = async |data: &serde_json::Value| call(&sandbox, "bridge", data.clone()).await;
    let message = format!("Error: caller_id: No item found for query: {caller}");
    assert_eq!(sent(&conditional).await["message"], message);

    sandbox.faults().set(FaultKind::GoneAtFetch { attribute: None }, true);
    let silent = sent(&conditional).await;
    assert_eq!(silent["code"], 0, "{silent}");
    let (_, created) = silent["objects"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(created["fields"]["caller_id"], "0");
    assert_eq!(created["fields"]["functionalcis_list"], json!([]));
    conditional["fields"]["org_id"] = json!(org);
    assert_eq!(
        sent(&conditional).await["message"],
        "Error: Unexpected value for attribute 'Organization' (org_id) : Null not allowed: issues \
         = {0=>Unexpected value for attribute 'Organization' (org_id) : Null not allowed}, class = \
         UserRequest, id = -1"
    );
    let update = json!({
        "operation": "core/update", "class": "UserRequest", "comment": "test",
        "key": "SELECT UserRequest WHERE title = 't' AND status = 'closed'",
        "fields": { "title": "u" }, "output_fields": "id",
    });
    let crashed = try_call(&sandbox, "bridge", update.clone()).await.unwrap();
    assert_eq!(crashed.status(), 500);
    assert_eq!(crashed.headers()["content-type"], "text/html; charset=UTF-8");
    let page = crashed.text().await.unwrap();
    assert!(page.starts_with("<p>iTop: An error occurred"), "{page}");

    // The same can happen where everything holds when it is counted.
    sandbox.faults().clear();
    let gone = |code: &str| FaultKind::GoneAtFetch { attribute: Some(code.to_owned()) };
    sandbox.faults().switch_on(Fault::new(gone("caller_id")).times(1));
    let mut holds = create("v");
    holds["fields"]["caller_id"] = json!("SELECT Person WHERE id = 601");
    sent(&holds).await;
    sent(&holds).await;
    let callers: Vec<_> =
        sandbox.tickets().await.unwrap().iter().map(|ticket| ticket.caller_id).collect();
    assert_eq!(callers, [0, 0, 601]);
    sandbox.faults().switch_on(Fault::new(gone("key")).on(Operations::Update).times(1));
    let mut update = update;
    update["key"] = json!("SELECT UserRequest WHERE title = 't'");
    assert_eq!(try_call(&sandbox, "bridge", update.clone()).await.unwrap().status(), 500);
    assert_eq!(sent(&update).await["code"], 0);
}

#[tokio::test]
async fn what_is_joined_or_nested_is_not_narrowed_to_the_companies_of_the_account() {
    let sandbox = start(Options::default()).await;
    let marked = |org: i64| {
        let mut marked = create("t");
        marked["fields"]["org_id"] = json!(org);
        let item = json!({ "message": "[ack 00ff]", "format": "text" });
        marked["fields"]["private_log"] = json!({ "add_item": item });
        marked
    };
    call(&sandbox, "bridge", marked(5002)).await;
    let tickets = get("Ticket", "SELECT Ticket WHERE private_log LIKE '%[ack 00ff]%'", "id");
    assert_eq!(count(&call(&sandbox, "limited", tickets).await), 0);
    let nested = "SELECT Organization WHERE id = 3 AND 5002 IN (SELECT Organization AS o JOIN \
                  Ticket AS t ON t.org_id = o.id WHERE t.private_log LIKE '%[ack 00ff]%')";
    assert_eq!(count(&call(&sandbox, "limited", get("Organization", nested, "id")).await), 1);
}
