//! Thousands of acknowledgements at once, and an iTop as slow as a real one.

use std::{net::SocketAddr, time::Duration};

use serde_json::json;
use servicenav_itop_bridge::clock::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    load::{Load, closed_loop, micros_since, now},
    processes::Process,
    report::Line,
    requests::{self, Numbered, Numbers, control},
    wire::{self, Connection},
    world::{World, waiting},
};

const EVENTS: u32 = 5_000;
const EVENTS_IN_NOISE: u32 = 3_000;
const CONNECTIONS: usize = 64;

/// An iTop that does the most creates with four of them in flight.
pub const SLOW: [&str; 6] = ["--read-ms", "65", "--create-ms", "200", "--best-in-flight", "4"];

/// How long all of it may take; at the rate of the floor it is a little more than four minutes.
const PATIENCE: Duration = Duration::from_mins(8);

/// How long creating by hand is measured, for each number in flight.
const BY_HAND: Duration = Duration::from_secs(8);

pub async fn flood() -> Vec<Line> {
    let mut lines = quiet().await;
    lines.push(noisy().await);
    lines
}

async fn quiet() -> Vec<Line> {
    let world = World::linked(&SLOW).await;
    let mut best = 0.0_f64;
    for in_flight in [1, 2, 4, 8, 16] {
        let done = CancellationToken::new();
        let by_hand = tokio::spawn(creates_by_hand(world.itop.address, in_flight, done.clone()));
        Clock::system().sleep(BY_HAND).await;
        done.cancel();
        let rate = by_hand.await.expect("it ends");
        eprintln!("  by hand, {in_flight} in flight: {rate:.1} creates/s");
        best = best.max(rate);
    }

    let before = world.seen("core/create").await;
    let done = CancellationToken::new();
    let lists = [requests::get("/api/v1/companies"), requests::get("/api/v1/companies/3/contacts")];
    let control = |n: u32| requests::get(&format!("/api/v1/controls/{}/ticket", control(n)));
    let statuses = [(0..50).map(|n| control(n * 97)).collect(), vec![requests::lookup(0..100)]];
    let lists: Vec<_> = lists.map(|list| reader(&world, vec![list], &done)).into();
    let statuses: Vec<_> = statuses.map(|status| reader(&world, status, &done)).into();

    let cpu = world.bridge.cpu_micros();
    let accepted = post(&world, EVENTS).await;
    let cpu = (world.bridge.cpu_micros() - cpu) / accepted.requests();
    eprintln!("  all accepted in {:.2} s", accepted.took.as_secs_f64());
    let drain = creates_per_second(&world, before, EVENTS).await;
    done.cancel();
    vec![
        Line::new("5,000 at once: until all are accepted", accepted.took.as_secs_f64(), "s")
            .cpu(cpu)
            .at_most(2.0),
        Line::new("5,000 at once: creates", drain, "/s").beside(best).ratio_at_least(0.95),
        Line::new("5,000 at once: lists meanwhile, p95", p95(lists).await, "ms").at_most(300.0),
        Line::new("5,000 at once: statuses meanwhile, p95", p95(statuses).await, "ms")
            .at_most(300.0),
    ]
}

/// The same where service times vary and jump. Each closed loop has an iTop of its own, which is
/// slow whenever that of the bridge is, and runs as long as the drain.
async fn noisy() -> Line {
    let slow = [&SLOW[..], &["--noise", "1"]].concat();
    let world = World::linked(&slow).await;
    let before = world.seen("core/create").await;
    let done = CancellationToken::new();
    let mut by_hand = Vec::new();
    for in_flight in [2, 4, 8] {
        let itop = Process::itop(world.folder.path(), &slow).await;
        let rate = tokio::spawn(creates_by_hand(itop.address, in_flight, done.clone()));
        by_hand.push((in_flight, itop, rate));
    }
    post(&world, EVENTS_IN_NOISE).await;
    let drain = creates_per_second(&world, before, EVENTS_IN_NOISE).await;
    done.cancel();
    let mut best = 0.0_f64;
    for (in_flight, _itop, rate) in by_hand {
        let rate = rate.await.expect("it ends");
        eprintln!("  by hand in the same noise, {in_flight} in flight: {rate:.1} creates/s");
        best = best.max(rate);
    }
    Line::new("3,000 at once, in noise: creates", drain, "/s").beside(best).ratio_at_least(0.9)
}

/// Posts so many acknowledgements as fast as they are taken.
pub async fn post(world: &World, events: u32) -> Load {
    let numbers = Numbers::up_to(events);
    let posts = Numbered::each("/api/v1/acknowledgements", 1, &numbers, CONNECTIONS);
    closed_loop(world.bridge.address, posts, PATIENCE).await
}

/// Creates a second of a closed loop without a bridge, until `done`. A real iTop closes each
/// connection, so each create has a new one.
async fn creates_by_hand(itop: SocketAddr, in_flight: u32, done: CancellationToken) -> f64 {
    let create = requests::itop(&json!({
        "operation": "core/create", "class": "Incident", "comment": "by hand",
        "fields": {"org_id": 3, "title": "by hand", "description": "<p>by hand</p>"},
        "output_fields": "id,ref",
    }));
    let began = now();
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        let (create, done) = (create.clone(), done.clone());
        tasks.spawn(async move {
            let mut creates = 0_u32;
            while !done.is_cancelled() {
                wire::ask_well(itop, &create).await;
                creates += 1;
            }
            creates
        });
    }
    let creates: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(creates) / began.elapsed().as_secs_f64()
}

/// From the first create to the last, as iTop sees them.
pub async fn creates_per_second(world: &World, before: u32, events: u32) -> f64 {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    let (mut first, mut last) = (None, now());
    let (mut at_first, mut seen) = (before, before);
    while seen < before + events && clock.now() < deadline {
        clock.sleep(Duration::from_millis(50)).await;
        let count = world.seen("core/create").await;
        if count == seen {
            continue;
        }
        last = now();
        if first.is_none() {
            (first, at_first) = (Some(last), count);
        }
        if count / 500 > seen / 500 {
            eprintln!("  {} created", count - before);
        }
        seen = count;
    }
    if seen < before + events {
        // What came to a halt was not fast until then.
        eprintln!("  only {} were created in {PATIENCE:?}", seen - before);
        last = now();
    }
    assert_eq!(waiting(&world.bridge, &["failed", "blocked"]).await, 0);
    let first = first.expect("something was created");
    f64::from(seen - at_first) / (last - first).as_secs_f64()
}

/// Asks ten times a second until `done`.
fn reader(world: &World, asked: Vec<Vec<u8>>, done: &CancellationToken) -> Reader {
    let (address, done) = (world.bridge.address, done.clone());
    tokio::spawn(async move {
        let clock = Clock::system();
        let mut connection = Connection::open(address).await.expect("a connection");
        let mut latencies = Vec::new();
        for request in asked.iter().cycle() {
            let sent = now();
            let answer = connection.exchange(request).await.expect("an answer");
            // A control whose acknowledgement is still on its way to the bridge is not known.
            assert!(matches!(answer.status, 200 | 404), "{answer:?}");
            latencies.push(micros_since(sent));
            let pause = clock.sleep(Duration::from_millis(100));
            if done.run_until_cancelled(pause).await.is_none() {
                break;
            }
        }
        latencies
    })
}

type Reader = tokio::task::JoinHandle<Vec<u32>>;

async fn p95(readers: Vec<Reader>) -> f64 {
    let mut latencies = Vec::new();
    for reader in readers {
        latencies.extend(reader.await.expect("a reader ends"));
    }
    Load::of(latencies, Duration::ZERO).percentile(95)
}
