//! The tickets of controls, one at a time and a thousand at a time, known already.

use crate::{
    measure::{PERIOD, ROUNDS, Round, Rounds},
    processes::Process,
    report::Line,
    requests::{self, Cycle, control},
    wire,
    world::{World, assert_tickets},
};

const CONTROLS: u32 = 1_000;
const CONNECTIONS: usize = 64;

fn path(number: u32) -> String {
    format!("/api/v1/controls/{}/ticket", control(number))
}

/// The ticket of one control.
pub async fn tickets() -> Vec<Line> {
    let world = World::with_tickets(CONTROLS).await;
    let answer = wire::ask_well(world.bridge.address, &requests::get(&path(0))).await;
    let floor = Process::floor(world.folder.path(), answer.len()).await;
    let asked: Vec<_> = (0..CONTROLS).map(|number| requests::get(&path(number))).collect();
    let fixed = vec![requests::get("/fixed")];
    let (mut bridge_rounds, mut floor_rounds) = (Rounds::default(), Rounds::default());
    for round in 0..=ROUNDS {
        let sources = Cycle::each(fixed.clone(), CONNECTIONS);
        let of_floor = Round::of(&floor, sources, PERIOD).await;
        let sources = Cycle::each(asked.clone(), CONNECTIONS);
        let of_bridge = Round::of(&world.bridge, sources, PERIOD).await;
        if round > 0 {
            floor_rounds.add(of_floor);
            bridge_rounds.add(of_bridge);
        }
    }
    vec![
        Line::new(
            "ticket of a control, 64 connections",
            bridge_rounds.median(|r| r.per_second),
            "/s",
        )
        .beside(floor_rounds.median(|r| r.per_second))
        .cpu(bridge_rounds.median(|r| r.cpu))
        .ratio_at_least(0.8),
        Line::new("ticket of a control: p99", bridge_rounds.median(|r| r.p99), "ms")
            .beside(floor_rounds.median(|r| r.p99)),
        Line::new("floor: CPU for a fixed answer", floor_rounds.median(|r| r.cpu), "µs"),
    ]
}

/// The tickets of 1,000 controls in one question.
pub async fn lookups() -> Vec<Line> {
    let world = World::with_tickets(CONTROLS).await;
    let asked = vec![requests::lookup(0..CONTROLS)];
    let answer = wire::ask_well(world.bridge.address, &asked[0]).await;
    assert_tickets(&answer, CONTROLS as usize);
    let mut rounds = Rounds::default();
    for round in 0..=ROUNDS {
        let sources = Cycle::each(asked.clone(), 1);
        let of_bridge = Round::of(&world.bridge, sources, PERIOD).await;
        if round > 0 {
            rounds.add(of_bridge);
        }
    }
    vec![
        Line::new("lookup of 1,000 controls: p99", rounds.median(|r| r.p99), "ms")
            .cpu(rounds.median(|r| r.cpu))
            .at_most(10.0),
        Line::new("lookup of 1,000 controls, 1 connection", rounds.median(|r| r.per_second), "/s"),
    ]
}
