//! An inbox in which 100,000 acknowledgements wait for the link of their company.

use std::time::Duration;

use servicenav_itop_bridge::clock::Clock;

use crate::{
    load::closed_loop,
    measure::{PERIOD, ROUNDS, Round, Rounds},
    report::Line,
    requests::{self, Cycle, Numbered, Numbers},
    wire,
    world::{World, waiting},
};

const ROWS: u32 = 100_000;

/// How long storing all of them may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// The first page for programs and for people, a search, and the causes.
pub async fn looks() -> Vec<Line> {
    let world = World::start(&[]).await;
    let posts = Numbered::each("/api/v1/acknowledgements", 1_000, &Numbers::up_to(ROWS), 1);
    closed_loop(world.bridge.address, posts, PATIENCE).await;
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    while waiting(&world.bridge, &["blocked"]).await < u64::from(ROWS) {
        assert!(clock.now() < deadline, "they do not wait for the link");
        clock.sleep(Duration::from_millis(100)).await;
    }
    let list = "/api/v1/acknowledgements";
    let mut lines = Vec::new();
    for (name, path, at_most) in [
        ("first page", format!("{list}?group=needs&count=true&event=true&limit=50"), 20.0),
        ("first page, HTML", "/inbox".to_owned(), 50.0),
        ("search that finds many", format!("{list}?group=needs&q=disk&limit=50"), 200.0),
        ("search that finds one", format!("{list}?group=needs&q=svc-00000007&limit=50"), 400.0),
        ("search that finds none", format!("{list}?group=needs&q=no-such-thing"), 400.0),
        ("causes", format!("{list}/causes"), 200.0),
    ] {
        let asked = requests::get(&path);
        let answer = wire::ask_well(world.bridge.address, &asked).await;
        assert!(!answer.is_empty(), "{path}");
        let mut rounds = Rounds::default();
        for round in 0..=ROUNDS {
            let of_bridge =
                Round::of(&world.bridge, Cycle::each(vec![asked.clone()], 1), PERIOD).await;
            if round > 0 {
                rounds.add(of_bridge);
            }
        }
        let line =
            Line::new(format!("inbox of 100,000: {name}: p99"), rounds.median(|r| r.p99), "ms");
        lines.push(line.cpu(rounds.median(|r| r.cpu)).at_most(at_most));
    }
    lines
}
