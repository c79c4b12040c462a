//! Which ids are read next.
//!
//! A table is read by ranges of ids, never by pages: iTop sorts all of it for each page (ITOP-like notes in
//! ARCHITECTURE.md). Ids have holes of any size, so that ranges grow where little is found and shrink where
//! much is.

/// The ids above one, up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Above this one,
    pub above: u64,
    /// up to this one.
    pub up_to: u64,
}

impl Range {
    /// How many ids there can be in it.
    #[must_use]
    pub fn width(self) -> u64 {
        self.up_to - self.above
    }
}

/// How much a range may be wider than its predecessor.
const GROWTH: u64 = 8;

/// The ranges of one table.
#[derive(Debug)]
pub struct Ranges {
    /// How many rows a range should bring.
    wanted: u64,
    width: u64,
    above: u64,
    /// What was read by an earlier process, the highest first.
    read: Vec<(u64, u64)>,
    /// What brought too much and is asked for in parts, the lowest last.
    parts: Vec<Range>,
    /// Nothing is above this one.
    end: Option<u64>,
}

impl Ranges {
    /// Those of a table of which these were read already, the lowest first.
    #[must_use]
    pub fn new(wanted: u64, mut read: Vec<(u64, u64)>) -> Self {
        read.reverse();
        let wanted = wanted.max(1);
        Self { wanted, width: wanted, above: 0, read, parts: Vec::new(), end: None }
    }

    /// The next one; `None` when there is none, or none before an answer to one that is under way.
    pub fn next(&mut self) -> Option<Range> {
        if let Some(part) = self.parts.pop() {
            return Some(part);
        }
        while let Some((_, up_to)) = self.read.pop_if(|(above, _)| *above <= self.above) {
            self.above = self.above.max(up_to);
        }
        if self.end.is_some_and(|end| end <= self.above) {
            return None;
        }
        let above = self.above;
        let up_to = above.saturating_add(self.width).min(i64::MAX.unsigned_abs());
        let up_to = self.read.last().map_or(up_to, |(known, _)| up_to.min(*known));
        if up_to == above {
            return None;
        }
        self.above = up_to;
        Some(Range { above, up_to })
    }

    /// Whether so few rows came of a range that there may be nothing above it.
    #[must_use]
    pub fn may_be_last(&self, rows: u64) -> bool {
        rows < self.wanted / 2 + 1
    }

    /// A range is to be asked with a bound on its rows, because it is so wide that it could bring too many.
    #[must_use]
    pub fn is_wide(&self, range: Range) -> bool {
        range.width() > self.most()
    }

    /// So many rows a range may bring.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.wanted * 2
    }

    /// A range has brought so many rows.
    pub fn brought(&mut self, range: Range, rows: u64) {
        let fitting =
            range.width().saturating_mul(self.wanted).checked_div(rows).unwrap_or(u64::MAX);
        self.width =
            fitting.clamp(self.wanted, range.width().max(self.wanted).saturating_mul(GROWTH));
    }

    /// A range would bring more than it may: it is asked for in parts.
    pub fn too_many(&mut self, range: Range) {
        let parts = 8.min(range.width());
        let step = range.width().div_ceil(parts);
        let mut above = range.above;
        let mut cut = Vec::new();
        while above < range.up_to {
            let up_to = range.up_to.min(above + step);
            cut.push(Range { above, up_to });
            above = up_to;
        }
        self.parts.extend(cut.into_iter().rev());
        self.width = self.width.min(step.max(self.wanted));
    }

    /// There is nothing above this id.
    pub fn nothing_above(&mut self, id: u64) {
        self.end = Some(self.end.map_or(id, |end| end.min(id)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Reads a table as `extract` does, and tells how it was asked.
    fn read(
        ids: &BTreeSet<u64>,
        mut ranges: Ranges,
        at_once: usize,
    ) -> (Vec<u64>, Vec<(u64, u64)>) {
        let (mut found, mut asked, mut under_way) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            while under_way.len() < at_once
                && let Some(range) = ranges.next()
            {
                under_way.push(range);
            }
            if under_way.is_empty() {
                return (found, asked);
            }
            // The last one answers first: the order of answers must not matter.
            let Some(range) = under_way.pop() else { continue };
            let rows: Vec<_> = ids.range(range.above + 1..=range.up_to).copied().collect();
            let count = u64::try_from(rows.len()).unwrap();
            if ranges.is_wide(range) && count > ranges.most() {
                ranges.too_many(range);
                continue;
            }
            asked.push((range.above, range.up_to));
            found.extend(rows);
            ranges.brought(range, count);
            if ranges.may_be_last(count) && ids.range(range.up_to + 1..).next().is_none() {
                ranges.nothing_above(range.up_to);
            }
        }
    }

    #[test]
    fn a_table_without_holes_takes_as_many_ranges_as_it_must() {
        let ids = (1..=200_000).collect();
        let (found, asked) = read(&ids, Ranges::new(2_000, Vec::new()), 2);
        assert_eq!(found.len(), 200_000);
        assert!((100..=103).contains(&asked.len()), "{}", asked.len());
    }

    #[test]
    fn a_hole_of_a_thousand_million_ids_is_passed_in_few_steps() {
        let ids = (1..=100).chain(1_000_000_001..=1_000_004_000).collect();
        let (found, asked) = read(&ids, Ranges::new(1_000, Vec::new()), 2);
        assert_eq!(found.len(), 4_100);
        assert!(asked.len() < 60, "{asked:?}");
    }

    proptest! {
        #[test]
        fn each_object_is_read_once_whatever_was_read_before(
            ids in prop::collection::btree_set(1_u64..400_000, 0..400),
            dense in 1_u64..300_000, many in 0_u64..300,
            wanted in 1_u64..40, at_once in 1_usize..4, keep in 0_usize..20,
        ) {
            let mut ids = ids;
            ids.extend(dense..dense + many);
            let (found, asked) = read(&ids, Ranges::new(wanted, Vec::new()), at_once);
            let mut sorted = found;
            sorted.sort_unstable();
            prop_assert_eq!(&sorted, &ids.iter().copied().collect::<Vec<_>>());

            // An earlier process has read some of them.
            let mut before: Vec<_> = asked.into_iter().step_by(3).take(keep).collect();
            before.sort_unstable();
            let is_known = |id: &u64| before.iter().any(|(above, up_to)| above < id && id <= up_to);
            let left: Vec<_> = ids.iter().copied().filter(|id| !is_known(id)).collect();
            let (found, _) = read(&ids, Ranges::new(wanted, before.clone()), at_once);
            let mut sorted = found;
            sorted.sort_unstable();
            prop_assert_eq!(sorted, left);
        }
    }
}
