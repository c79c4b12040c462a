//! The CIs of a company that has 50,000.

use std::{net::SocketAddr, time::Duration};

use serde_json::json;
use servicenav_itop_bridge::clock::Clock;

use crate::{
    load::now,
    measure::{PERIOD, ROUNDS, Round, Rounds, median},
    processes::{Process, folder},
    report::Line,
    requests::{self, Cycle},
    wire,
    world::World,
};

const SERVERS: &str = "50000";
pub const CIS: &str = "/api/v1/companies/3/cis";

/// The first load of the list, against asking iTop for the same by hand.
pub async fn first_load() -> Vec<Line> {
    let folder = folder();
    let itop = Process::itop(folder.path(), &["--servers", SERVERS]).await;
    let direct = requests::itop(&json!({
        "operation": "core/get", "class": "FunctionalCI", "output_fields": "id,name,finalclass",
        "key": "SELECT FunctionalCI WHERE org_id = 3 AND obsolescence_flag = 0",
    }));
    millis(itop.address, &direct).await;
    let (mut through, mut by_hand, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // A new bridge has no lists. What it does at its start must not run into the load.
        let bridge = Process::bridge(folder.path(), itop.address).await;
        Clock::system().sleep(Duration::from_millis(500)).await;
        if round % 2 == 0 {
            by_hand.push(millis(itop.address, &direct).await);
        }
        let before = bridge.cpu_micros();
        through.push(millis(bridge.address, &requests::get(CIS)).await);
        cpu.push(bridge.cpu_micros() - before);
        if round % 2 == 1 {
            by_hand.push(millis(itop.address, &direct).await);
        }
        bridge.stop();
    }
    let line = Line::new("50,000 CIs: first load, against iTop by hand", median(through), "ms");
    vec![line.beside(median(by_hand)).cpu(median(cpu)).ratio_at_most(1.2)]
}

async fn millis(address: SocketAddr, request: &[u8]) -> f64 {
    let began = now();
    let body = wire::ask_well(address, request).await;
    let took = began.elapsed();
    assert!(body.len() > 10_000, "not a list: {}", String::from_utf8_lossy(&body));
    took.as_secs_f64() * 1_000.0
}

/// Searching in the list once it is there.
pub async fn search() -> Vec<Line> {
    let world = World::start(&["--servers", SERVERS]).await;
    wire::ask_well(world.bridge.address, &requests::get(CIS)).await;
    // They match ten, one, all, two hundred, none, a few that are no servers, and ten thousand.
    let terms = ["srv-00123", "srv-049999", "SRV-", "0012", "no such thing", "web", "srv-02"];
    let asked: Vec<_> =
        terms.map(|term| requests::get(&format!("{CIS}?search={}", term.replace(' ', "+")))).into();
    let mut rounds = Rounds::default();
    for round in 0..=ROUNDS {
        let of_bridge = Round::of(&world.bridge, Cycle::each(asked.clone(), 4), PERIOD).await;
        if round > 0 {
            rounds.add(of_bridge);
        }
    }
    vec![
        Line::new("search in 50,000 CIs, 4 connections: p99", rounds.median(|r| r.p99), "ms")
            .cpu(rounds.median(|r| r.cpu))
            .at_most(5.0),
        Line::new("search in 50,000 CIs, 4 connections", rounds.median(|r| r.per_second), "/s"),
    ]
}
