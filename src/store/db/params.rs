//! What stands in the places of a statement's parameters.

#[cfg(not(feature = "postgres"))]
pub(in crate::store) use rusqlite::ToSql;

use rusqlite::ParamsFromIter;

#[cfg(feature = "postgres")]
pub(in crate::store) use super::kinds::ToSql;

/// The parameters of a statement, in its order or by their names.
pub(in crate::store) trait Params {
    /// The same as SQLite takes them.
    type Native: rusqlite::Params;

    /// As SQLite takes them.
    fn native(self) -> Self::Native;

    /// Each with its name, if it has one.
    #[cfg(feature = "postgres")]
    fn each(&self, take: &mut dyn FnMut(Option<&str>, &dyn ToSql));
}

macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::store::db::ToSql),*] as &[&dyn $crate::store::db::ToSql]
    };
}
pub(in crate::store) use params;

macro_rules! named_params {
    ($($name:literal: $value:expr),* $(,)?) => {
        &[$(($name, &$value as &dyn $crate::store::db::ToSql)),*]
            as &[(&str, &dyn $crate::store::db::ToSql)]
    };
}
pub(in crate::store) use named_params;

impl<'p> Params for &'p [&'p dyn ToSql] {
    type Native = ParamsFromIter<Self>;

    fn native(self) -> Self::Native {
        rusqlite::params_from_iter(self)
    }

    #[cfg(feature = "postgres")]
    fn each(&self, take: &mut dyn FnMut(Option<&str>, &dyn ToSql)) {
        self.iter().for_each(|value| take(None, *value));
    }
}

impl<'p> Params for &'p [(&'p str, &'p dyn ToSql)] {
    type Native = Self;

    fn native(self) -> Self {
        self
    }

    #[cfg(feature = "postgres")]
    fn each(&self, take: &mut dyn FnMut(Option<&str>, &dyn ToSql)) {
        self.iter().for_each(|(name, value)| take(Some(name), *value));
    }
}

/// None.
impl Params for [&(dyn rusqlite::ToSql + Send + Sync); 0] {
    type Native = Self;

    fn native(self) -> Self {
        self
    }

    #[cfg(feature = "postgres")]
    fn each(&self, _: &mut dyn FnMut(Option<&str>, &dyn ToSql)) {}
}

macro_rules! arrays {
    ($($length:literal)+) => {$(
        impl<T: ToSql> Params for [T; $length] {
            type Native = Self;

            fn native(self) -> Self {
                self
            }

            #[cfg(feature = "postgres")]
            fn each(&self, take: &mut dyn FnMut(Option<&str>, &dyn ToSql)) {
                for value in self {
                    take(None, value);
                }
            }
        }
    )+};
}

// Each by itself: of no values nobody could tell of which type they are.
arrays!(1 2 3 4);

/// Parameters of which nobody knows how many they are before the program runs.
pub(in crate::store) struct Listed<T>(Vec<T>);

/// Parameters of a list.
pub(in crate::store) fn params_from_iter<T: ToSql>(
    values: impl IntoIterator<Item = T>,
) -> Listed<T> {
    Listed(values.into_iter().collect())
}

impl<T: ToSql> Params for Listed<T> {
    type Native = ParamsFromIter<Vec<T>>;

    fn native(self) -> Self::Native {
        rusqlite::params_from_iter(self.0)
    }

    #[cfg(feature = "postgres")]
    fn each(&self, take: &mut dyn FnMut(Option<&str>, &dyn ToSql)) {
        self.0.iter().for_each(|value| take(None, value));
    }
}
