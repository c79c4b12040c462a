//! What is taken back, and what stays.

use rusqlite::{OptionalExtension as _, params};

use super::Ledger;
use crate::{
    migrate::staging::tables::{integer, unsigned},
    salesforce::loading::Fields,
};

/// A record that this migration made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The object that it was made of.
    pub id: u64,
    /// Its id.
    pub target: String,
    /// What it was made with.
    pub sent: String,
}

/// Something that stays in the org.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The class of the object.
    pub class: String,
    /// The object.
    pub id: u64,
    /// The attribute, of a file.
    pub part: String,
    /// Why.
    pub reason: String,
}

impl Ledger<'_> {
    /// The records of a class above an id that this migration made and that do not stay.
    pub fn to_take_back(
        &self,
        class: &str,
        above: u64,
        most: usize,
    ) -> rusqlite::Result<Vec<Created>> {
        self.0
            .prepare_cached(
                "SELECT r.id, r.target, r.sent FROM records r
                 WHERE r.class = ?1 AND r.id > ?2 AND r.how = 'created'
                   AND NOT EXISTS (SELECT 1 FROM kept k
                                   WHERE k.class = r.class AND k.id = r.id AND k.part = '')
                 ORDER BY r.id LIMIT ?3",
            )?
            .query_map(params![class, integer(above), integer(most)], |row| {
                Ok(Created { id: unsigned(row.get(0)?), target: row.get(1)?, sent: row.get(2)? })
            })?
            .collect()
    }

    /// Whether an id is that of something that this migration made.
    pub fn is_ours(&self, target: &str) -> rusqlite::Result<bool> {
        self.0
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM records WHERE target = ?1 AND how = 'created')
                     OR EXISTS (SELECT 1 FROM comments WHERE target = ?1)
                     OR EXISTS (SELECT 1 FROM contents WHERE document = ?1 AND how = 'created')",
            )?
            .query_row([target], |row| row.get(0))
    }

    /// The object whose record has this id, if this migration made it.
    pub fn made_of(&self, target: &str) -> rusqlite::Result<Option<(String, u64)>> {
        self.0
            .prepare_cached("SELECT class, id FROM records WHERE target = ?1 AND how = 'created'")?
            .query_row([target], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))
            .optional()
    }

    /// The ids that these fields of a record were made with.
    pub fn references_of(
        &self,
        class: &str,
        id: u64,
        fields: &[String],
    ) -> rusqlite::Result<Vec<String>> {
        let sql = "SELECT sent FROM records WHERE class = ?1 AND id = ?2";
        let sent: Option<Option<String>> = self
            .0
            .prepare_cached(sql)?
            .query_row(params![class, integer(id)], |row| row.get(0))
            .optional()?;
        let sent = sent.flatten().unwrap_or_default();
        let sent: Fields = serde_json::from_str(&sent).unwrap_or_default();
        let ids = fields.iter().filter_map(|field| sent.get(field)?.as_str());
        Ok(ids.map(ToOwned::to_owned).collect())
    }

    /// Something stays; whether that is new.
    pub fn keep(&self, class: &str, id: u64, part: &str, reason: &str) -> rusqlite::Result<bool> {
        let new = self
            .0
            .prepare_cached("INSERT OR IGNORE INTO kept VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![class, integer(id), part, reason])?;
        Ok(new > 0)
    }

    /// Nothing is known to stay: each rollback looks anew.
    pub fn keep_nothing(&self) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM kept", []).map(drop)
    }

    /// Whether a record stays.
    pub fn is_kept(&self, class: &str, id: u64) -> rusqlite::Result<bool> {
        self.0
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM kept WHERE class = ?1 AND id = ?2 AND part = '')",
            )?
            .query_row(params![class, integer(id)], |row| row.get(0))
    }

    /// What stays.
    pub fn kept(&self) -> rusqlite::Result<Vec<Kept>> {
        self.0
            .prepare("SELECT class, id, part, reason FROM kept ORDER BY class, id, part")?
            .query_map([], |row| {
                Ok(Kept {
                    class: row.get(0)?,
                    id: unsigned(row.get(1)?),
                    part: row.get(2)?,
                    reason: row.get(3)?,
                })
            })?
            .collect()
    }

    /// A record is gone, with its comments.
    pub fn taken_back(&self, class: &str, id: u64) -> rusqlite::Result<()> {
        for sql in [
            "DELETE FROM records WHERE class = ?1 AND id = ?2",
            "DELETE FROM comments WHERE class = ?1 AND id = ?2",
            "DELETE FROM row_failures WHERE class = ?1 AND id = ?2",
        ] {
            self.0.prepare_cached(sql)?.execute(params![class, integer(id)])?;
        }
        Ok(())
    }

    /// What was only found is forgotten too, so that another load looks for it anew.
    pub fn forget_found(&self) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM records WHERE how = 'found'", [])?;
        self.0.execute("DELETE FROM contents WHERE how = 'found'", [])?;
        self.0.execute("DELETE FROM about WHERE name LIKE 'looked:%'", []).map(drop)
    }
}
