//! Dashboards that poll: what iTop sees of them.

use std::{net::SocketAddr, time::Duration};

use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use servicenav_itop_bridge::clock::Clock;
use tokio::task::JoinSet;

use crate::{
    load::{Load, micros_since, now},
    report::Line,
    requests,
    wire::{self, Connection},
    world::{World, assert_tickets},
};

const DASHBOARDS: u32 = 100;
const TICKETS: u32 = 10_000;
/// What one dashboard shows; each control is on ten of them.
const SHOWN: u32 = 1_000;
const EVERY: Duration = Duration::from_secs(2);
const PERIOD: Duration = Duration::from_secs(30);
/// The polls of all in that time, where each is answered before the next is due.
const POLLS: u32 = 1_500;

/// Three quarters of `board.max_age`, after which a status that somebody asks for is read again.
const REFRESH: Duration = Duration::from_millis(3_750);
/// `board.batch`, the tickets of one request to iTop.
const BATCH: u32 = 1_000;

pub async fn dashboards() -> Vec<Line> {
    let world = World::with_tickets(TICKETS).await;
    let every = wire::ask_well(world.bridge.address, &requests::lookup(0..TICKETS)).await;
    assert_tickets(&every, TICKETS as usize);
    // Nobody arranges when dashboards are opened: neighbours poll at moments far apart.
    let mut phases: Vec<_> = (0..DASHBOARDS).map(|number| EVERY * number / DASHBOARDS).collect();
    phases.shuffle(&mut StdRng::seed_from_u64(1));
    let (seen, cpu) = (world.seen("core/get").await, world.bridge.cpu_micros());
    let began = now();
    let mut tasks = JoinSet::new();
    for (number, phase) in (0..DASHBOARDS).zip(phases) {
        let first = number * TICKETS / DASHBOARDS;
        let request = requests::lookup((first..first + SHOWN).map(|control| control % TICKETS));
        tasks.spawn(poll(world.bridge.address, request, phase));
    }
    let polls = Load::of(tasks.join_all().await.concat(), now() - began);
    // A bridge that is too slow is polled less, and asks iTop less.
    let all_polled = polls.requests() >= f64::from(POLLS);
    let seen = world.seen("core/get").await - seen;
    let cpu = (world.bridge.cpu_micros() - cpu) / polls.requests();

    let refreshes = PERIOD.as_millis().div_ceil(REFRESH.as_millis()) + 1;
    let refreshes = u32::try_from(refreshes).expect("a few");
    vec![
        Line::new("100 dashboards × 1,000 controls, 30 s: requests to iTop", seen.into(), "")
            .cpu(cpu)
            .at_most((refreshes * TICKETS.div_ceil(BATCH)).into())
            .provided(all_polled, "and no poll left out"),
        Line::new("100 dashboards × 1,000 controls: p99", polls.percentile(99), "ms"),
        Line::new("100 dashboards × 1,000 controls: polls (of 1,500)", polls.requests(), ""),
    ]
}

/// Asks every two seconds; while an answer takes longer than that, it does not ask again.
async fn poll(address: SocketAddr, request: Vec<u8>, phase: Duration) -> Vec<u32> {
    let clock = Clock::system();
    let mut due = clock.moment().later(phase);
    let end = clock.moment().later(PERIOD);
    let mut connection = Connection::open(address).await.expect("a connection");
    let mut latencies = Vec::new();
    while due < end {
        clock.sleep_until(due).await;
        let sent = now();
        let answer = connection.exchange(&request).await.expect("an answer");
        latencies.push(micros_since(sent));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(answer.body));
        let now = clock.moment();
        while due <= now {
            due = due.later(EVERY);
        }
    }
    latencies
}
