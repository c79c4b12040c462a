//! What goes wrong in the simulated iTop, and the times that this is measured by.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use servicenav_itop_bridge::clock::Clock;
use tokio::task::JoinHandle;

use crate::plan::FaultSet;

/// How long the client waits. All times are short so that the run is.
pub const TIMEOUT: Duration = Duration::from_millis(1_500);

/// `delivery.settle`: what is only slow ends before.
pub const SETTLE: Duration = Duration::from_secs(6);

/// `delivery.settle_unproven`: longer than any lock is held.
pub const SETTLE_UNPROVEN: Duration = Duration::from_mins(1);

/// How long the answer or the effect of a slow write is late, in milliseconds: longer than the
/// client waits, shorter than `settle`.
const SLOW_MS: u64 = 2_500;

/// For how long a create is held back.
const HELD: Duration = Duration::from_secs(20);

/// For how long a lock is held.
const LOCKED: Duration = Duration::from_secs(25);

/// How long it is free between.
const FREE: Duration = Duration::from_secs(7);

/// The faults that a set has switched on all the time.
pub fn switched_on(set: FaultSet) -> Vec<Value> {
    match set {
        FaultSet::Disturbed => disturbed(),
        FaultSet::Held => {
            let held = json!({"kind": "held_before", "ms": millis(HELD), "on": "create"});
            let mut faults = lost_on_the_way();
            faults.push(with_probability(held, 0.04));
            faults
        }
        FaultSet::Counter | FaultSet::Insert => lost_on_the_way(),
    }
}

/// A quarter of all writes, and a few reads.
fn disturbed() -> Vec<Value> {
    let mut faults = Vec::new();
    for on in ["create", "update"] {
        for (fault, probability) in [
            (json!({"kind": "cut_after"}), 0.06),
            (json!({"kind": "cut_before"}), 0.04),
            (json!({"kind": "slow", "before_ms": SLOW_MS, "after_ms": 0}), 0.03),
            (json!({"kind": "slow", "before_ms": 0, "after_ms": SLOW_MS}), 0.02),
            (json!({"kind": "code100_after_commit"}), 0.03),
            (json!({"kind": "bad_gateway", "after_effect": true}), 0.03),
            (json!({"kind": "bad_gateway"}), 0.02),
            (json!({"kind": "truncated_json"}), 0.02),
            (json!({"kind": "unavailable"}), 0.01),
        ] {
            let mut fault = fault;
            fault["on"] = json!(on);
            fault["probability"] = json!(probability);
            faults.push(fault);
        }
    }
    faults.push(json!({"kind": "cut_before", "on": "read", "probability": 0.005}));
    faults.push(json!({"kind": "maintenance", "on": "all", "probability": 0.002}));
    faults
}

/// The faults that Salesforce has all the time: a quarter of all writes, and a few of all other requests.
pub fn of_salesforce() -> Vec<Value> {
    let slow = |before: u64, after: u64| json!({"slow": {"before_ms": before, "after_ms": after}});
    let mut faults = Vec::new();
    for object in ["Case", "CaseComment"] {
        for (kind, permille) in [
            (json!({"cut": {"after": true}}), 60),
            (json!({"cut": {"after": false}}), 40),
            (slow(SLOW_MS, 0), 30),
            (slow(0, SLOW_MS), 20),
            (json!({"html": {"status": 500, "after": true}}), 30),
            (json!({"html": {"status": 502, "after": false}}), 20),
            (json!({"html": {"status": 503, "after": false}}), 10),
            (json!({"wrong_json": {"after": true}}), 10),
            (json!("truncated"), 20),
            (json!("lock_row"), 20),
            (json!("duplicate_unknown"), if object == "Case" { 10 } else { 0 }),
            (json!("session_expired"), 5),
        ] {
            let fault = json!({"at": "create", "object": object, "kind": kind});
            faults.push(with_permille(fault, permille));
        }
    }
    for (at, kind, permille) in [
        ("read", json!({"cut": {"after": false}}), 20),
        ("retrieve", json!({"cut": {"after": false}}), 5),
        ("query", json!({"cut": {"after": false}}), 5),
        ("any", json!({"html": {"status": 503, "after": false}}), 2),
    ] {
        faults.push(with_permille(json!({"at": at, "kind": kind}), permille));
    }
    faults
}

fn with_permille(mut fault: Value, permille: u32) -> Value {
    fault["permille"] = json!(permille);
    fault
}

/// What that does, in words.
pub const OF_SALESFORCE: &str = "a quarter of all Cases and notes: answer lost, cut before, after the client \
                                 gave up, 500 after the effect, 502, 503, wrong and cut JSON, locks, a \
                                 duplicate that is none, a session that ends; a few reads";

/// So that creates must be sent again.
fn lost_on_the_way() -> Vec<Value> {
    vec![
        with_probability(json!({"kind": "cut_before", "on": "create"}), 0.03),
        with_probability(json!({"kind": "cut_after", "on": "create"}), 0.03),
    ]
}

fn with_probability(mut fault: Value, probability: f64) -> Value {
    fault["probability"] = json!(probability);
    fault
}

fn millis(period: Duration) -> u64 {
    u64::try_from(period.as_millis()).unwrap_or(u64::MAX)
}

/// What a set does, in words.
pub fn in_words(set: FaultSet) -> String {
    let lock = |what: &str| {
        format!(
            "{what} is held for {} s and free for {} s; 3 % of the creates cut before, of 3 % the \
             answer lost",
            LOCKED.as_secs(),
            FREE.as_secs()
        )
    };
    match set {
        FaultSet::Disturbed => {
            "a quarter of all writes: answer lost, cut before, after the client gave up, code 100 \
             after the commit, 502 before and after, cut JSON, 503; a few reads"
                .to_owned()
        }
        FaultSet::Held => format!(
            "4 % of the creates held back for {} s before they are evaluated, then run; 3 % cut \
             before, of 3 % the answer lost",
            HELD.as_secs()
        ),
        FaultSet::Counter => lock("the ticket counter"),
        FaultSet::Insert => lock("the table of tickets"),
    }
}

/// Somebody who takes a lock again and again.
pub struct LockTaker {
    task: JoinHandle<()>,
    taken: Arc<AtomicU32>,
}

impl LockTaker {
    /// Begins, if this set has a lock.
    pub fn start(set: FaultSet, itop: Option<String>) -> Option<Self> {
        let kind = match set {
            FaultSet::Counter => "counter_lock",
            FaultSet::Insert => "insert_lock",
            FaultSet::Disturbed | FaultSet::Held => return None,
        };
        let fault = json!({"kind": kind, "ms": millis(LOCKED), "on": "create", "times": 1});
        let url = format!("{}/sandbox/faults", itop?);
        let taken = Arc::<AtomicU32>::default();
        let counter = taken.clone();
        let task = tokio::spawn(async move {
            let (clock, http) = (Clock::system(), reqwest::Client::new());
            loop {
                let request = http.post(&url).header("content-type", "application/json");
                let answer = request.body(fault.to_string()).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    counter.fetch_add(1, Ordering::SeqCst);
                    clock.sleep(LOCKED + FREE).await;
                } else {
                    // It was just killed.
                    clock.sleep(Duration::from_millis(50)).await;
                }
            }
        });
        Some(Self { task, taken })
    }

    /// Ends, and tells how often the lock was taken.
    pub fn end(&self) -> u32 {
        self.task.abort();
        self.taken.load(Ordering::SeqCst)
    }
}

/// How many creates are sent again at most while a lock is held: one at a time, and `settle` comes
/// between two of them, whether the bridge is killed meanwhile or not.
pub fn sent_again_while_locked() -> u32 {
    u32::try_from(LOCKED.as_millis() / SETTLE.as_millis()).unwrap_or(u32::MAX)
}
