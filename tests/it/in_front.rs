//! What stands in front of iTop: a firewall that objects to one text, limits, answers that are too
//! long.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use serde_json::{Value, json};
use servicenav_itop_bridge::{config::Period, secret::Secret};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

fn firewall(status: u16, word: &str) -> Fault {
    Fault::new(FaultKind::Firewall { status, word: word.to_owned() })
}

async fn world() -> World {
    let world = World::with(Options::default(), |config| {
        config.delivery.backoff_first = Period::seconds(1);
        config.delivery.settle = Period::seconds(5);
    })
    .await;
    world.link_demo().await;
    world.read_lists().await;
    world
}

async fn row(world: &World, id: &Value) -> Value {
    world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200)
}

/// Lets time pass until a row is in this state, while the gate stays open.
async fn in_time(world: &World, id: &Value, state: &str) -> Value {
    world
        .until(&format!("{id} is {state}"), async || {
            world.clock.advance(Duration::from_secs(1));
            let ready = world.get("/readyz").await.expect(200);
            assert_eq!(ready["gate"]["state"], "open", "{ready}");
            let row = row(world, id).await;
            (row["state"] == state).then_some(row)
        })
        .await
}

#[tokio::test]
async fn a_firewall_that_objects_to_one_text_fails_that_row_and_stops_no_other() {
    for (status, after_effect) in [(403, false), (406, false), (400, false), (200, false)] {
        let world = world().await;
        let mut objects = firewall(status, "UNION SELECT").on(Operations::Create);
        objects.after_effect = after_effect;
        world.itop.faults().switch_on(objects);
        let slow = "slow query: SELECT a FROM t UNION SELECT b FROM u";
        let refused = with(event("a"), "/control/output", json!(slow));
        let id = world.acknowledge(&refused).await.body["id"].clone();
        // Others go on meanwhile.
        world.acknowledge(&event("b")).await.expect(201);
        let failed = in_time(&world, &id, "failed").await;
        let problem = failed["problem"]["message"].as_str().unwrap();
        assert_eq!(failed["problem"]["code"], "turned-away", "{failed}");
        assert!(problem.contains(&format!("HTTP {status}")), "{problem}");
        assert!(problem.contains("Support ID 77120"), "{problem}");
        assert!(failed["attempts"].as_u64().unwrap() <= 6, "{failed}");
        world.acknowledge(&event("c")).await.expect(201);
        assert_eq!(world.itop.tickets().await.unwrap().len(), 2);
        // Let through there, it is retried.
        world.itop.faults().clear();
        world.post(&format!("{ACKNOWLEDGEMENTS}/{id}/retry"), &json!({})).await.expect(200);
        in_time(&world, &id, "created").await;
        world.finish().await;
    }
}

#[tokio::test]
async fn a_firewall_that_objects_to_the_answer_does_not_have_the_ticket_made_twice() {
    for status in [403, 406, 429, 200] {
        let world = world().await;
        let objects = firewall(status, "UNION SELECT").on(Operations::Create).after_effect();
        world.itop.faults().switch_on(objects);
        let event = with(event("a"), "/control/output", json!("UNION SELECT"));
        let id = world.acknowledge(&event).await.body["id"].clone();
        in_time(&world, &id, "created").await;
        assert_eq!(world.itop.tickets().await.unwrap().len(), 1, "{status}");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_line_that_a_firewall_objects_to_fails_its_row_too() {
    let world = world().await;
    world.acknowledge(&event("a")).await.expect(201);
    world.itop.faults().switch_on(firewall(403, "DROP TABLE").on(Operations::Update));
    let again = with(event("b"), "/control/id", json!("control-a"));
    let again = with(again, "/acknowledgement/comment", json!("the cause was DROP TABLE x"));
    let id = world.acknowledge(&again).await.body["id"].clone();
    let failed = in_time(&world, &id, "failed").await;
    assert_eq!(failed["problem"]["code"], "turned-away", "{failed}");
    world.finish().await;
}

#[tokio::test]
async fn a_firewall_that_objects_to_one_companys_list_stops_no_other_company() {
    let world = world().await;
    world.link(51, json!({"organization": "ACME Logistics", "team": "On-call team"})).await;
    world.itop.faults().switch_on(firewall(403, "org_id = 5002").on(Operations::Read));
    let of_acme = with(event("a"), "/company", json!({"id": 51, "name": "ACME Logistics"}));
    // A name with blanks at its end is in no list that is known, so that lists are asked.
    let of_acme = with(of_acme, "/contact", json!({"name": "Nobody  knows"}));
    let of_acme = with(of_acme, "/team", json!("On-call team"));
    let id = world.acknowledge(&of_acme).await.body["id"].clone();
    world.acknowledge(&event("b")).await.expect(201);
    let made = in_time(&world, &id, "created").await;
    assert!(made["warnings"].to_string().contains("HTTP 403"), "{made}");
    let list = world.get("/api/v1/companies/5002/contacts").await;
    assert!(list.status >= 500, "{}", list.text);
    world.get("/api/v1/companies/3/contacts?refresh=true").await.expect(200);
    assert_eq!(world.get("/readyz").await.expect(200)["gate"]["state"], "open");
    world.finish().await;
}

#[tokio::test]
async fn where_everything_is_turned_away_the_gate_closes_and_nothing_fails() {
    for (status, reason) in [(403, "not-itop"), (429, "unreachable"), (401, "not-itop")] {
        let world = world().await;
        world.itop.faults().switch_on(firewall(status, ""));
        let id = world.acknowledge(&event("a")).await.body["id"].clone();
        world
            .until("the gate is closed", async || {
                let ready = world.get("/readyz").await.expect(200);
                (ready["gate"]["reason"] == reason).then_some(())
            })
            .await;
        for _ in 0..20 {
            world.clock.advance(Duration::from_secs(30));
            let row = row(&world, &id).await;
            assert!(row["state"] != "failed", "{row}");
        }
        world.itop.faults().clear();
        world
            .until("it is created", async || {
                world.clock.advance(Duration::from_secs(1));
                (row(&world, &id).await["state"] == "created").then_some(())
            })
            .await;
        assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_limit_is_waited_for_and_leaves_no_outcome_unknown() {
    let world = world().await;
    world.itop.faults().switch_on(firewall(429, "").on(Operations::Create).times(6));
    let id = world.acknowledge(&event("a")).await.body["id"].clone();
    let made = in_time(&world, &id, "created").await;
    let history = made["history"].to_string();
    assert!(history.contains("HTTP 429") && !history.contains("\"unknown\""), "{history}");
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_its_kind_is_none() {
    let world = world().await;
    let long =
        Fault::new(FaultKind::EndlessAnswer { megabytes: 5 }).on(Operations::Create).times(1);
    world.itop.faults().switch_on(long);
    let id = world.acknowledge(&event("a")).await.body["id"].clone();
    let row = in_time(&world, &id, "created").await;
    assert!(row["history"].to_string().contains("longer than 4 MB"), "{row}");
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1, "it was made, and is found");
    // A list may be longer.
    let long = Fault::new(FaultKind::EndlessAnswer { megabytes: 5 }).on(Operations::Read).times(1);
    world.itop.faults().switch_on(long);
    world.insist("/api/v1/companies").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_way_is_known_at_the_start() {
    let world = World::with(Options::default(), |config| {
        config.itop.as_mut().unwrap().password = Some(Secret::new("wrong".to_owned()));
    })
    .await;
    // Nothing was posted or asked.
    world
        .until("the gate is closed", async || {
            let ready = world.get("/readyz").await.expect(200);
            (ready["gate"]["reason"] == "credentials").then_some(())
        })
        .await;
    world.finish().await;
}
