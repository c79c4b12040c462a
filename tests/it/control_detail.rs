//! All that is known of one control, and how it went.

use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

async fn detail(world: &World, control: &str) -> Value {
    world.get(&format!("/api/v1/controls/detail?control={control}")).await.expect(200)
}

/// The kinds of what happened, newest first.
fn kinds(detail: &Value) -> Vec<&str> {
    let log = detail["log"].as_array().unwrap();
    log.iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_control_is_told_with_its_ticket_its_event_and_how_it_went() {
    let world = World::linked().await;
    let contact = with(event("a"), "/contact", json!({"email": "nobody@demo.com"}));
    let made = world.acknowledge(&contact).await.expect(201);
    let told = detail(&world, "control-a").await;
    let ticket = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(told["control"], ticket["control"]);
    assert_eq!(told["ticket"]["ref"], ticket["ticket"]["ref"]);
    assert_eq!((&told["pending"], &told["company_name"]), (&Value::Null, &json!("Demo")));
    let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", made["id"])).await.expect(200);
    assert_eq!(told["acknowledgement"], row);
    assert_eq!(row["warnings"].as_array().unwrap().len(), 1, "{row}");
    assert_eq!(told["event"]["control"]["output"], "C: 97% used");
    assert_eq!(told["event"]["acknowledgement"]["comment"], "Purge in progress");
    assert_eq!(told["earlier"], json!([]));
    assert_eq!(kinds(&told), ["status", "ticket", "received", "state"]);
    let log = &told["log"];
    assert_eq!((&log[0]["status"], &log[0]["team"]), (&json!("new"), &json!("Helpdesk")));
    assert_eq!((&log[1]["number"], &log[1]["state"]), (&made["ticket"]["ref"], &json!("created")));
    assert!(log[1]["millis"].as_u64().unwrap() < 60_000);
    assert_eq!((&log[2]["by"], &log[2]["at"]), (&json!("Jean Dupont"), &row["received_at"]));
    assert_eq!(log[3]["at"], "2026-11-21T08:14:09Z");

    // A line, and a recovery, which asks for nothing.
    let again = with(event("a"), "/event_id", json!("again"));
    world.acknowledge(&again).await.expect(200);
    let well = with(with(event("a"), "/event_id", json!("well")), "/event_type", json!("recovery"));
    let well = with(
        with(well, "/control/state", json!("OK")),
        "/control/status_changed_at",
        json!("2026-11-21T09:00:00Z"),
    );
    world.acknowledge(&well).await.expect(200);
    let told = detail(&world, "control-a").await;
    assert_eq!(
        kinds(&told),
        [
            "status", "ended", "received", "state", "line", "ticket", "received", "ticket",
            "received", "state"
        ]
    );
    assert!(told["log"][4]["words"].as_str().unwrap().contains("Purge in progress"));
    assert_eq!(told["log"][5]["state"], "reused");
    assert_eq!(told["acknowledgement"]["event_id"], "again");
    world.finish().await;
}

#[tokio::test]
async fn what_has_to_do_with_earlier_tickets_stands_apart() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("a")).await.expect(201);
    let forced = with(with(event("a"), "/event_id", json!("b")), "/ticket/new", json!(true));
    let second = world.acknowledge(&forced).await.expect(201);
    let told = detail(&world, "control-a").await;
    assert_eq!(told["ticket"]["ref"], second["ticket"]["ref"]);
    assert_eq!(told["earlier"].as_array().unwrap().len(), 1);
    let earlier = &told["earlier"][0];
    assert_eq!((&earlier["id"], &earlier["by"]), (&first["id"], &json!("Jean Dupont")));
    assert_eq!(earlier["ticket"]["ref"], first["ticket"]["ref"]);
    assert_eq!(kinds(&told), ["status", "ticket", "received", "state"]);
    world.finish().await;
}

#[tokio::test]
async fn a_control_without_a_ticket_tells_what_it_waits_for() {
    let world = World::linked().await;
    let unlinked = with(event("new"), "/company", json!({"id": 99, "name": "Néo"}));
    let unlinked = with(unlinked, "/site", json!({"id": 7, "name": "Brest"}));
    let blocked = world.acknowledge(&unlinked).await.expect(202);
    let told = detail(&world, "control-new").await;
    assert_eq!((&told["ticket"], &told["company_name"]), (&Value::Null, &json!("Néo")));
    assert_eq!(told["site"], json!({"key": "id:7", "name": "Brest"}));
    assert_eq!(told["pending"]["acknowledgement"], blocked["id"]);
    assert_eq!(told["acknowledgement"]["id"], blocked["id"]);
    assert_eq!(kinds(&told), ["problem", "received", "state"]);
    assert_eq!(told["log"][0]["code"], "company-not-linked");
    let discard = format!("{ACKNOWLEDGEMENTS}/{}/discard", blocked["id"]);
    world.post(&discard, &json!({"reason": "a test of theirs"})).await.expect(200);
    let told = detail(&world, "control-new").await;
    assert_eq!(told["pending"], Value::Null);
    assert_eq!(kinds(&told), ["ended", "problem", "received", "state"]);
    assert_eq!(told["log"][0]["reason"], "a test of theirs");
    assert_eq!(told["log"][0]["by"], "anyone");

    // What operators did stands where it happened.
    let unlinked = with(unlinked, "/event_id", json!("later"));
    let later = world.acknowledge(&unlinked).await.expect(202);
    world.link(99, json!({"organization": "Demo", "team": "Helpdesk"})).await;
    world.until_state(&later["id"], "created").await;
    let told = detail(&world, "control-new").await;
    assert_eq!(kinds(&told)[..5], ["status", "ticket", "operator", "problem", "received"]);
    assert_eq!(told["log"][2]["done"], "linked");
    assert_eq!(told["earlier"].as_array().unwrap().len(), 1);

    let gone = world.get("/api/v1/controls/detail?control=nobody").await;
    let detail = gone.problem(404, "not-found");
    assert!(detail.contains("'nobody'"), "{detail}");
    world.get("/api/v1/controls/detail").await.problem(400, "bad-parameter");
    world.finish().await;
}
