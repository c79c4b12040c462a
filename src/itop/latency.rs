//! How long iTop takes to answer. Each answer is counted in a cell of its length, which costs it some
//! nanoseconds, and which no number of answers makes larger.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// Cells for each doubling of the length: a cell is 3 % wide.
const CELLS_A_DOUBLING: usize = 32;

/// All cells: lengths up to some seventy minutes, in microseconds.
const CELLS: usize = CELLS_A_DOUBLING * 28;

/// Answers by their lengths. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Latencies {
    cells: Arc<[AtomicU32; CELLS]>,
}

/// How long a number of answers took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// How many there were.
    pub count: u64,
    /// Half of them took no longer, in microseconds.
    pub median: u32,
    /// All but a twentieth of them took no longer, in microseconds.
    pub p95: u32,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { cells: Arc::new([const { AtomicU32::new(0) }; CELLS]) }
    }
}

impl Latencies {
    /// Counts an answer that took so many microseconds.
    pub(super) fn add(&self, micros: u64) {
        self.cells[cell(micros)].fetch_add(1, Ordering::Relaxed);
    }

    /// Of what was counted since the last time; counts anew from now on. `None` where nothing was.
    #[must_use]
    pub fn take(&self) -> Option<Latency> {
        of(&self.read(|cell| cell.swap(0, Ordering::Relaxed)))
    }

    /// The same, and goes on counting.
    #[must_use]
    pub fn look(&self) -> Option<Latency> {
        of(&self.read(|cell| cell.load(Ordering::Relaxed)))
    }

    fn read(&self, read: impl Fn(&AtomicU32) -> u32) -> Vec<u32> {
        self.cells.iter().map(read).collect()
    }
}

/// The cell of a length.
fn cell(micros: u64) -> usize {
    let micros = u32::try_from(micros).unwrap_or(u32::MAX);
    let doublings = micros.checked_ilog2().unwrap_or(0).saturating_sub(5);
    // The lengths below two doublings of cells have one each.
    let within = micros >> doublings;
    CELLS_A_DOUBLING * doublings as usize + within as usize
}

/// The middle of a cell, in microseconds.
fn middle(cell: usize) -> u32 {
    let doublings = (cell / CELLS_A_DOUBLING).saturating_sub(1);
    let within = cell - CELLS_A_DOUBLING * doublings;
    let middle = ((2 * within as u64 + 1) << doublings) / 2;
    u32::try_from(middle).unwrap_or(u32::MAX)
}

fn of(cells: &[u32]) -> Option<Latency> {
    let count: u64 = cells.iter().copied().map(u64::from).sum();
    if count == 0 {
        return None;
    }
    let at = |percent: u64| {
        let rank = (count * percent).div_ceil(100);
        let mut seen = 0;
        let found = cells.iter().position(|cell| {
            seen += u64::from(*cell);
            seen >= rank
        });
        middle(found.unwrap_or(CELLS - 1))
    };
    Some(Latency { count, median: at(50), p95: at(95) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_in_a_cell_that_is_three_percent_wide() {
        let mut last = 0;
        for micros in
            (0..200).chain((8..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, 3 << (bit - 1)]))
        {
            let cell = cell(micros);
            assert!(cell < CELLS, "{micros}");
            if micros < 200 {
                assert!(cell >= last, "{micros}");
                last = cell;
            }
            let off = u64::from(middle(cell)).abs_diff(micros);
            assert!(off <= 1 + micros / 32, "{micros} is off by {off}");
        }
        assert_eq!(cell(u64::MAX), CELLS - 1);
    }

    #[test]
    fn median_and_p95_are_those_of_what_was_counted() {
        let latencies = Latencies::default();
        assert_eq!(latencies.take(), None);
        for milli in 1..=100_u64 {
            latencies.clone().add(milli * 1_000);
        }
        let Latency { count, median, p95 } = latencies.look().unwrap();
        assert_eq!(count, 100);
        assert!((48_500..=51_500).contains(&median), "{median}");
        assert!((92_000..=98_000).contains(&p95), "{p95}");
        assert_eq!(latencies.take(), Some(Latency { count, median, p95 }));
        assert_eq!(latencies.take(), None);
    }
}
