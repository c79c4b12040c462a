//! How busy the sandbox is, and how slow that makes it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;

use super::{noise::Noise, operations::Effect};

/// How long requests take. Creates get the most throughput with `best_in_flight` of them at a
/// time; at four times as many it is 17 % lower, as measured on a real iTop (ITOP.md, "Speed").
///
/// A write takes half of its time before its conditions are evaluated, and half between that and
/// its effect: two creates of one marker within that half are both made, and of two lines for one
/// log one is lost, as within 50 ms of 100 on a real one.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// Milliseconds of a read.
    pub read_ms: u64,
    /// Milliseconds of a create or an update that is alone.
    pub create_ms: u64,
    /// The number of creates in flight at which throughput peaks; at least 1.
    pub best_in_flight: u32,
    /// By what requests vary around that.
    pub noise: Option<Noise>,
}

/// What is at work as a request begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Busy {
    /// How many requests came before.
    request: u64,
    /// Writes at work, itself included.
    writes: usize,
}

impl Latency {
    /// The service time of a request that begins now: before it is evaluated, and before its effect.
    pub(super) fn halves(&self, effect: Effect, busy: Busy, now: Timestamp) -> [Duration; 2] {
        let all = self.of(effect, busy, now);
        if effect == Effect::Read { [all, Duration::ZERO] } else { [all / 2, all / 2] }
    }

    fn of(&self, effect: Effect, busy: Busy, now: Timestamp) -> Duration {
        let undisturbed = self.undisturbed(effect, busy.writes);
        let noise = self.noise.map_or(1.0, |noise| noise.at(busy.request, now));
        undisturbed.mul_f64(noise)
    }

    fn undisturbed(&self, effect: Effect, writes_in_flight: usize) -> Duration {
        if effect == Effect::Read {
            return Duration::from_millis(self.read_ms);
        }
        let alone = Duration::from_millis(self.create_ms);
        let best = f64::from(self.best_in_flight.max(1));
        let busy = f64::from(u32::try_from(writes_in_flight).unwrap_or(u32::MAX));
        if busy <= best {
            return alone;
        }
        // Throughput falls in a straight line, 17 % over three times `best`, but never to nothing.
        let throughput = (1.0 - 0.17 * (busy - best) / (3.0 * best)).max(0.3);
        alone.mul_f64(busy / best / throughput)
    }
}

/// What a sandbox was asked so far.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RequestsSeen {
    /// Requests to rest.php by operation; what has none counts as "".
    pub by_operation: BTreeMap<String, u64>,
    /// The most requests that were at work at once.
    pub most_in_flight: usize,
    /// The most creates that were at work at once.
    pub most_creates_in_flight: usize,
    /// Requests at work now.
    pub in_flight: usize,
    /// Creates at work now.
    pub creates_in_flight: usize,
    /// Updates and stimuli at work now.
    pub updates_in_flight: usize,
    /// Requests that are evaluated and are held before their effect now, for whatever reason.
    pub held_inside: usize,
}

impl RequestsSeen {
    /// How many requests of one operation there were, such as `core/create`.
    #[must_use]
    pub fn of(&self, operation: &str) -> u64 {
        self.by_operation.get(operation).copied().unwrap_or(0)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Load(Arc<Mutex<RequestsSeen>>);

impl Load {
    pub(super) fn seen(&self) -> RequestsSeen {
        self.lock().clone()
    }

    /// Counts a request until the guard is dropped; also says what it shares iTop with.
    pub(super) fn enter(&self, operation: &str, effect: Effect) -> (AtWork, Busy) {
        let mut seen = self.lock();
        let request = seen.by_operation.values().sum();
        *seen.by_operation.entry(operation.to_owned()).or_default() += 1;
        seen.in_flight += 1;
        seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
        seen.creates_in_flight += usize::from(effect == Effect::Create);
        seen.updates_in_flight += usize::from(effect == Effect::Update);
        seen.most_creates_in_flight = seen.most_creates_in_flight.max(seen.creates_in_flight);
        let writes = seen.creates_in_flight + seen.updates_in_flight;
        (AtWork { load: self.clone(), effect }, Busy { request, writes })
    }

    /// Counts a request as held until the guard is dropped.
    pub(super) fn hold(&self) -> Held {
        self.lock().held_inside += 1;
        Held(self.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, RequestsSeen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request at work.
pub(super) struct AtWork {
    load: Load,
    effect: Effect,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut seen = self.load.lock();
        seen.in_flight -= 1;
        seen.creates_in_flight -= usize::from(self.effect == Effect::Create);
        seen.updates_in_flight -= usize::from(self.effect == Effect::Update);
    }
}

/// A request that is evaluated and waits.
pub(super) struct Held(Load);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.lock().held_inside -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_peaks_at_the_best_and_is_17_percent_lower_at_four_times_that() {
        let latency = Latency { read_ms: 65, create_ms: 200, best_in_flight: 4, noise: None };
        let of =
            |effect, writes| latency.of(effect, Busy { request: 0, writes }, Timestamp::UNIX_EPOCH);
        let throughput =
            |busy: u32| f64::from(busy) / of(Effect::Create, busy as usize).as_secs_f64();
        assert!(throughput(4) > throughput(3) && throughput(4) > throughput(5));
        assert!((throughput(16) / throughput(4) - 0.83).abs() < 0.001);
        assert_eq!(of(Effect::Read, 16), Duration::from_millis(65));
    }
}
