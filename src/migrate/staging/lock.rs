//! One step at a time on a staging file, however it ends; whoever only looks on is kept from nothing.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    ops::{Deref, DerefMut},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::StagingError;

/// A staging file that no other step is at work on. The connection ends before the lock does.
#[derive(Debug)]
pub(super) struct Held {
    db: Connection,
    _alone: File,
    _at_work: File,
}

/// The ending of the file that one step has alone; SQLite has locks of its own on the staging file.
const ALONE: &str = "lock";

/// The ending of the file that tells that a step is at work. Whoever asks has it for a moment, for which a step that
/// begins waits: nobody who looks on keeps one from beginning.
const AT_WORK: &str = "at-work";

impl Held {
    /// Opens it; makes it where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, StagingError> {
        let alone = file(path, ALONE).map_err(unusable)?;
        match alone.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StagingError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let at_work = file(path, AT_WORK).map_err(unusable)?;
        at_work.lock_shared().map_err(unusable)?;
        Ok(Self { db: Connection::open(path)?, _alone: alone, _at_work: at_work })
    }
}

impl Deref for Held {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.db
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.db
    }
}

/// Whether a step is at work on it.
pub(super) fn is_held(path: &Path) -> bool {
    let at_work = File::open(beside(path, AT_WORK));
    at_work.is_ok_and(|at_work| matches!(at_work.try_lock(), Err(TryLockError::WouldBlock)))
}

fn file(path: &Path, what: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(beside(path, what))
}

fn beside(path: &Path, what: &str) -> PathBuf {
    path.with_added_extension(what)
}

fn unusable(error: io::Error) -> StagingError {
    StagingError::Lock(error)
}
