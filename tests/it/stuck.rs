//! What could leave acknowledgements lying: floods, polls that take all, rows that nobody wakes.

use itop_sandbox::{Fault, FaultKind, Operations};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// An event of a company that nobody has linked.
fn of_retail(key: &str) -> Value {
    with(event(key), "/company", json!({"id": 77, "name": "ACME Retail"}))
}

async fn inbox(world: &World) -> Value {
    world.get("/readyz").await.expect(200)["inbox"].clone()
}

async fn rows(world: &World, query: &str) -> Vec<Value> {
    let rows = world.get(&format!("{ACKNOWLEDGEMENTS}?limit=1000&{query}")).await.expect(200);
    rows["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_flood_of_a_company_that_nobody_linked_is_blocked_together() {
    let world = World::linked().await;
    let flood: Vec<_> = (0..600).map(|n| of_retail(&n.to_string())).collect();
    world.post(ACKNOWLEDGEMENTS, &json!(flood)).await.expect(200);
    // It does not hold up others.
    world.acknowledge(&event("other")).await.expect(201);
    let all_blocked = async || (inbox(&world).await["blocked"] == 600).then_some(());
    world.until("all are blocked", all_blocked).await;
    let blocked = rows(&world, "state=blocked").await;
    let (mut tried, sentence) = (0, blocked[0]["problem"].clone());
    assert_eq!(sentence["code"], "company-not-linked");
    for row in &blocked {
        assert_eq!(row["problem"], sentence);
        assert!(row["next_attempt_at"].is_string(), "{row}");
        let row = world.get(row["links"]["self"].as_str().unwrap()).await.expect(200);
        tried += usize::from(row["history"] != json!([]));
    }
    // Those that were tried by themselves were under way when the first was blocked.
    assert!((1..=32).contains(&tried), "{tried}");

    // They are looked at again as one, too.
    let next = |row: &Value| row["next_attempt_at"].as_str().map(str::to_owned);
    let before = blocked.iter().map(next).max().unwrap();
    world.clock.advance(world.config.delivery.recheck_blocked.duration());
    world
        .until("all wait for the next look", async || {
            let blocked = rows(&world, "state=blocked").await;
            blocked.iter().all(|row| next(row) > before).then_some(())
        })
        .await;
    let unlinked = world.get("/api/v1/links/unlinked").await.expect(200);
    assert_eq!(unlinked["items"][0]["waiting"], 600);

    // One by one they become tickets when it is linked.
    world.link(77, json!({"organization": "ACME Retail", "team": "Helpdesk"})).await;
    world
        .until("all have tickets", async || (inbox(&world).await["blocked"] == 0).then_some(()))
        .await;
    world.finish().await;
}

#[tokio::test]
async fn what_differs_is_not_taken_for_the_same_company() {
    let world = World::linked().await;
    // Closed, so that all of them are there when the first is tried.
    world.itop.faults().set_maintenance(true);
    world.get("/api/v1/teams?refresh=true").await;
    let site = with(of_retail("site"), "/site", json!({"id": 5, "name": "Lyon"}));
    let test = with(of_retail("test"), "/event_type", json!("test"));
    world.put("/api/v1/links/77/sites/5", &json!({})).await;
    let list = json!([of_retail("first"), of_retail("second"), site, test, event("linked")]);
    world.post(ACKNOWLEDGEMENTS, &list).await.expect(200);
    world.itop.faults().clear();
    world
        .until("iTop is back", async || {
            world.clock.advance(world.config.delivery.probe_max.duration());
            (world.get("/readyz").await.expect(200)["gate"]["state"] == "open").then_some(())
        })
        .await;
    world
        .until("all have come to something", async || {
            let inbox = inbox(&world).await;
            (inbox["accepted"] == 0 && inbox["creating"] == 0).then_some(())
        })
        .await;
    let of = |rows: &[Value], key: &str| {
        let row = rows.iter().find(|row| row["event_id"] == format!("event-{key}"));
        row.unwrap()["state"].clone()
    };
    let rows = rows(&world, "").await;
    for (key, state) in [
        ("first", "blocked"),
        ("second", "blocked"),
        ("site", "blocked"),
        ("test", "recorded"),
        ("linked", "created"),
    ] {
        assert_eq!(of(&rows, key), state, "{key}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_next_row_of_a_control_goes_on_when_the_one_before_it_is_given_up() {
    let world = World::linked().await;
    // The first one's create is cut: it is unknown, and holds up the second.
    world.itop.faults().switch_on(Fault::new(FaultKind::CutBefore).on(Operations::Create).times(1));
    let first = world.acknowledge(&event("a")).await.expect(202);
    assert_eq!(first["state"], "unknown");
    let second = with(event("a"), "/event_id", json!("second"));
    let now = [("prefer", "wait=0")];
    let body = Some(second.to_string());
    let second = world.send(Method::POST, ACKNOWLEDGEMENTS, &now, body).await.expect(202);
    // Nothing wakes it but that: the clock stands, in which it is looked for once a minute.
    world.until_state(&first["id"], "created").await;
    world.until_state(&second["id"], "reused").await;
    world.finish().await;
}

#[tokio::test]
async fn whoever_waits_for_a_row_is_answered_when_it_is_discarded_and_the_next_goes_on() {
    let world = World::linked().await;
    world.itop.faults().set_maintenance(true);
    world.get("/api/v1/teams?refresh=true").await;
    let first = async {
        let wait = [("prefer", "wait=30")];
        world.send(Method::POST, ACKNOWLEDGEMENTS, &wait, Some(event("a").to_string())).await
    };
    let discard = async {
        let waiting = async || rows(&world, "state=accepted").await.pop();
        let row = world.until("it is there", waiting).await;
        let path = format!("{}/discard", row["links"]["self"].as_str().unwrap());
        world.post(&path, &json!({"reason": "known"})).await.expect(200);
    };
    let (answer, ()) = tokio::join!(first, discard);
    assert_eq!(answer.expect(200)["state"], "discarded");
    world.finish().await;
}

#[tokio::test]
async fn the_counts_are_those_of_the_rows_also_after_a_restart() {
    let mut world = World::linked().await;
    world.acknowledge(&event("created")).await.expect(201);
    world.acknowledge(&of_retail("blocked")).await.expect(202);
    let discarded = world.acknowledge(&of_retail("discarded")).await.expect(202);
    let path = format!("{}/discard", discarded["links"]["self"].as_str().unwrap());
    world.post(&path, &json!({"reason": "known"})).await.expect(200);
    world.acknowledge(&with(event("failed"), "/ticket/existing_ref", json!("I-9"))).await;
    world.acknowledge(&json!({"event_id": "rejected"})).await.expect(422);
    // A repeated post is no row; a conflict is refused, too.
    world.acknowledge(&event("created")).await.expect(200);
    let other = with(event("created"), "/control/id", json!("other"));
    world.acknowledge(&other).await.problem(409, "conflict");

    let expected = json!({
        "accepted": 0, "creating": 0, "unknown": 0, "failed": 1, "blocked": 1, "rejected": 2,
    });
    for _ in 0..2 {
        let ready = world.get("/readyz").await.expect(200);
        assert_eq!((&ready["inbox"], &ready["waiting"]), (&expected, &json!(1)));
        world.stop_bridge().await;
        world.start_bridge().await;
    }
    world.clock.advance(std::time::Duration::from_secs(90));
    let age = world.get("/readyz").await.expect(200)["oldest_waiting_seconds"].as_u64().unwrap();
    assert!((90..180).contains(&age), "{age}");
    world.finish().await;
}
