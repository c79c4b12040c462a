//! The benchmark: the release program and the simulated iTop as processes of their own, and beside
//! each figure the floor that was measured in the same run. `tests/bench` runs all of it,
//! `tests/bench reads lists` a part.
//!
//! Nothing here passes or fails: a machine that is busy with something else makes every figure
//! worse, and the ratios less so, because floor and bridge take turns.

mod board;
mod flood;
mod floors;
mod footprint;
mod inbox;
mod lists;
mod load;
mod measure;
mod migrate;
mod pages;
mod polling;
mod posts;
mod processes;
mod reads;
mod report;
mod requests;
mod starts;
mod wire;
mod world;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser as _, ValueEnum as _};
use servicenav_itop_bridge::lifecycle::stop_on_signal;

use report::Line;

/// The benchmark.
#[derive(clap::Parser)]
#[command(name = "tests/bench")]
struct Args {
    /// What to measure; everything by default
    what: Vec<Family>,
    /// Serves the floors: what the benchmark starts itself with
    #[arg(long, hide = true, requires = "database")]
    floor: Option<SocketAddr>,
    /// Where that floor commits
    #[arg(long, hide = true)]
    database: Option<PathBuf>,
    /// How long the fixed answer of that floor is
    #[arg(long, hide = true, default_value_t = 0)]
    body_bytes: usize,
}

/// Lines that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Family {
    Posts,
    Batches,
    Reads,
    Lookups,
    Lists,
    Search,
    Board,
    Dashboards,
    Pages,
    Inbox,
    Flood,
    Migrate,
    Start,
    Memory,
    Size,
}

impl Family {
    async fn measure(self) -> Vec<Line> {
        match self {
            Self::Posts => posts::singles().await,
            Self::Batches => posts::batches().await,
            Self::Reads => reads::tickets().await,
            Self::Lookups => reads::lookups().await,
            Self::Lists => lists::first_load().await,
            Self::Search => lists::search().await,
            Self::Board => board::board().await,
            Self::Dashboards => polling::dashboards().await,
            Self::Pages => pages::open().await,
            Self::Inbox => inbox::looks().await,
            Self::Flood => flood::flood().await,
            Self::Migrate => migrate::moving().await,
            Self::Start => starts::to_ready().await,
            Self::Memory => footprint::memory().await,
            Self::Size => footprint::size(),
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let (Some(address), Some(database)) = (args.floor, args.database) {
        floors::serve(address, &database, args.body_bytes);
        return ExitCode::SUCCESS;
    }
    // One thread is the leanest way to keep 64 connections busy.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure(args.what))
}

async fn measure(mut families: Vec<Family>) -> ExitCode {
    if families.is_empty() {
        families = Family::value_variants().to_vec();
    }
    let stop = stop_on_signal().expect("signals can be listened to");
    let all = async {
        let mut lines = Vec::new();
        for family in families {
            eprintln!("measuring: {family:?}");
            for line in family.measure().await {
                eprintln!("  {line}");
                lines.push(line);
            }
        }
        lines
    };
    // Dropped half-way, it ends every process that it has started.
    let Some(lines) = stop.run_until_cancelled(all).await else { return ExitCode::FAILURE };
    println!("{}\n", report::machine());
    print!("{}", report::table(&lines));
    report::keep(&lines);
    ExitCode::SUCCESS
}
