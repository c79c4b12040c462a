//! Entries of logs as comments.

use rusqlite::{OptionalExtension as _, params};

use super::Ledger;
use crate::migrate::staging::tables::{integer, unsigned};

/// An entry of a log whose object has a record that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The object.
    pub id: u64,
    /// Its place in the log.
    pub position: u64,
    /// When it was written, as iTop writes it.
    pub date: String,
    /// Who wrote it.
    pub user: String,
    /// What.
    pub html: String,
    /// The record.
    pub target: String,
}

/// One comment: an entry, or a part of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentPart {
    /// The class of the object.
    pub class: String,
    /// The object.
    pub id: u64,
    /// The log.
    pub log: String,
    /// The place of the entry in it.
    pub position: u64,
    /// Which part of the entry.
    pub part: u64,
}

impl CommentPart {
    /// As a failure names it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}:{}", self.log, self.position, self.part)
    }
}

impl Ledger<'_> {
    /// The entries of a log behind one of them, in their order.
    pub fn entries(
        &self,
        class: &str,
        log: &str,
        (id, position): (u64, i64),
        most: usize,
    ) -> rusqlite::Result<Vec<Entry>> {
        self.0
            .prepare_cached(
                "SELECT e.id, e.position, e.date, e.user, e.html, r.target
                 FROM log_entries e JOIN records r ON r.class = e.class AND r.id = e.id
                 WHERE e.class = ?1 AND e.log = ?2 AND (e.id, e.position) > (?3, ?4)
                   AND r.how = 'created'
                 ORDER BY e.id, e.position LIMIT ?5",
            )?
            .query_map(params![class, log, integer(id), position, integer(most)], |row| {
                Ok(Entry {
                    id: unsigned(row.get(0)?),
                    position: unsigned(row.get(1)?),
                    date: row.get(2)?,
                    user: row.get(3)?,
                    html: row.get(4)?,
                    target: row.get(5)?,
                })
            })?
            .collect()
    }

    /// How many entries a log has whose object has a record that was made.
    pub fn count_entries(&self, class: &str, log: &str) -> rusqlite::Result<u64> {
        let sql = "SELECT count(*) FROM log_entries e JOIN records r USING (class, id)
                   WHERE class = ?1 AND log = ?2 AND how = 'created'";
        self.0.query_row(sql, [class, log], |row| row.get(0)).map(unsigned)
    }

    /// The id of a comment; `Some(None)` while it is under way.
    pub fn comment(&self, part: &CommentPart) -> rusqlite::Result<Option<Option<String>>> {
        let CommentPart { class, id, log, position, part } = part;
        self.0
            .prepare_cached(
                "SELECT target FROM comments
                 WHERE class = ?1 AND id = ?2 AND log = ?3 AND position = ?4 AND part = ?5",
            )?
            .query_row(
                params![class, integer(*id), log, integer(*position), integer(*part)],
                |row| row.get(0),
            )
            .optional()
    }

    /// Whether a part of an object has failed in this load.
    pub fn has_failed(&self, class: &str, id: u64, part: &str, run: i64) -> rusqlite::Result<bool> {
        self.0
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM row_failures
                 WHERE class = ?1 AND id = ?2 AND part = ?3 AND run = ?4)",
            )?
            .query_row(params![class, integer(id), part, run], |row| row.get(0))
    }

    /// Comments are about to be sent; the number of their batch.
    pub fn begin_comments(&self, parts: &[CommentPart], at: &str) -> rusqlite::Result<i64> {
        self.0.execute(
            "INSERT INTO batches (class, object, pass, way, begun)
             VALUES ('', 'CaseComment', 1, 'comments', ?1)",
            [at],
        )?;
        let batch = self.0.last_insert_rowid();
        for part in parts {
            self.set_comment(part, Some(batch), None)?;
        }
        Ok(batch)
    }

    /// A comment stands in the org, or is under way in a batch.
    pub fn set_comment(
        &self,
        part: &CommentPart,
        batch: Option<i64>,
        target: Option<&str>,
    ) -> rusqlite::Result<()> {
        let CommentPart { class, id, log, position, part: number } = part;
        let values =
            params![class, integer(*id), log, integer(*position), integer(*number), batch, target];
        self.0
            .prepare_cached("INSERT OR REPLACE INTO comments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(values)?;
        if target.is_some() { self.mend(class, *id, &part.name()) } else { Ok(()) }
    }

    /// A comment is not there.
    pub fn drop_comment(&self, part: &CommentPart) -> rusqlite::Result<()> {
        let CommentPart { class, id, log, position, part } = part;
        self.0
            .prepare_cached(
                "DELETE FROM comments
                 WHERE class = ?1 AND id = ?2 AND log = ?3 AND position = ?4 AND part = ?5",
            )?
            .execute(params![class, integer(*id), log, integer(*position), integer(*part)])
            .map(drop)
    }

    /// When the last comments were sent of which nothing came back, in a batch or in any; nothing where there are none.
    pub fn comments_under_way(&self, batch: Option<i64>) -> rusqlite::Result<Option<String>> {
        let sql = "SELECT max(begun) FROM batches
                   WHERE way = 'comments' AND ended IS NULL AND id = coalesce(?1, id)";
        self.0.query_row(sql, [batch], |row| row.get(0))
    }

    /// Those comments.
    pub fn open_comments(&self, batch: Option<i64>) -> rusqlite::Result<Vec<CommentPart>> {
        self.0
            .prepare_cached(
                "SELECT class, id, log, position, part FROM comments
                 WHERE target IS NULL AND batch = coalesce(?1, batch)
                 ORDER BY class, id, log, position, part",
            )?
            .query_map([batch], |row| {
                Ok(CommentPart {
                    class: row.get(0)?,
                    id: unsigned(row.get(1)?),
                    log: row.get(2)?,
                    position: unsigned(row.get(3)?),
                    part: unsigned(row.get(4)?),
                })
            })?
            .collect()
    }

    /// All comments of a batch, or of all batches, are known to be there or not.
    pub fn end_comments(&self, batch: Option<i64>, at: &str) -> rusqlite::Result<()> {
        let sql = "UPDATE batches SET ended = ?2
                   WHERE way = 'comments' AND ended IS NULL AND id = coalesce(?1, id)";
        self.0.prepare_cached(sql)?.execute(params![batch, at]).map(drop)
    }

    /// The ids of comments on a record that are known.
    pub fn comments_of(&self, class: &str, id: u64) -> rusqlite::Result<Vec<String>> {
        self.0
            .prepare_cached(
                "SELECT target FROM comments
                 WHERE class = ?1 AND id = ?2 AND target IS NOT NULL",
            )?
            .query_map(params![class, integer(id)], |row| row.get(0))?
            .collect()
    }

    /// One entry.
    pub fn entry(
        &self,
        class: &str,
        id: u64,
        log: &str,
        position: u64,
    ) -> rusqlite::Result<Option<Entry>> {
        let before = i64::try_from(position).unwrap_or(i64::MAX) - 1;
        let found = self.entries(class, log, (id, before), 1)?;
        Ok(found.into_iter().find(|entry| entry.id == id && entry.position == position))
    }
}
