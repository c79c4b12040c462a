//! What the rest of the store reads and writes by: a connection to its database, whichever that is. The
//! words are those of SQLite, and so is the SQL.

mod params;
mod rows;
mod transaction;

pub(super) use params::{Params, ToSql, named_params, params, params_from_iter};
pub(super) use rows::{MappedRows, Row, Rows};
pub(super) use rusqlite::types::{FromSql, Value, ValueRef};

use std::ops::Deref;

use rusqlite::types::FromSqlError;

/// Something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// What SQLite says, and whatever is not to be had of a row.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
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
        }
    }

    /// A statement that is not asked for again.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        match self {
            Self::Sqlite(db) => Ok(Statement::Once(db.prepare(sql)?)),
        }
    }

    /// Runs a statement once; how many rows it has changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        match self {
            Self::Sqlite(db) => Ok(db.execute(sql, params.native())?),
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
    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(db) => Ok(db.execute_batch(sql)?),
        }
    }

    /// The id of the row that was last inserted through this connection.
    pub(super) fn last_insert_rowid(&self) -> i64 {
        match self {
            Self::Sqlite(db) => db.last_insert_rowid(),
        }
    }

    /// All that is read until it is dropped is of one moment.
    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>> {
        match self {
            Self::Sqlite(db) => {
                let transaction = db.unchecked_transaction()?;
                Ok(Snapshot { connection: self, transaction })
            }
        }
    }
}

/// One moment of a database.
pub(super) struct Snapshot<'c> {
    connection: &'c Connection,
    transaction: rusqlite::Transaction<'c>,
}

impl Snapshot<'_> {
    /// Keeps what was written in it.
    pub(super) fn commit(self) -> Result<()> {
        Ok(self.transaction.commit()?)
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
}

impl<'c> Statement<'c> {
    fn native(&mut self) -> &mut rusqlite::Statement<'c> {
        match self {
            Self::Sqlite(statement) => statement,
            Self::Once(statement) => statement,
        }
    }

    /// How many rows it has changed.
    pub(super) fn execute(&mut self, params: impl Params) -> Result<usize> {
        Ok(self.native().execute(params.native())?)
    }

    /// The same, with those of these parameters that stand in it.
    pub(super) fn execute_with_some_of(&mut self, params: &[(&str, &dyn ToSql)]) -> Result<usize> {
        let statement = self.native();
        for (name, value) in params {
            if let Some(place) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(place, value)?;
            }
        }
        Ok(statement.raw_execute()?)
    }

    /// Its rows, one after another.
    pub(super) fn query(&mut self, params: impl Params) -> Result<Rows<'_>> {
        Ok(Rows::Sqlite(self.native().query(params.native())?))
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
