//! What a query finds.

use super::{FromSql, Result, ValueRef};
#[cfg(feature = "postgres")]
use crate::store::{db::unreadable, postgres::Cell};

/// A column: its place, or its name.
#[cfg(not(feature = "postgres"))]
pub(in crate::store) trait Column: rusqlite::RowIndex {}
#[cfg(not(feature = "postgres"))]
impl<T: rusqlite::RowIndex> Column for T {}

/// A column: its place, or its name.
#[cfg(feature = "postgres")]
pub(in crate::store) trait Column:
    rusqlite::RowIndex + tokio_postgres::row::RowIndex + std::fmt::Display
{
}
#[cfg(feature = "postgres")]
impl<T: rusqlite::RowIndex + tokio_postgres::row::RowIndex + std::fmt::Display> Column for T {}

/// A row, as long as no other one is asked for.
pub(in crate::store) enum Row<'r> {
    /// Of SQLite.
    Sqlite(&'r rusqlite::Row<'r>),
    /// Of PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    /// What stands in a column.
    pub(in crate::store) fn get<I: Column, T: FromSql>(&self, column: I) -> Result<T> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => {
                let Cell(value) = row.try_get(column)?;
                T::column_result(value).map_err(|error| unreadable(0, error))
            }
        }
    }

    /// The same without a copy.
    pub(in crate::store) fn get_ref<I: Column>(&self, column: I) -> Result<ValueRef<'r>> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(column)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => Ok(row.try_get::<_, Cell<'_>>(column)?.0),
        }
    }
}

/// Rows, one after another.
pub(in crate::store) enum Rows<'s> {
    /// Of SQLite.
    Sqlite(rusqlite::Rows<'s>),
    /// Of PostgreSQL: those that are still to come, and the one that is looked at.
    #[cfg(feature = "postgres")]
    Postgres(std::vec::IntoIter<tokio_postgres::Row>, Option<tokio_postgres::Row>),
}

impl Rows<'_> {
    #[cfg(feature = "postgres")]
    pub(in crate::store) fn of_postgres(rows: Vec<tokio_postgres::Row>) -> Self {
        Self::Postgres(rows.into_iter(), None)
    }

    /// The next one.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Row<'_>>> {
        match self {
            Self::Sqlite(rows) => Ok(rows.next()?.map(Row::Sqlite)),
            #[cfg(feature = "postgres")]
            Self::Postgres(rows, row) => {
                *row = rows.next();
                Ok(row.as_ref().map(Row::Postgres))
            }
        }
    }

    /// What is made of the first one.
    pub(super) fn first<T>(mut self, read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        match self.next()? {
            Some(row) => read(&row),
            None => Err(rusqlite::Error::QueryReturnedNoRows.into()),
        }
    }
}

/// What is made of each row.
pub(in crate::store) struct MappedRows<'s, F> {
    rows: Rows<'s>,
    read: F,
}

impl<'s, F> MappedRows<'s, F> {
    pub(super) fn new(rows: Rows<'s>, read: F) -> Self {
        Self { rows, read }
    }
}

impl<T, F: FnMut(&Row<'_>) -> Result<T>> Iterator for MappedRows<'_, F> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let Self { rows, read } = self;
        rows.next().transpose().map(|row| row.and_then(|row| read(&row)))
    }
}
