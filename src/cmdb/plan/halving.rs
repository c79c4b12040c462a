//! Finding the rows for whose sake a load is turned away as a whole.

use std::ops::Range;

/// Asks about ever smaller parts of a number of rows, until each that is turned away alone is known.
#[derive(Clone, Debug)]
pub struct Halving {
    open: Vec<Range<usize>>,
    found: Vec<usize>,
}

impl Halving {
    /// Of so many rows, which were turned away together.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        let mut halving = Self { open: Vec::new(), found: Vec::new() };
        halving.turned_away(0..rows);
        halving
    }

    /// The next part to try; none when all is known.
    pub fn next_part(&mut self) -> Option<Range<usize>> {
        self.open.pop()
    }

    /// This part was turned away too.
    pub fn turned_away(&mut self, part: Range<usize>) {
        match part.len() {
            0 => {}
            1 => self.found.push(part.start),
            length => {
                let middle = part.start + length / 2;
                // What comes first is asked about first.
                self.open.push(middle..part.end);
                self.open.push(part.start..middle);
            }
        }
    }

    /// The rows that are turned away alone, as far as they are known.
    #[must_use]
    pub fn found(&self) -> &[usize] {
        &self.found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exactly_the_bad_rows_are_found_in_few_questions(
            rows in 1_usize..200,
            bad in proptest::collection::btree_set(0_usize..200, 0..4),
        ) {
            let bad: BTreeSet<_> = bad.into_iter().filter(|row| *row < rows).collect();
            let mut halving = Halving::new(rows);
            let (mut asked, mut taken) = (0, BTreeSet::new());
            if rows == 1 {
                prop_assert_eq!(halving.found(), &[0]);
                return Ok(());
            }
            while let Some(part) = halving.next_part() {
                asked += 1;
                if part.clone().any(|row| bad.contains(&row)) {
                    halving.turned_away(part);
                } else {
                    taken.extend(part);
                }
            }
            prop_assert_eq!(&halving.found().iter().copied().collect::<BTreeSet<_>>(), &bad);
            // Each other row was taken, once.
            prop_assert_eq!(taken.len() + bad.len(), rows);
            // Two questions a level for each bad row.
            prop_assert!(asked <= 2 * (bad.len().max(1)) * 9, "{} for {}", asked, bad.len());
        }
    }
}
