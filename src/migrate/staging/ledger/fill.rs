//! The next rows that go: read by ranges of ids, made records, and written down before they are sent.

use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::Map;

use super::{LATER, Ledger, RECORD, batches::Way};
use crate::{
    migrate::staging::{
        Object,
        tables::{integer, json, unsigned},
    },
    salesforce::loading::Fields,
};

/// What rows are asked for.
#[derive(Clone, Debug)]
pub struct Part {
    /// Of which class.
    pub class: String,
    /// Of which object their records are.
    pub object: String,
    /// 1 for new records, 2 for the fields that are set later.
    pub pass: i64,
    /// Only those of a load of the first few.
    pub is_limited: bool,
    /// The load.
    pub run: i64,
    /// The time.
    pub at: String,
}

/// What an object is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// A record, or some fields of one, with the parent by which it is sorted.
    Row {
        /// By which its answer is known again.
        key: String,
        /// The parent, or nothing.
        parent: String,
        /// What is sent.
        fields: Fields,
    },
    /// Nothing, and that is right.
    Nothing,
    /// Nothing yet: another time.
    NotYet,
    /// Nothing, because something is wrong with it: a code and a reason.
    Problem(String, String),
}

/// A batch that was filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// The batch; none where nothing is left to be sent.
    pub batch: Option<i64>,
    /// How many rows it has.
    pub rows: usize,
    /// How many rows have failed on the way.
    pub failed: usize,
    /// Up to where it was looked; none at the end of the class.
    pub up_to: Option<u64>,
}

impl Ledger<'_> {
    /// Fills a batch with the next rows above an id: so many at most, and so many bytes.
    ///
    /// `make` gets an object and, in the second pass, the id of its record.
    pub fn fill(
        &self,
        part: &Part,
        way: Way,
        above: u64,
        (most_rows, most_bytes): (usize, usize),
        make: impl Fn(&Self, &Object, &str) -> Made,
    ) -> rusqlite::Result<Filled> {
        let mut filled = Filled::default();
        let mut bytes = 0;
        let sql = if part.pass == 1 { NEW_ROWS } else { LATER_ROWS };
        let mut objects = self.0.prepare_cached(sql)?;
        let mut objects =
            objects.query(params![part.class, integer(above), part.run, part.is_limited])?;
        while let Some(row) = objects.next()? {
            if filled.rows >= most_rows || bytes >= most_bytes {
                return Ok(filled);
            }
            let (object, target) = object(&part.class, row)?;
            filled.up_to = Some(object.id);
            match make(self, &object, &target) {
                Made::Row { key, parent, fields } => {
                    let batch = match filled.batch {
                        Some(batch) => batch,
                        None => self.begin_batch(part, way)?,
                    };
                    filled.batch = Some(batch);
                    let sent = json(&fields);
                    bytes += sent.len();
                    filled.rows += 1;
                    self.0
                        .prepare_cached(
                            "INSERT INTO batch_rows (class, id, pass, batch, key, parent, sent)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                        )?
                        .execute(params![
                            part.class,
                            integer(object.id),
                            part.pass,
                            batch,
                            key,
                            parent,
                            sent
                        ])?;
                }
                Made::Nothing if part.pass == 1 => {
                    self.mend(&part.class, object.id, RECORD)?;
                }
                Made::Nothing => self.is_whole(&part.class, object.id)?,
                Made::NotYet => {}
                Made::Problem(code, reason) => {
                    filled.failed += 1;
                    let of = if part.pass == 1 { RECORD } else { LATER };
                    let at = (&*part.class, object.id, of);
                    self.fail(at, (&code, &reason), part.run, &part.at)?;
                }
            }
        }
        filled.up_to = None;
        Ok(filled)
    }

    /// A record has all that it is to have.
    fn is_whole(&self, class: &str, id: u64) -> rusqlite::Result<()> {
        self.0
            .prepare_cached("UPDATE records SET pass = 2 WHERE class = ?1 AND id = ?2")?
            .execute(params![class, integer(id)])?;
        self.mend(class, id, LATER)
    }

    /// The objects of a class above an id, some of them, whatever became of them.
    pub fn objects(&self, class: &str, above: u64, most: usize) -> rusqlite::Result<Vec<Object>> {
        self.0
            .prepare_cached(
                "SELECT id, fields, '' FROM objects WHERE class = ?1 AND id > ?2 AND gone = 0
                 ORDER BY id LIMIT ?3",
            )?
            .query_map(params![class, integer(above), integer(most)], |row| {
                object(class, row).map(|(object, _)| object)
            })?
            .collect()
    }

    /// One object, also one that is gone from iTop.
    pub fn object(&self, class: &str, id: u64) -> rusqlite::Result<Option<Object>> {
        self.0
            .prepare_cached("SELECT id, fields, '' FROM objects WHERE class = ?1 AND id = ?2")?
            .query_row(params![class, integer(id)], |row| object(class, row))
            .optional()
            .map(|found| found.map(|(object, _)| object))
    }

    /// The objects of a class above an id whose records were made and have all that they are to have: `has_later` says
    /// whether some of it is set later.
    pub fn whole(
        &self,
        class: &str,
        has_later: bool,
        above: u64,
        most: usize,
    ) -> rusqlite::Result<Vec<(Object, String)>> {
        self.0
            .prepare_cached(
                "SELECT o.id, o.fields, r.target
                 FROM records r JOIN objects o ON o.class = r.class AND o.id = r.id
                 WHERE r.class = ?1 AND r.id > ?3 AND r.how = 'created' AND (r.pass = 2 OR ?2 = 0)
                 ORDER BY r.id LIMIT ?4",
            )?
            .query_map(params![class, has_later, integer(above), integer(most)], |row| {
                object(class, row)
            })?
            .collect()
    }

    /// How many objects of a class are not in the org, and have not failed in this load.
    pub fn pending(&self, part: &Part) -> rusqlite::Result<u64> {
        let sql = if part.pass == 1 { NEW_ROWS } else { LATER_ROWS };
        let sql = format!("SELECT count(*) FROM ({sql})");
        let values = params![part.class, 0, part.run, part.is_limited];
        self.0.query_row(&sql, values, |row| row.get(0)).map(unsigned)
    }

    /// Forgets which rows a load of the first few takes.
    pub fn choose_none(&self) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM chosen", []).map(drop)
    }

    /// An object is among the first few, or one of them refers to it.
    pub fn choose(&self, class: &str, id: u64) -> rusqlite::Result<()> {
        self.0
            .prepare_cached(
                "INSERT OR IGNORE INTO chosen
                 SELECT class, id FROM objects WHERE class = ?1 AND id = ?2 AND gone = 0",
            )?
            .execute(params![class, integer(id)])
            .map(drop)
    }

    /// The objects of a class that were chosen.
    pub fn chosen(&self, class: &str) -> rusqlite::Result<Vec<Object>> {
        self.0
            .prepare_cached(
                "SELECT id, fields, '' FROM chosen JOIN objects USING (class, id) WHERE class = ?1",
            )?
            .query_map([class], |row| object(class, row).map(|(object, _)| object))?
            .collect()
    }
}

/// Objects that have no record, are not under way, and have not failed in this load.
const NEW_ROWS: &str = "SELECT o.id, o.fields, '' FROM objects o
    WHERE o.class = ?1 AND o.id > ?2 AND o.gone = 0
      AND NOT EXISTS (SELECT 1 FROM records r WHERE r.class = o.class AND r.id = o.id)
      AND NOT EXISTS (SELECT 1 FROM batch_rows b WHERE b.class = o.class AND b.id = o.id)
      AND NOT EXISTS (SELECT 1 FROM row_failures f
                      WHERE f.class = o.class AND f.id = o.id AND f.part = '' AND f.run = ?3)
      AND (?4 = 0 OR EXISTS (SELECT 1 FROM chosen c WHERE c.class = o.class AND c.id = o.id))
    ORDER BY o.id";

/// Objects whose record was made and lacks its later fields.
const LATER_ROWS: &str = "SELECT o.id, o.fields, r.target
    FROM records r JOIN objects o ON o.class = r.class AND o.id = r.id
    WHERE r.class = ?1 AND r.id > ?2 AND r.pass = 1 AND r.how = 'created'
      AND NOT EXISTS (SELECT 1 FROM batch_rows b WHERE b.class = o.class AND b.id = o.id)
      AND NOT EXISTS (SELECT 1 FROM row_failures f
                      WHERE f.class = o.class AND f.id = o.id AND f.part = 'later' AND f.run = ?3)
      AND (?4 = 0 OR EXISTS (SELECT 1 FROM chosen c WHERE c.class = o.class AND c.id = o.id))
    ORDER BY r.id";

pub(super) fn object(class: &str, row: &Row<'_>) -> rusqlite::Result<(Object, String)> {
    let fields: String = row.get(1)?;
    // It was written by this program; what cannot be read has no attribute.
    let fields = serde_json::from_str(&fields).unwrap_or_else(|_| Map::new());
    let id = unsigned(row.get(0)?);
    Ok((Object { class: class.to_owned(), id, fields, entries: Vec::new() }, row.get(2)?))
}
