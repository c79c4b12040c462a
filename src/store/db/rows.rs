//! What a query finds.

use super::{FromSql, Result, ValueRef};

/// A row, as long as no other one is asked for.
pub(in crate::store) enum Row<'r> {
    /// Of SQLite.
    Sqlite(&'r rusqlite::Row<'r>),
}

impl<'r> Row<'r> {
    /// What stands in a column: by its place, or by its name.
    pub(in crate::store) fn get<I: rusqlite::RowIndex, T: FromSql>(&self, column: I) -> Result<T> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
        }
    }

    /// The same without a copy.
    pub(in crate::store) fn get_ref<I: rusqlite::RowIndex>(
        &self,
        column: I,
    ) -> Result<ValueRef<'r>> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(column)?),
        }
    }
}

/// Rows, one after another.
pub(in crate::store) enum Rows<'s> {
    /// Of SQLite.
    Sqlite(rusqlite::Rows<'s>),
}

impl Rows<'_> {
    /// The next one.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Row<'_>>> {
        match self {
            Self::Sqlite(rows) => Ok(rows.next()?.map(Row::Sqlite)),
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
