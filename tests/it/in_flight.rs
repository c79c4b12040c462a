//! What is in flight follows iTop, within the configured bounds. How fast, and how closely, is
//! tested beside the rule, in time that is only counted.

use std::{cell::Cell, ops::RangeInclusive};

use serde_json::json;
use servicenav_itop_bridge::sandbox::{Latency, Options};

use crate::world::{ACKNOWLEDGEMENTS, World, event};

/// How many looks at the simulated iTop are averaged: so many that a trial does not decide.
const LOOKS: usize = 100;

async fn accepted(world: &World) -> u64 {
    world.get("/readyz").await.expect(200)["inbox"]["accepted"].as_u64().unwrap()
}

/// Delivers, with always more to do, until the mean number of creates in flight is in `mean`.
/// Deliveries at once begin with four.
async fn until_creates_in_flight(latency: Latency, mean: RangeInclusive<usize>) {
    let options = Options { latency: Some(latency), ..Options::default() };
    let world = World::with(options, |config| {
        config.itop.max_in_flight = 11;
        config.delivery.in_flight_max = 10;
    })
    .await;
    world.link_demo().await;
    let looks = Cell::new(Vec::new());
    world
        .until(&format!("{mean:?} creates are in flight"), async || {
            let mut seen = looks.take();
            if seen.len() % 50 == 0 && accepted(&world).await < 100 {
                let key = |number| format!("look{}number{number}", seen.len());
                let events: Vec<_> = (0..200).map(|number| event(&key(number))).collect();
                world.post(ACKNOWLEDGEMENTS, &json!(events)).await.expect(200);
            }
            let requests = world.itop.requests_seen();
            // The first deliveries also wait for the lists of iTop.
            if requests.of("core/create") > 16 {
                seen.push(requests.creates_in_flight);
            }
            let sum: usize = seen.iter().rev().take(LOOKS).sum();
            let enough = seen.len() >= LOOKS;
            looks.set(seen);
            let between = mean.start() * LOOKS..=mean.end() * LOOKS;
            (enough && between.contains(&sum)).then_some(())
        })
        .await;
    let seen = world.itop.requests_seen();
    assert!(seen.most_creates_in_flight <= 10, "{seen:?}");
    assert!(seen.most_in_flight <= 11, "{seen:?}");
    world.finish().await;
}

#[tokio::test]
async fn more_deliveries_run_at_once_where_itop_can_do_more() {
    let latency = Latency { read_ms: 5, create_ms: 200, best_in_flight: 8, noise: None };
    until_creates_in_flight(latency, 6..=10).await;
}

#[tokio::test]
async fn fewer_deliveries_run_at_once_where_more_make_itop_slower() {
    let latency = Latency { read_ms: 5, create_ms: 50, best_in_flight: 1, noise: None };
    until_creates_in_flight(latency, 0..=2).await;
}
