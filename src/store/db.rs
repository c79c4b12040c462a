//! What the rest of the store reads and writes by: the words of a database.

pub(super) use rusqlite::{
    Connection, Error, OptionalExtension, Result, Row, ToSql, named_params, params,
    params_from_iter,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef},
};

/// What stands in a column is not what this program writes there.
pub(super) fn unreadable(
    column: usize,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}
