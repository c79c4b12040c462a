//! Transactions of the connection that writes.

use super::{Connection, Result};

impl Connection {
    /// Begins a transaction that may write.
    pub(in crate::store) fn begin(&self) -> Result<()> {
        match self {
            // Prepared once: parsing it would cost as much as a small job.
            Self::Sqlite(_) => self.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => {
                session.begin();
                Ok(())
            }
        }
    }

    /// Runs one of the words of a transaction.
    pub(in crate::store) fn say(&self, word: &str) -> Result<()> {
        match self {
            Self::Sqlite(_) => self.prepare_cached(word)?.execute([]).map(drop),
            // Nobody waits for what a savepoint says.
            #[cfg(feature = "postgres")]
            Self::Postgres(session) if word != "COMMIT" => {
                session.ahead(word);
                Ok(())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.batch(word),
        }
    }

    /// Whether a statement that fails undoes itself, and nothing else.
    pub(in crate::store) fn undoes_statements(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => false,
        }
    }

    /// Whether the transaction is no more: on a full disk SQLite undoes all of it. Then nothing more is to
    /// be run, and COMMIT says so.
    pub(in crate::store) fn has_undone_all(&self) -> bool {
        match self {
            Self::Sqlite(db) => db.is_autocommit(),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => false,
        }
    }

    /// Undoes a transaction that could not be committed.
    pub(in crate::store) fn roll_back(&self) {
        match self {
            // SQLite rolls back by itself on some errors; where it did not, this does.
            Self::Sqlite(db) if !db.is_autocommit() => {
                let _ = db.execute_batch("ROLLBACK");
            }
            Self::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.roll_back(),
        }
    }

    /// Whether nothing can be read or written through it any more.
    pub(in crate::store) fn is_lost(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.is_closed(),
        }
    }

    /// Whether the Term for which it wrote was found to be over.
    pub(in crate::store) fn is_deposed(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.is_deposed(),
        }
    }

    /// After a commit that has succeeded when others had failed.
    pub(in crate::store) fn after_failures(&self) {
        match self {
            // Space has returned to a full disk: before the write-ahead log takes it all, what is in it
            // moves to the database. If it cannot, the next commit says so.
            Self::Sqlite(db) => {
                let _ = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {}
        }
    }
}
