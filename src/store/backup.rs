//! Copying a live database, and starting from such a copy.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::{
    StoreError, db,
    lock::{Lock, private},
    meta::{
        self, HIGHEST_TICKET_ID, RESTORED_AT, RESTORED_FLOOR, RESTORED_IS_FREE, RESTORED_NOTES,
        RESTORED_RAN,
    },
    migrate, with_suffix, writer,
};

/// Copies a database that may be in use into a new file, and checks the copy. It reads one
/// snapshot: what is written meanwhile is not in it.
pub fn backup(database: &Path, copy: &Path) -> Result<(), StoreError> {
    let failed = |path: &Path, reason: String| StoreError::unusable(path, reason);
    if copy.exists() {
        return Err(failed(copy, "it exists; a backup never overwrites a file".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(database, flags)
        .and_then(|source| source.busy_timeout(writer::BUSY).map(|()| source))
        .map_err(|error| failed(database, error.to_string()))?;
    let target = copy.to_str().ok_or_else(|| failed(copy, "its name is not UTF-8".to_owned()))?;
    // For its own user from the first byte on; SQLite takes an empty file for one that is not there.
    private().create_new(true).open(copy).map_err(|error| failed(copy, error.to_string()))?;
    source.execute("VACUUM INTO ?1", [target]).map_err(|error| {
        // What is left of it would be in the way of the next one.
        let _ = std::fs::remove_file(copy);
        failed(database, error.to_string())
    })?;
    // SQLite leaves it to the caller when such a copy reaches the disk.
    std::fs::File::open(copy)
        .and_then(|file| file.sync_all())
        .map_err(|error| failed(copy, error.to_string()))?;
    check(copy)
}

/// Puts a backup in the place of a database that nobody serves, and gives it a new epoch: what the
/// backup does not know was done all the same, so that every unfinished row becomes `unknown`, and
/// events posted again are looked for before anything is created. The file that was there is kept
/// beside it; its name is given back.
pub fn restore(
    copy: &Path,
    database: &Path,
    now: Timestamp,
) -> Result<Option<PathBuf>, StoreError> {
    check(copy)?;
    let lock = Lock::take(database)?;
    let database = lock.path();
    let failed = |reason: String| StoreError::unusable(database, reason);
    let prepared = restoring(database);
    copied(copy, &prepared).map_err(|error| failed(error.to_string()))?;
    begin_epoch(&prepared, now)?;
    let kept = beside(database, &format!("before-restore-{}", now.as_millisecond()));
    let was_there = database.exists();
    if rustix::process::geteuid().is_root() {
        // Root restores for a service that has a user of its own: what root makes it could not open.
        let lock_file = with_suffix(database, ".lock");
        as_before(database, &[&prepared, &lock_file]).map_err(|error| failed(error.to_string()))?;
    }
    // The log first, and even without its database: what a restore that was killed has left must
    // never be replayed onto the restored file.
    for suffix in ["-wal", "-shm", ""] {
        let from = with_suffix(database, suffix);
        if from.exists() {
            std::fs::rename(&from, with_suffix(&kept, suffix))
                .map_err(|error| failed(error.to_string()))?;
        }
    }
    std::fs::rename(&prepared, database).map_err(|error| failed(error.to_string()))?;
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed(error.to_string()))?;
    Ok(was_there.then_some(kept))
}

/// Gives files to whoever has the database, or the folder in which there is none yet.
fn as_before(database: &Path, files: &[&Path]) -> io::Result<()> {
    let folder = || database.parent().unwrap_or(Path::new("/")).metadata();
    let owner = database.metadata().or_else(|_| folder())?;
    files.iter().try_for_each(|file| chown(file, Some(owner.uid()), Some(owner.gid())))
}

/// Copies a file to one that is for its own user alone.
fn copied(from: &Path, to: &Path) -> io::Result<()> {
    let mut target = private().truncate(true).open(to)?;
    io::copy(&mut std::fs::File::open(from)?, &mut target)?;
    target.set_permissions(Permissions::from_mode(0o600))
}

/// Marks the copy as restored; it is a single file again afterwards.
fn begin_epoch(path: &Path, now: Timestamp) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| StoreError::unusable(path, error);
    let mut connection = Connection::open(path).map_err(failed)?;
    migrate::migrate(&mut connection, path)?;
    let connection = db::Connection::from(connection);
    let write = || -> db::Result<()> {
        let transaction = connection.snapshot()?;
        meta::set(&transaction, RESTORED_AT, &now.as_millisecond().to_string())?;
        meta::remove(&transaction, RESTORED_RAN)?;
        meta::remove(&transaction, RESTORED_IS_FREE)?;
        // What the backup has not delivered became a ticket after it, or a line of an older one:
        // that is what the search without a bound is for.
        let floor = meta::get(&transaction, HIGHEST_TICKET_ID)?.unwrap_or_else(|| "0".to_owned());
        meta::set(&transaction, RESTORED_FLOOR, &floor)?;
        // Whatever was noted after the backup is no older than what Salesforce had told by then.
        let newest = "SELECT max(last_update) FROM tickets WHERE class = 'Case'";
        match transaction.query_row(newest, [], |row| row.get::<_, Option<i64>>(0))? {
            Some(newest) => meta::set(&transaction, RESTORED_NOTES, &newest.to_string())?,
            None => meta::remove(&transaction, RESTORED_NOTES)?,
        }
        transaction.execute(
            "UPDATE acknowledgements
             SET state = 'unknown', problem_code = 'restored', updated_at = ?1,
                 id_floor = min(coalesce(id_floor, CAST(?2 AS INTEGER)), CAST(?2 AS INTEGER)),
                 ticket_class = NULL, ticket_id = NULL,
                 problem = 'A backup was restored; whether this acknowledgement became a ticket \
                            after it is looked up.'
             WHERE state IN ('accepted', 'creating', 'unknown', 'blocked', 'failed')",
            db::params![now.as_millisecond(), floor],
        )?;
        transaction.commit()?;
        connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
    };
    write().map_err(|error| StoreError::unusable(path, error))?;
    drop(connection);
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::unusable(path, error))
}

fn check(path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| StoreError::unusable(path, error);
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    migrate::quick_check(&connection, path)
}

/// Where a backup is prepared: while this is there, a restore has not ended.
pub(crate) fn restoring(database: &Path) -> PathBuf {
    beside(database, "restoring")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    with_suffix(path, &format!(".{suffix}"))
}
