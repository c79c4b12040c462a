//! What there is, and what became of it, for the reports.

use rusqlite::params;

use super::Ledger;
use crate::migrate::staging::tables::{integer, unsigned};

/// What became of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassCounts {
    /// Objects that are there in iTop.
    pub objects: u64,
    /// Records that were made.
    pub created: u64,
    /// Records that were there before.
    pub found: u64,
    /// Objects that did not go.
    pub failed: u64,
    /// Records that were made and lack fields that are set later, or were to be published and are not.
    pub incomplete: u64,
}

/// Something that did not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The class of the object.
    pub class: String,
    /// The object.
    pub id: u64,
    /// What of it; empty for all of it.
    pub part: String,
    /// A code.
    pub code: String,
    /// Why.
    pub reason: String,
}

/// A record with what it was made with.
pub type Sent = (u64, String, String);

impl Ledger<'_> {
    /// What became of a class.
    pub fn counts(&self, class: &str) -> rusqlite::Result<ClassCounts> {
        let one = |sql: &str| self.0.query_row(sql, [class], |row| row.get(0)).map(unsigned);
        Ok(ClassCounts {
            objects: one("SELECT count(*) FROM objects WHERE class = ?1 AND gone = 0")?,
            created: one("SELECT count(*) FROM records WHERE class = ?1 AND how = 'created'")?,
            found: one("SELECT count(*) FROM records WHERE class = ?1 AND how = 'found'")?,
            failed: one("SELECT count(*) FROM row_failures WHERE class = ?1 AND part = ''")?,
            incomplete: one(
                "SELECT count(*) FROM row_failures WHERE class = ?1 AND part IN ('later', 'publish')",
            )?,
        })
    }

    /// What did not go, the most frequent reasons first: code and how often.
    pub fn failure_codes(&self) -> rusqlite::Result<Vec<(String, String, u64)>> {
        self.0
            .prepare(
                "SELECT class, code, count(*) FROM row_failures GROUP BY class, code
                 ORDER BY count(*) DESC, class, code",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, unsigned(row.get(2)?))))?
            .collect()
    }

    /// What did not go, some of it.
    pub fn failures(&self, most: usize) -> rusqlite::Result<Vec<Failure>> {
        self.0
            .prepare(
                "SELECT class, id, part, code, reason FROM row_failures
                 ORDER BY class, id, part LIMIT ?1",
            )?
            .query_map([integer(most)], |row| {
                Ok(Failure {
                    class: row.get(0)?,
                    id: unsigned(row.get(1)?),
                    part: row.get(2)?,
                    code: row.get(3)?,
                    reason: row.get(4)?,
                })
            })?
            .collect()
    }

    /// How many comments and files did not go.
    pub fn failed_elsewhere(&self) -> rusqlite::Result<u64> {
        let sql = "SELECT count(*) FROM row_failures
                   WHERE part NOT IN ('', 'later', 'publish') AND part NOT LIKE 'changed:%'";
        self.0.query_row(sql, [], |row| row.get(0)).map(unsigned)
    }

    /// How many parts of objects of a class did not go whose name begins so.
    pub fn failed_parts(&self, class: &str, begins: &str) -> rusqlite::Result<u64> {
        let sql = "SELECT count(*) FROM row_failures
                   WHERE class = ?1 AND substr(part, 1, length(?2)) = ?2 AND part <> ''";
        self.0.query_row(sql, [class, begins], |row| row.get(0)).map(unsigned)
    }

    /// The records of a class above an id that were made: object, record, what it was made with.
    pub fn sent(&self, class: &str, above: u64, most: usize) -> rusqlite::Result<Vec<Sent>> {
        self.0
            .prepare_cached(
                "SELECT id, target, sent FROM records
                 WHERE class = ?1 AND id > ?2 AND how = 'created' ORDER BY id LIMIT ?3",
            )?
            .query_map(params![class, integer(above), integer(most)], |row| {
                Ok((unsigned(row.get(0)?), row.get(1)?, row.get(2)?))
            })?
            .collect()
    }

    /// The records of a class that were there, and that this migration has not made: object and record, some of them.
    pub fn found(&self, class: &str, most: usize) -> rusqlite::Result<Vec<(u64, String)>> {
        self.0
            .prepare(
                "SELECT id, target FROM records WHERE class = ?1 AND how = 'found' ORDER BY id LIMIT ?2",
            )?
            .query_map(params![class, integer(most)], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))?
            .collect()
    }

    /// The ids of all records of a class that were made.
    pub fn created_ids(&self, class: &str) -> rusqlite::Result<Vec<u64>> {
        self.0
            .prepare("SELECT id FROM records WHERE class = ?1 AND how = 'created' ORDER BY id")?
            .query_map([class], |row| row.get(0).map(unsigned))?
            .collect()
    }
}
