//! What the store counts and knows of itself, for those who watch it.

use jiff::Timestamp;

use super::{
    Store, StoreError,
    db::{self, Connection},
    time,
};
use crate::counting::{Counted, Spread, Tally};

/// How commits went.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// How long each took, with the writes in it, in microseconds.
    pub(super) micros: Spread,
    /// How many writes shared each.
    pub(super) writes: Spread,
    pub(super) failed: Tally<1>,
}

/// How commits went since the database was opened.
#[derive(Clone, Debug)]
pub struct CommitCounts {
    /// How long each took, with the writes in it, in microseconds.
    pub micros: Counted,
    /// How many writes shared each.
    pub writes: Counted,
    /// How many of them failed.
    pub failed: u64,
}

/// What came of acknowledgements that were to be stored, beside those that were.
#[derive(Debug, Default)]
pub(super) struct Arrivals(Tally<2>);

impl Arrivals {
    /// One was known already, and said the same.
    pub(super) fn repeated(&self, times: u64) {
        self.0.add(0, times);
    }

    /// The database did not take it.
    pub(super) fn not_stored(&self, times: u64) {
        self.0.add(1, times);
    }
}

/// The oldest status of an open ticket: the first entry of an index.
const OLDEST_OPEN: &str = "SELECT min(as_of) FROM tickets
     WHERE presence = 'present' AND operational_status NOT IN ('resolved', 'closed')";

impl Store {
    /// How commits went since the database was opened.
    #[must_use]
    pub fn commits(&self) -> CommitCounts {
        let Commits { micros, writes, failed } = &**self.inner.writer.commits();
        CommitCounts { micros: micros.read(), writes: writes.read(), failed: failed.read()[0] }
    }

    /// How many acknowledgements were posted that were known already, and how many the database did
    /// not take, since it was opened.
    #[must_use]
    pub fn not_stored(&self) -> (u64, u64) {
        self.inner.arrivals.0.read().into()
    }

    /// Whether the last commit succeeded.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        !self.inner.writer.is_failing()
    }

    /// When the oldest status of an open ticket was read, by [`Clock::at_latest`]; `None` where no ticket
    /// is open.
    ///
    /// [`Clock::at_latest`]: crate::clock::Clock::at_latest
    pub async fn oldest_open_status(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|db| Ok(oldest_open(db)?.map(time))).await
    }
}

fn oldest_open(db: &Connection) -> db::Result<Option<i64>> {
    db.prepare_cached(OLDEST_OPEN)?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn the_oldest_status_is_one_look_into_an_index() {
        let db = empty();
        let plan = plan(&db, OLDEST_OPEN, Vec::new());
        assert!(plan.contains("INDEX tickets_open") && !plan.contains("TEMP"), "{plan}");
        assert_eq!(oldest_open(&db).unwrap(), None);
    }
}
