//! One process a database.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use super::StoreError;

/// An exclusive lock on a file beside the database, with the id of the process inside. The
/// operating system drops it when the process ends, however it ends.
pub(super) struct Lock {
    file: File,
    unclean: bool,
}

impl Lock {
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = lock_path(database);
        let unusable = |error: std::io::Error| StoreError::Unusable {
            path: database.to_owned(),
            reason: format!("its lock file {}: {error}", path.display()),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        let mut holder = String::new();
        // A lock file that cannot be read as text names nobody, which is all that is lost.
        let _ = file.read_to_string(&mut holder);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = match holder.trim() {
                    "" => "of unknown process".to_owned(),
                    pid => format!("process {pid}"),
                };
                return Err(StoreError::Locked { path: database.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let unclean = !holder.trim().is_empty();
        write_holder(&mut file, &std::process::id().to_string()).map_err(unusable)?;
        Ok(Self { file, unclean })
    }

    /// Whether the process that last held the lock ended without giving it back.
    pub(super) fn follows_an_unclean_stop(&self) -> bool {
        self.unclean
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Failing to say goodbye costs the next start a quick check, nothing else.
        let _ = write_holder(&mut self.file, "");
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn write_holder(file: &mut File, holder: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(holder.as_bytes())
}
