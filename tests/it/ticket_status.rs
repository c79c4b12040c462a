//! How fresh the status of tickets is, what it costs iTop, and what is said while iTop fails.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Config, Period};
use tokio::task::JoinSet;

use crate::world::{World, event, with};

const A: &str = "/api/v1/controls/control-a/ticket";
const BOARD: &str = "/api/v1/tickets";

/// Statuses are old after ten minutes, however slow the machine is, and nobody but those who ask
/// reads them.
fn patient(config: &mut Config) {
    config.board.max_age = Period::minutes(10);
    config.board.refresh = Period::days(30);
}

async fn patient_world(controls: &[&str]) -> World {
    let world = World::with(Options::default(), patient).await;
    world.link_demo().await;
    world.read_lists().await;
    for key in controls {
        world.acknowledge(&event(key)).await.expect(201);
    }
    world
}

#[tokio::test]
async fn each_change_shows_once_the_known_status_is_old() {
    let world = patient_world(&["a"]).await;
    let id = world.itop.tickets().await.unwrap()[0].id;
    let before = reads(&world);
    let mut status = "new".to_owned();
    for (stimulus, expected, open) in [
        ("ev_assign", "assigned", true),
        ("ev_resolve", "resolved", false),
        ("ev_reopen", "assigned", true),
        ("ev_resolve", "resolved", false),
        ("ev_close", "closed", false),
    ] {
        world.itop.apply_stimulus("Incident", id, stimulus).await.unwrap();
        assert_eq!(world.get(A).await.expect(200)["ticket"]["status"], *status);
        grow_old(&world);
        let known = world.get(A).await.expect(200);
        assert_eq!(known["ticket"]["status"], expected);
        assert_eq!((&known["ticket"]["open"], &known["stale"]), (&json!(open), &json!(false)));
        status = expected.to_owned();
    }
    assert_eq!(reads(&world) - before, 5);
    let agent = world.get(A).await.expect(200)["ticket"]["agent"].clone();
    assert!(agent.is_string(), "{agent}");
    world.finish().await;
}

#[tokio::test]
async fn open_tickets_are_read_now_and_then_although_nobody_asks() {
    let world = World::with(Options::default(), |config| {
        config.board.max_age = Period::days(1);
    })
    .await;
    world.link_demo().await;
    world.acknowledge(&event("a")).await.expect(201);
    let id = world.itop.tickets().await.unwrap()[0].id;
    world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
    assert_eq!(world.get(A).await.expect(200)["ticket"]["status"], "new");
    world
        .until("the change is known", async || {
            world.clock.advance(world.config.board.refresh.duration());
            (world.get(A).await.expect(200)["ticket"]["status"] == "assigned").then_some(())
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn a_deleted_ticket_is_told_and_spoils_nothing_else() {
    let world = patient_world(&["a", "b", "c"]).await;
    let tickets = world.itop.tickets().await.unwrap();
    world.itop.delete_ticket("Incident", tickets[1].id).await.unwrap();
    world.itop.apply_stimulus("Incident", tickets[2].id, "ev_assign").await.unwrap();
    grow_old(&world);
    let board = world.get(BOARD).await.expect(200);
    assert_eq!(
        told(&board),
        [("new", "present", true), ("new", "deleted", false), ("assigned", "present", true)]
    );
    assert_eq!(board["stale"], false);
    assert_eq!(board["items"][1]["ticket"]["ref"], tickets[1].reference);
    let open = world.get(&format!("{BOARD}?open=true")).await.expect(200);
    assert_eq!(open["items"].as_array().unwrap().len(), 2);

    // It does not stand in the way of the next one.
    let next = with(event("b"), "/event_id", json!("next"));
    let next = world.acknowledge(&next).await.expect(201);
    let known = world.get("/api/v1/controls/control-b/ticket").await.expect(200);
    assert_eq!(known["ticket"]["ref"], next["ticket"]["ref"]);
    assert_eq!(known["ticket"]["presence"], "present");
    world.finish().await;
}

#[tokio::test]
async fn a_ticket_that_the_account_may_no_longer_see_is_not_taken_for_deleted() {
    let mut world = patient_world(&["a"]).await;
    world.link(7, json!({"organization": "ACME Logistics"})).await;
    let other = with(event("b"), "/company", json!({"id": 7, "name": "ACME"}));
    world.acknowledge(&other).await.expect(201);
    let board = as_user(&mut world, "limited").await;
    assert_eq!(told(&board), [("new", "present", true), ("new", "not_visible", false)]);
    let board = as_user(&mut world, "bridge").await;
    assert_eq!(told(&board), [("new", "present", true), ("new", "present", true)]);
    world.finish().await;
}

/// The board as the bridge sees it with another account.
async fn as_user(world: &mut World, user: &str) -> Value {
    world.stop_bridge().await;
    user.clone_into(&mut world.config.itop.as_mut().unwrap().user);
    world.start_bridge().await;
    grow_old(world);
    world.get(BOARD).await.expect(200)
}

#[tokio::test]
async fn a_ticket_that_was_moved_to_another_organization_is_told() {
    let mut world = patient_world(&["a", "b"]).await;
    let tickets = world.itop.tickets().await.unwrap();
    let known = world.get(A).await.expect(200);
    assert_eq!(known["ticket"]["moved"], false);
    world.itop_changes("Incident", tickets[0].id.unsigned_abs(), json!({"org_id": 5002})).await;

    // It was one of an organization that the account sees, and is nowhere to be seen now.
    let board = as_user(&mut world, "limited").await;
    assert_eq!(told(&board), [("new", "not_visible", false), ("new", "present", true)]);

    let board = as_user(&mut world, "bridge").await;
    assert_eq!(told(&board), [("new", "present", true), ("new", "present", true)]);
    let moved: Vec<_> =
        board["items"].as_array().unwrap().iter().map(|item| &item["ticket"]["moved"]).collect();
    assert_eq!(moved, [true, false]);
    let number = known["ticket"]["ref"].as_str().unwrap();
    for path in [A.to_owned(), format!("{BOARD}/{number}")] {
        let answer = world.get(&path).await.expect(200);
        let ticket = if path == A { &answer["ticket"] } else { &answer["items"][0]["ticket"] };
        assert_eq!(ticket["moved"], true, "{path}");
    }

    // The next acknowledgement gets a ticket of the company's own.
    let next = with(event("a"), "/event_id", json!("next"));
    let next = world.acknowledge(&next).await.expect(201);
    let known = world.get(A).await.expect(200);
    assert_eq!(known["ticket"]["ref"], next["ticket"]["ref"]);
    assert_eq!(known["ticket"]["moved"], false);
    world.finish().await;
}

#[tokio::test]
async fn the_last_known_status_is_given_with_its_age_while_itop_is_down() {
    for kind in [FaultKind::Maintenance, FaultKind::DatabaseDown, FaultKind::CutBefore] {
        let world = patient_world(&["a", "b"]).await;
        let known = world.get(A).await.expect(200);
        world.itop.faults().set(kind.clone(), true);
        // An answer may be as late as its patience allows: only then is it stale.
        world.clock.advance(Duration::from_secs(4));
        grow_old(&world);
        let stale = world.get(A).await.expect(200);
        assert_eq!((&stale["stale"], &stale["as_of"]), (&json!(true), &known["as_of"]), "{kind:?}");
        assert_eq!(stale["ticket"], known["ticket"]);
        let board = world.get(BOARD).await.expect(200);
        assert_eq!((&board["stale"], &board["as_of"]), (&json!(true), &known["as_of"]));
        let number = known["ticket"]["ref"].as_str().unwrap();
        let found = world.get(&format!("{BOARD}/{number}")).await.expect(200);
        assert_eq!(found["items"], json!([stale]));

        world.itop.faults().clear();
        let fresh = world
            .until("the status is fresh again", async || {
                world.clock.advance(world.config.delivery.probe_max.duration());
                let known = world.get(A).await.expect(200);
                (known["stale"] == false).then_some(known)
            })
            .await;
        assert_ne!(fresh["as_of"], known["as_of"]);
        world.finish().await;
    }
}

#[tokio::test]
async fn an_itop_that_hangs_holds_nobody_up() {
    let world = patient_world(&["a"]).await;
    let known = world.get(A).await.expect(200);
    let hours = Fault::new(FaultKind::Slow { before_ms: 7_200_000, after_ms: 0 });
    world.itop.faults().switch_on(hours.on(Operations::Read));
    grow_old(&world);
    let patience = async {
        world
            .until("iTop is asked", async || {
                (world.itop.requests_seen().in_flight > 0).then_some(())
            })
            .await;
        world.clock.advance(Duration::from_secs(4));
    };
    let (stale, ()) = tokio::join!(world.get(A), patience);
    let stale = stale.expect(200);
    assert_eq!((&stale["stale"], &stale["as_of"]), (&json!(true), &known["as_of"]));
    assert_eq!(world.itop.requests_seen().in_flight, 1);
    world.itop.faults().clear();
    world.clock.advance(Duration::from_hours(2));
    world.finish().await;
}

#[tokio::test]
async fn how_many_ask_makes_no_difference_to_itop() {
    let world = World::with(Options::default(), |config| {
        patient(config);
        config.board.batch = 3;
    })
    .await;
    world.link_demo().await;
    world.read_lists().await;
    for key in ["a", "b", "c", "d", "e", "f", "g"] {
        world.acknowledge(&event(key)).await.expect(201);
    }
    let board = world.get(BOARD).await.expect(200);
    let items = board["items"].as_array().unwrap();
    let numbers: Vec<_> = items.iter().map(|item| json!({"ref": item["ticket"]["ref"]})).collect();
    let controls: Vec<_> =
        items.iter().map(|item| json!({"control": item["control"]["id"]})).collect();

    // Seven tickets are three batches, whichever way they are asked for.
    let lookup = async |items: &Vec<Value>| {
        let body = json!({"items": items});
        world.post("/api/v1/tickets/lookup", &body).await.expect(200)
    };
    for items in [&controls, &numbers, &[&numbers[..], &controls[..]].concat()] {
        let before = reads(&world);
        grow_old(&world);
        lookup(items).await;
        assert_eq!(reads(&world) - before, 3, "{items:?}");
        // What is fresh is not asked for.
        lookup(items).await;
        world.get(BOARD).await.expect(200);
        assert_eq!(reads(&world) - before, 3);
    }

    // Twenty dashboards, most of which ask while the first one's question is under way.
    let before = reads(&world);
    let slow = Fault::new(FaultKind::Slow { before_ms: 200, after_ms: 0 }).on(Operations::Read);
    world.itop.faults().switch_on(slow);
    let id = world.itop.tickets().await.unwrap()[0].id;
    world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
    grow_old(&world);
    let mut asking = JoinSet::new();
    asking.spawn(world.http.get(format!("{}{BOARD}", world.base)).send());
    world.until("iTop is asked", async || (reads(&world) > before).then_some(())).await;
    for _ in 0..20 {
        asking.spawn(world.http.get(format!("{}{BOARD}", world.base)).send());
    }
    while let Some(answer) = asking.join_next().await {
        let text = answer.unwrap().unwrap().text().await.unwrap();
        let board: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(board["items"][0]["ticket"]["status"], "assigned");
    }
    assert_eq!(reads(&world) - before, 3);
    world.finish().await;
}

/// Makes every known status older than the board allows.
fn grow_old(world: &World) {
    world.clock.advance(world.config.board.max_age.duration());
}

/// The reads that iTop has answered so far.
fn reads(world: &World) -> u64 {
    world.reads()
}

/// Status, presence and openness of each ticket of a board.
fn told(board: &Value) -> Vec<(&str, &str, bool)> {
    let tickets = board["items"].as_array().unwrap().iter().map(|item| &item["ticket"]);
    tickets
        .map(|ticket| {
            let text = |name: &str| ticket[name].as_str().unwrap();
            (text("status"), text("presence"), ticket["open"].as_bool().unwrap())
        })
        .collect()
}
