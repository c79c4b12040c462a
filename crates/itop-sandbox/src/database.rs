//! The data of the sandbox: one SQLite database, in memory or on a file.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::{Data, Options, classes, collation, login};

/// Raised with every change of `schema.sql`; a file of another version is refused.
const SCHEMA_VERSION: i64 = 6;

/// The one connection. A statement takes milliseconds, so one at a time is enough.
pub(super) struct Database(Mutex<Connection>);

impl Database {
    /// Opens the file of the options, or a database in memory, and fills a new one.
    pub(super) fn open(options: &Options) -> Result<Self, rusqlite::Error> {
        let mut connection = connect(options.file.as_deref())?;
        // A double-quoted text is a name and nothing else.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        collation::register(&connection)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            fill(&mut connection, options)?;
        } else if version != SCHEMA_VERSION {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_MISMATCH),
                Some(format!("the file is of sandbox version {version}, not {SCHEMA_VERSION}")),
            ));
        }
        connection.execute_batch(&classes::views(options.flavour))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self(Mutex::new(connection)))
    }

    /// The connection, for as long as one statement or transaction needs it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic rolls its transaction back; what is left is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(file: Option<&Path>) -> Result<Connection, rusqlite::Error> {
    let Some(file) = file else {
        return Connection::open_in_memory();
    };
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What was answered survives kill -9 and loss of power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn fill(connection: &mut Connection, options: &Options) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(include_str!("data/schema.sql"))?;
    transaction.execute_batch(include_str!("data/itop_demo.sql"))?;
    for user in login::USERS {
        transaction.execute("INSERT INTO base_user VALUES (?, ?)", (user.id, user.login))?;
    }
    match options.data {
        Data::Recorded { clients } => {
            transaction.execute(
                "INSERT INTO base_organization (id, name, code)
                 WITH RECURSIVE n(i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                 SELECT i + 3, 'Client ' || i, 'C' || i FROM n",
                [clients],
            )?;
        }
        Data::Companies => transaction.execute_batch(include_str!("data/companies.sql"))?,
        Data::Grown(grown) => {
            transaction.execute_batch(include_str!("data/companies.sql"))?;
            grown.fill(&transaction, &options.time_zone)?;
        }
    }
    // The first server follows the last CI of iTop's demo set, as in the recordings.
    transaction.execute(
        "INSERT INTO base_ci (id, finalclass, name, org_id)
         WITH RECURSIVE n(i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         SELECT i + 31, 'Server', format('srv-%06d', i), 3 FROM n",
        [options.servers],
    )?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}
