//! How it goes with hooks, as Prometheus reads it.

use std::time::Duration;

use servicenav_itop_bridge::domain::hook_event::HookEvent;

use super::{
    receiver::{Receiver, Reply},
    until_told, world,
};
use crate::{
    metrics::{Sample, number, scrape, seconds},
    world::event,
};

/// The numbers of hook `noc`: what waits, whether it fails, what was delivered and given up.
fn of_noc(samples: &[Sample]) -> [u64; 4] {
    let ended = |outcome| number(samples, "hook_messages_total", &["hook=noc", outcome]);
    [
        number(samples, "hook_messages_waiting", &["hook=noc"]),
        number(samples, "hook_failing", &["hook=noc"]),
        ended("outcome=delivered"),
        ended("outcome=given-up"),
    ]
}

#[tokio::test]
async fn what_waits_and_what_came_of_it_is_counted() {
    let receiver = Receiver::start().await;
    let told = [HookEvent::TicketCreated];
    let mut world = world(|config| {
        config.hooks =
            vec![receiver.hook("noc", &told), receiver.hook("other", &[HookEvent::GateClosed])];
    })
    .await;
    world.acknowledge(&event("a")).await.expect(201);
    until_told(&world, "noc").await;
    let samples = scrape(&world).await;
    assert_eq!(of_noc(&samples), [0, 0, 1, 0]);
    let oldest =
        |samples: &[Sample]| seconds(samples, "hook_oldest_waiting_age_seconds", &["hook=noc"]);
    assert!(oldest(&samples).abs() < f64::EPSILON);
    assert_eq!(number(&samples, "hook_attempts_failed_total", &["hook=noc"]), 0);

    receiver.answers(|_| Reply::status(503));
    world.acknowledge(&event("b")).await.expect(201);
    world.acknowledge(&event("c")).await.expect(201);
    world
        .until("both wait, and it fails", async || {
            (of_noc(&scrape(&world).await) == [2, 1, 1, 0]).then_some(())
        })
        .await;
    world.clock.advance(Duration::from_mins(31));
    let samples = scrape(&world).await;
    assert!(oldest(&samples) >= 1_860.0, "{}", oldest(&samples));
    assert!(number(&samples, "hook_attempts_failed_total", &["hook=noc"]) >= 1);
    assert_eq!(number(&samples, "hook_messages_waiting", &["hook=other"]), 0);
    assert_eq!(number(&samples, "hook_failing", &["hook=other"]), 0);

    // A restart forgets nothing.
    world.stop_bridge().await;
    world.start_bridge().await;
    let [_, failing, delivered, _] = of_noc(&scrape(&world).await);
    assert_eq!([failing, delivered], [1, 1]);
    world.clock.advance(Duration::from_hours(24));
    world
        .until("they are given up", async || {
            let [waiting, .., given_up] = of_noc(&scrape(&world).await);
            ([waiting, given_up] == [0, 2]).then_some(())
        })
        .await;
    // A hook that is not configured any more is told of no more.
    world.config.hooks.remove(0);
    assert!(!world.reload().await.unwrap());
    let left = scrape(&world).await;
    assert!(!left.iter().any(|sample| sample.has("hook", "noc")), "{left:?}");
    world.finish().await;
}
