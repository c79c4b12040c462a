//! Keys of the ticket system as columns: texts.

use rusqlite::{
    Result,
    types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};

use crate::domain::keys::{ObjectId, OrgId, TicketId};

macro_rules! column {
    ($($key:ty),*) => {$(
        impl FromSql for $key {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str().map(Self::new)
            }
        }

        impl ToSql for $key {
            fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }
    )*};
}

column!(OrgId, ObjectId, TicketId);
