//! What the rest of the store reads and writes by: a connection to its database, whichever that is. The
//! words are those of SQLite, and so is the SQL.

#[cfg(feature = "postgres")]
mod kinds;
mod params;
mod rows;
mod transaction;

#[cfg(feature = "postgres")]
pub(super) use kinds::Kind;
pub(super) use params::{Params, ToSql, named_params, params, params_from_iter};
pub(super) use rows::{MappedRows, Row, Rows};
pub(super) use rusqlite::types::{FromSql, Value, ValueRef};

use std::ops::Deref;

use rusqlite::types::FromSqlError;

#[cfg(feature = "postgres")]
use super::postgres::{Reading, Session};

/// Something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// What SQLite says, and whatever is not to be had of a row.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// What PostgreSQL says, or the way to it.
    #[cfg(feature = "postgres")]
    #[error("{}", told(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// What the system says.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    System(#[from] std::io::Error),
}

#[cfg(feature = "postgres")]
impl Error {
    /// Whether a lock was waited for in vain.
    pub(super) fn is_of_a_lock(&self) -> bool {
        let code = tokio_postgres::error::SqlState::LOCK_NOT_AVAILABLE;
        matches!(self, Self::Postgres(error) if error.code() == Some(&code))
    }
}

/// An error of PostgreSQL in its own words, which the crate leaves to the sources of its errors.
#[cfg(feature = "postgres")]
fn told(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

impl From<FromSqlError> for Error {
    fn from(error: FromSqlError) -> Self {
        Self::Sqlite(error.into())
    }
}

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// What stands in a column is not what this program writes there.
pub(super) fn unreadable(
    column: usize,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    let kind = rusqlite::types::Type::Text;
    Error::Sqlite(rusqlite::Error::FromSqlConversionFailure(column, kind, error.into()))
}

/// No row is an answer too.
pub(super) trait OptionalExtension<T> {
    /// `None` where there was no row.
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(Error::Sqlite(rusqlite::Error::QueryReturnedNoRows)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A connection, used by one thread at a time.
pub(super) enum Connection {
    /// To a file.
    Sqlite(rusqlite::Connection),
    /// To a server.
    #[cfg(feature = "postgres")]
    Postgres(Box<Session>),
}

impl From<rusqlite::Connection> for Connection {
    fn from(db: rusqlite::Connection) -> Self {
        Self::Sqlite(db)
    }
}

impl Connection {
    /// A statement, prepared once for all times that it is asked for.
    pub(super) fn prepare_cached(&self, sql: &str) -> Result<Statement<'_>> {
        match self {
            Self::Sqlite(db) => Ok(Statement::Sqlite(db.prepare_cached(sql)?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => Ok(Statement::Postgres(session, sql.to_owned())),
        }
    }

    /// A statement that is not asked for again.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        match self {
            Self::Sqlite(db) => Ok(Statement::Once(db.prepare(sql)?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => Ok(Statement::Postgres(session, sql.to_owned())),
        }
    }

    /// Runs a statement once; how many rows it has changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        match self {
            Self::Sqlite(db) => Ok(db.execute(sql, params.native())?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.execute(sql, &params),
        }
    }

    /// Runs a query once, and reads its first row.
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare(sql)?.query_row(params, read)
    }

    /// Runs statements that have no parameters and give nothing back.
    #[cfg(test)]
    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(db) => Ok(db.execute_batch(sql)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.batch(sql),
        }
    }

    /// The id of the row that was last inserted through this connection; it was one of the inbox, for which
    /// alone a server is asked: its triggers insert others.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unnecessary_wraps, reason = "SQLite knows it without asking")
    )]
    pub(super) fn last_insert_rowid(&self) -> Result<i64> {
        match self {
            Self::Sqlite(db) => Ok(db.last_insert_rowid()),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {
                let id = "SELECT currval('acknowledgements_id_seq')";
                self.prepare_cached(id)?.query_row([], |row| row.get(0))
            }
        }
    }

    /// All that is read until it is dropped is of one moment.
    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>> {
        match self {
            Self::Sqlite(db) => {
                let moment = Moment::Sqlite(db.unchecked_transaction()?);
                Ok(Snapshot { connection: self, moment })
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => {
                let moment = Moment::Postgres(session.begin_reading());
                Ok(Snapshot { connection: self, moment })
            }
        }
    }
}

/// One moment of a database.
pub(super) struct Snapshot<'c> {
    connection: &'c Connection,
    moment: Moment<'c>,
}

/// What keeps it, until it is dropped.
enum Moment<'c> {
    Sqlite(rusqlite::Transaction<'c>),
    #[cfg(feature = "postgres")]
    Postgres(#[expect(dead_code, reason = "it ends the transaction")] Reading<'c>),
}

impl Snapshot<'_> {
    /// Keeps what was written into a file in it.
    pub(super) fn commit(self) -> Result<()> {
        match self.moment {
            Moment::Sqlite(transaction) => Ok(transaction.commit()?),
            #[cfg(feature = "postgres")]
            Moment::Postgres(_) => Ok(()),
        }
    }
}

impl Deref for Snapshot<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// A statement that may be run more than once.
pub(super) enum Statement<'c> {
    /// Of SQLite.
    Sqlite(rusqlite::CachedStatement<'c>),
    /// The same, which is forgotten afterwards.
    Once(rusqlite::Statement<'c>),
    /// Of PostgreSQL, which knows the types of its parameters only when they are given.
    #[cfg(feature = "postgres")]
    Postgres(&'c Session, String),
}

impl Statement<'_> {
    /// How many rows it has changed.
    pub(super) fn execute(&mut self, params: impl Params) -> Result<usize> {
        match self {
            Self::Sqlite(statement) => Ok(statement.execute(params.native())?),
            Self::Once(statement) => Ok(statement.execute(params.native())?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session, sql) => session.execute(sql, &params),
        }
    }

    /// The same, with those of these parameters that stand in it.
    pub(super) fn execute_with_some_of(&mut self, params: &[(&str, &dyn ToSql)]) -> Result<usize> {
        let statement: &mut rusqlite::Statement<'_> = match self {
            Self::Sqlite(statement) => statement,
            Self::Once(statement) => statement,
            #[cfg(feature = "postgres")]
            Self::Postgres(session, sql) => return session.execute(sql, &params),
        };
        for (name, value) in params {
            if let Some(place) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(place, value)?;
            }
        }
        Ok(statement.raw_execute()?)
    }

    /// Its rows, one after another.
    pub(super) fn query(&mut self, params: impl Params) -> Result<Rows<'_>> {
        match self {
            Self::Sqlite(statement) => Ok(Rows::Sqlite(statement.query(params.native())?)),
            Self::Once(statement) => Ok(Rows::Sqlite(statement.query(params.native())?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(session, sql) => Ok(Rows::of_postgres(session.query(sql, &params)?)),
        }
    }

    /// What is made of each row.
    pub(super) fn query_map<T, F>(
        &mut self,
        params: impl Params,
        read: F,
    ) -> Result<MappedRows<'_, F>>
    where
        F: FnMut(&Row<'_>) -> Result<T>,
    {
        Ok(MappedRows::new(self.query(params)?, read))
    }

    /// What is made of its first row.
    pub(super) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.query(params)?.first(read)
    }

    /// Whether it has a row.
    pub(super) fn exists(&mut self, params: impl Params) -> Result<bool> {
        Ok(self.query(params)?.next()?.is_some())
    }
}
