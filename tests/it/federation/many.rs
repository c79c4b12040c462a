//! Much equipment: what does not change costs nothing.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations};
use serde_json::{Value, json};
use servicenav_itop_bridge::{clock::Clock, config::Period};

use super::{federated, list, rows};
use crate::world::World;

fn pieces(count: usize, changed: usize) -> Value {
    let piece = |n: usize| {
        let description = if n < changed { "changed" } else { "as it was" };
        json!({"id": n.to_string(), "name": format!("many-{n:05}"), "description": description})
    };
    (0..count).map(piece).collect()
}

/// How often iTop was asked to load and to synchronize, and how often in all.
fn asked(world: &World) -> [u64; 3] {
    let seen = world.itop.requests_seen();
    let all = seen.by_operation.values().sum();
    [seen.of("synchro_import"), seen.of("synchro_exec"), all]
}

async fn synchronized(world: &World, count: usize) {
    let clock = Clock::system();
    loop {
        let report = world.get("/api/v1/health").await.expect(200);
        let states = report["equipment"]["states"].as_array().unwrap();
        let of = |word: &str| {
            let state = states.iter().find(|of| of["state"] == word);
            state.and_then(|of| of["rows"].as_u64()).unwrap_or(0)
        };
        if of("synchronized") == count as u64 && of("changed") == 0 {
            return;
        }
        assert_eq!(of("failed"), 0, "{report}");
        clock.sleep(Duration::from_millis(20)).await;
    }
}

async fn brought(count: usize) {
    let world = federated(|section| section.timeout = Period::minutes(5)).await;
    let clock = Clock::system();
    let began = clock.moment();
    list(&world, "42", pieces(count, 0)).await;
    let listed = clock.moment();
    synchronized(&world, count).await;
    let done = clock.moment();
    let first = asked(&world);
    println!(
        "{count} pieces: listed in {:?}, in iTop after {:?} more; loads, synchronizations, requests: {first:?}",
        listed.since(began),
        done.since(listed)
    );

    let began = clock.moment();
    list(&world, "42", pieces(count, 0)).await;
    println!("the same list again: {:?}", clock.moment().since(began));
    let again = asked(&world);
    assert_eq!(again[..2], first[..2], "an unchanged list");

    let began = clock.moment();
    list(&world, "42", pieces(count, 100)).await;
    // What was listed is noted when the worker has looked.
    world
        .until("the changes are in iTop", async || (asked(&world)[1] > again[1]).then_some(()))
        .await;
    synchronized(&world, count).await;
    println!("100 changed: {:?}", clock.moment().since(began));
    let changed = asked(&world);
    assert_eq!([changed[0] - again[0], changed[1] - again[1]], [1, 1], "100 changed pieces");
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        println!("most memory of bridge and sandbox together: {peak}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_list_of_which_little_changes_asks_little_of_itop() {
    brought(450).await;
}

#[tokio::test]
#[ignore = "a measurement of some minutes; best with --release"]
async fn fifty_thousand_pieces() {
    brought(50_000).await;
}

#[tokio::test]
async fn a_small_list_does_not_wait_for_a_long_one_of_another_company() {
    let world = federated(|section| section.chunk = 4).await;
    let held = Fault::new(FaultKind::HeldBefore { ms: 60_000 }).on(Operations::Load).times(1);
    world.itop.faults().switch_on(held);
    list(&world, "42", pieces(120, 0)).await;
    // Both wait while the first load is under way.
    world
        .until("a load is under way", async || {
            world.itop.faults().switched_on().is_empty().then_some(())
        })
        .await;
    let laptop = json!({"id": "2", "name": "small-2", "category": "Laptop"});
    list(&world, "51", json!([{"id": "1", "name": "small-1"}, laptop])).await;
    world.clock.advance(Duration::from_mins(1));
    synchronized(&world, 122).await;
    let when = async |company: &str| {
        let rows = rows(&world, company).await.into_values();
        let mut when: Vec<_> =
            rows.map(|row| row["synchronized_at"].as_str().unwrap().to_owned()).collect();
        when.sort();
        when
    };
    let (long, small) = (when("42").await, when("51").await);
    // Of a hundred and twenty rows four had gone, and a few chunks were shared.
    assert!(small[1] < long[40], "{small:?} {long:?}");
    world.finish().await;
}
