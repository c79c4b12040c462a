//! The calls to a desk: how many, what came of them, and how long their answers took.

use std::sync::Arc;

use super::Use;
use crate::counting::{Counted, Spread, Tally};

/// The most codes that an error may have, one more for what ended well.
const MOST_CODES: usize = 16;

/// What can come of a call, as it is counted.
pub trait Coded {
    /// The words for it, for programs; the first is that of a success. At most sixteen.
    const CODES: &'static [&'static str];

    /// The place among [`Self::CODES`], above 0.
    fn place(&self) -> usize;
}

/// The calls since the process began. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Calls {
    codes: &'static [&'static str],
    of: Arc<[OfUse; Use::ALL.len()]>,
}

#[derive(Debug, Default)]
struct OfUse {
    codes: Tally<MOST_CODES>,
    latencies: Spread,
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

impl Calls {
    /// None yet, of a desk whose errors are these.
    #[must_use]
    pub fn of<E: Coded>() -> Self {
        const { assert!(E::CODES.len() <= MOST_CODES) }
        Self { codes: E::CODES, of: Arc::default() }
    }

    /// Counts an answer that took so many microseconds, whatever it says.
    pub(crate) fn answered(&self, of: Use, micros: u64) {
        self.of[of as usize].latencies.add(micros);
    }

    /// Counts what came of a call.
    pub(crate) fn ended<T, E: Coded>(&self, of: Use, outcome: &Result<T, E>) {
        self.of[of as usize].codes.count(outcome.as_ref().err().map_or(0, E::place));
    }

    /// What came of the calls: for what they were, a code for it, and how many there were.
    pub fn ends(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        Use::ALL.into_iter().flat_map(|of| {
            let counts = self.codes.iter().zip(self.of[of as usize].codes.read());
            counts.map(move |(code, count)| (of.word(), *code, count))
        })
    }

    /// How long answers took, in microseconds, by what was asked for.
    pub fn latencies(&self) -> impl Iterator<Item = (&'static str, Counted)> {
        Use::ALL.into_iter().map(|of| (of.word(), self.of[of as usize].latencies.read()))
    }

    /// The same of all but the lists, which are long by themselves.
    #[must_use]
    pub fn short(&self) -> Counted {
        let short = Use::ALL.into_iter().filter(|of| *of != Use::List);
        let read = |of| self.of[of as usize].latencies.read();
        short.map(read).fold(Counted::default(), |all, of| all.with(&of))
    }
}

impl Latency {
    /// That of what was counted; `None` where nothing was.
    #[must_use]
    pub fn of(counted: &Counted) -> Option<Self> {
        let (median, p95) = counted.at(50).zip(counted.at(95))?;
        Some(Self { count: counted.count(), median, p95 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::itop::ItopError;

    #[test]
    fn each_call_is_counted_by_its_use_and_what_came_of_it() {
        let calls = Calls::of::<ItopError>();
        calls.clone().answered(Use::Create, 1_000);
        calls.answered(Use::List, 5_000_000);
        calls.ended(Use::Create, &Ok::<_, ItopError>(()));
        calls.ended::<(), _>(Use::List, &Err(ItopError::NotItop { reason: String::new() }));
        let ends: Vec<_> = calls.ends().filter(|(.., count)| *count > 0).collect();
        assert_eq!(ends, [("list", "not-itop", 1), ("create", "ok", 1)]);
        let counts: Vec<_> = calls.latencies().map(|(of, took)| (of, took.count())).collect();
        assert_eq!(counts, [("read", 0), ("list", 1), ("update", 0), ("create", 1)]);
        let latency = Latency::of(&calls.short()).unwrap();
        assert_eq!(latency.count, 1);
        assert!(latency.median.abs_diff(1_000) < 32, "{latency:?}");
        assert_eq!(Latency::of(&Counted::default()), None);
    }
}
