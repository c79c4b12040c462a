//! Keys of ticket systems, and which one, as columns: texts.

use rusqlite::{
    Result,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};

use crate::domain::{
    desk_name::DeskName,
    keys::{ObjectId, OrgId, TicketId},
};

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

impl FromSql for DeskName {
    /// A word that this version does not know is taken for no other ticket system.
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}
