//! What is sent at once: begun before, ended with what came of each row.

use rusqlite::params;

use super::{How, LATER, Ledger, Part, RECORD};
use crate::{
    migrate::staging::tables::{integer, unsigned},
    salesforce::loading::Fields,
};

/// How a batch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In one call with a verdict each.
    Collection,
    /// As a job.
    Bulk,
    /// As comments, which have no key.
    Comments,
}

impl Way {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Bulk => "bulk",
            Self::Comments => "comments",
        }
    }
}

/// A batch that has no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// Its number.
    pub id: i64,
    /// The class of its rows.
    pub class: String,
    /// The object of their records.
    pub object: String,
    /// 1 makes records, 2 sets later fields.
    pub pass: i64,
    /// Whether it went as a job.
    pub is_bulk: bool,
    /// The id of that, if it was opened.
    pub job: Option<String>,
}

/// A row of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRow {
    /// The object that it is of.
    pub id: u64,
    /// By which its answer is known again.
    pub key: String,
    /// What is sent.
    pub fields: Fields,
    /// Whether it may be there from an attempt whose answer got lost.
    pub doubt: bool,
}

/// What came of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is a record.
    Record(String, How),
    /// Its later fields are set.
    Set,
    /// It is to be sent again; `doubt` where it may be there.
    Again {
        /// A code.
        why: String,
        /// Whether it may be there.
        doubt: bool,
    },
    /// It is refused: a code and a reason.
    Failed(String, String),
}

/// Rows that are to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many have been tried least often.
    pub rows: usize,
    /// How often that is.
    pub tries: u32,
}

impl Ledger<'_> {
    /// A batch is about to be sent.
    pub(super) fn begin_batch(&self, part: &Part, way: Way) -> rusqlite::Result<i64> {
        self.0
            .prepare_cached(
                "INSERT INTO batches (class, object, pass, way, begun) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![part.class, part.object, part.pass, way.as_str(), part.at])?;
        Ok(self.0.last_insert_rowid())
    }

    /// The job of a batch.
    pub fn has_job(&self, batch: i64, job: Option<&str>) -> rusqlite::Result<()> {
        self.0.execute("UPDATE batches SET job = ?2 WHERE id = ?1", params![batch, job]).map(drop)
    }

    /// The rows of a batch that have no end yet, those of one parent together.
    pub fn rows(&self, batch: i64) -> rusqlite::Result<Vec<BatchRow>> {
        let mut rows = Vec::new();
        self.each_row(batch, |row| rows.push(row))?;
        Ok(rows)
    }

    /// The same, one by one.
    pub fn each_row(&self, batch: i64, mut take: impl FnMut(BatchRow)) -> rusqlite::Result<()> {
        let mut rows = self.0.prepare_cached(
            "SELECT id, key, sent, doubt FROM batch_rows WHERE batch = ?1 ORDER BY parent, id",
        )?;
        let mut rows = rows.query([batch])?;
        while let Some(row) = rows.next()? {
            let sent: String = row.get(2)?;
            take(BatchRow {
                id: unsigned(row.get(0)?),
                key: row.get(1)?,
                fields: serde_json::from_str(&sent).unwrap_or_default(),
                doubt: row.get(3)?,
            });
        }
        Ok(())
    }

    /// Writes down what came of rows of a batch.
    pub fn end_rows(&self, part: &Part, endings: &[(u64, Ending)]) -> rusqlite::Result<()> {
        let class = part.class.as_str();
        for (id, ending) in endings {
            let key = params![class, integer(*id)];
            match ending {
                Ending::Record(target, how) => {
                    self.0
                        .prepare_cached(
                            "INSERT OR REPLACE INTO records (class, id, object, target, how, sent, at)
                             SELECT class, id, ?3, ?4, ?5, iif(?5 = 'created', sent, NULL), ?6
                             FROM batch_rows WHERE class = ?1 AND id = ?2",
                        )?
                        .execute(params![
                            class,
                            integer(*id),
                            part.object,
                            target,
                            how.as_str(),
                            part.at
                        ])?;
                    self.mend(class, *id, RECORD)?;
                    self.drop_row(key)?;
                }
                Ending::Set => {
                    self.0
                        .prepare_cached(
                            "UPDATE records SET pass = 2, sent = json_patch(sent,
                                 (SELECT json_remove(b.sent, '$.Id') FROM batch_rows b
                                  WHERE b.class = ?1 AND b.id = ?2))
                             WHERE class = ?1 AND id = ?2",
                        )?
                        .execute(key)?;
                    self.mend(class, *id, LATER)?;
                    self.drop_row(key)?;
                }
                Ending::Again { why, doubt } => {
                    self.0
                        .prepare_cached(
                            "UPDATE batch_rows SET batch = NULL, tries = tries + 1, why = ?3,
                                 doubt = max(doubt, ?4)
                             WHERE class = ?1 AND id = ?2",
                        )?
                        .execute(params![class, integer(*id), why, doubt])?;
                }
                Ending::Failed(code, reason) => {
                    let of = if part.pass == 1 { RECORD } else { LATER };
                    self.fail((class, *id, of), (code, reason), part.run, &part.at)?;
                    self.drop_row(key)?;
                }
            }
        }
        Ok(())
    }

    fn drop_row(&self, key: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
        self.0
            .prepare_cached("DELETE FROM batch_rows WHERE class = ?1 AND id = ?2")?
            .execute(key)
            .map(drop)
    }

    /// A batch has ended: each of its rows is written down.
    pub fn end_batch(&self, batch: i64, at: &str) -> rusqlite::Result<()> {
        self.0
            .prepare_cached("UPDATE batches SET ended = ?2 WHERE id = ?1")?
            .execute(params![batch, at])
            .map(drop)
    }

    /// The batches of records that have no end.
    pub fn open_batches(&self) -> rusqlite::Result<Vec<OpenBatch>> {
        self.0
            .prepare_cached(
                "SELECT id, class, object, pass, way = 'bulk', job FROM batches
                 WHERE ended IS NULL AND way <> 'comments' ORDER BY id",
            )?
            .query_map([], |row| {
                Ok(OpenBatch {
                    id: row.get(0)?,
                    class: row.get(1)?,
                    object: row.get(2)?,
                    pass: row.get(3)?,
                    is_bulk: row.get(4)?,
                    job: row.get(5)?,
                })
            })?
            .collect()
    }

    /// Rows that wait from an earlier load have all their tries again.
    pub fn renew_tries(&self) -> rusqlite::Result<()> {
        self.0.execute("UPDATE batch_rows SET tries = 0 WHERE batch IS NULL", []).map(drop)
    }

    /// What is to be sent again is not.
    pub fn forget_waiting(&self) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM batch_rows WHERE batch IS NULL", []).map(drop)
    }

    /// The rows of a class that are to be sent again.
    pub fn waiting(&self, part: &Part) -> rusqlite::Result<Option<Waiting>> {
        let mut rows = self.0.prepare_cached(
            "SELECT tries, count(*) FROM batch_rows
             WHERE batch IS NULL AND class = ?1 AND pass = ?2 GROUP BY tries ORDER BY tries LIMIT 1",
        )?;
        let mut rows = rows.query(params![part.class, part.pass])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let rows: i64 = row.get(1)?;
        Ok(Some(Waiting { tries: row.get(0)?, rows: usize::try_from(rows).unwrap_or(0) }))
    }

    /// Fills a batch with rows that are to be sent again, of those that were tried so often.
    pub fn again(
        &self,
        part: &Part,
        way: Way,
        tries: u32,
        most: usize,
    ) -> rusqlite::Result<Option<i64>> {
        let batch = self.begin_batch(part, way)?;
        let taken = self.0.execute(
            "UPDATE batch_rows SET batch = ?1 WHERE class = ?2 AND id IN (
                 SELECT id FROM batch_rows
                 WHERE batch IS NULL AND class = ?2 AND pass = ?3 AND tries = ?4
                 ORDER BY parent, id LIMIT ?5)",
            params![batch, part.class, part.pass, tries, integer(most)],
        )?;
        if taken == 0 {
            self.0.execute("DELETE FROM batches WHERE id = ?1", [batch])?;
            return Ok(None);
        }
        Ok(Some(batch))
    }

    /// Rows that were tried often enough have failed; how many.
    pub fn give_up(&self, part: &Part, tries: u32) -> rusqlite::Result<usize> {
        let of = if part.pass == 1 { RECORD } else { LATER };
        let which = "batch IS NULL AND class = ?1 AND pass = ?2 AND tries >= ?3";
        self.0.execute(
            &format!(
                "INSERT OR REPLACE INTO row_failures (class, id, part, code, reason, run, at)
                 SELECT class, id, ?4, coalesce(why, 'again'),
                        'it was tried ' || tries || ' times', ?5, ?6
                 FROM batch_rows WHERE {which}"
            ),
            params![part.class, part.pass, tries, of, part.run, part.at],
        )?;
        self.0.execute(
            &format!("DELETE FROM batch_rows WHERE {which}"),
            params![part.class, part.pass, tries],
        )
    }
}
