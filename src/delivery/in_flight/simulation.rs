//! The rule against a simulated iTop, in time that is only counted.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use itop_sandbox::Noise;
use jiff::Timestamp;

use super::*;

/// How many deliveries a drain has.
const ITEMS: u32 = 8_000;

/// Seconds of a write that is alone.
const ALONE: f64 = 0.2;

/// How long a write takes that shares iTop with `busy` in all, as `sandbox::Latency` has it:
/// throughput peaks at `best`, and is 17 % lower at four times that.
pub(super) fn as_the_sandbox(best: u16) -> impl Fn(u16) -> f64 {
    let best = f64::from(best);
    move |busy| {
        let busy = f64::from(busy);
        let throughput = (1.0 - 0.17 * (busy - best) / (3.0 * best)).clamp(0.3, 1.0);
        ALONE * (busy / best).max(1.0) / throughput
    }
}

/// The one real iTop that was measured (ITOP.md, "Speed"), straight lines between. Its
/// latency doubles while throughput still grows.
fn as_a_real_one(busy: u16) -> f64 {
    const SEEN: [(f64, f64); 4] = [(1.0, 4.7), (4.0, 8.3), (16.0, 6.9), (64.0, 1.0)];
    let busy = f64::from(busy);
    let after = SEEN.partition_point(|seen| seen.0 < busy).clamp(1, SEEN.len() - 1);
    let ((from, slower), (to, faster)) = (SEEN[after - 1], SEEN[after]);
    busy / (slower + (faster - slower) * (busy - from) / (to - from))
}

/// A simulated iTop under a full inbox, in time that is only counted.
pub(super) struct Drain<L> {
    latency: L,
    noise: Option<Noise>,
    now: u64,
}

impl<L: Fn(u16) -> f64> Drain<L> {
    pub(super) fn new(latency: L, noise: Option<Noise>) -> Self {
        Self { latency, noise, now: 0 }
    }

    fn clock(&self) -> Moment {
        Moment::from_millis(0).later(Duration::from_micros(self.now))
    }

    fn took(&self, item: u32, busy: usize) -> Duration {
        let noise = self.noise.map_or(1.0, |noise| {
            noise.at(item.into(), Timestamp::UNIX_EPOCH + Duration::from_micros(self.now))
        });
        Duration::from_secs_f64((self.latency)(u16::try_from(busy).unwrap()) * noise)
    }

    /// Deliveries a second, with as many in flight as the rule says.
    pub(super) fn by(mut self, rule: &mut InFlight) -> f64 {
        let start = self.now;
        // By the time of their end, in microseconds.
        let mut running = BinaryHeap::new();
        let mut begun = BTreeMap::new();
        let mut next = 0;
        for _ in 0..ITEMS {
            let limit = rule.limit();
            assert!(rule.bounds.contains(&limit), "{limit}");
            let free = usize::from(limit).saturating_sub(running.len());
            let left = usize::try_from(ITEMS - next).unwrap();
            let how = rule.begun(running.len() + free.min(left), self.clock());
            for _ in 0..free.min(left) {
                let took = self.took(next, running.len() + 1);
                let end = self.now + u64::try_from(took.as_micros()).unwrap();
                running.push(Reverse((end, next)));
                begun.insert(next, how);
                next += 1;
            }
            let in_flight = running.len();
            let Reverse((end, item)) = running.pop().unwrap();
            let how = begun.remove(&item).unwrap();
            self.now = end;
            rule.ended(how, in_flight, self.clock(), Written::Yes);
        }
        let took = Duration::from_micros(self.now - start).as_secs_f64();
        f64::from(ITEMS) / took
    }
}

pub(super) fn by_default() -> InFlight {
    let config = crate::config::DeliverySection::default();
    InFlight::new(config.in_flight_min, config.in_flight_max)
}

/// The seeds of the noise.
const SEEDS: u32 = 8;

/// What drains get in noise, as shares of what a fixed number gets in the same one.
struct Shares {
    /// Of the best number.
    best: f64,
    /// Of four.
    four: f64,
    four_at_worst: f64,
}

impl Shares {
    /// Means over all seeds.
    fn of<L: Fn(u16) -> f64>(latency: impl Fn() -> L, best: u16, spread: f64) -> Self {
        let mut shares = Self { best: 0.0, four: 0.0, four_at_worst: f64::MAX };
        for seed in 0..SEEDS {
            let drain = || Drain::new(latency(), Some(Noise { seed: seed.into(), spread }));
            let fixed = |limit| drain().by(&mut InFlight::new(limit, limit));
            let rate = drain().by(&mut by_default());
            let four = rate / fixed(START);
            shares.best += rate / fixed(best) / f64::from(SEEDS);
            shares.four += four / f64::from(SEEDS);
            shares.four_at_worst = shares.four_at_worst.min(four);
        }
        println!(
            "best {best}, spread {spread}: {:.3} of its throughput; {:.3} of that of four, {:.3} \
             at worst",
            shares.best, shares.four, shares.four_at_worst
        );
        shares
    }
}

const BESTS: [u16; 7] = [1, 2, 3, 4, 6, 8, 12];

/// How far requests vary, and what a drain then gets at least. What is missing is mostly what
/// seeking costs.
const SPREADS: [(f64, Shares); 2] = [
    (0.5, Shares { best: 0.94, four: 0.95, four_at_worst: 0.92 }),
    (1.0, Shares { best: 0.90, four: 0.92, four_at_worst: 0.80 }),
];

fn assert_enough<L: Fn(u16) -> f64>(latency: impl Fn() -> L, best: u16) {
    for (spread, least) in SPREADS {
        let shares = Shares::of(&latency, best, spread);
        assert!(shares.best >= least.best);
        assert!(shares.four >= least.four);
        assert!(shares.four_at_worst >= least.four_at_worst);
    }
}

#[test]
fn whatever_number_is_best_a_drain_is_nearly_as_fast() {
    for best in BESTS {
        let mut rule = by_default();
        let drain = || Drain::new(as_the_sandbox(best), None);
        let share = drain().by(&mut rule) / drain().by(&mut InFlight::new(best, best));
        println!("best {best}: {share:.3} of its throughput, at {} in the end", rule.home);
        assert!(share >= 0.95, "{best}: {share}");
        assert!(rule.home.abs_diff(best) <= 1, "{best}: {}", rule.home);
    }
}

#[test]
fn noise_does_not_lead_it_astray() {
    for best in [1, 2, 4, 8] {
        assert_enough(|| as_the_sandbox(best), best);
    }
}

#[test]
fn latency_that_grows_with_throughput_does_not_stop_it() {
    assert_enough(|| as_a_real_one, 4);
}

#[test]
fn an_itop_that_changes_is_followed() {
    let quiet = vec![None];
    let noisy = (0..SEEDS).map(|seed| Some(Noise { seed: seed.into(), spread: 0.5 })).collect();
    for (noises, at_least) in [(quiet, 0.93), (noisy, 0.88)] {
        let (mut took, mut at_best) = (0.0, 0.0);
        for noise in noises {
            let mut rule = by_default();
            for best in [4, 8, 2] {
                let drain = || Drain::new(as_the_sandbox(best), noise);
                took += drain().by(&mut rule).recip();
                at_best += drain().by(&mut InFlight::new(best, best)).recip();
            }
        }
        let share = at_best / took;
        println!("4, 8, 2: {share:.3} of the best throughput");
        assert!(share >= at_least, "{share}");
    }
}
