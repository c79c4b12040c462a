//! Rounds of load, and what they have in common.

use std::time::Duration;

use crate::{load::closed_loop, processes::Process, requests::Requests};

/// Rounds of each: enough that one in which the machine was busy does not decide.
pub const ROUNDS: usize = 5;

/// How long a round lasts.
pub const PERIOD: Duration = Duration::from_secs(2);

/// What one round showed.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub per_second: f64,
    /// Milliseconds.
    pub p99: f64,
    /// Processor time of the process for each request, in microseconds.
    pub cpu: f64,
}

impl Round {
    /// Load on a process for a while.
    pub async fn of<R: Requests>(process: &Process, sources: Vec<R>, period: Duration) -> Self {
        let before = process.cpu_micros();
        let load = closed_loop(process.address, sources, period).await;
        let cpu = (process.cpu_micros() - before) / load.requests();
        Self { per_second: load.per_second(), p99: load.percentile(99), cpu }
    }
}

/// Several rounds.
#[derive(Debug, Default)]
pub struct Rounds(Vec<Round>);

impl Rounds {
    pub fn add(&mut self, round: Round) {
        self.0.push(round);
    }

    /// The median of one of its figures.
    pub fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
