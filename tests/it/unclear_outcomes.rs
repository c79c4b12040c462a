//! One ticket each, whatever becomes of the answer.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Config, Period},
    store,
};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// A world whose client soon gives up, as it does in a real one after half a minute.
pub async fn impatient() -> World {
    impatient_with(|_| {}).await
}

/// The same with another configuration.
pub async fn impatient_with(change: impl FnOnce(&mut Config)) -> World {
    let world = World::with(Options::default(), |config| {
        change(config);
        config.itop.as_mut().unwrap().timeout = Period::seconds(1);
        config.itop.as_mut().unwrap().create_timeout = Period::seconds(1);
    })
    .await;
    world.link_demo().await;
    // Everything that the resolution reads is in the catalog from here on.
    world.acknowledge(&event("warm-up")).await.expect(201);
    world
}

/// Posts without waiting for an outcome; gives the number of the row.
pub async fn post(world: &World, event: &Value) -> Value {
    let answer = world.send(
        reqwest::Method::POST,
        ACKNOWLEDGEMENTS,
        &[("prefer", "wait=0")],
        Some(event.to_string()),
    );
    answer.await.expect(202)["id"].clone()
}

/// The tickets of an event in iTop, told by the event id in their description.
pub async fn tickets_of(world: &World, key: &str) -> usize {
    let tickets = world.itop.tickets().await.unwrap();
    tickets.iter().filter(|t| t.description.contains(&format!("event-{key}<"))).count()
}

/// Each of these rows becomes a ticket in time, and each of these events has one.
pub async fn each_is_delivered_once(world: &World, ids: &[Value], keys: &[String]) {
    for id in ids {
        let path = format!("{ACKNOWLEDGEMENTS}/{id}");
        world
            .until("it is delivered", async || {
                world.clock.advance(Duration::from_secs(1));
                (world.get(&path).await.body["state"] == "created").then_some(())
            })
            .await;
    }
    for key in keys {
        assert_eq!(tickets_of(world, key).await, 1, "{key}");
    }
}

/// Moves the clock on in steps, so that everything that waits on it takes its turns.
pub async fn pass(world: &World, seconds: u64) {
    for _ in 0..seconds.div_ceil(5) {
        world.clock.advance(Duration::from_secs(5));
        // One round trip through bridge and iTop lets the woken tasks run.
        world.get("/readyz").await.expect(200);
        world.get("/api/v1/companies?refresh=true").await;
    }
}

/// A create without an answer is unknown until `settle` has passed, and then its one ticket is found.
pub async fn settles_as_created(world: &World, id: &Value, key: &str) {
    pass(world, 25).await;
    assert_eq!(world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.body["state"], "unknown");
    pass(world, 30).await;
    world.until_state(id, "created").await;
    pass(world, 600).await;
    assert_eq!(tickets_of(world, key).await, 1);
}

#[tokio::test]
async fn a_create_that_itop_finishes_thirty_seconds_after_the_time_out() {
    let world = impatient().await;
    let slow = FaultKind::Slow { before_ms: 31_000, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create).times(1));
    let id = post(&world, &event("slow")).await;
    world.until_state(&id, "unknown").await;
    assert_eq!(tickets_of(&world, "slow").await, 0);
    settles_as_created(&world, &id, "slow").await;
    world.finish().await;
}

#[tokio::test]
async fn an_error_that_itop_throws_after_the_commit() {
    let world = World::linked().await;
    let fault = Fault::new(FaultKind::Code100AfterCommit).on(Operations::Create).times(1);
    world.itop.faults().switch_on(fault);
    let row = world.acknowledge(&event("thrown")).await.expect(201);
    assert_eq!(row["state"], "created");
    assert_eq!(tickets_of(&world, "thrown").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_bad_gateway_while_itop_works_on() {
    let world = impatient().await;
    let fault = Fault::new(FaultKind::BadGateway).on(Operations::Create).times(1).after_effect();
    world.itop.faults().switch_on(fault);
    let id = post(&world, &event("gateway")).await;
    world.until_state(&id, "unknown").await;
    pass(&world, 10).await;
    world.until_state(&id, "created").await;
    assert_eq!(tickets_of(&world, "gateway").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn an_outage_of_the_whole_host_in_the_middle_of_a_create() {
    let world = impatient().await;
    // The create takes ten minutes; for the first nine nothing else is answered either.
    let slow = FaultKind::Slow { before_ms: 600_000, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create).times(1));
    let id = post(&world, &event("outage")).await;
    let seen = world.until_state(&id, "unknown").await;
    assert_eq!(seen["problem"]["code"], "unknown");
    let down = world.itop.faults().switch_on(Fault::new(FaultKind::CutBefore).on(Operations::Read));
    pass(&world, 540).await;
    world.itop.faults().switch_off(down);
    // The outage does not count: a minute of answered reads is less than `settle`.
    pass(&world, 70).await;
    world.until_state(&id, "created").await;
    pass(&world, 600).await;
    assert_eq!(tickets_of(&world, "outage").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_create_that_a_restored_backup_does_not_know_may_still_be_under_way() {
    let mut world = impatient().await;
    let folder = tempfile::tempdir().unwrap();
    let (database, copy) = (world.database(), folder.path().join("copy.db"));
    let (from, to) = (database.clone(), copy.clone());
    tokio::task::spawn_blocking(move || store::backup(&from, &to)).await.unwrap().unwrap();
    let slow = FaultKind::Slow { before_ms: 30_000, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create).times(1));
    post(&world, &event("forgotten")).await;
    world
        .until("iTop is at work", async || {
            (world.itop.requests_seen().creates_in_flight == 1).then_some(())
        })
        .await;
    world.stop_bridge().await;
    store::restore(&copy, &database, world.clock.now()).unwrap();
    world.start_bridge().await;
    // It is posted again while iTop still works on the first one: it is not there yet.
    let id = post(&world, &event("forgotten")).await;
    world.until_state(&id, "unknown").await;
    pass(&world, 60).await;
    world.until_state(&id, "created").await;
    pass(&world, 200).await;
    assert_eq!(tickets_of(&world, "forgotten").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_create_that_never_happened_is_made_once_after_it_has_settled() {
    let world = impatient().await;
    let fault = Fault::new(FaultKind::CutBefore).on(Operations::Create).times(1);
    world.itop.faults().switch_on(fault);
    let id = post(&world, &event("cut")).await;
    world.until_state(&id, "unknown").await;
    pass(&world, 25).await;
    assert_eq!(tickets_of(&world, "cut").await, 0);
    // A minute after the answer was lost it is there: `settle`, a probe, and what is behind it.
    pass(&world, 35).await;
    let row = world.until_state(&id, "created").await;
    assert_eq!(tickets_of(&world, "cut").await, 1);
    let causes: Vec<_> =
        row["history"].as_array().unwrap().iter().map(|cause| cause["code"].clone()).collect();
    assert_eq!(causes, ["unknown", "absent"]);
    world.finish().await;
}

#[tokio::test]
async fn a_crash_after_the_create_finds_the_ticket_again() {
    let mut world = World::linked().await;
    // iTop has made the ticket and thinks about its answer when the bridge dies.
    let slow = FaultKind::Slow { before_ms: 0, after_ms: 20_000 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create).times(1));
    let id = post(&world, &event("crash")).await;
    world.until_state(&id, "creating").await;
    world
        .until("the ticket is made", async || {
            (tickets_of(&world, "crash").await == 1).then_some(())
        })
        .await;
    world.crash_bridge();
    world.start_bridge().await;
    world.clock.advance(Duration::from_secs(10));
    world.until_state(&id, "created").await;
    assert_eq!(tickets_of(&world, "crash").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn two_tickets_of_one_acknowledgement_are_reported_and_the_older_one_is_kept() {
    let world = impatient().await;
    // Something in iTop holds the first create for an hour after it has looked whether its ticket
    // is there: what no condition can see.
    let held = FaultKind::HeldInside { ms: 3_500_000 };
    world.itop.faults().switch_on(Fault::new(held).on(Operations::Create).times(1));
    let id = post(&world, &event("twins")).await;
    world.until_state(&id, "unknown").await;
    pass(&world, 200).await;
    let row = world.until_state(&id, "created").await;
    assert_eq!(row["warnings"], json!([]));
    pass(&world, 3_600).await;
    let row = world
        .until("the pair is reported", async || {
            let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
            (row["warnings"] != json!([])).then_some(row)
        })
        .await;
    let warning = row["warnings"][0].as_str().unwrap();
    assert!(warning.contains("several tickets of this acknowledgement"), "{warning}");
    assert_eq!(tickets_of(&world, "twins").await, 2);
    world.finish().await;
}

#[tokio::test]
async fn a_reused_ticket_gets_its_line_once_though_the_answer_was_lost() {
    let world = impatient().await;
    let first = event("reuse");
    world.acknowledge(&first).await.expect(201);
    let fault = Fault::new(FaultKind::CutAfter).on(Operations::Update).times(1);
    world.itop.faults().switch_on(fault);
    let again = with(first, "/event_id", json!("event-reuse-2"));
    let id = post(&world, &again).await;
    world.until_state(&id, "unknown").await;
    pass(&world, 10).await;
    let row = world.until_state(&id, "reused").await;
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets.len(), 2, "the warm-up and one ticket");
    let ticket = tickets.iter().find(|t| row["ticket"]["id"] == json!(t.id.to_string())).unwrap();
    let markers = ticket.private_log.iter().filter(|line| line.starts_with("[ack ")).count();
    assert_eq!(markers, 2);
    world.finish().await;
}

#[tokio::test]
async fn what_waits_behind_a_create_without_an_answer_does_not_go_before_it() {
    let world = impatient_with(|config| config.delivery.in_flight_max = 1).await;
    // Both wait for the link of their company, and are released by it: their turns are read together.
    let of_new = |key: &str| with(event(key), "/company", json!({"id": 9, "name": "New"}));
    let first = post(&world, &of_new("first")).await;
    let second = with(of_new("second"), "/control/id", json!("control-first"));
    let second = post(&world, &second).await;
    for id in [&first, &second] {
        world.until_state(id, "blocked").await;
    }
    let cut = Fault::new(FaultKind::CutAfter).on(Operations::Create).times(1);
    world.itop.faults().switch_on(cut);
    world.link(9, json!({"organization": "Demo", "team": "Helpdesk"})).await;
    world.until_state(&first, "unknown").await;
    pass(&world, 60).await;
    let first = world.until_state(&first, "created").await;
    let second = world
        .until("the second one has ended", async || {
            let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{second}")).await.expect(200);
            ["created", "reused"].iter().any(|state| row["state"] == *state).then_some(row)
        })
        .await;
    assert_eq!((&second["state"], &second["ticket"]), (&json!("reused"), &first["ticket"]));
    world.finish().await;
}

#[tokio::test]
async fn two_posts_for_one_control_at_once_make_one_ticket() {
    let world = World::linked().await;
    let first = event("race");
    let second = with(first.clone(), "/event_id", json!("event-race-2"));
    let (one, two) = tokio::join!(world.acknowledge(&first), world.acknowledge(&second));
    let mut states = [one.body["state"].clone(), two.body["state"].clone()];
    states.sort_by_key(ToString::to_string);
    assert_eq!(states, ["created", "reused"]);
    assert_eq!(one.body["ticket"], two.body["ticket"]);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn wrong_credentials_for_a_week_fail_nothing() {
    let world = impatient().await;
    world.itop.faults().set(FaultKind::WrongPassword, true);
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(post(&world, &event(&format!("week-{number}"))).await);
    }
    for _ in 0..7 * 24 {
        world.clock.advance(Duration::from_hours(1));
        world.get("/readyz").await.expect(200);
    }
    let ready = world.get("/readyz").await.expect(200);
    assert_eq!(ready["gate"]["reason"], "credentials");
    assert_eq!(ready["inbox"]["accepted"], 5);
    assert_eq!(ready["inbox"]["failed"], 0);
    world.itop.faults().set(FaultKind::WrongPassword, false);
    world.clock.advance(Duration::from_mins(1));
    for id in &ids {
        world.until_state(id, "created").await;
    }
    world.finish().await;
}
