//! Creates that something holds back, in front of iTop or inside it, and what is sent again meanwhile.

use itop_sandbox::{Fault, FaultKind, Operations};
use serde_json::Value;

use crate::{
    unclear_outcomes::{impatient, pass, post, tickets_of},
    world::{ACKNOWLEDGEMENTS, World, event},
};

/// Posts so many at once: one that came later would find the gate closed by those before.
async fn post_all(world: &World, name: &str, count: u8) -> Vec<Value> {
    let events = (0..count).map(|number| event(&format!("{name}-{number}")));
    let answer = world.post(ACKNOWLEDGEMENTS, &events.collect()).await.expect(200);
    answer["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
}

#[tokio::test]
async fn a_create_that_was_held_back_for_an_hour_refuses_itself() {
    let world = impatient().await;
    let held = FaultKind::HeldBefore { ms: 3_500_000 };
    world.itop.faults().switch_on(Fault::new(held).on(Operations::Create).times(1));
    let id = post(&world, &event("held")).await;
    world.until_state(&id, "unknown").await;
    pass(&world, 60).await;
    world.until_state(&id, "created").await;
    assert_eq!(world.itop.requests_seen().creates_in_flight, 1, "the first is still held");
    pass(&world, 3_600).await;
    world
        .until("the first has run", async || {
            (world.itop.requests_seen().creates_in_flight == 0).then_some(())
        })
        .await;
    assert_eq!(tickets_of(&world, "held").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn what_waits_behind_the_counter_with_the_probe_is_not_made_twice() {
    let world = impatient().await;
    // Each create that comes while the counter is held waits behind it; all are released together.
    let counter = FaultKind::CounterLock { ms: 300_000 };
    world.itop.faults().switch_on(Fault::new(counter).on(Operations::Create).times(1));
    let ids = post_all(&world, "counter", 4).await;
    for id in &ids {
        world.until_state(id, "unknown").await;
    }
    pass(&world, 240).await;
    for id in &ids {
        let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
        assert_eq!(row["state"], "unknown", "nothing is sent again while the probe waits too");
    }
    pass(&world, 120).await;
    for (number, id) in ids.iter().enumerate() {
        world.until_state(id, "created").await;
        assert_eq!(tickets_of(&world, &format!("counter-{number}")).await, 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn behind_a_lock_on_the_insert_they_go_one_at_a_time() {
    let world = impatient().await;
    // The probe does not wait for this lock, and passes: what is sent again waits behind it too.
    let insert = FaultKind::InsertLock { ms: 300_000 };
    world.itop.faults().switch_on(Fault::new(insert).on(Operations::Create).times(1));
    let ids = post_all(&world, "insert", 4).await;
    for id in &ids {
        world.until_state(id, "unknown").await;
    }
    pass(&world, 500).await;
    let mut twice = 0;
    for (number, id) in ids.iter().enumerate() {
        world.until_state(id, "created").await;
        twice += tickets_of(&world, &format!("insert-{number}")).await - 1;
    }
    // One trial at a time, with pauses of 30, 60, 120 seconds between: three or four in five minutes.
    assert!(twice <= 4, "{twice}");
    world.finish().await;
}

#[tokio::test]
async fn a_probe_that_makes_a_ticket_is_the_last_one() {
    let mut world = impatient().await;
    let skips = world.itop.faults().switch_on(Fault::new(FaultKind::SkipChecks));
    let cut = Fault::new(FaultKind::CutBefore).on(Operations::Create).times(1);
    world.itop.faults().switch_on(cut);
    let id = post(&world, &event("cut")).await;
    world.until_state(&id, "unknown").await;
    let ticket = world
        .until("the probe has made a ticket", async || {
            pass(&world, 5).await;
            world.get("/readyz").await.body["ticket_of_probe"].as_str().map(str::to_owned)
        })
        .await;
    assert!(ticket.contains("Incident::"), "{ticket}");
    let probes = async |world: &World| {
        let tickets = world.itop.tickets().await.unwrap();
        tickets.iter().filter(|t| t.title.starts_with("Probe of the ServiceNav bridge")).count()
    };
    assert_eq!(probes(&world).await, 1);
    pass(&world, 60).await;
    assert_eq!(world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.body["state"], "unknown");
    // The long wait stands in, also after a restart.
    world.stop_bridge().await;
    world.start_bridge().await;
    pass(&world, 700).await;
    world.until_state(&id, "created").await;
    assert_eq!(probes(&world).await, 1);
    assert_eq!(tickets_of(&world, "cut").await, 1);
    let ready = world.get("/readyz").await.expect(200);
    assert!(ready["ticket_of_probe"].is_string(), "{ready}");
    world.itop.faults().switch_off(skips);
    world.finish().await;
}

#[tokio::test]
async fn after_a_success_all_that_wait_go_at_once() {
    let world = impatient().await;
    let cut = Fault::new(FaultKind::CutBefore).on(Operations::Create).times(5);
    world.itop.faults().switch_on(cut);
    let ids = post_all(&world, "free", 5).await;
    for id in &ids {
        world.until_state(id, "unknown").await;
    }
    pass(&world, 30).await;
    // A create of another row proves the way, once they have settled: none waits for another.
    world.acknowledge(&event("other")).await.expect(201);
    // One at a time they would take minutes.
    pass(&world, 20).await;
    for (number, id) in ids.iter().enumerate() {
        world.until_state(id, "created").await;
        assert_eq!(tickets_of(&world, &format!("free-{number}")).await, 1);
    }
    world.finish().await;
}
