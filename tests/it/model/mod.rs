//! A model test: random sequences of what can happen, against what must hold.
//!
//! # Invariants
//! After every sequence, once the faults have ended, every company is linked and everything that
//! was accepted has been posted again where a backup was restored:
//! 1. Every acknowledgement that was answered 2xx is in the inbox, `created` or `reused` (or
//!    discarded, if an operator said so); none is under way, blocked or failed.
//! 2. Its marker stands exactly once in all tickets, be it in an entry of its own or in one that it
//!    shares, and at most one ticket names its event in the description. Of a discarded one: at
//!    most once. So however long iTop held a request before it was evaluated, and though a line was
//!    overwritten before it was read back; after the third time the row is warned of it, and then
//!    at most once.
//! 3. That ticket belongs to the organization to which its company is linked, at the desk of its company:
//!    of one that has moved at the old desk or the new one. Nothing is at the other one.
//! 4. The same key with another control was answered 409, and the same event with the row it had.
//! 5. A control shows the newest of its tickets.
//!
//! Who answers and who leads are started apart, so that the Term can be lost and granted while posts are taken.
//!
//! It runs with iTop as the only desk, with all companies at Salesforce, and with one at each.
//!
//! # Non-promises
//! - A create that is held for longer than `settle` when its conditions have been evaluated, other
//!   than by the ticket counter, may make a second ticket (the torture run counts them). Nor is one
//!   safe that was held back for that long, and is evaluated just while the one that was sent in
//!   its place is under way to its effect: neither sees the other. So of what holds creates for
//!   long, before they are evaluated, at the counter, or when they have been, a sequence has one
//!   kind, and shorter waits that strike one create together end before `settle` does. Seen, and
//!   traced in the sandbox: held back for 100 s and then inside for 15 s, in which its successor was
//!   made; slow, held inside and on its way to the counter for 33 s, when a probe passed it.
//! - A line that is overwritten after it was read back is not added again.
//! - A ticket that is deleted in iTop is not found again: events of deleted tickets are left out.
//! - iTop may still work on what the client gave up, so that more is under way there than the
//!   bridge has in flight.
//! - A discard that a restored backup does not know of is forgotten.
//! - A note on a Case that Salesforce holds for longer than `settle` may stand there twice.
//!
//! `BRIDGE_MODEL_CASES=N` runs N sequences instead of the default; a failure prints its shortest
//! form. What was found is frozen in `found.rs`.

mod desks;
mod found;
mod judge;
mod operation;
mod org;
mod run;
mod time;

use proptest::{
    collection::vec,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};

use desks::Desks;
use operation::{Operation, operation};

/// Sequences with iTop alone that run unless the environment says otherwise.
const CASES: u32 = 100;

/// The same of each other choice of desks.
const CASES_OF_OTHERS: u32 = 24;

/// Sequences at once: most of one is waiting, as its client waits for answers in real time.
const AT_ONCE: u32 = 8;

/// Runs one sequence; what does not hold, in words.
fn check_at(desks: Desks, operations: &[Operation]) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let outcome = runtime.block_on(run::run(desks, operations));
    runtime.shutdown_background();
    outcome
}

/// The same with iTop alone.
fn check(operations: &[Operation]) -> Result<(), String> {
    check_at(Desks::Itop, operations)
}

#[test]
fn the_model_holds() {
    all_hold(Desks::Itop, CASES);
}

#[test]
fn the_model_holds_with_salesforce() {
    all_hold(Desks::Salesforce, CASES_OF_OTHERS);
}

#[test]
fn the_model_holds_with_both() {
    all_hold(Desks::Both, CASES_OF_OTHERS);
}

fn all_hold(desks: Desks, cases: u32) {
    let asked = std::env::var("BRIDGE_MODEL_CASES").ok().and_then(|text| text.parse().ok());
    let each = asked.unwrap_or(cases).div_ceil(AT_ONCE);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| some_hold(desks, each));
        }
    });
}

/// Runs so many sequences, each of them another.
fn some_hold(desks: Desks, cases: u32) {
    let config =
        Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&vec(operation(desks), 1..25), |operations| {
        check_at(desks, &operations).map_err(TestCaseError::fail)
    });
    if let Err(TestError::Fail(reason, operations)) = outcome {
        panic!("{reason}\nat {desks:?} after {operations:#?}");
    }
    outcome.unwrap();
}
