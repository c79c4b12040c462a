//! The crowd: idle, slow, endless and wild clients, all at once and more than there are places for, beside one
//! honest sender and those who look on. What is asserted are counts and outcomes; times are printed.

mod both;
mod clients;
mod honest;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use servicenav_itop_bridge::{
    clock::{Clock, Stopwatch},
    server,
};
use tokio::task::JoinSet;

use both::Both;
use clients::{STORM_CONNECTIONS, Statuses, request};

/// Connections that say nothing.
const IDLE: usize = 1_000;

/// Those of which a byte comes now and then: of a header, of a body.
const SLOW_HEADERS: usize = 500;
const SLOW_BODIES: usize = 300;

/// Those that read no answer.
const SLOW_READERS: usize = 200;

/// Those that send a gigabyte, again and again.
const ENDLESS: usize = 4;

/// The memory that the bridge may have, in bytes: its places for bodies, and buffers of all connections.
const MEMORY: u64 = 1 << 30;

/// How often something is done again.
const BEAT: Duration = Duration::from_millis(100);

const ACKNOWLEDGEMENTS: &str = "/api/v1/acknowledgements";

/// What has come of the crowd.
pub struct Report {
    lines: Vec<(String, String)>,
    faults: Vec<String>,
}

impl Report {
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    fn line(&mut self, what: &str, is: impl fmt::Display) {
        self.lines.push((what.to_owned(), is.to_string()));
    }

    fn holds(&mut self, what: impl fmt::Display, holds: bool) {
        if !holds {
            self.faults.push(what.to_string());
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| a crowd | |\n|---|---|")?;
        for (what, is) in &self.lines {
            writeln!(f, "| {what} | {is} |")?;
        }
        for fault in &self.faults {
            writeln!(f, "\nnot so: {fault}")?;
        }
        Ok(())
    }
}

/// A crowd for so many seconds.
pub async fn run(seconds: u64) -> Report {
    server::raise_limit();
    let both = Both::start().await;
    let clock = Clock::system();
    let mut report = Report { lines: Vec::new(), faults: Vec::new() };
    let [cut, refused, most, until] = [(); 4].map(|()| Arc::<AtomicU64>::default());
    let statuses = Statuses::default();
    let mut crowd = JoinSet::new();
    let at = || both.address();
    for _ in 0..IDLE {
        crowd.spawn(clients::idle(at()));
    }
    for _ in 0..SLOW_HEADERS {
        let begun = "GET /healthz HTTP/1.1\r\nx-slow: ".to_owned();
        crowd.spawn(clients::slow(at(), begun, "a".repeat(1_000), cut.clone()));
    }
    for _ in 0..SLOW_BODIES {
        let begun = request("POST", ACKNOWLEDGEMENTS, "slow", "", 1_000_000);
        crowd.spawn(clients::slow(at(), begun, " ".repeat(1_000), cut.clone()));
    }
    for _ in 0..SLOW_READERS {
        let asks = request("GET", "/api/openapi.json", "slow", "", 0).repeat(100);
        crowd.spawn(clients::deaf(at(), asks, cut.clone()));
    }
    for _ in 0..ENDLESS {
        crowd.spawn(clients::endless(at(), refused.clone(), most.clone()));
    }
    for number in 0..STORM_CONNECTIONS {
        crowd.spawn(clients::storm(at(), number, statuses.clone()));
    }
    let sender = tokio::spawn(honest::honest(both.base.clone(), until.clone()));
    let watchers = ["/healthz", "/readyz", "/", "/api/v1/controls/control-honest-0/ticket"]
        .map(|path| (path, tokio::spawn(honest::looks(both.base.clone(), path, until.clone()))));
    clock.sleep(Duration::from_secs(seconds)).await;
    until.store(1, Ordering::Relaxed);
    let (events, mut posted) = sender.await.expect("the honest sender ends");
    let all_taken = posted.statuses.keys().all(|status| (200..300).contains(status));
    report.line("honest posts", posted.in_words());
    report.holds("each post of the honest sender is answered 2xx", all_taken);
    for (path, watcher) in watchers {
        let mut answers = watcher.await.expect("a watcher ends");
        let all_answered = answers.statuses.keys().all(|status| [200, 404].contains(status));
        report.line(path, answers.in_words());
        report.holds(format!("{path} is always answered"), all_answered);
    }
    let counted = statuses.lock().expect("nobody panics here").clone();
    crowd.shutdown().await;
    let answered: u64 =
        counted.iter().filter(|(status, _)| **status > 0).map(|(_, count)| count).sum();
    report.line(
        "the storm, by status",
        format!("{counted:?}: {} a second", answered / seconds.max(1)),
    );
    report.holds("the storm is answered", answered > 0);
    report.line("slow clients that were cut", cut.load(Ordering::Relaxed));
    let (refused, most) = (refused.load(Ordering::Relaxed), most.load(Ordering::Relaxed));
    report.line("gigabytes refused by 413", format!("{refused}, after at most {} MiB", most >> 20));
    report.holds("gigabytes are refused early", refused > 0 && most < 64 << 20);
    let watch = Stopwatch::start();
    let tickets = honest::tickets(&both, &events).await;
    let took = Duration::from_micros(watch.micros());
    report.line("until all honest acknowledgements had their tickets", format!("{took:.1?}"));
    let once = events.iter().filter(|event| tickets.get(*event) == Some(&1)).count();
    report.line("honest acknowledgements with one ticket", format!("{once} of {}", events.len()));
    report.holds("each honest acknowledgement has one ticket", once == events.len());
    let memory = both.memory();
    report.line("memory of the bridge at its highest", format!("{} MiB", memory >> 20));
    report.holds("the memory is bounded", memory < MEMORY);
    report
}
