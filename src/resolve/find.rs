//! Finding one item of a list by key or by name: exact keys only, never the first of many. Two
//! that bear what is one name to iTop's database are many, even if one of them bears it as it was
//! sent: who sent it may have meant either.

use crate::{
    desk::{Ci, Contract, Element, Organization, Person, Service, Team},
    domain::{acknowledgement::Ref, names},
};

/// How many candidates an ambiguous name shows.
const CANDIDATES: usize = 5;

/// What every item of a list has.
pub trait Item {
    /// Its key in iTop.
    fn key(&self) -> &str;
    /// Its name.
    fn name(&self) -> &str;
}

macro_rules! item {
    ($($type:ty),*) => {
        $(impl Item for $type {
            fn key(&self) -> &str {
                self.id.as_str()
            }

            fn name(&self) -> &str {
                &self.name
            }
        })*
    };
}

item!(Organization, Person, Team, Service, Element, Contract);

impl Item for Ci<'_> {
    fn key(&self) -> &str {
        self.id
    }

    fn name(&self) -> &str {
        self.name
    }
}

impl<T: Item> Item for &T {
    fn key(&self) -> &str {
        T::key(self)
    }

    fn name(&self) -> &str {
        T::name(self)
    }
}

/// What a search in a list gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// Exactly one; `renamed` if it was found by key and is called otherwise.
    One {
        /// The item.
        item: T,
        /// True if the name that was given beside the key is another one.
        renamed: bool,
    },
    /// None.
    Nothing,
    /// Several of that name.
    Several(Vec<T>),
}

impl<T> Found<T> {
    /// Whether there are several.
    pub fn is_several(&self) -> bool {
        matches!(self, Self::Several(_))
    }
}

/// Finds an item by key or, where there is no such key, by name.
pub fn find<T: Item>(
    items: impl IntoIterator<Item = T, IntoIter: Clone>,
    wanted: &Ref,
) -> Found<T> {
    let items = items.into_iter();
    let key = wanted.id.as_deref();
    if let Some(item) = key.and_then(|key| items.clone().find(|item| item.key() == key)) {
        let renamed = wanted.name.as_deref().is_some_and(|name| !names::same(name, item.name()));
        return Found::One { item, renamed };
    }
    match &wanted.name {
        Some(name) => by_name(items, name),
        None => Found::Nothing,
    }
}

/// Finds an item by its name.
pub fn by_name<T: Item>(items: impl IntoIterator<Item = T>, wanted: &str) -> Found<T> {
    if names::same(wanted, "") {
        // What has no width would be the name of whatever has none.
        return Found::Nothing;
    }
    only(items.into_iter().filter(|item| names::same(item.name(), wanted)))
}

/// The only one of those that fit.
pub fn only<T>(fitting: impl Iterator<Item = T>) -> Found<T> {
    let mut fitting: Vec<_> = fitting.collect();
    match fitting.len() {
        0 => Found::Nothing,
        1 => Found::One { item: fitting.remove(0), renamed: false },
        _ => Found::Several(fitting),
    }
}

/// The candidates of an ambiguous name, for a sentence.
pub fn candidates<T: Item>(several: &[T]) -> String {
    let mut texts: Vec<_> = several
        .iter()
        .take(CANDIDATES)
        .map(|item| format!("'{}' (key {})", item.name(), item.key()))
        .collect();
    if several.len() > CANDIDATES {
        texts.push(format!("and {} more", several.len() - CANDIDATES));
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::keys::ObjectId;

    fn team(id: u64, name: &str) -> Team {
        Team { id: ObjectId::new(id.to_string()), name: name.to_owned(), email: String::new() }
    }

    fn wanted(id: Option<&str>, name: Option<&str>) -> Ref {
        Ref { id: id.map(str::to_owned), name: name.map(str::to_owned) }
    }

    #[test]
    fn a_key_beats_a_name_and_a_differing_name_is_told() {
        let teams = [team(36, "Hardware support"), team(37, "Helpdesk")];
        let found = find(&teams, &wanted(Some("37"), Some("helpdesk")));
        assert_eq!(found, Found::One { item: &teams[1], renamed: false });
        let found = find(&teams, &wanted(Some("37"), Some("Hardware support")));
        assert_eq!(found, Found::One { item: &teams[1], renamed: true });
        let found = find(&teams, &wanted(Some("99"), Some("Hardware support")));
        assert_eq!(found, Found::One { item: &teams[0], renamed: false });
        assert_eq!(find(&teams, &wanted(Some("x"), None)), Found::Nothing);
    }

    #[test]
    fn a_name_is_found_however_it_is_written_and_several_are_ambiguous() {
        let teams = [team(1, "Ops"), team(2, "ops"), team(3, "ÓPS"), team(4, "Échelon  2")];
        let found = |name| find(&teams, &wanted(None, Some(name)));
        // Also where one of them is written just so: the sender may have meant either.
        for name in ["oPs", "ops"] {
            assert!(matches!(found(name), Found::Several(s) if s.len() == 3), "{name}");
        }
        assert_eq!(find(&teams, &wanted(Some("2"), Some("ops"))), one(&teams[1]));
        for name in ["éCHELON 2", "Échelon  2", "echelon\u{a0}2 "] {
            assert_eq!(found(name), one(&teams[3]), "{name}");
        }
        for name in ["op", "Échelon2", "\u{200b}"] {
            assert_eq!(found(name), Found::Nothing, "{name}");
        }
        let nameless = [team(1, "")];
        assert_eq!(find(&nameless, &wanted(None, Some("\u{200b}"))), Found::Nothing);
    }

    fn one<T>(item: T) -> Found<T> {
        Found::One { item, renamed: false }
    }
}
