//! The torture run: the real program against an iTop that fails, both killed at random moments.
//! At the end every acknowledgement that was answered 2xx must have exactly one ticket, told by
//! the event id in its description, or one line in an open one: never told by the marker, which is what is
//! being tested.
//!
//! `tests/torture --acks 5000 --kills 200 --seed 1`; without arguments a short form. `--faults` says
//! what goes wrong, and `--without` switches off what keeps that from making two tickets. The same seed gives the same events, faults and order of kills; the moments at
//! which they meet are those of the machine.

mod counting;
mod crowd;
#[path = "../fault_proxy.rs"]
mod fault_proxy;
mod faults;
mod plan;
mod processes;
mod real_itop;
mod report;
mod salesforce;
mod sending;

use std::{process::ExitCode, sync::Arc, time::Duration};

use clap::Parser as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use servicenav_itop_bridge::clock::Clock;

use counting::Outcome;
use faults::LockTaker;
use plan::{Desk, FaultSet, Plan};
use processes::{Processes, Victim};
use report::Report;

/// After how many kills a company moves to the other desk.
const MOVE_EACH: u32 = 4;

/// How long everything may take to settle after the last kill.
const PATIENCE: Duration = Duration::from_mins(10);

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plan = Plan::parse();
    if let Some(seconds) = plan.crowd {
        let report = crowd::run(seconds).await;
        println!("{report}");
        return if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let runs: Vec<_> = plan
        .each()
        .map(Arc::new)
        .flat_map(|plan| {
            plan.sets().into_iter().map(move |set| tokio::spawn(run(plan.clone(), set)))
        })
        .collect();
    let (mut passed, mut failed) = (0, 0);
    for run in runs {
        let report = run.await.expect("a run ends");
        println!("{report}");
        *(if report.is_good() { &mut passed } else { &mut failed }) += 1;
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(plan: Arc<Plan>, set: FaultSet) -> Report {
    let clock = Clock::system();
    let began = clock.now();
    let mut processes = Processes::start(&plan, set).await;
    processes.prepare().await;
    let base = processes.bridge_url();
    let locks = LockTaker::start(set, processes.itop_url());

    let sending = tokio::spawn(sending::send_all(plan.clone(), set, base.clone()));
    let mut random = StdRng::seed_from_u64(plan.seed);
    let (mut kills, mut moves) = ([0_u32; 3], 0);
    for kill in 0..plan.kills {
        clock.sleep(Duration::from_millis(random.random_range(20..set.kill_every_ms()))).await;
        let victim = match (&plan.itop, plan.desk) {
            (None, Desk::Itop) if random.random_bool(0.3) => Victim::Itop,
            (None, Desk::Salesforce) if random.random_bool(0.3) => Victim::Salesforce,
            (None, Desk::Both) if random.random_bool(0.4) => {
                if random.random_bool(0.5) {
                    Victim::Itop
                } else {
                    Victim::Salesforce
                }
            }
            _ => Victim::Bridge,
        };
        kills[victim as usize] += 1;
        let away = Duration::from_millis(random.random_range(0..300));
        processes.kill_and_restart(victim, away).await;
        if kill % MOVE_EACH == 0 {
            moves += processes.move_companies().await;
        }
    }
    let accepted = sending.await.expect("the senders end");
    let settling = clock.now();
    let locks = locks.map(|locks| locks.end());
    // A real iTop is slow: most of its creates come after the kills, and are disturbed too.
    let mut drained = plan.itop.is_some() && counting::drained(&base, PATIENCE).await;
    processes.end_faults().await;
    drained = drained || counting::drained(&base, PATIENCE).await;
    let settled_in = clock.now().duration_since(settling);
    processes.until_idle().await;
    Report {
        set,
        desk: plan.desk,
        moves,
        seed: plan.seed,
        without: plan.without.clone(),
        faults: processes.faults_seen(),
        outcome: Outcome::count(&plan, &processes, &accepted).await,
        accepted,
        kills,
        locks,
        drained,
        settled_in: Duration::try_from(settled_in).unwrap_or_default(),
        took: Duration::try_from(clock.now().duration_since(began)).unwrap_or_default(),
    }
}
