//! One process a database, whatever names it has.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Error, ErrorKind, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{StoreError, with_suffix};

/// Exclusive locks on a database file and on a file beside it, which has the id of the process
/// inside. The operating system drops them when the process ends, however it ends.
///
/// The database's own lock holds under every name that the file has. It must not be closed before
/// the last connection of `SQLite` is: closing any handle of a file gives back all of a process's
/// locks on it that `SQLite` has (fcntl). The file beside it holds while there is no database yet,
/// and while `restore` puts another one in its place.
pub(super) struct Lock {
    path: PathBuf,
    beside: File,
    database: Option<File>,
    unclean: bool,
}

impl Lock {
    /// Locks the database that this name leads to, if it is there.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = resolved(database)?;
        let beside_path = with_suffix(&path, ".lock");
        let unusable = |error: Error| {
            StoreError::unusable(&path, format!("its lock file {}: {error}", beside_path.display()))
        };
        // A link there could lead to anything, and what is written into it would be lost.
        let no_link = OFlags::NOFOLLOW.bits().cast_signed();
        let beside = private().custom_flags(no_link).open(&beside_path).map_err(|error| {
            let is_link = beside_path.is_symlink();
            unusable(if is_link { Error::other("it is a link; remove it") } else { error })
        })?;
        let mut holder = Vec::new();
        (&beside).take(MAX_HOLDER + 1).read_to_end(&mut holder).map_err(unusable)?;
        let holder = String::from_utf8(holder).ok().map(|text| text.trim().to_owned());
        let is_ours = |holder: &String| {
            holder.len() as u64 <= MAX_HOLDER && holder.bytes().all(|byte| byte.is_ascii_digit())
        };
        let Some(holder) = holder.filter(is_ours) else {
            let foreign = "it holds something else than the id of a process; see what it is";
            return Err(unusable(Error::other(foreign)));
        };
        try_lock(&beside, &path, &holder)?;
        let mut lock = Self { path, beside, database: None, unclean: !holder.is_empty() };
        if lock.path.exists() {
            lock.lock_database()?;
        }
        write_holder(&mut lock.beside, &std::process::id().to_string())
            .map_err(|error| StoreError::unusable(&lock.path, format!("its lock file: {error}")))?;
        Ok(lock)
    }

    /// The database's own name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Locks the database itself, which is made, empty and for its own user, where it is missing.
    pub(super) fn lock_database(&mut self) -> Result<(), StoreError> {
        if self.database.is_none() {
            let file = private()
                .open(&self.path)
                .map_err(|error| StoreError::unusable(&self.path, error))?;
            try_lock(&file, &self.path, "")?;
            self.database = Some(file);
        }
        Ok(())
    }

    /// Whether the process that last held the lock ended without giving it back.
    pub(super) fn follows_an_unclean_stop(&self) -> bool {
        self.unclean
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Failing to say goodbye costs the next start a quick check, nothing else.
        let _ = write_holder(&mut self.beside, "");
    }
}

/// The most digits that the id of a process has, and some.
const MAX_HOLDER: u64 = 20;

/// How files are opened that nobody else may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

/// What a name leads to: two names of one database are one.
fn resolved(database: &Path) -> Result<PathBuf, StoreError> {
    let unusable = |reason: String| StoreError::unusable(database, reason);
    match database.canonicalize() {
        Ok(path) => Ok(path),
        Err(_) if database.is_symlink() => {
            Err(unusable("it is a link that leads nowhere".to_owned()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            let folder = folder.canonicalize().map_err(|error| unusable(error.to_string()))?;
            let name =
                database.file_name().ok_or_else(|| unusable("it names no file".to_owned()))?;
            Ok(folder.join(name))
        }
        Err(error) => Err(unusable(error.to_string())),
    }
}

fn try_lock(file: &File, database: &Path, holder: &str) -> Result<(), StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let holder = match holder {
                "" => "of unknown process".to_owned(),
                pid => format!("process {pid}"),
            };
            Err(StoreError::Locked { database: database.display().to_string(), holder })
        }
        Err(TryLockError::Error(error)) => Err(StoreError::unusable(database, error)),
    }
}

fn write_holder(file: &mut File, holder: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(holder.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn database(folder: &Path) -> PathBuf {
        let path = folder.join("bridge.db");
        std::fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn a_database_has_one_lock_under_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = database(folder.path());
        let other = tempfile::tempdir().unwrap();
        let names = ["link", "hard link", "through a folder"].map(|name| other.path().join(name));
        symlink(&path, &names[0]).unwrap();
        std::fs::hard_link(&path, &names[1]).unwrap();
        symlink(folder.path(), &names[2]).unwrap();
        let through = names[2].join("bridge.db");
        for first in [&path, &names[0], &names[1], &through] {
            let held = Lock::take(first).unwrap();
            for name in [&path, &names[0], &names[1], &through] {
                let refusal = Lock::take(name).err().unwrap();
                assert!(matches!(refusal, StoreError::Locked { .. }), "{refusal}");
            }
            drop(held);
        }
        assert!(!Lock::take(&path).unwrap().follows_an_unclean_stop());
    }

    #[test]
    fn a_database_that_is_not_there_yet_is_locked_too_and_made_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let mut lock = Lock::take(&path).unwrap();
        assert!(!path.exists());
        assert!(matches!(Lock::take(&path), Err(StoreError::Locked { .. })));
        lock.lock_database().unwrap();
        for file in [path.clone(), with_suffix(&path, ".lock")] {
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        std::fs::remove_file(&path).unwrap();
        symlink(folder.path().join("nowhere"), &path).unwrap();
        drop(lock);
        let refusal = Lock::take(&path).err().unwrap().to_string();
        assert!(refusal.ends_with("it is a link that leads nowhere"), "{refusal}");
    }

    #[test]
    fn nothing_else_is_truncated_in_the_place_of_a_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = database(folder.path());
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "keep me").unwrap();
        let lock_file = with_suffix(&path, ".lock");
        symlink(&precious, &lock_file).unwrap();
        let refusal = Lock::take(&path).err().unwrap().to_string();
        assert!(refusal.ends_with("bridge.db.lock: it is a link; remove it"), "{refusal}");
        std::fs::remove_file(&lock_file).unwrap();
        std::fs::hard_link(&precious, &lock_file).unwrap();
        let refusal = Lock::take(&path).err().unwrap().to_string();
        assert!(refusal.contains("something else than the id of a process"), "{refusal}");
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "keep me");
    }
}
