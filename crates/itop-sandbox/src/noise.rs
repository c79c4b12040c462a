//! Service times that vary and jump, as those of an iTop do whose machine others use too.

use std::{f64::consts::TAU, time::Duration};

use jiff::Timestamp;

/// For how long the whole system is as slow as it just became, at least.
const SPELL: Duration = Duration::from_secs(20);

/// The share of spells that are slow.
const SLOW: f64 = 0.3;

/// By what the whole system is slower in a slow spell.
const SLOWER: std::ops::RangeInclusive<f64> = 1.5..=3.0;

/// How far it drifts beside that, to both sides.
const DRIFT: f64 = 0.2;

/// How long a drift takes, there and back.
const DRIFT_PERIOD: Duration = Duration::from_secs(150);

/// Noise that follows from its seed: each request varies by its number, and the whole system by
/// the clock, so that two with the same seed are slow at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// Another seed is another noise.
    pub seed: u64,
    /// How far requests vary: the standard deviation of the logarithm of their lengths. With 0.7
    /// one of twenty takes two and a half times as long as the mean; with 0 none varies.
    pub spread: f64,
}

impl Noise {
    /// By what the request of that number takes longer, or less long, at that time: who simulates without HTTP
    /// has the same noise.
    #[must_use]
    pub fn at(&self, request: u64, now: Timestamp) -> f64 {
        self.of_request(request) * self.of_all(now)
    }

    /// Log-normal, with a mean of 1.
    fn of_request(&self, request: u64) -> f64 {
        let [radius, angle] = self.dice(request, 0);
        // Box and Muller; 1 less what is below 1 is never 0, which has no logarithm.
        let normal = (-2.0 * (1.0 - radius).ln()).sqrt() * (TAU * angle).cos();
        (self.spread * normal - self.spread * self.spread / 2.0).exp()
    }

    fn of_all(&self, now: Timestamp) -> f64 {
        let seconds = now.as_duration().as_secs_f64();
        let drift = 1.0 + DRIFT * (TAU * seconds / DRIFT_PERIOD.as_secs_f64()).sin();
        let spell = now.as_duration().as_secs() / SPELL.as_secs().cast_signed();
        let [slow, slower] = self.dice(spell.cast_unsigned(), 1);
        let (least, most) = (*SLOWER.start(), *SLOWER.end());
        drift * if slow < SLOW { least + slower * (most - least) } else { 1.0 }
    }

    /// Two numbers from 0 to below 1 that follow from all these: `SplitMix64`, because a generator
    /// that starts anew for each request takes too long to start.
    fn dice(&self, number: u64, stream: u64) -> [f64; 2] {
        let mut bits = 0_u64;
        for part in [self.seed, stream, number] {
            bits = (bits ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bits ^= bits >> 31;
        }
        let half = |bits| f64::from(u32::try_from(bits).expect("it is half of a u64"));
        [half(bits >> 32), half(bits & u64::from(u32::MAX))]
            .map(|half| half / (f64::from(u32::MAX) + 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISE: Noise = Noise { seed: 7, spread: 0.7 };

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn requests_vary_around_what_they_would_take() {
        let lengths: Vec<f64> = (0..20_000).map(|n| NOISE.of_request(n)).collect();
        let mean = lengths.iter().sum::<f64>() / 20_000.0;
        assert!((0.97..=1.03).contains(&mean), "{mean}");
        let long = lengths.iter().filter(|length| **length > 2.5).count();
        assert!((800..=1_200).contains(&long), "{long}");
    }

    #[test]
    fn now_and_then_all_is_slower_for_a_while() {
        let spells: Vec<f64> = (0..1_000).map(|n| NOISE.of_all(after(n * 20))).collect();
        let slow = spells.iter().filter(|slower| **slower > 1.0 + DRIFT).count();
        assert!((200..=350).contains(&slow), "{slow}");
        assert!(spells.iter().all(|slower| (0.8..=3.6).contains(slower)));
        let (at_first, in_the_end) = (NOISE.of_all(after(40)), NOISE.of_all(after(41)));
        assert!((at_first / in_the_end - 1.0).abs() < 0.05);
    }

    #[test]
    fn the_same_seed_is_the_same_noise() {
        let at = |seed: u64| Noise { seed, ..NOISE }.at(3, after(1_000));
        assert_eq!(at(1).to_bits(), at(1).to_bits());
        assert_ne!(at(1).to_bits(), at(2).to_bits());
    }
}
