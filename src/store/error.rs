//! What can go wrong with the database, by what the caller has to decide.

use std::path::Path;

use rusqlite::ErrorCode;
#[cfg(feature = "postgres")]
use tokio_postgres::error::SqlState;

use super::db;

/// A database that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot take this now: disk full, read-only, busy. The sender may try again.
    #[error("the database cannot take this now: {0}")]
    Unavailable(String),
    /// A question took longer than whoever polls may keep the database busy.
    #[error("the database took too long to answer")]
    TooLong,
    /// Another instance leads, or may by now: nothing of this was written.
    #[error("another instance leads")]
    Deposed,
    /// A part of it is not what was written; a backup must be restored.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Another process serves it.
    #[error("the database {database} is already served by another bridge ({holder})")]
    Locked {
        /// The database.
        database: String,
        /// Its process, as far as it is known.
        holder: String,
    },
    /// A newer program has written it; this one does not know what its tables mean.
    #[error(
        "the database {database} has schema {found}, and this program knows schema {known}: \
         run the newer program, or restore a backup from before the upgrade"
    )]
    Newer {
        /// The database.
        database: String,
        /// Its schema.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// It cannot be opened or is damaged.
    #[error("the database {database} cannot be used: {reason}")]
    Unusable {
        /// The database.
        database: String,
        /// What it or the system said.
        reason: String,
    },
}

impl StoreError {
    /// A file that cannot be opened or is damaged.
    #[expect(clippy::needless_pass_by_value, reason = "who fails gives its error away")]
    pub(super) fn unusable(file: &Path, reason: impl ToString) -> Self {
        Self::Unusable { database: file.display().to_string(), reason: reason.to_string() }
    }
}

impl From<db::Error> for StoreError {
    fn from(error: db::Error) -> Self {
        let reason = error.to_string();
        match error {
            db::Error::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::OperationInterrupted) => Self::TooLong,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(reason),
                _ => Self::Unavailable(reason),
            },
            #[cfg(feature = "postgres")]
            db::Error::Postgres(error) => match error.code() {
                Some(&SqlState::QUERY_CANCELED) => Self::TooLong,
                Some(&SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED) => {
                    Self::Damaged(reason)
                }
                _ => Self::Unavailable(reason),
            },
            #[cfg(feature = "postgres")]
            db::Error::System(_) => Self::Unavailable(reason),
        }
    }
}
