//! Values on their way to and from the server. A cell is read as if SQLite had it, so that whoever reads a row
//! need not know whose it is.

use std::{borrow::Cow, error::Error};

use bytes::BytesMut;
use memchr::memchr;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::store::db::{self, Kind};

type Failed = Box<dyn Error + Sync + Send>;

/// A value for a parameter.
#[derive(Debug)]
pub(super) struct Parameter(Value);

impl Parameter {
    pub(super) fn of(value: &dyn db::ToSql) -> db::Result<Self> {
        let value = match value.to_sql()? {
            ToSqlOutput::Borrowed(value) => value.try_into()?,
            ToSqlOutput::Owned(value) => value,
            other => return Err(db::unreadable(0, format!("{other:?} is nothing to store"))),
        };
        Ok(Self(match value {
            Value::Text(text) => Value::Text(without_nul(text.into()).into_owned()),
            value => value,
        }))
    }
}

/// A text as a server can have it: without U+0000. What is read of a body takes it for a blank.
pub(super) fn without_nul(text: Cow<'_, str>) -> Cow<'_, str> {
    if memchr(0, text.as_bytes()).is_some() { text.replace('\0', " ").into() } else { text }
}

/// The type of a parameter.
pub(super) fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::Integer => Type::INT8,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match (&self.0, kind) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Integer(number), &Type::INT8) => number.to_sql(kind, out),
            (Value::Text(text), &Type::TEXT) => text.to_sql(kind, out),
            (Value::Blob(bytes), &Type::BYTEA) => bytes.to_sql(kind, out),
            (value, kind) => Err(format!("{value:?} is no {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value of a row.
pub(in crate::store) struct Cell<'r>(pub(in crate::store) ValueRef<'r>);

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Failed> {
        Ok(Self(match *kind {
            Type::INT8 => ValueRef::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => ValueRef::Integer(i32::from_sql(kind, raw)?.into()),
            Type::BOOL => ValueRef::Integer(bool::from_sql(kind, raw)?.into()),
            Type::TEXT | Type::UNKNOWN => ValueRef::Text(raw),
            Type::BYTEA => ValueRef::Blob(raw),
            _ => return Err(format!("a {kind} is nothing that the store has").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failed> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
