//! Numbers that are counted while work goes on: atomics that only grow, so that counting costs some
//! nanoseconds and whoever looks disturbs nobody. What happened between two looks is their difference.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often each of a few things has happened.
#[derive(Debug)]
pub struct Tally<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; N])
    }
}

impl<const N: usize> Tally<N> {
    /// Counts one of them once.
    pub fn count(&self, which: usize) {
        self.add(which, 1);
    }

    /// Counts one of them several times.
    pub fn add(&self, which: usize, times: u64) {
        self.0[which].fetch_add(times, Ordering::Relaxed);
    }

    /// How often each has happened.
    #[must_use]
    pub fn read(&self) -> [u64; N] {
        std::array::from_fn(|which| self.0[which].load(Ordering::Relaxed))
    }
}

/// Cells for each doubling of what is counted: a cell is 3 % wide.
const CELLS_A_DOUBLING: usize = 32;

/// All cells: numbers up to four billions, such as some seventy minutes in microseconds.
const CELLS: usize = CELLS_A_DOUBLING * 28;

/// How numbers spread, such as lengths of time. Each is counted in a cell of its size, and no number of
/// them makes this larger.
#[derive(Debug)]
pub struct Spread {
    cells: [AtomicU64; CELLS],
    sum: AtomicU64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { cells: [const { AtomicU64::new(0) }; CELLS], sum: AtomicU64::new(0) }
    }
}

impl Spread {
    /// Counts a number.
    pub fn add(&self, number: u64) {
        self.cells[cell(number)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(number, Ordering::Relaxed);
    }

    /// All that was counted so far.
    #[must_use]
    pub fn read(&self) -> Counted {
        let cells = self.cells.iter().map(|cell| cell.load(Ordering::Relaxed));
        Counted { cells: cells.collect(), sum: self.sum.load(Ordering::Relaxed) }
    }
}

/// What a [`Spread`] has counted up to one moment, or between two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Empty where nothing was counted.
    cells: Vec<u64>,
    sum: u64,
}

impl Counted {
    /// Together with what another one has counted.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        self.combined(other, u64::saturating_add)
    }

    /// What has come since an earlier look.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        self.combined(earlier, u64::saturating_sub)
    }

    fn combined(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let at = |cells: &[u64], cell: usize| cells.get(cell).copied().unwrap_or(0);
        let most = self.cells.len().max(other.cells.len());
        let cell = |cell| combine(at(&self.cells, cell), at(&other.cells, cell));
        Self { cells: (0..most).map(cell).collect(), sum: combine(self.sum, other.sum) }
    }

    /// How many numbers were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// So many of a hundred were no larger than this; off by 1.5 %. `None` where nothing was counted.
    #[must_use]
    pub fn at(&self, percent: u64) -> Option<u32> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.cells.iter().position(|cell| {
            seen += cell;
            seen >= rank
        });
        found.map(middle)
    }

    /// How many were no larger than this; a cell belongs to where it begins, so that some that are up
    /// to 3 % larger are among them.
    #[must_use]
    pub fn up_to(&self, bound: u64) -> u64 {
        self.cells.iter().take(cell(bound) + 1).sum()
    }
}

/// The cell of a number.
fn cell(number: u64) -> usize {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let doublings = number.checked_ilog2().unwrap_or(0).saturating_sub(5);
    // The numbers below two doublings of cells have one each.
    let within = number >> doublings;
    CELLS_A_DOUBLING * doublings as usize + within as usize
}

/// The middle of a cell.
fn middle(cell: usize) -> u32 {
    let doublings = (cell / CELLS_A_DOUBLING).saturating_sub(1);
    let within = cell - CELLS_A_DOUBLING * doublings;
    let middle = ((2 * within as u64 + 1) << doublings) / 2;
    u32::try_from(middle).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_a_cell_that_is_three_percent_wide() {
        let mut last = 0;
        for number in
            (0..200).chain((8..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, 3 << (bit - 1)]))
        {
            let cell = cell(number);
            assert!(cell < CELLS, "{number}");
            if number < 200 {
                assert!(cell >= last, "{number}");
                last = cell;
            }
            let off = u64::from(middle(cell)).abs_diff(number);
            assert!(off <= 1 + number / 32, "{number} is off by {off}");
        }
        assert_eq!(cell(u64::MAX), CELLS - 1);
    }

    #[test]
    fn median_and_p95_are_those_of_what_was_counted_between_two_looks() {
        let spread = Spread::default();
        assert_eq!(spread.read().at(50), None);
        spread.add(7);
        let before = spread.read();
        for milli in 1..=100_u64 {
            spread.add(milli * 1_000);
        }
        let counted = spread.read().since(&before);
        assert_eq!((counted.count(), counted.sum()), (100, 5_050_000));
        assert!((48_500..=51_500).contains(&counted.at(50).unwrap()), "{:?}", counted.at(50));
        assert!((92_000..=98_000).contains(&counted.at(95).unwrap()), "{:?}", counted.at(95));
        assert_eq!(before.with(&counted), spread.read());
        assert_eq!(spread.read().since(&spread.read()).at(50), None);
        assert_eq!(Counted::default().with(&before), before);
    }

    #[test]
    fn what_is_as_large_as_a_bound_is_up_to_it() {
        let spread = Spread::default();
        for number in [0, 1, 63, 64, 256, 1_000, 1_000_000, u64::from(u32::MAX)] {
            spread.add(number);
        }
        let up_to = |bound| spread.read().up_to(bound);
        assert_eq!([0, 1, 2, 63, 64].map(up_to), [1, 2, 2, 3, 4]);
        assert_eq!([256, 999, 1_000, 1_000_000, u64::MAX].map(up_to), [5, 6, 6, 7, 8]);
    }

    #[test]
    fn each_is_counted_by_itself() {
        let tally = Tally::<3>::default();
        tally.count(2);
        tally.add(0, 5);
        assert_eq!(tally.read(), [5, 0, 1]);
    }
}
