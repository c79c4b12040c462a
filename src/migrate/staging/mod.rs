//! The staging file: a database of its own, beside that of the bridge and never mixed with it.

pub mod ledger;
mod lock;
mod looking;
mod passes;
mod tables;
mod watched;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension as _, params};

pub use looking::Staged;
pub use passes::ReadBefore;
pub use tables::{Entry, Known, Missing, Object, ReadRange, Table, TakenFile, Totals};
pub use watched::{ClassSeen, Part, ReasonSeen, Seen, StepRun};

/// What a staging file of this program looks like; another number belongs to another version.
const LAYOUT: &str = "3";

/// The staging file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// Another process has it open.
    #[error("another step of this migration is under way ({0} is in use); wait for its end")]
    InUse(PathBuf),
    /// It was made by another version of the program.
    #[error(
        "the staging file has the layout {found}, this version has {LAYOUT}: go on with the version \
         that made it, or 'migrate forget' and begin anew"
    )]
    Layout {
        /// What it says of itself.
        found: String,
    },
    /// It is of another iTop.
    #[error("this folder holds a migration of {known}; name another folder for {asked} (--folder)")]
    OtherSource {
        /// The iTop that it is of.
        known: String,
        /// The one that was to be read.
        asked: String,
    },
    /// It cannot be found out whether another process has it open.
    #[error("the staging file cannot be locked: {0}")]
    Lock(std::io::Error),
    /// The database failed.
    #[error("the staging file: {0}")]
    Database(#[from] rusqlite::Error),
    /// The thread that works on it ended: a defect.
    #[error("the work on the staging file was broken off")]
    BrokenOff,
}

/// The staging file of a migration, open for this process alone. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Staging(Arc<Mutex<lock::Held>>);

impl Staging {
    /// Opens it; makes it where there is none.
    ///
    /// # Errors
    /// When another process has it, or another version made it.
    pub fn open(path: &Path) -> Result<Self, StagingError> {
        let db = lock::Held::open(path)?;
        db.pragma_update(None, "journal_mode", "wal")?;
        // What a crash of the machine takes is read again.
        db.pragma_update(None, "synchronous", "normal")?;
        if !db.table_exists(None, "about")? {
            step(&db, include_str!("staging.sql"), "1")?;
        }
        if about(&db, "layout")?.as_deref() == Some("1") {
            step(&db, include_str!("target.sql"), "2")?;
        }
        if about(&db, "layout")?.as_deref() == Some("2") {
            step(&db, include_str!("rows.sql"), "3")?;
        }
        let staging = Self(Arc::new(Mutex::new(db)));
        let found = staging.now(|db| about(db, "layout"))?.unwrap_or_default();
        if found != LAYOUT {
            return Err(StagingError::Layout { found });
        }
        Ok(staging)
    }

    /// Says which iTop it is of; the first time it is written down.
    ///
    /// # Errors
    /// When it is of another one.
    pub fn of_source(&self, url: &str, zone: &str) -> Result<(), StagingError> {
        let known = self.now(|db| about(db, "source"))?;
        match known {
            None => self.now(|db| {
                let mut insert = db.prepare("INSERT INTO about VALUES (?1, ?2)")?;
                insert.execute(["source", url])?;
                insert.execute(["zone", zone])?;
                Ok(())
            }),
            Some(known) if known == url => Ok(()),
            Some(known) => Err(StagingError::OtherSource { known, asked: url.to_owned() }),
        }
    }

    /// Works on it at once, on this thread: for what is short.
    fn now<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StagingError> {
        let mut db = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(&mut db)?)
    }

    /// Works on it beside the runtime.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StagingError> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || this.now(work)).await;
        done.map_err(|_| StagingError::BrokenOff)?
    }
}

/// Brings a staging file to a layout, whole or not at all.
fn step(db: &Connection, sql: &str, layout: &str) -> rusqlite::Result<()> {
    let noted = format!("INSERT OR REPLACE INTO about VALUES ('layout', '{layout}')");
    db.execute_batch(&format!("BEGIN IMMEDIATE;{sql};{noted};COMMIT"))
}

fn about(db: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT value FROM about WHERE name = ?1", params![name], |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_earlier_layout_is_brought_up_with_what_it_holds() {
        for layout in 1..=2 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("staging.db");
            let db = Connection::open(&path).unwrap();
            step(&db, include_str!("staging.sql"), "1").unwrap();
            if layout == 2 {
                step(&db, include_str!("target.sql"), "2").unwrap();
            }
            db.execute_batch(
                "INSERT INTO objects (class, id, seen_in, gone, fields)
                 VALUES ('Incident', 7, 2, 1, '{\"title\":\"x\"}');
                 INSERT INTO log_entries VALUES ('Incident', 7, 'public_log', 0, 'd', 'u', 'n', 'h');",
            )
            .unwrap();
            drop(db);
            let looked = |staging: &Staging| {
                staging
                    .now(|db| {
                        let objects =
                            "SELECT class || id || seen_in || gone || fields FROM objects";
                        let entries = "SELECT class || id || log || position || date || user_id \
                                       || user || html FROM log_entries";
                        let loaded = "SELECT count(*) || '' FROM records";
                        let text = |sql| db.query_row(sql, [], |row| row.get::<_, String>(0));
                        let layout = about(db, "layout")?.unwrap_or_default();
                        Ok([layout, text(objects)?, text(entries)?, text(loaded)?])
                    })
                    .unwrap()
            };
            let expected = ["3", "Incident721{\"title\":\"x\"}", "Incident7public_log0dunh", "0"];
            // Once is enough.
            for _ in 0..2 {
                assert_eq!(looked(&Staging::open(&path).unwrap()), expected, "layout {layout}");
            }
        }
    }

    #[test]
    fn a_file_of_a_later_layout_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("staging.db");
        let staging = Staging::open(&path).unwrap();
        let later = "UPDATE about SET value = '4' WHERE name = 'layout'";
        staging.now(|db| db.execute(later, [])).unwrap();
        drop(staging);
        let refused = Staging::open(&path).unwrap_err();
        assert!(matches!(refused, StagingError::Layout { found } if found == "4"));
    }
}
