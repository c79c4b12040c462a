//! What can go wrong with the database, by what the caller has to decide.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// A database that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot take this now: disk full, read-only, busy. The sender may try again.
    #[error("the database cannot take this now: {0}")]
    Unavailable(String),
    /// A part of the file is not what SQLite wrote; a backup must be restored.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Another process serves the same file.
    #[error("the database {path} is already served by another bridge ({holder})")]
    Locked {
        /// The database.
        path: PathBuf,
        /// Its process, as far as it is known.
        holder: String,
    },
    /// A newer program has written it; this one does not know what its tables mean.
    #[error(
        "the database {path} has schema {found}, and this program knows schema {known}: \
         run the newer program, or restore a backup from before the upgrade"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// It cannot be opened or is damaged.
    #[error("the database {path} cannot be used: {reason}")]
    Unusable {
        /// The database.
        path: PathBuf,
        /// What SQLite or the system said.
        reason: String,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
