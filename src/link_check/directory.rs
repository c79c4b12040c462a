//! All organizations, to look many companies up among them.

use std::collections::HashMap;

use super::NameOrKey;
use crate::{
    desk::Organization,
    domain::{
        acknowledgement::Ref,
        keys::OrgId,
        names::{self, FoldedName},
    },
    resolve::Found,
};

/// How far up a tree is followed: iTop allows no circle, and nobody would read more.
const DEEPEST: usize = 16;

/// Organizations by key, by name, and by name or code.
pub(crate) struct Directory<'o> {
    all: &'o [Organization],
    by_key: HashMap<&'o str, usize>,
    by_name: HashMap<FoldedName, Vec<usize>>,
    /// By a code that is not the name as well.
    by_code: HashMap<FoldedName, Vec<usize>>,
}

impl<'o> Directory<'o> {
    /// Of these, by key alone.
    pub(crate) fn of_keys(all: &'o [Organization]) -> Self {
        let by_key = all.iter().enumerate().map(|(at, org)| (org.id.as_str(), at)).collect();
        Self { all, by_key, by_name: HashMap::new(), by_code: HashMap::new() }
    }

    /// Of these.
    pub(crate) fn new(all: &'o [Organization]) -> Self {
        let mut directory = Self::of_keys(all);
        for (at, org) in all.iter().enumerate() {
            let name = names::fold(&org.name);
            let code = Some(names::fold(&org.code)).filter(|code| *code != name);
            directory.by_name.entry(name).or_default().push(at);
            if let Some(code) = code.filter(|_| !org.code.is_empty()) {
                directory.by_code.entry(code).or_default().push(at);
            }
        }
        directory
    }

    /// The organization with this key.
    pub(crate) fn of_key(&self, key: &str) -> Option<&'o Organization> {
        self.by_key.get(key).map(|at| &self.all[*at])
    }

    /// The names of those above an organization that may be told, the highest first.
    pub(crate) fn above(
        &self,
        org: &Organization,
        is_seen: impl Fn(&OrgId) -> bool,
    ) -> Vec<&'o str> {
        let mut names = Vec::new();
        let mut parent = org.parent.as_ref();
        while let Some(above) = parent.and_then(|key| self.of_key(key.as_str())) {
            if names.len() == DEEPEST || !is_seen(&above.id) {
                break;
            }
            names.push(above.name.as_str());
            parent = above.parent.as_ref();
        }
        names.reverse();
        names
    }

    /// The one organization whose name or code is this name.
    pub(crate) fn suggestion(&self, name: &str) -> Option<&'o Organization> {
        let name = names::fold(name);
        if name == names::fold("") {
            return None;
        }
        let of =
            |map: &HashMap<FoldedName, Vec<usize>>| map.get(&name).cloned().unwrap_or_default();
        match [of(&self.by_name), of(&self.by_code)].concat().as_slice() {
            [only] => Some(&self.all[*only]),
            _ => None,
        }
    }

    /// What is wanted, as a list finds it.
    pub(super) fn find(&self, wanted: &Ref, counts: NameOrKey) -> Found<&'o Organization> {
        let by_key = wanted.id.as_deref().and_then(|key| self.of_key(key));
        if let Some(item) = by_key {
            let renamed = wanted.name.as_deref().is_some_and(|name| !names::same(name, &item.name));
            if !renamed || counts == NameOrKey::Key {
                return Found::One { item, renamed };
            }
        }
        let name = wanted.name.as_deref().filter(|name| !names::same(name, ""));
        let several = name.and_then(|name| self.by_name.get(&names::fold(name)));
        match several.map(Vec::as_slice).unwrap_or_default() {
            [] => Found::Nothing,
            [only] => Found::One { item: &self.all[*only], renamed: false },
            several => Found::Several(several.iter().map(|at| &self.all[*at]).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(id: &str, name: &str, code: &str, parent: Option<&str>) -> Organization {
        Organization {
            id: OrgId::new(id),
            name: name.to_owned(),
            code: code.to_owned(),
            parent: parent.map(OrgId::new),
            parent_name: None,
        }
    }

    fn wanted(id: Option<&str>, name: Option<&str>) -> Ref {
        Ref { id: id.map(str::to_owned), name: name.map(str::to_owned) }
    }

    #[test]
    fn the_name_or_the_key_counts_and_two_of_a_name_are_several() {
        let all =
            [org("1", "École", "", None), org("2", "ecole", "X", None), org("3", "A", "", None)];
        let directory = Directory::new(&all);
        let found = |wanted: &Ref, counts| match directory.find(wanted, counts) {
            Found::One { item, .. } => item.id.to_string(),
            Found::Nothing => "none".to_owned(),
            Found::Several(several) => format!("{} of them", several.len()),
        };
        for (id, name, by_key, by_name) in [
            (Some("3"), None, "3", "3"),
            (None, Some("a"), "3", "3"),
            (None, Some("ÉCOLE"), "2 of them", "2 of them"),
            // Told apart by the key.
            (Some("2"), Some("École"), "2", "2"),
            // The name was changed, and the key left.
            (Some("1"), Some("A"), "1", "3"),
            (Some("1"), Some("B"), "1", "none"),
            (Some("9"), Some("A"), "3", "3"),
            (Some("9"), None, "none", "none"),
            (None, Some("\u{200b}"), "none", "none"),
        ] {
            let wanted = wanted(id, name);
            assert_eq!(found(&wanted, NameOrKey::Key), by_key, "{wanted:?}");
            assert_eq!(found(&wanted, NameOrKey::Name), by_name, "{wanted:?}");
            // As a list finds it that is looked through.
            let listed = match crate::resolve::find(&all, &wanted) {
                Found::One { item, .. } => item.id.to_string(),
                Found::Nothing => "none".to_owned(),
                Found::Several(several) => format!("{} of them", several.len()),
            };
            assert_eq!(listed, by_key, "{wanted:?}");
        }
    }

    #[test]
    fn a_suggestion_is_the_only_one_by_name_or_code() {
        let all = [
            org("1", "Demo", "DEMO", None),
            org("2", "HSE", "", None),
            org("3", "Health", "hse", None),
            org("4", "ACME Group", "ACME", None),
            org("5", "", "", None),
        ];
        let directory = Directory::new(&all);
        let suggested =
            |name: &str| directory.suggestion(name).map(|org| org.id.as_str().to_owned());
        for (name, expected) in [
            ("demo", Some("1")),
            ("Acme", Some("4")),
            ("HSE", None),
            ("Nobody", None),
            ("", None),
            ("\u{200b}", None),
        ] {
            assert_eq!(suggested(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn the_tree_is_told_from_the_top_and_a_circle_ends() {
        let all = [
            org("1", "Santé", "", None),
            org("2", "Bretagne", "", Some("1")),
            org("3", "Clinique", "", Some("2")),
            org("4", "Hidden above", "", Some("99")),
            org("5", "Self", "", Some("5")),
        ];
        let directory = Directory::of_keys(&all);
        let above = |at: usize| directory.above(&all[at], |_| true);
        assert_eq!(above(2), ["Santé", "Bretagne"]);
        assert_eq!(above(0), [""; 0]);
        assert_eq!(above(3), [""; 0]);
        assert_eq!(above(4).len(), DEEPEST);
        assert_eq!(directory.above(&all[2], |org| org.as_str() == "2"), ["Bretagne"]);
    }
}
