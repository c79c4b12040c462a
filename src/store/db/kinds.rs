//! Of which type a parameter is: SQLite looks at its value, PostgreSQL wants to know before it has one.

use rusqlite::types::Value;

use crate::domain::keys::{ObjectId, OrgId, TicketId};

/// What a parameter is, also where it is NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::store) enum Kind {
    /// A number; yes and no are 1 and 0.
    Integer,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
}

/// A value for a parameter.
pub(in crate::store) trait ToSql: rusqlite::ToSql {
    /// What it is.
    fn kind(&self) -> Kind;
}

/// A type whose values are all of one kind.
pub(in crate::store) trait OneKind {
    /// Which.
    const KIND: Kind;
}

macro_rules! kinds {
    ($($kind:ident: $($of:ty),+;)+) => {$($(
        impl OneKind for $of {
            const KIND: Kind = Kind::$kind;
        }
    )+)+};
}

kinds! {
    Integer: bool, u8, i32, u32, i64, u64, usize;
    Text: str, String, Box<str>, OrgId, ObjectId, TicketId;
    Bytes: [u8], Vec<u8>, [u8; 32];
}

impl<T: OneKind + ?Sized> OneKind for &T {
    const KIND: Kind = T::KIND;
}

impl<T: OneKind> OneKind for Option<T> {
    const KIND: Kind = T::KIND;
}

impl<T: OneKind + rusqlite::ToSql + ?Sized> ToSql for T {
    fn kind(&self) -> Kind {
        T::KIND
    }
}

impl ToSql for Value {
    fn kind(&self) -> Kind {
        match self {
            Self::Integer(_) => Kind::Integer,
            Self::Blob(_) => Kind::Bytes,
            // Lists that are made while the program runs have no NULL in them.
            Self::Text(_) | Self::Real(_) | Self::Null => Kind::Text,
        }
    }
}
