//! Two limits in turn, and which of them gets more done.

use std::ops::RangeInclusive;

/// After how many pairs of rounds a rival can win at the earliest, and a contest ends at the
/// latest.
const PAIRS: RangeInclusive<usize> = 3..=48;

/// The variance of pairs that is expected before any contest: two rounds of the same limit then
/// differ by a third.
pub(super) const CHANCE: f64 = 0.12;

/// As many pairs of this contest that variance is worth which was known before: the first few
/// can be alike by chance.
const KNOWN_BEFORE: f64 = 4.0;

/// The most that a pair counts, as a logarithm: iTop may have stood still in its midst.
const FARTHEST: f64 = 1.5;

/// How many standard errors above the bar a rival has won. The bar is looked at after each pair,
/// which gives chance many chances.
const WON: f64 = 3.0;

/// How many standard errors below the bar it has lost. One that loses wrongly comes again.
const LOST: f64 = 1.5;

/// The share of what more in flight could bring at best that makes it worthwhile.
const WORTHWHILE: f64 = 0.1;

/// A contest between the best known limit and another one.
#[derive(Debug)]
pub(super) struct Contest {
    home: u16,
    pub(super) rival: u16,
    /// The throughput of the first round of a pair.
    first: Option<f64>,
    /// The ratios of rival to home, as logarithms.
    pairs: Vec<f64>,
}

impl Contest {
    pub(super) fn between(home: u16, rival: u16) -> Self {
        Self { home, rival, first: None, pairs: Vec::new() }
    }

    /// A round of `limit`, one of the two, had this throughput. Gives the limit of the next one:
    /// each pair begins with the limit that the last one ended with, because a change takes time
    /// to show, and because a drift then favours neither.
    pub(super) fn round(&mut self, limit: u16, throughput: f64) -> u16 {
        let other = if limit == self.home { self.rival } else { self.home };
        let Some(first) = self.first.take() else {
            self.first = Some(throughput);
            return other;
        };
        let (home, rival) =
            if limit == self.home { (throughput, first) } else { (first, throughput) };
        self.pairs.push(match (home > 0.0, rival > 0.0) {
            (true, true) => (rival / home).ln().clamp(-FARTHEST, FARTHEST),
            (false, true) => FARTHEST,
            // Where nothing gets done at all, fewer in flight is the better way to wait.
            (false, false) if self.rival < self.home => FARTHEST,
            (_, false) => -FARTHEST,
        });
        limit
    }

    /// Forgets half a pair: what comes next may be hours later.
    pub(super) fn pause(&mut self) {
        self.first = None;
    }

    /// Whether the rival is the better one, once that is decided.
    pub(super) fn verdict(&self, chance: f64) -> Option<bool> {
        if self.first.is_some() || self.pairs.is_empty() {
            return None;
        }
        let bar = self.bar();
        let (mean, _) = self.mean_and_squares();
        let error = (self.variance(chance) / self.count()).sqrt();
        let pairs = self.pairs.len();
        if mean < bar - LOST * error {
            Some(false)
        } else if pairs >= *PAIRS.start() && mean > bar + WON * error {
            Some(true)
        } else {
            // Fewer in flight must at least seem to bring more.
            (pairs >= *PAIRS.end()).then_some(mean > bar.max(0.0))
        }
    }

    /// What the variance of pairs is taken for, if it was taken for `chance` before.
    pub(super) fn variance(&self, chance: f64) -> f64 {
        let (_, squares) = self.mean_and_squares();
        (squares + KNOWN_BEFORE * chance) / (self.count() - 1.0 + KNOWN_BEFORE)
    }

    /// More must bring a tenth of what it could; fewer must lose less than that.
    fn bar(&self) -> f64 {
        let farther = f64::from(self.rival) / f64::from(self.home) - 1.0;
        (1.0 + WORTHWHILE * farther).ln()
    }

    fn count(&self) -> f64 {
        u16::try_from(self.pairs.len()).unwrap_or(u16::MAX).into()
    }

    /// The mean of the pairs, and their squared distances from it. The eighth that is farthest on
    /// either side counts no more than the next: iTop became another one in the midst of it.
    fn mean_and_squares(&self) -> (f64, f64) {
        let mut pairs = self.pairs.clone();
        pairs.sort_by(f64::total_cmp);
        let cut = (pairs.len() + 3) / 8;
        let (least, most) = (pairs[cut], pairs[pairs.len() - 1 - cut]);
        let tamed = || pairs.iter().map(|pair| pair.clamp(least, most));
        let mean = tamed().sum::<f64>() / self.count();
        (mean, tamed().map(|pair| (pair - mean).powi(2)).sum())
    }
}
