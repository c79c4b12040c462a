//! Who answers and who leads apart: what happens while nobody leads, and when the Term passes on.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use serde_json::json;
use servicenav_itop_bridge::{clock::Clock, config::Period};

use crate::{
    unclear_outcomes::{each_is_delivered_once, post, settles_as_created},
    world::{ACKNOWLEDGEMENTS, World, event},
};

/// A bridge whose Term a test takes and gives, and whose client soon gives up.
async fn led_apart() -> World {
    let world = World::led_apart(Clock::system(), Options::default(), |config| {
        config.itop.as_mut().unwrap().timeout = Period::seconds(1);
        config.itop.as_mut().unwrap().create_timeout = Period::seconds(1);
    })
    .await;
    world.link_demo().await;
    // Everything that the resolution reads is in the catalog from here on.
    world.acknowledge(&event("first")).await.expect(201);
    world
}

#[tokio::test]
async fn without_a_term_all_is_accepted_and_answered_and_nothing_delivered() {
    let world = led_apart().await;
    world.lose_term().await;
    let id = post(&world, &event("second")).await;
    // Who waits is answered with what is known when that was long enough.
    let wait = [("prefer", "wait=1")];
    let body = Some(event("third").to_string());
    let third = world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &wait, body).await.expect(202);
    assert_eq!(third["state"], "accepted");
    let preview = world.post("/api/v1/acknowledgements/preview", &event("fourth")).await;
    assert_eq!(preview.expect(200)["request"]["operation"], "core/create");
    let shown = world.get("/api/v1/controls/control-first/ticket").await.expect(200);
    assert_eq!(shown["ticket"]["open"], true);
    let ready = world.get("/readyz").await.expect(200);
    assert_eq!((&ready["inbox"]["accepted"], &ready["slow_creates"]), (&json!(2), &json!([])));
    let health = world.get("/api/v1/health").await.expect(200);
    assert_eq!(health["deliveries"]["running"], 0);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1 + before(&world).await);

    world.gain_term();
    for id in [&id, &third["id"]] {
        world.until_state(id, "created").await;
    }
    world.finish().await;
}

/// Tickets that were there before any of these.
async fn before(world: &World) -> usize {
    let tickets = world.itop.tickets().await.unwrap();
    tickets.iter().filter(|ticket| !ticket.description.contains("event-")).count()
}

#[tokio::test]
async fn who_waits_while_nobody_leads_is_answered_by_the_next_term() {
    let world = led_apart().await;
    world.lose_term().await;
    let event = event("waiting");
    let answer = world.acknowledge(&event);
    let granted = async {
        let accepted = async || {
            let ready = world.get("/readyz").await.expect(200);
            (ready["inbox"]["accepted"] == 1).then_some(())
        };
        world.until("it is accepted", accepted).await;
        world.gain_term();
    };
    let (answer, ()) = tokio::join!(answer, granted);
    assert_eq!(answer.expect(201)["state"], "created");
    world.finish().await;
}

#[tokio::test]
async fn what_a_lost_term_was_creating_is_looked_for_by_the_next_and_made_once() {
    let world = led_apart().await;
    let slow = FaultKind::Slow { before_ms: 31_000, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create).times(1));
    let id = post(&world, &event("slow")).await;
    world
        .until("iTop is at work", async || {
            (world.itop.requests_seen().creates_in_flight == 1).then_some(())
        })
        .await;
    world.lose_term().await;
    assert_eq!(world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.body["state"], "creating");
    world.gain_term();
    world.until_state(&id, "unknown").await;
    // The next Term may be lost as well.
    world.lose_term().await;
    world.gain_term();
    settles_as_created(&world, &id, "slow").await;
    world.finish().await;
}

#[tokio::test]
async fn deliveries_that_run_when_the_term_is_lost_again_and_again_are_made_once() {
    let world = led_apart().await;
    let keys: Vec<_> = (0..40).map(|number| format!("many-{number}")).collect();
    let mut ids = Vec::new();
    for key in &keys {
        ids.push(post(&world, &event(key)).await);
        if ids.len().is_multiple_of(5) {
            world.lose_term().await;
            world.gain_term();
        }
    }
    each_is_delivered_once(&world, &ids, &keys).await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_known_of_a_closed_gate_is_noted_once_whoever_leads() {
    let world = led_apart().await;
    let away = world.itop.faults().switch_on(Fault::new(FaultKind::CutBefore));
    let changes = async || {
        let health = world.get("/api/v1/health").await.expect(200);
        health["gate_changes"].as_array().unwrap().clone()
    };
    world
        .until("the gate has closed", async || {
            world.get("/api/v1/companies?refresh=true").await;
            world.clock.advance(Duration::from_secs(5));
            (changes().await.len() == 1).then_some(())
        })
        .await;
    world.lose_term().await;
    world.gain_term();
    world.itop.faults().switch_off(away);
    world
        .until("the gate has opened", async || {
            world.clock.advance(Duration::from_secs(5));
            (changes().await.len() > 1).then_some(())
        })
        .await;
    let reasons: Vec<_> = changes().await.iter().map(|change| change["reason"].clone()).collect();
    assert_eq!(reasons, [json!(null), json!("unreachable")]);
    world.finish().await;
}
