//! What is written down of iTop: classes, ranges, objects with their logs, files.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value};

use super::{Staging, StagingError};

/// A class as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its code.
    pub class: String,
    /// The attributes that are read of each object.
    pub fields: Vec<String>,
    /// Those of them that are logs.
    pub logs: Vec<String>,
    /// Attributes that hold a file each; they are read one by one.
    pub documents: Vec<String>,
    /// How many objects iTop said there are.
    pub counted: u64,
}

/// How far a class has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing is known of it in this pass.
    New,
    /// Some of it is read.
    Begun,
    /// All of it.
    Read,
}

/// A range of ids that was read, and what it brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRange {
    /// All ids above this one,
    pub above: u64,
    /// up to this one.
    pub up_to: u64,
    /// How long iTop took, in microseconds.
    pub micros: u64,
}

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its concrete class.
    pub class: String,
    /// Its id.
    pub id: u64,
    /// Its attributes, without logs and files.
    pub fields: Map<String, Value>,
    /// The entries of its logs.
    pub entries: Vec<Entry>,
}

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which log.
    pub log: String,
    /// Which place it has in it; 0 is the oldest.
    pub position: usize,
    /// When it was written, as iTop writes it; empty where the log has no index.
    pub date: String,
    /// The key of whoever wrote it.
    pub user_id: String,
    /// Their name.
    pub user: String,
    /// What they wrote.
    pub html: String,
}

/// A file whose contents are not here yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The object that holds it,
    pub class: String,
    /// by its id,
    pub id: u64,
    /// in this attribute.
    pub attribute: String,
}

/// A file whose contents are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenFile {
    /// Its name.
    pub name: String,
    /// Its type, as iTop has it.
    pub mimetype: String,
    /// Its length.
    pub bytes: u64,
    /// The digest of its contents, in hexadecimal digits.
    pub sha256: String,
}

/// What there is of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Objects.
    pub objects: u64,
    /// Objects that a later pass did not find any more.
    pub gone: u64,
    /// Entries of logs.
    pub entries: u64,
    /// Requests.
    pub ranges: u64,
    /// How long iTop took for them, in microseconds.
    pub micros: u64,
    /// Why it was not read.
    pub problem: Option<String>,
}

impl Staging {
    /// Which pass is under way; the first is 1.
    pub async fn pass(&self) -> Result<i64, StagingError> {
        self.aside(|db| {
            let pass = super::about(db, "pass")?.and_then(|pass| pass.parse().ok());
            Ok(pass.unwrap_or(1))
        })
        .await
    }

    /// Everything is to be read once more: what is no longer found is gone then.
    pub async fn begin_pass(&self) -> Result<i64, StagingError> {
        let pass = self.pass().await? + 1;
        self.aside(move |db| {
            let tx = db.transaction()?;
            tx.execute("INSERT OR REPLACE INTO about VALUES ('pass', ?1)", [pass.to_string()])?;
            tx.execute("DELETE FROM ranges", [])?;
            tx.commit()?;
            Ok(pass)
        })
        .await
    }

    /// How far a class has come in this pass.
    pub async fn known(&self, class: &str, pass: i64) -> Result<Known, StagingError> {
        let class = class.to_owned();
        self.aside(move |db| {
            let read_in: Option<i64> = db
                .query_row("SELECT read_in FROM classes WHERE class = ?1", [&class], |row| {
                    row.get(0)
                })
                .optional()?;
            let begun: bool = db.query_row(
                "SELECT EXISTS (SELECT 1 FROM ranges WHERE class = ?1)",
                [&class],
                |row| row.get(0),
            )?;
            Ok(match read_in {
                Some(read_in) if read_in >= pass => Known::Read,
                _ if begun => Known::Begun,
                _ => Known::New,
            })
        })
        .await
    }

    /// A class is about to be read.
    pub async fn begin_class(&self, table: &Table, position: usize) -> Result<(), StagingError> {
        let Table { class, fields, logs, counted, .. } = table.clone();
        self.aside(move |db| {
            db.execute(
                "INSERT INTO classes (class, position, fields, logs, counted)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (class) DO UPDATE
                 SET position = excluded.position, fields = excluded.fields, logs = excluded.logs,
                     counted = excluded.counted, problem = NULL",
                params![class, integer(position), json(&fields), json(&logs), integer(counted)],
            )
            .map(drop)
        })
        .await
    }

    /// A class cannot be read, and why.
    pub async fn skip_class(
        &self,
        class: &str,
        position: usize,
        problem: &str,
        pass: i64,
    ) -> Result<(), StagingError> {
        let (class, problem) = (class.to_owned(), problem.to_owned());
        self.aside(move |db| {
            db.execute(
                "INSERT INTO classes (class, position, fields, logs, counted, problem, read_in)
                 VALUES (?1, ?2, '[]', '[]', 0, ?3, ?4)
                 ON CONFLICT (class) DO UPDATE
                 SET problem = excluded.problem, read_in = excluded.read_in",
                params![class, integer(position), problem, pass],
            )
            .map(drop)
        })
        .await
    }

    /// The ranges of a class that were read in this pass, the lowest first.
    pub async fn ranges(&self, class: &str) -> Result<Vec<(u64, u64)>, StagingError> {
        let class = class.to_owned();
        self.aside(move |db| {
            db.prepare("SELECT above, up_to FROM ranges WHERE class = ?1 ORDER BY above")?
                .query_map([class], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?
                .collect()
        })
        .await
    }

    /// Keeps what was brought: rows, their logs and files, and that a range was read, at once.
    pub async fn keep(
        &self,
        table: &Table,
        range: Option<ReadRange>,
        objects: Vec<Object>,
        pass: i64,
    ) -> Result<(), StagingError> {
        let (class, documents) = (table.class.clone(), table.documents.clone());
        self.aside(move |db| {
            let tx = db.transaction()?;
            for object in &objects {
                keep_object(&tx, object, pass)?;
                for attribute in &documents {
                    keep_file(&tx, object, attribute)?;
                }
            }
            if let Some(ReadRange { above, up_to, micros }) = range {
                tx.execute(
                    "INSERT OR REPLACE INTO ranges VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![
                        class,
                        integer(above),
                        integer(up_to),
                        integer(objects.len()),
                        integer(micros)
                    ],
                )?;
            }
            tx.commit()
        })
        .await
    }

    /// A class is read to its end; what this pass has not seen of it is gone.
    pub async fn end_class(&self, class: &str, pass: i64) -> Result<(), StagingError> {
        let class = class.to_owned();
        self.aside(move |db| {
            let tx = db.transaction()?;
            tx.execute(
                "UPDATE objects SET gone = 1 WHERE class = ?1 AND seen_in < ?2 AND gone = 0",
                params![class, pass],
            )?;
            tx.execute("UPDATE classes SET read_in = ?2 WHERE class = ?1", params![class, pass])?;
            tx.commit()
        })
        .await
    }

    /// The files whose contents are still to be read.
    pub async fn missing_files(&self) -> Result<Vec<Missing>, StagingError> {
        self.aside(|db| {
            db.prepare(
                "SELECT class, id, attribute FROM files WHERE sha256 IS NULL AND problem IS NULL",
            )?
            .query_map([], |row| {
                Ok(Missing {
                    class: row.get(0)?,
                    id: unsigned(row.get(1)?),
                    attribute: row.get(2)?,
                })
            })?
            .collect()
        })
        .await
    }

    /// The contents of a file are here, or cannot be had.
    pub async fn keep_contents(
        &self,
        file: Missing,
        taken: Result<TakenFile, String>,
    ) -> Result<(), StagingError> {
        self.aside(move |db| {
            let Missing { class, id, attribute } = file;
            let (taken, problem) = match taken {
                Ok(taken) => (Some(taken), None),
                Err(problem) => (None, Some(problem)),
            };
            let of = |part: fn(&TakenFile) -> &String| taken.as_ref().map(part);
            db.execute(
                "UPDATE files SET name = ?4, mimetype = ?5, bytes = ?6, sha256 = ?7, problem = ?8
                 WHERE class = ?1 AND id = ?2 AND attribute = ?3",
                params![
                    class,
                    integer(id),
                    attribute,
                    of(|taken| &taken.name),
                    of(|taken| &taken.mimetype),
                    taken.as_ref().map(|taken| integer(taken.bytes)),
                    of(|taken| &taken.sha256),
                    problem,
                ],
            )
            .map(drop)
        })
        .await
    }

    /// What there is of each class, in the order in which they are read.
    pub async fn totals(&self) -> Result<Vec<(String, Totals)>, StagingError> {
        self.aside(totals).await
    }

    /// How many files there are, how many bytes they have, and how many cannot be read.
    pub async fn files(&self) -> Result<(u64, u64, u64), StagingError> {
        self.aside(|db| {
            db.query_row(
                "SELECT count(sha256), coalesce(sum(bytes), 0), count(problem) FROM files",
                [],
                |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?), unsigned(row.get(2)?))),
            )
        })
        .await
    }
}

fn keep_object(db: &Connection, object: &Object, pass: i64) -> rusqlite::Result<()> {
    let Object { class, id, fields, entries } = object;
    let id = integer(*id);
    db.prepare_cached(
        "INSERT INTO objects (class, id, seen_in, fields) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (class, id) DO UPDATE
         SET seen_in = excluded.seen_in, gone = 0, fields = excluded.fields",
    )?
    .execute(params![class, id, pass, json(fields)])?;
    // Somebody may have shortened a log since it was last read.
    db.prepare_cached("DELETE FROM log_entries WHERE class = ?1 AND id = ?2")?
        .execute(params![class, id])?;
    let mut insert = db.prepare_cached(
        "INSERT INTO log_entries (class, id, log, position, date, user_id, user, html)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for Entry { log, position, date, user_id, user, html } in entries {
        let position = integer(*position);
        insert.execute(params![class, id, log, position, date, user_id, user, html])?;
    }
    Ok(())
}

/// A file belongs to the object that it hangs on: one that the row names, else the one that holds it.
fn keep_file(db: &Connection, object: &Object, attribute: &str) -> rusqlite::Result<()> {
    let text = |name: &str| object.fields.get(name).and_then(Value::as_str);
    let named = text("item_id").and_then(|id| id.parse().ok()).zip(text("item_class"));
    let (owner, class) = named.unwrap_or((object.id, &object.class));
    db.prepare_cached(
        "INSERT INTO files (class, id, attribute, owner_class, owner_id) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (class, id, attribute) DO UPDATE
         SET owner_class = excluded.owner_class, owner_id = excluded.owner_id",
    )?
    .execute(params![object.class, integer(object.id), attribute, class, integer(owner)])
    .map(drop)
}

fn totals(db: &mut Connection) -> rusqlite::Result<Vec<(String, Totals)>> {
    // Objects of a class that derives from one that is read stand under their own.
    let mut by_class = BTreeMap::<String, Totals>::new();
    let mut each = db.prepare(
        "SELECT class, sum(1 - gone), sum(gone), 0, 0, 0, NULL FROM objects GROUP BY class
         UNION ALL SELECT class, 0, 0, count(*), 0, 0, NULL FROM log_entries GROUP BY class
         UNION ALL SELECT class, 0, 0, 0, count(*), sum(micros), NULL FROM ranges GROUP BY class
         UNION ALL SELECT class, 0, 0, 0, 0, 0, problem FROM classes",
    )?;
    let mut rows = each.query([])?;
    while let Some(row) = rows.next()? {
        let totals = by_class.entry(row.get(0)?).or_default();
        let mut more = [0; 5];
        for (column, more) in (1..).zip(&mut more) {
            *more = unsigned(row.get(column)?);
        }
        let [objects, gone, entries, ranges, micros] = more;
        totals.objects += objects;
        totals.gone += gone;
        totals.entries += entries;
        totals.ranges += ranges;
        totals.micros += micros;
        totals.problem = totals.problem.take().or(row.get(6)?);
    }
    let mut order = db.prepare("SELECT class FROM classes ORDER BY position")?;
    let order: Vec<String> = order.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut ordered: Vec<_> =
        order.into_iter().filter_map(|class| by_class.remove_entry(&class)).collect();
    ordered.extend(by_class);
    Ok(ordered)
}

/// What SQLite can hold; ids of iTop and counts end far below.
pub(super) fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Names and values can always be written as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
