//! Which rows are loaded together.

use std::collections::HashSet;

use super::{Load, Purpose};
use crate::domain::{equipment::EquipmentRow, names::spelling};

/// A row, and what is loaded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The row.
    pub row: EquipmentRow,
    /// What is loaded.
    pub load: Load,
}

/// The rows that go first: of the class of the first, in their order, at most so many. Of rows without a
/// CI that bear one name in one organization only the first goes: the other would be made the same CI by
/// the very run that makes it; afterwards it is seen whose it is.
#[must_use]
pub fn chunk(planned: &[Planned], most: usize) -> Vec<&Planned> {
    let Some(first) = planned.first() else { return Vec::new() };
    let mut names = HashSet::new();
    planned
        .iter()
        .filter(|one| one.load.class == first.load.class)
        .filter(|Planned { row, load }| {
            let makes = row.ci.is_none() && load.purpose == Purpose::Keep;
            !makes || names.insert((&*load.org, spelling(&row.wanted.name)))
        })
        .take(most)
        .collect()
}

/// The first of each, then the second of each, and so on.
#[must_use]
pub fn in_turns<T>(lanes: Vec<Vec<T>>) -> Vec<T> {
    let numbered = lanes.into_iter().flat_map(|lane| lane.into_iter().enumerate());
    let mut turns: Vec<_> = numbered.collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::step::tests::row, *};

    fn planned(id: &str, name: &str, class: &str, org: &str) -> Planned {
        let load = Load { class: class.to_owned(), org: org.to_owned(), purpose: Purpose::Keep };
        Planned { row: row(id, name), load }
    }

    #[test]
    fn a_chunk_is_of_one_class_and_makes_no_name_twice() {
        let all = [
            planned("1", "srv", "Server", "3"),
            planned("2", "vm", "VirtualMachine", "3"),
            planned("3", "SRV ", "Server", "3"),
            planned("4", "srv", "Server", "5"),
            planned("5", "srv2", "Server", "3"),
            planned("6", "srv3", "Server", "3"),
        ];
        let ids = |most| -> Vec<String> {
            chunk(&all, most).iter().map(|one| one.row.key.id.to_string()).collect()
        };
        assert_eq!(ids(10), ["1", "4", "5", "6"]);
        assert_eq!(ids(2), ["1", "4"]);
        assert!(chunk(&[], 10).is_empty());
        // Rows with CIs of their own may swap names.
        let own = |mut one: Planned| {
            one.row.ci = Some(("Server".to_owned(), one.row.key.id.to_string()));
            one
        };
        let known = [own(all[0].clone()), own(all[2].clone())];
        assert_eq!(chunk(&known, 10).len(), 2);
    }

    #[test]
    fn nobody_waits_for_all_of_another() {
        let lanes = vec![vec!["a1", "a2", "a3"], vec!["b1"], vec![], vec!["d1", "d2"]];
        assert_eq!(in_turns(lanes), ["a1", "b1", "d1", "a2", "d2", "a3"]);
    }
}
