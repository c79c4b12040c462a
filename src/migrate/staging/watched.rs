//! What a staging file says to whoever looks on, while a step may be at work on it. It is opened read-only, and
//! nothing is asked that looks at each row with all that it has.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use super::{StagingError, about, lock, tables::unsigned};
use crate::store::open_beside;

/// So many runs of steps are told, the newest.
const RUNS: i64 = 50;

/// So many reasons, the most frequent.
const REASONS: i64 = 100;

/// What a staging file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The iTop that was read.
    pub source: Option<String>,
    /// Whether a step is at work on it now.
    pub is_at_work: bool,
    /// The runs of steps, the newest first.
    pub steps: Vec<StepRun>,
    /// The classes, in the order in which they are read.
    pub classes: Vec<ClassSeen>,
    /// Entries of logs, and comments of them.
    pub comments: Part,
    /// Attachments, and files of them.
    pub files: Part,
    /// Why something did not go, the most frequent first.
    pub reasons: Vec<ReasonSeen>,
    /// What is sent and has no answer yet: the class, and how many pieces.
    pub sent: Vec<(String, u64)>,
}

/// A run of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRun {
    /// Its number.
    pub id: i64,
    /// Which step.
    pub step: String,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it ended; none where it did not, or has not yet.
    pub ended: Option<Timestamp>,
    /// What it came to, as it has written it down.
    pub came_to: Value,
}

/// What was read of a kind, and what of it is in the org.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// What was read from iTop.
    pub read: u64,
    /// What is in the org.
    pub there: u64,
}

/// What became of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassSeen {
    /// Its code.
    pub class: String,
    /// How many objects iTop said there are; none of a class that was not asked for by its own name.
    pub counted: Option<u64>,
    /// Objects, and records.
    pub objects: Part,
    /// Objects that did not go.
    pub failed: u64,
    /// Why it was not read.
    pub problem: Option<String>,
}

/// Why some rows did not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonSeen {
    /// Their class.
    pub class: String,
    /// A code.
    pub code: String,
    /// How many.
    pub rows: u64,
    /// Why one of them did not.
    pub example: String,
}

impl StepRun {
    /// The name of the step that reads iTop.
    pub const EXTRACT: &str = "extract";
}

impl Seen {
    /// Reads it, whoever is at work on it; `None` where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn at(path: &Path) -> Result<Option<Self>, StagingError> {
        if !path.exists() {
            return Ok(None);
        }
        let db = open_beside(path)?;
        let is_at_work = lock::is_held(path);
        let mut seen = Self { source: about(&db, "source")?, is_at_work, ..read(&db)? };
        // Until something is loaded there is nothing more.
        if db.table_exists(None, "steps")? {
            loaded(&db, &mut seen)?;
        }
        Ok(Some(seen))
    }

    /// The run that is under way.
    #[must_use]
    pub fn under_way(&self) -> Option<&StepRun> {
        self.steps.first().filter(|run| self.is_at_work && run.ended.is_none())
    }
}

/// What was read of iTop.
fn read(db: &Connection) -> rusqlite::Result<Seen> {
    let objects = counts(db, "SELECT class, count(*) FROM objects GROUP BY class")?;
    let mut known = db.prepare("SELECT class, counted, problem FROM classes ORDER BY position")?;
    let mut classes = known
        .query_map([], |row| {
            let class: String = row.get(0)?;
            Ok(ClassSeen {
                counted: row.get::<_, Option<i64>>(1)?.map(unsigned),
                problem: row.get(2)?,
                class,
                ..ClassSeen::default()
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (class, read) in objects {
        let known = classes.iter_mut().find(|seen| seen.class == class);
        let objects = Part { read, there: 0 };
        match known {
            Some(seen) => seen.objects = objects,
            // One that derives from a class that was named stands under its own name.
            None => classes.push(ClassSeen { class, objects, ..ClassSeen::default() }),
        }
    }
    let one = |sql: &str| db.query_row(sql, [], |row| row.get(0)).map(unsigned);
    let comments = Part { read: one("SELECT count(*) FROM log_entries")?, there: 0 };
    let files = Part { read: one("SELECT count(*) FROM files")?, there: 0 };
    Ok(Seen { classes, comments, files, ..Seen::default() })
}

/// What became of it.
fn loaded(db: &Connection, seen: &mut Seen) -> rusqlite::Result<()> {
    let mut records = counts(db, "SELECT class, count(*) FROM records GROUP BY class")?;
    let failed = "SELECT class, count(*) FROM row_failures WHERE part = '' GROUP BY class";
    let mut failed = counts(db, failed)?;
    for class in &mut seen.classes {
        class.objects.there = records.remove(&class.class).unwrap_or(0);
        class.failed = failed.remove(&class.class).unwrap_or(0);
    }
    let one = |sql: &str| db.query_row(sql, [], |row| row.get(0)).map(unsigned);
    seen.comments.there = one("SELECT count(target) FROM comments WHERE part = 0")?;
    seen.files.there = one("SELECT count(version) FROM contents")?;
    let sent = "SELECT class, count(*) FROM batches WHERE ended IS NULL GROUP BY class";
    seen.sent = counts(db, sent)?.into_iter().collect();
    seen.reasons = db
        .prepare(
            "SELECT class, code, count(*), min(reason) FROM row_failures GROUP BY class, code
             ORDER BY count(*) DESC, class, code LIMIT ?1",
        )?
        .query_map([REASONS], |row| {
            Ok(ReasonSeen {
                class: row.get(0)?,
                code: row.get(1)?,
                rows: unsigned(row.get(2)?),
                example: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    seen.steps = db
        .prepare("SELECT id, step, began, ended, json FROM steps ORDER BY id DESC LIMIT ?1")?
        .query_map([RUNS], |row| {
            let time = |text: Option<String>| text.and_then(|text| text.parse().ok());
            let came_to: Option<String> = row.get(4)?;
            Ok(StepRun {
                id: row.get(0)?,
                step: row.get(1)?,
                began: time(row.get(2)?),
                ended: time(row.get(3)?),
                came_to: came_to
                    .and_then(|json| serde_json::from_str(&json).ok())
                    .unwrap_or_default(),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(())
}

fn counts(db: &Connection, sql: &str) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut each = db.prepare(sql)?;
    each.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::staging::Staging;

    #[tokio::test]
    async fn a_step_at_work_is_looked_at_and_not_disturbed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("staging.db");
        assert_eq!(Seen::at(&path).unwrap(), None);
        let staging = Staging::open(&path).unwrap();
        let refused = Staging::open(&path).unwrap_err();
        assert!(matches!(refused, StagingError::InUse(_)), "{refused}");
        let work = |sql: &'static str| staging.aside(move |db| db.execute_batch(sql));
        work(
            "INSERT INTO classes (class, position, fields, logs, counted)
             VALUES ('Incident', 1, '[]', '[]', 3);
             INSERT INTO objects (class, id, seen_in, fields)
             VALUES ('Incident', 1, 1, '{}'), ('Incident', 2, 1, '{}'), ('Server', 7, 1, '{}');
             INSERT INTO records (class, id, object, target, how, at)
             VALUES ('Incident', 1, 'Case', '500A', 'created', 'x');
             INSERT INTO row_failures VALUES ('Incident', 2, '', 'too-long', 'Subject', 1, 'x'),
                 ('Incident', 1, 'public_log 0', 'refused', 'no', 1, 'x');",
        )
        .await
        .unwrap();
        let begun = "2026-11-27T10:00:00Z";
        let run = staging.ledger(move |ledger| ledger.begin_step("load", begun)).await.unwrap();
        let seen = Seen::at(&path).unwrap().unwrap();
        let under_way = seen.under_way().unwrap();
        assert_eq!((&*under_way.step, under_way.ended), ("load", None));
        let [incidents, servers] = &*seen.classes else { panic!("{seen:?}") };
        assert_eq!((incidents.objects, incidents.failed), (Part { read: 2, there: 1 }, 1));
        assert_eq!((incidents.counted, servers.counted), (Some(3), None));
        assert_eq!(seen.reasons.len(), 2);
        // What is written meanwhile is seen the next time.
        let end = move |ledger: &crate::migrate::staging::ledger::Ledger<'_>| {
            ledger.end_step(run, "2026-11-27T10:01:00Z", "{\"created\": 1}")
        };
        staging.ledger(end).await.unwrap();
        let seen = Seen::at(&path).unwrap().unwrap();
        assert_eq!(seen.under_way(), None);
        assert_eq!(seen.steps[0].came_to["created"], 1);
        assert!(seen.is_at_work);
        drop(staging);
        assert!(!Seen::at(&path).unwrap().unwrap().is_at_work);
    }

    #[test]
    fn no_question_reads_what_rows_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("staging.db");
        drop(Staging::open(&path).unwrap());
        let db = open_beside(&path).unwrap();
        let sql = "EXPLAIN QUERY PLAN SELECT class, count(*) FROM records GROUP BY class";
        let plan: String = db.query_row(sql, [], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING COVERING INDEX"), "{plan}");
    }
}
