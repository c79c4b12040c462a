//! What is in flight follows iTop, within the configured bounds. How fast, and how closely, is
//! tested beside the rule.
//!
//! Here as there time is only counted: whatever else this machine does while the test runs, iTop
//! is as fast as the test says. In real time the shorter of two waits would be the machine's own,
//! and a busy one really gets more done with more in flight.

use std::{ops::RangeInclusive, time::Duration};

use itop_sandbox::{Latency, Options};
use serde_json::json;
use servicenav_itop_bridge::{clock::Clock, config::Period};

use crate::world::{ACKNOWLEDGEMENTS, World, event};

/// For how long iTop is at a create that it has for itself: next to it a busy machine is fast.
const ALONE: Duration = Duration::from_mins(2);

/// How many waves are averaged: in the last ones two limits compete, or one rests.
const WAVES: usize = 30;

/// How many waves there may be until iTop is followed.
const ENOUGH: usize = 600;

/// Delivers, with always more to do, until the mean number of creates in flight is in `mean`.
/// Deliveries at once begin with four. Creates go in waves: when all that run wait for iTop, as much
/// time passes as `wave` says of so many, in the time of one that is alone, and they end together.
async fn until_creates_in_flight(wave: impl Fn(f64) -> f64, mean: RangeInclusive<usize>) {
    let create_ms = u64::try_from(ALONE.as_millis()).unwrap();
    let latency = Latency { read_ms: 0, create_ms, best_in_flight: 10, noise: None };
    let options = Options { latency: Some(latency), ..Options::default() };
    let world = World::with(options, |config| {
        config.itop.as_mut().unwrap().max_in_flight = 11;
        config.delivery.in_flight_max = 10;
        config.server.shutdown_grace = Period::minutes(60);
    })
    .await;
    world.link_demo().await;
    world.read_lists().await;
    let (mut posted, mut ended) = (0, 0);
    let mut waves = Vec::new();
    loop {
        if posted < ended + 100 {
            let events: Vec<_> =
                (posted..posted + 200).map(|number| event(&number.to_string())).collect();
            world.post(ACKNOWLEDGEMENTS, &json!(events)).await.expect(200);
            posted += 200;
        }
        let in_flight = world.until("all that run wait for iTop", || waiting(&world, ended)).await;
        waves.push(in_flight);
        let last = waves.iter().rev().take(WAVES);
        if waves.len() >= WAVES
            && (mean.start() * WAVES..=mean.end() * WAVES).contains(&last.sum::<usize>())
        {
            break;
        }
        assert!(waves.len() < ENOUGH, "{mean:?} creates are not in flight: {waves:?}");
        world.clock.advance(ALONE / 2);
        world
            .until("all are held before their effect", async || {
                (world.itop.requests_seen().held_inside == in_flight).then_some(())
            })
            .await;
        let takes = ALONE.mul_f64(wave(f64::from(u32::try_from(in_flight).unwrap())));
        world.clock.advance(takes.checked_sub(ALONE / 2).expect("none is faster than one alone"));
        ended += in_flight;
    }
    let seen = world.itop.requests_seen();
    assert!(seen.most_creates_in_flight <= 10, "{seen:?}");
    assert!(seen.most_in_flight <= 11, "{seen:?}");
    // Those that are in flight end before the bridge does.
    let clock = world.clock.clone();
    let time_passes = async {
        loop {
            clock.advance(ALONE / 100);
            Clock::system().sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = world.finish() => {}
        () = time_passes => {}
    }
}

/// How many creates iTop is at, when so many have `ended` and all deliveries that may run do.
async fn waiting(world: &World, ended: usize) -> Option<usize> {
    let seen = world.itop.requests_seen();
    let in_flight = seen.creates_in_flight;
    let begun = usize::try_from(seen.of("core/create")).unwrap();
    if begun - in_flight < ended {
        return None;
    }
    let deliveries = &world.get("/api/v1/health").await.expect(200)["deliveries"];
    let (running, limit) = (&deliveries["running"], &deliveries["limit"]);
    (*running == json!(in_flight) && running.as_u64() >= limit.as_u64()).then_some(in_flight)
}

#[tokio::test]
async fn more_deliveries_run_at_once_where_itop_can_do_more() {
    until_creates_in_flight(|creates| (creates / 8.0).max(1.0), 6..=10).await;
}

#[tokio::test]
async fn fewer_deliveries_run_at_once_where_more_make_itop_slower() {
    until_creates_in_flight(|creates| creates * (0.7 + 0.3 * creates), 0..=2).await;
}
