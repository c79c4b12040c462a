//! What has changed in iTop since it was sent, and what iTop no longer has.

use rusqlite::{OptionalExtension as _, params};

use super::{Ledger, fill::object};
use crate::{
    migrate::staging::{
        Object,
        tables::{integer, json, unsigned},
    },
    salesforce::loading::Fields,
};

/// How the part of a failure begins that is about a changed field.
pub const CHANGED: &str = "changed:";

/// A record that was made, with what it was made with and the object as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeBefore {
    /// The object.
    pub object: Object,
    /// The record.
    pub target: String,
    /// What it was made with.
    pub sent: Fields,
    /// Whether the fields that are set later are set.
    pub is_whole: bool,
}

impl Ledger<'_> {
    /// The records of a class above an id that were made and whose objects are still there.
    pub fn made_before(
        &self,
        class: &str,
        above: u64,
        most: usize,
    ) -> rusqlite::Result<Vec<MadeBefore>> {
        self.0
            .prepare_cached(
                "SELECT o.id, o.fields, r.target, r.sent, r.pass = 2
                 FROM records r JOIN objects o ON o.class = r.class AND o.id = r.id
                 WHERE r.class = ?1 AND r.id > ?2 AND r.how = 'created' AND o.gone = 0
                 ORDER BY r.id LIMIT ?3",
            )?
            .query_map(params![class, integer(above), integer(most)], |row| {
                let (object, target) = object(class, row)?;
                let sent: Option<String> = row.get(3)?;
                let sent = serde_json::from_str(&sent.unwrap_or_default()).unwrap_or_default();
                Ok(MadeBefore { object, target, sent, is_whole: row.get(4)? })
            })?
            .collect()
    }

    /// These fields of a record are others now; what is null is empty.
    pub fn sent_since(&self, class: &str, id: u64, fields: &Fields) -> rusqlite::Result<()> {
        self.0
            .prepare_cached(
                "UPDATE records SET sent = json_patch(sent, ?3) WHERE class = ?1 AND id = ?2",
            )?
            .execute(params![class, integer(id), json(fields)])
            .map(drop)
    }

    /// What was not changed in an earlier run is looked at anew.
    pub fn forget_unchanged(&self) -> rusqlite::Result<()> {
        self.0
            .execute("DELETE FROM row_failures WHERE substr(part, 1, length(?1)) = ?1", [CHANGED])
            .map(drop)
    }

    /// The records of a class that were made of objects which iTop no longer has: object and record.
    pub fn deleted(&self, class: &str) -> rusqlite::Result<Vec<(u64, String)>> {
        self.0
            .prepare_cached(
                "SELECT r.id, r.target FROM records r JOIN objects o USING (class, id)
                 WHERE r.class = ?1 AND r.how = 'created' AND o.gone = 1 ORDER BY r.id",
            )?
            .query_map([class], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))?
            .collect()
    }

    /// The files that stand in the org and whose objects iTop no longer has: object and document.
    pub fn deleted_files(&self) -> rusqlite::Result<Vec<(String, u64, String)>> {
        self.0
            .prepare_cached(
                "SELECT c.class, c.id, c.document FROM contents c JOIN objects o USING (class, id)
                 WHERE c.how = 'created' AND c.document IS NOT NULL AND o.gone = 1
                 ORDER BY c.class, c.id",
            )?
            .query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?), row.get(2)?)))?
            .collect()
    }

    /// How many comments and files stand in the org.
    pub fn parts_there(&self) -> rusqlite::Result<(u64, u64)> {
        let sql = "SELECT (SELECT count(*) FROM comments WHERE target IS NOT NULL),
                          (SELECT count(*) FROM contents WHERE document IS NOT NULL)";
        self.0.query_row(sql, [], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))
    }

    /// Why an object did not go: a code and a reason.
    pub fn failure(&self, class: &str, id: u64) -> rusqlite::Result<Option<(String, String)>> {
        self.0
            .prepare_cached(
                "SELECT code, reason FROM row_failures WHERE class = ?1 AND id = ?2 AND part = ''",
            )?
            .query_row(params![class, integer(id)], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }
}
