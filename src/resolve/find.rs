//! Finding one item of a list by key or by name: exact keys only, never the first of many.

use crate::{
    domain::{acknowledgement::Ref, keys::ObjectId},
    itop::{Ci, Contract, Element, Organization, Person, Service, Team},
};

/// How many candidates an ambiguous name shows.
const CANDIDATES: usize = 5;

/// What every item of a list has.
pub trait Item {
    /// Its key in iTop.
    fn key(&self) -> ObjectId;
    /// Its name.
    fn name(&self) -> &str;
}

macro_rules! item {
    ($($type:ty),*) => {
        $(impl Item for $type {
            fn key(&self) -> ObjectId {
                self.id
            }

            fn name(&self) -> &str {
                &self.name
            }
        })*
    };
}

item!(Person, Team, Service, Element, Contract);

impl Item for Ci<'_> {
    fn key(&self) -> ObjectId {
        self.id
    }

    fn name(&self) -> &str {
        self.name
    }
}

impl<T: Item> Item for &T {
    fn key(&self) -> ObjectId {
        T::key(self)
    }

    fn name(&self) -> &str {
        T::name(self)
    }
}

impl Item for Organization {
    fn key(&self) -> ObjectId {
        ObjectId(self.id.0)
    }

    fn name(&self) -> &str {
        &self.name
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

/// Finds an item by key or, where there is no such key, by name.
pub fn find<T: Item>(
    items: impl IntoIterator<Item = T, IntoIter: Clone>,
    wanted: &Ref,
) -> Found<T> {
    let items = items.into_iter();
    let key = wanted.id.as_deref().and_then(|id| id.parse().ok()).map(ObjectId);
    if let Some(item) = key.and_then(|key| items.clone().find(|item| item.key() == key)) {
        let renamed = wanted.name.as_deref().is_some_and(|name| !same(name, item.name()));
        return Found::One { item, renamed };
    }
    match &wanted.name {
        Some(name) => by_name(items, name, Item::name),
        None => Found::Nothing,
    }
}

/// Finds an item by a text: exact, then whatever its case.
pub fn by_name<T>(
    items: impl IntoIterator<Item = T, IntoIter: Clone>,
    wanted: &str,
    text: impl Fn(&T) -> &str,
) -> Found<T> {
    let items = items.into_iter();
    let mut matching: Vec<_> = items.clone().filter(|item| text(item) == wanted).collect();
    if matching.is_empty() {
        matching = items.filter(|item| same(text(item), wanted)).collect();
    }
    match matching.len() {
        0 => Found::Nothing,
        1 => Found::One { item: matching.remove(0), renamed: false },
        _ => Found::Several(matching),
    }
}

/// Equal but for case.
fn same(a: &str, b: &str) -> bool {
    let folded = |c: char| c.to_lowercase();
    a == b
        || (a.len().abs_diff(b.len()) < 16
            && a.chars().flat_map(folded).eq(b.chars().flat_map(folded)))
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

    fn team(id: u64, name: &str) -> Team {
        Team { id: ObjectId(id), name: name.to_owned(), email: String::new() }
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
    fn an_exact_name_beats_one_of_another_case_and_several_are_ambiguous() {
        let teams = [team(1, "Ops"), team(2, "ops"), team(3, "OPS"), team(4, "Échelon")];
        assert_eq!(
            find(&teams, &wanted(None, Some("ops"))),
            Found::One { item: &teams[1], renamed: false }
        );
        assert!(
            matches!(find(&teams, &wanted(None, Some("oPs"))), Found::Several(s) if s.len() == 3)
        );
        assert_eq!(
            find(&teams, &wanted(None, Some("éCHELON"))),
            Found::One { item: &teams[3], renamed: false }
        );
        assert_eq!(find(&teams, &wanted(None, Some("op"))), Found::Nothing);
    }
}
