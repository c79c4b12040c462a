//! The torture run: the real program against an iTop that fails, both killed at random moments.
//! At the end every acknowledgement that was answered 2xx must have exactly one ticket, told by
//! the event id in its description: never by the marker, which is what is being tested.
//!
//! `tests/torture --acks 5000 --kills 200 --seed 1`; without arguments a short form, as part of
//! the tests. The same seed gives the same events, faults and order of kills; the moments at
//! which they meet are those of the machine.

mod counting;
#[path = "../fault_proxy.rs"]
mod fault_proxy;
mod plan;
mod processes;
mod real_itop;
mod sending;

use std::{process::ExitCode, sync::Arc, time::Duration};

use clap::Parser as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use servicenav_itop_bridge::clock::Clock;

use counting::Outcome;
use plan::{KILL_EVERY_MS, Plan};
use processes::{Processes, Victim};

/// How long everything may take to settle after the last kill.
const PATIENCE: Duration = Duration::from_mins(10);

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plan = Arc::new(Plan::parse());
    let clock = Clock::system();
    let began = clock.now();
    let mut processes = Processes::start(&plan).await;
    processes.prepare().await;
    let base = processes.bridge_url();

    let sending = tokio::spawn(sending::send_all(plan.clone(), base.clone()));
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut kills = [0_u32; 2];
    for _ in 0..plan.kills {
        clock.sleep(Duration::from_millis(random.random_range(20..KILL_EVERY_MS))).await;
        let victim = match plan.itop {
            None if random.random_bool(0.3) => Victim::Itop,
            _ => Victim::Bridge,
        };
        kills[usize::from(victim == Victim::Itop)] += 1;
        let away = Duration::from_millis(random.random_range(0..300));
        processes.kill_and_restart(victim, away).await;
    }
    let accepted = sending.await.expect("the senders end");
    let settling = clock.now();
    // A real iTop is slow: most of its creates come after the kills, and are disturbed too.
    let mut drained = plan.itop.is_some() && counting::drained(&base, PATIENCE).await;
    processes.end_faults().await;
    drained = drained || counting::drained(&base, PATIENCE).await;
    let settled_in = clock.now().duration_since(settling);
    let outcome = Outcome::count(&plan, &processes, &accepted).await;
    let took = clock.now().duration_since(began);
    println!("| | |\n|---|---|");
    println!("| seed | {} |", plan.seed);
    println!("| acknowledgements answered 2xx | {} |", accepted.len());
    println!("| posts, repeated ones included | {} |", accepted.posts);
    println!("| faults | {} |", processes.faults_seen());
    println!("| kills of the bridge / of iTop | {} / {} |", kills[0], kills[1]);
    println!("| time to settle after the last kill | {:.1} s |", settled_in.as_secs_f64());
    println!("| time in all | {:.1} s |", took.as_secs_f64());
    println!("| **lost** | **{}** |", outcome.lost.len());
    println!("| **duplicated** | **{}** |", outcome.duplicated.len());
    println!("\nlost: {}\nduplicated: {}", outcome.lost.len(), outcome.duplicated.len());
    if !drained {
        println!("not everything settled within {PATIENCE:?}");
    }
    for (what, events) in [("lost", &outcome.lost), ("duplicated", &outcome.duplicated)] {
        for event in events.iter().take(20) {
            println!("{what}: {event}");
        }
    }
    drop(processes);
    let good = drained && outcome.lost.is_empty() && outcome.duplicated.is_empty();
    println!("{} passed, {} failed", i32::from(good), i32::from(!good));
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
