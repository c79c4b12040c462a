//! How much a list may retire without somebody's consent.

use serde::{Deserialize, Serialize};

/// So much of the equipment of one company and class: the greater of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetireLimit {
    /// So many of a hundred.
    pub percent: u8,
    /// So many in any case.
    pub rows: u32,
}

impl Default for RetireLimit {
    fn default() -> Self {
        Self { percent: 5, rows: 10 }
    }
}

impl RetireLimit {
    /// How many of so many pieces of equipment may be retired.
    #[must_use]
    pub fn of(self, pieces: usize) -> usize {
        let share = pieces.saturating_mul(self.percent.into()) / 100;
        share.max(usize::try_from(self.rows).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_of_a_share_and_a_number() {
        let limit = RetireLimit::default();
        for (pieces, expected) in [(0, 10), (30, 10), (200, 10), (219, 10), (220, 11), (4_000, 200)]
        {
            assert_eq!(limit.of(pieces), expected, "{pieces}");
        }
        assert_eq!(RetireLimit { percent: 0, rows: 0 }.of(1_000), 0);
    }
}
