//! What is written down of a load: what stands in the org, what is under way, what did not go.
//!
//! Each piece of work on it is one transaction ([`Staging::ledger`]), so that a kill leaves it before or after.

mod batches;
mod comments;
mod contents;
mod counts;
mod delta;
mod fill;
mod rollback;

use rusqlite::{Connection, OptionalExtension as _, params};

pub use batches::{BatchRow, Ending, OpenBatch, Waiting, Way};
pub use comments::{CommentPart, Entry as LogEntry};
pub use contents::{Content, Pending};
pub use counts::{ClassCounts, Failure, Sent};
pub use delta::{CHANGED, MadeBefore};
pub use fill::{Filled, Made, Part};
pub use rollback::{Created, Kept};

use super::{Staging, StagingError};

/// The part of a failure that is about a record as a whole.
pub const RECORD: &str = "";

/// The part of a failure that is about the fields that are set later.
pub const LATER: &str = "later";

/// The part of a failure that is about an article that was to be published.
pub const PUBLISH: &str = "publish";

/// What is written down of a load, within one transaction.
#[derive(Debug)]
pub struct Ledger<'t>(&'t Connection);

/// Whether a record was made by this migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was.
    Created,
    /// It was there before.
    Found,
}

impl How {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Found => "found",
        }
    }
}

impl Staging {
    /// Works on what is written down of a load, in one transaction beside the runtime.
    ///
    /// # Errors
    /// When the database fails; nothing of the work is kept then.
    pub async fn ledger<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StagingError> {
        self.aside(move |db| {
            let transaction = db.transaction()?;
            let done = work(&Ledger(&transaction))?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }
}

impl Ledger<'_> {
    /// A single value that was written down.
    pub fn about(&self, name: &str) -> rusqlite::Result<Option<String>> {
        super::about(self.0, name)
    }

    /// Writes a single value down.
    pub fn note(&self, name: &str, value: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO about VALUES (?1, ?2)";
        self.0.execute(sql, [name, value]).map(drop)
    }

    /// Takes a single value out.
    pub fn forget(&self, name: &str) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM about WHERE name = ?1", [name]).map(drop)
    }

    /// A run of a step begins; its number.
    pub fn begin_step(&self, step: &str, at: &str) -> rusqlite::Result<i64> {
        self.0.execute("INSERT INTO steps (step, began) VALUES (?1, ?2)", [step, at])?;
        Ok(self.0.last_insert_rowid())
    }

    /// It has ended, with what it came to.
    pub fn end_step(&self, run: i64, at: &str, json: &str) -> rusqlite::Result<()> {
        let sql = "UPDATE steps SET ended = ?2, json = ?3 WHERE id = ?1";
        self.0.execute(sql, params![run, at, json]).map(drop)
    }

    /// The record that an object became.
    pub fn record(&self, class: &str, id: u64) -> rusqlite::Result<Option<String>> {
        self.0
            .prepare_cached("SELECT target FROM records WHERE class = ?1 AND id = ?2")?
            .query_row(params![class, super::tables::integer(id)], |row| row.get(0))
            .optional()
    }

    /// An attribute of an object as text.
    pub fn attribute(&self, class: &str, id: u64, name: &str) -> rusqlite::Result<Option<String>> {
        let found = self
            .0
            .prepare_cached("SELECT fields ->> ?3 FROM objects WHERE class = ?1 AND id = ?2")?
            .query_row(params![class, super::tables::integer(id), name], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }

    /// Records that were there before anything was loaded: of each key its id.
    pub fn found_before(
        &self,
        class: &str,
        object: &str,
        found: &[(u64, String)],
        at: &str,
    ) -> rusqlite::Result<usize> {
        let mut insert = self.0.prepare_cached(
            "INSERT OR IGNORE INTO records (class, id, object, target, how, at)
             SELECT class, id, ?3, ?4, 'found', ?5 FROM objects WHERE class = ?1 AND id = ?2",
        )?;
        let mut known = 0;
        for (id, target) in found {
            known +=
                insert.execute(params![class, super::tables::integer(*id), object, target, at])?;
        }
        Ok(known)
    }

    /// Something did not go.
    pub fn fail(
        &self,
        (class, id, part): (&str, u64, &str),
        (code, reason): (&str, &str),
        run: i64,
        at: &str,
    ) -> rusqlite::Result<()> {
        self.0
            .prepare_cached(
                "INSERT OR REPLACE INTO row_failures VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![class, super::tables::integer(id), part, code, reason, run, at])
            .map(drop)
    }

    /// Whether something of an object has failed, and not gone since.
    pub fn is_failing(&self, class: &str, id: u64, part: &str) -> rusqlite::Result<bool> {
        self.0
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM row_failures WHERE class = ?1 AND id = ?2 AND part = ?3)",
            )?
            .query_row(params![class, super::tables::integer(id), part], |row| row.get(0))
    }

    /// It went after all.
    pub fn mend(&self, class: &str, id: u64, part: &str) -> rusqlite::Result<()> {
        self.0
            .prepare_cached("DELETE FROM row_failures WHERE class = ?1 AND id = ?2 AND part = ?3")?
            .execute(params![class, super::tables::integer(id), part])
            .map(drop)
    }
}
