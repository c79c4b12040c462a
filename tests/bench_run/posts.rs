//! Posting acknowledgements while iTop is away: what storing them takes.

use std::{fs::File, io::Seek as _, io::Write as _, path::Path};

use tempfile::TempDir;

use crate::{
    load::now,
    measure::{PERIOD, ROUNDS, Round, Rounds, median},
    processes::Process,
    report::Line,
    requests::{Numbered, Numbers},
    world::{World, waiting},
};

const CONNECTIONS: usize = 64;
const PATH: &str = "/api/v1/acknowledgements";

/// Posts of one event each, over 64 connections.
pub async fn singles() -> Vec<Line> {
    let (bridge, folder) = itop_away().await;
    let floor = Process::floor(folder.path(), 0).await;
    let numbers = Numbers::endless();
    let (mut bridge_rounds, mut floor_rounds) = (Rounds::default(), Rounds::default());
    let mut fsyncs = Vec::new();
    for round in 0..=ROUNDS {
        fsyncs.push(fsync_millis(folder.path()));
        let posts = Numbered::each("/commit", 1, &numbers, CONNECTIONS);
        let of_floor = Round::of(&floor, posts, PERIOD).await;
        let posts = Numbered::each(PATH, 1, &numbers, CONNECTIONS);
        let of_bridge = Round::of(&bridge, posts, PERIOD).await;
        // The first is for caches and files to grow.
        if round > 0 {
            floor_rounds.add(of_floor);
            bridge_rounds.add(of_bridge);
        }
    }
    let fsync = median(fsyncs);
    vec![
        Line::new("single posts, 64 connections", bridge_rounds.median(|r| r.per_second), "/s")
            .beside(floor_rounds.median(|r| r.per_second))
            .cpu(bridge_rounds.median(|r| r.cpu))
            .ratio_at_least(0.7),
        Line::new("single posts, 64 connections: p99", bridge_rounds.median(|r| r.p99), "ms")
            .beside(floor_rounds.median(|r| r.p99))
            .at_most((10.0 * fsync).max(25.0)),
        Line::new("one fsync of this disk", fsync, "ms"),
        Line::new("floor: CPU for a single post", floor_rounds.median(|r| r.cpu), "µs"),
    ]
}

/// Lists of 1,000 events, over one connection and over two.
pub async fn batches() -> Vec<Line> {
    let (bridge, _folder) = itop_away().await;
    let numbers = Numbers::endless();
    let mut lines = Vec::new();
    for connections in [1, 2] {
        let mut rounds = Rounds::default();
        for _ in 0..ROUNDS {
            let posts = Numbered::each(PATH, 1_000, &numbers, connections);
            rounds.add(Round::of(&bridge, posts, PERIOD).await);
        }
        let plural = if connections == 1 { "" } else { "s" };
        let what = format!("posts of 1,000, {connections} connection{plural}: acknowledgements");
        let line = Line::new(what, rounds.median(|r| r.per_second) * 1_000.0, "/s");
        lines.push(line.cpu(rounds.median(|r| r.cpu)).at_least(30_000.0));
    }
    // A list is answered 200 whatever becomes of its items.
    let states = ["accepted", "creating", "unknown", "failed", "blocked"];
    let mut stored = 0;
    for state in states {
        let rows = waiting(&bridge, &[state]).await;
        eprintln!("  {state}: {rows}");
        stored += rows;
    }
    assert_eq!(stored, u64::from(numbers.taken()), "a 2xx means stored");
    lines
}

/// A bridge whose company is linked, and whose iTop has gone.
async fn itop_away() -> (Process, TempDir) {
    let World { bridge, itop, folder } = World::linked(&[]).await;
    drop(itop);
    (bridge, folder)
}

/// How long a page takes to be on the disk, in milliseconds: the median of a hundred.
fn fsync_millis(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("fsync")).expect("a file");
    let mut times = Vec::new();
    for number in 0..100_u8 {
        let began = now();
        file.rewind().expect("it is a file");
        file.write_all(&[number; 4_096]).expect("there is space");
        file.sync_data().expect("it is on the disk");
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    median(times)
}
