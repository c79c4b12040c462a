//! How much of iTop callers can take, whatever they ask and however soon they go again.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::world::{Answer, World, event, with};

const CIS: &str = "/api/v1/companies/3/cis";

fn slow_reads(world: &World, before_ms: u64) {
    let slow = Fault::new(FaultKind::Slow { before_ms, after_ms: 0 }).on(Operations::Read);
    world.itop.faults().switch_on(slow);
}

#[tokio::test]
async fn callers_that_go_leave_no_more_work_behind_than_may_be_at_once() {
    let world = World::with(Options::default(), |config| {
        config.itop.as_mut().unwrap().max_in_flight = 4;
        config.delivery.in_flight_max = 3;
    })
    .await;
    world.get(CIS).await.expect(200);
    // Old enough to be read again.
    world.clock.advance(Duration::from_secs(5));
    slow_reads(&world, 1_000);
    let before = world.reads();
    for company in [3, 5001, 5002, 5003, 5004, 3, 5001, 5002, 5003, 5004] {
        for list in ["cis", "contacts", "teams"] {
            let path = format!("{}/api/v1/companies/{company}/{list}?refresh=true", world.base);
            let asked = world.http.get(path).timeout(Duration::from_millis(30)).send().await;
            assert!(asked.unwrap_err().is_timeout());
        }
    }
    world
        .until("iTop has ended all of it", async || {
            let seen = world.itop.requests_seen();
            (seen.in_flight == 0 && world.reads() > before).then_some(())
        })
        .await;
    let seen = world.itop.requests_seen();
    assert!(seen.most_in_flight <= 4, "{seen:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_list_is_read_to_its_end_although_who_asked_for_it_is_gone() {
    let world = World::start().await;
    world.get("/api/v1/companies").await.expect(200);
    slow_reads(&world, 300);
    let before = world.reads();
    for _ in 0..5 {
        let asked = world.http.get(format!("{}{CIS}", world.base));
        let asked = asked.timeout(Duration::from_millis(20)).send().await;
        assert!(asked.unwrap_err().is_timeout());
    }
    // All have asked for the one that the first has begun.
    world.get(CIS).await.expect(200);
    assert_eq!(world.reads() - before, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_list_is_not_read_again_at_once_however_many_insist() {
    let world = World::start().await;
    let path = "/api/v1/teams?refresh=true";
    let first = world.get(path).await.expect(200);
    let before = world.reads();
    for _ in 0..5 {
        assert_eq!(world.get(path).await.expect(200), first);
    }
    assert_eq!(world.reads(), before);
    world.clock.advance(Duration::from_secs(5));
    assert_ne!(world.get(path).await.expect(200)["as_of"], first["as_of"]);
    assert_eq!(world.reads() - before, 1);
    world.finish().await;
}

#[tokio::test]
async fn previews_and_lists_read_anew_have_a_small_share() {
    let world = World::with(Options::default(), |config| {
        config.itop.as_mut().unwrap().max_in_flight = 8;
        config.delivery.in_flight_max = 4;
    })
    .await;
    world.link_demo().await;
    world.read_lists().await;
    world.clock.advance(Duration::from_secs(5));
    slow_reads(&world, 200);
    let mut asking = JoinSet::new();
    // Each preview asks iTop for the ticket that it names, and goes again.
    let named = with(event("a"), "/ticket", json!({"existing_ref": "I-000001"}));
    for number in 0..40 {
        let request = if number % 2 == 0 {
            let url = format!("{}/api/v1/acknowledgements/preview", world.base);
            let request = world.http.request(Method::POST, url).body(named.to_string());
            request.header("content-type", "application/json")
        } else {
            let list = ["cis", "contacts", "teams"][number / 2 % 3];
            world.http.get(format!("{}/api/v1/companies/3/{list}?refresh=true", world.base))
        };
        asking.spawn(request.send());
    }
    // Meanwhile acknowledgements become tickets.
    world.acknowledge(&event("meanwhile")).await.expect(201);
    assert!(!asking.is_empty());
    while let Some(answer) = asking.join_next().await {
        let answer = Answer::read(answer.unwrap().unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // Two of the eight; the others are the delivery's own, and what was read when the bridge started.
    let seen = world.itop.requests_seen();
    assert!(seen.most_in_flight <= 5, "{seen:?}");
    world.finish().await;
}
