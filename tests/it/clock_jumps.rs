//! The time of day is put forward and back while things wait: nothing waits longer for that, nothing is
//! done too early, and nothing is taken for younger than it is.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use jiff::SignedDuration;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Config, Period},
    store,
};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// A quarter of an hour is less than any bound, two years are more.
const JUMPS: [SignedDuration; 4] = [
    SignedDuration::from_mins(15),
    SignedDuration::from_mins(-15),
    SignedDuration::from_hours(2 * 365 * 24),
    SignedDuration::from_hours(-2 * 365 * 24),
];

const SETTLE: Duration = Duration::from_secs(30);

/// Waits that are short by the clock that is moved, and time-outs by the one that is not.
fn quick(config: &mut Config) {
    config.itop.as_mut().unwrap().create_timeout = Period::millis(500);
    config.delivery.backoff_first = Period::seconds(5);
    config.delivery.backoff_max = Period::seconds(8);
}

async fn quick_world() -> World {
    let world = World::with(Options::default(), quick).await;
    world.link_demo().await;
    world.read_lists().await;
    world
}

/// Posts without waiting; the row's id.
async fn post(world: &World, event: &Value) -> Value {
    let wait = [("prefer", "wait=0")];
    let body = Some(event.to_string());
    let answer = world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &wait, body).await;
    assert!(answer.status < 300, "{}", answer.text);
    answer.body["id"].clone()
}

/// Lets time pass second by second, at most so many, until a row is in this state.
async fn within(world: &World, seconds: u64, id: &Value, state: &str) {
    let path = format!("{ACKNOWLEDGEMENTS}/{id}");
    let left = std::cell::Cell::new(seconds);
    world
        .until(&format!("{id} is {state} within {seconds} s"), async || {
            if left.get() > 0 {
                left.set(left.get() - 1);
                world.clock.advance(Duration::from_secs(1));
            }
            // What is due is done meanwhile.
            world.get("/api/v1/companies?refresh=true").await;
            (world.get(&path).await.expect(200)["state"] == state).then_some(())
        })
        .await;
}

fn busy() -> Fault {
    let kind = FaultKind::Refuse { code: 1213, message: "Deadlock found".to_owned() };
    Fault::new(kind).on(Operations::Create)
}

#[tokio::test]
async fn a_row_that_waits_for_its_next_attempt_waits_no_longer() {
    for by in JUMPS {
        let world = quick_world().await;
        world.itop.faults().switch_on(busy().times(1));
        let id = world.acknowledge(&event("a")).await.body["id"].clone();
        let before = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
        assert_eq!(before["state"], "accepted", "{before}");
        world.clock.step(by);
        // People read when it is tried by the clock on their wall.
        let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
        let next: jiff::Timestamp = row["next_attempt_at"].as_str().unwrap().parse().unwrap();
        let ahead = next.duration_since(world.clock.now()).as_secs();
        assert!((0..=5).contains(&ahead), "{by:?}: {row}");
        within(&world, 6, &id, "created").await;
        world.finish().await;
    }
}

#[tokio::test]
async fn a_blocked_row_is_looked_at_as_soon_as_before() {
    for by in JUMPS {
        let world = World::with(Options::default(), |_| {}).await;
        world.link(42, json!({"organization": "Demo"})).await;
        let nowhere = with(event("a"), "/team", json!("Newcomers"));
        let blocked = world.acknowledge(&nowhere).await.expect(202);
        assert_eq!(blocked["state"], "blocked", "{blocked}");
        world.clock.step(by);
        let team = json!({"name": "Newcomers", "org_id": 3, "status": "active"});
        let team = world.itop.create("Team", team).await.unwrap();
        let model = world.itop.select("SELECT DeliveryModel AS d JOIN Organization AS o ON o.deliverymodel_id = d.id WHERE o.id = 3").await.unwrap()[0];
        let serves = json!({"deliverymodel_id": model, "contact_id": team});
        world.itop.create("lnkDeliveryModelToContact", serves).await.unwrap();
        world.clock.advance(Duration::from_mins(5));
        within(&world, 30, &blocked["id"], "created").await;
        world.finish().await;
    }
}

#[tokio::test]
async fn an_unknown_outcome_settles_neither_earlier_nor_later() {
    for by in JUMPS {
        let world = quick_world().await;
        // Held by a proxy for twenty seconds, and evaluated then.
        let held = FaultKind::HeldBefore { ms: 20_000 };
        world.itop.faults().switch_on(Fault::new(held).on(Operations::Create).times(1));
        let slow = post(&world, &event("slow")).await;
        world.until_state(&slow, "unknown").await;
        // And one that iTop never got.
        let cut = Fault::new(FaultKind::CutBefore).on(Operations::Create).times(1);
        world.itop.faults().switch_on(cut);
        let lost = post(&world, &event("lost")).await;
        world.until_state(&lost, "unknown").await;
        let creates = world.itop.requests_seen().of("core/create");
        world.clock.step(by);
        for _ in 0..5 {
            world.clock.advance(Duration::from_secs(3));
            world.get("/api/v1/companies?refresh=true").await.expect(200);
        }
        assert_eq!(world.itop.requests_seen().of("core/create"), creates, "{by:?}: too early");
        within(&world, 12, &slow, "created").await;
        within(&world, 60, &lost, "created").await;
        assert_eq!(world.itop.tickets().await.unwrap().len(), 2, "{by:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_line_is_read_back_as_soon_as_before() {
    for by in JUMPS {
        let world = quick_world().await;
        world.acknowledge(&event("a")).await.expect(201);
        let again = with(event("b"), "/control/id", json!("control-a"));
        world.acknowledge(&again).await.expect(200);
        world.clock.step(by);
        let ticket = world.itop.tickets().await.unwrap().remove(0);
        let created = json!({"message": ticket.private_log[0], "format": "text"});
        let overwrite = json!({"private_log": {"items": [created]}});
        world.itop.change("Incident", ticket.id, overwrite).await.unwrap();
        for _ in 0..3 {
            world.clock.advance(Duration::from_secs(1));
            world.get("/api/v1/companies?refresh=true").await.expect(200);
        }
        world
            .until("the line is there again", async || {
                let log = world.itop.tickets().await.unwrap().remove(0).private_log;
                (log.len() == 2).then_some(())
            })
            .await;
        world.finish().await;
    }
}

#[tokio::test]
async fn a_closed_gate_is_probed_as_soon_as_before() {
    for by in JUMPS {
        let world = quick_world().await;
        world.itop.faults().set_maintenance(true);
        let id = post(&world, &event("a")).await;
        world
            .until("the gate is closed", async || {
                let ready = world.get("/readyz").await.expect(200);
                (ready["gate"]["state"] == "closed").then_some(())
            })
            .await;
        world.clock.step(by);
        world.itop.faults().set_maintenance(false);
        within(&world, 30, &id, "created").await;
        world.finish().await;
    }
}

#[tokio::test]
async fn the_status_of_a_ticket_is_never_taken_for_younger_than_it_is() {
    for by in JUMPS {
        let world = quick_world().await;
        world.acknowledge(&event("a")).await.expect(201);
        let path = "/api/v1/controls/control-a/ticket";
        assert_eq!(world.get(path).await.expect(200)["ticket"]["status"], "new");
        let id = world.itop.tickets().await.unwrap()[0].id;
        world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
        world.clock.step(by);
        if by.is_negative() {
            world.clock.advance(Duration::from_secs(6));
        }
        // Put forward, the machine may have been suspended for as long.
        let known = world.get(path).await.expect(200);
        assert_eq!(known["ticket"]["status"], "assigned", "{by:?}");
        let as_of: jiff::Timestamp = known["as_of"].as_str().unwrap().parse().unwrap();
        let age = world.clock.now().duration_since(as_of).as_secs();
        assert!((0..=10).contains(&age), "{by:?}: {age}");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_list_is_never_taken_for_younger_than_it_is() {
    for by in JUMPS {
        let world = quick_world().await;
        let names = async || {
            let list = world.get("/api/v1/companies").await.expect(200);
            list["items"].to_string().contains("Newcomers")
        };
        assert!(!names().await);
        world.itop.create("Organization", json!({"name": "Newcomers"})).await.unwrap();
        assert!(!names().await);
        world.clock.step(by);
        if by.is_negative() {
            world.clock.advance(Duration::from_mins(11));
        }
        world.until("the list is read again", async || names().await.then_some(())).await;
        world.finish().await;
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_and_is_put_right_leaves_nothing_hanging() {
    for restarts in [false, true] {
        let mut world = quick_world().await;
        let years = SignedDuration::from_hours(3 * 365 * 24);
        world.clock.step(years);
        world.acknowledge(&event("made")).await.expect(201);
        world.itop.faults().switch_on(busy().times(1));
        let waits = world.acknowledge(&event("waits")).await.body["id"].clone();
        let cut = Fault::new(FaultKind::CutBefore).on(Operations::Create).times(1);
        world.itop.faults().switch_on(cut);
        let unknown = post(&world, &event("unknown")).await;
        world.until_state(&unknown, "unknown").await;
        if restarts {
            world.stop_bridge().await;
        }
        world.clock.step(-years);
        if restarts {
            world.start_bridge().await;
        }
        // What was read in the future is read again.
        let id = world.itop.tickets().await.unwrap()[0].id;
        world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
        within(&world, 10, &waits, "created").await;
        within(&world, SETTLE.as_secs() + 60, &unknown, "created").await;
        let known = world.get("/api/v1/controls/control-made/ticket").await.expect(200);
        assert_eq!(known["ticket"]["status"], "assigned", "{known}");
        assert_eq!(world.itop.tickets().await.unwrap().len(), 3);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_backup_that_was_restored_while_the_clock_was_ahead_holds_nothing_up_for_ever() {
    let mut world = quick_world().await;
    world.acknowledge(&event("before")).await.expect(201);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    store::backup(&world.database(), &copy).unwrap();
    world.stop_bridge().await;
    let ahead = world.clock.now() + SignedDuration::from_hours(3 * 365 * 24);
    store::restore(&copy, &world.database(), ahead).unwrap();
    world.start_bridge().await;
    let id = post(&world, &event("after")).await;
    let path = format!("{ACKNOWLEDGEMENTS}/{id}");
    world
        .until("it is created", async || {
            world.clock.advance(Duration::from_secs(10));
            world.get("/api/v1/companies?refresh=true").await;
            (world.get(&path).await.expect(200)["state"] == "created").then_some(())
        })
        .await;
    // That nothing of before is under way is known once, also after a restart.
    world.stop_bridge().await;
    world.start_bridge().await;
    let id = post(&world, &event("later")).await;
    within(&world, 3, &id, "created").await;
    world.finish().await;
}
