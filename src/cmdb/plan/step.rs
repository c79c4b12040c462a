//! The next step of one row.

use super::Question;
use crate::domain::equipment::{EquipmentRow, EquipmentState, Held, Problem};

/// What is known about a row beside itself.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Key and name of the organization that its company, or its site, is linked to.
    pub org: Option<(&'a str, &'a str)>,
    /// The class that equipment of its category is kept as; `None` where it is not kept.
    pub class: Option<&'a str>,
    /// Whether a CI can be told to be retired: the configuration has a word for it, and the class that
    /// the row is in has a status.
    pub retires: bool,
}

/// The next step of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is to be done in iTop: it becomes this.
    Ends(Ended),
    /// It waits until something is mended.
    Waits(Problem),
    /// It waits for a person.
    Asks(Question),
    /// It is loaded.
    Loads(Load),
}

/// What becomes of a row without a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is retired.
    Retired,
    /// It has left its class, and goes on as a new one.
    Left,
}

/// What is loaded of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The class, in whose source.
    pub class: String,
    /// The organization.
    pub org: String,
    /// To what end.
    pub purpose: Purpose,
}

/// To what end a row is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its CI is what is wanted.
    Keep,
    /// Its CI is retired, because it is gone.
    Retire,
    /// The same, because it is of another class now, or of one that is not kept.
    Leave,
}

/// The next step of a row that waits.
#[must_use]
pub fn next(row: &EquipmentRow, facts: &Facts<'_>) -> Step {
    if !row.listed || row.state == EquipmentState::Retiring {
        return away(row, facts, Purpose::Retire);
    }
    let Some(class) = facts.class else {
        if row.class.is_some() {
            return away(row, facts, Purpose::Leave);
        }
        return Step::Waits(not_kept(row));
    };
    if row.class.as_deref().is_some_and(|known| known != class) {
        return away(row, facts, Purpose::Leave);
    }
    let Some((org, org_name)) = facts.org else { return Step::Waits(not_linked(row)) };
    if row.class.is_some()
        && let Some(known) = row.org_id.as_deref()
        && known != org
    {
        let held_for = format!("move:{known}>{org}");
        if row.allowed.as_deref() != Some(&held_for) {
            let name = &row.wanted.name;
            let sentence = format!(
                "The CI of '{name}' belongs to the organization with key {known}, and its company is \
                 now linked to '{org_name}' (key {org}). It stays where it is until somebody approves the move."
            );
            return Step::Asks(Question { held: Held::Move, held_for, sentence });
        }
    }
    Step::Loads(Load { class: class.to_owned(), org: org.to_owned(), purpose: Purpose::Keep })
}

/// Out of the class that it is in. The CI stays in its organization, whatever its company is linked to now.
fn away(row: &EquipmentRow, facts: &Facts<'_>, purpose: Purpose) -> Step {
    let known = row.class.as_deref().zip(row.org_id.as_deref());
    match known {
        Some((class, org)) if facts.retires => {
            Step::Loads(Load { class: class.to_owned(), org: org.to_owned(), purpose })
        }
        _ => Step::Ends(match purpose {
            Purpose::Leave => Ended::Left,
            Purpose::Keep | Purpose::Retire => Ended::Retired,
        }),
    }
}

fn not_kept(row: &EquipmentRow) -> Problem {
    let category = row.wanted.category.as_deref();
    let of =
        category.map_or("without a category".to_owned(), |name| format!("of category '{name}'"));
    Problem::new(
        "not-kept",
        format!(
            "Equipment {of} is not kept in the CMDB: give the category a class in cmdb.classes, or set \
             cmdb.default_class."
        ),
    )
}

fn not_linked(row: &EquipmentRow) -> Problem {
    Problem::new(
        crate::store::NOT_LINKED,
        format!(
            "Company {} is linked to no iTop organization; its equipment waits for that.",
            row.key.company
        ),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::equipment::{Equipment, EquipmentKey};

    pub(in super::super) fn row(id: &str, name: &str) -> EquipmentRow {
        let key = EquipmentKey {
            instance: "default".parse().unwrap(),
            company: "id:42".parse().unwrap(),
            id: id.parse().unwrap(),
        };
        EquipmentRow::new(key, Equipment::named(name))
    }

    fn known() -> EquipmentRow {
        EquipmentRow {
            class: Some("Server".to_owned()),
            org_id: Some("3".to_owned()),
            ci: Some(("Server".to_owned(), "7".to_owned())),
            state: EquipmentState::Changed,
            ..row("1", "srv")
        }
    }

    const DEMO: Facts<'static> =
        Facts { org: Some(("3", "Demo")), class: Some("Server"), retires: true };

    fn loads(class: &str, org: &str, purpose: Purpose) -> Step {
        Step::Loads(Load { class: class.to_owned(), org: org.to_owned(), purpose })
    }

    #[test]
    fn what_is_listed_is_kept_where_it_belongs() {
        assert_eq!(next(&row("1", "srv"), &DEMO), loads("Server", "3", Purpose::Keep));
        assert_eq!(next(&known(), &DEMO), loads("Server", "3", Purpose::Keep));
        let waits = |facts: Facts<'_>| match next(&row("1", "srv"), &facts) {
            Step::Waits(problem) => problem.code,
            other => panic!("{other:?}"),
        };
        assert_eq!(waits(Facts { org: None, ..DEMO }), "company-not-linked");
        assert_eq!(waits(Facts { class: None, ..DEMO }), "not-kept");
    }

    #[test]
    fn what_is_gone_is_retired_where_it_was_loaded() {
        let gone = EquipmentRow { listed: false, state: EquipmentState::Retiring, ..known() };
        // Whatever its company is linked to by now, and whatever its category means.
        for facts in [DEMO, Facts { org: None, class: None, ..DEMO }] {
            assert_eq!(next(&gone, &facts), loads("Server", "3", Purpose::Retire));
        }
        let silent = Facts { retires: false, ..DEMO };
        assert_eq!(next(&gone, &silent), Step::Ends(Ended::Retired));
        let never_loaded = EquipmentRow { class: None, org_id: None, ci: None, ..gone };
        assert_eq!(next(&never_loaded, &DEMO), Step::Ends(Ended::Retired));
    }

    #[test]
    fn another_class_begins_with_leaving_the_old_one() {
        let other = Facts { class: Some("VirtualMachine"), ..DEMO };
        assert_eq!(next(&known(), &other), loads("Server", "3", Purpose::Leave));
        assert_eq!(next(&known(), &Facts { retires: false, ..other }), Step::Ends(Ended::Left));
        let none = Facts { class: None, ..DEMO };
        assert_eq!(next(&known(), &none), loads("Server", "3", Purpose::Leave));
    }

    #[test]
    fn another_organization_is_asked_about_and_a_yes_is_good_for_that_one_alone() {
        let moved = Facts { org: Some(("5", "Other")), ..DEMO };
        let Step::Asks(question) = next(&known(), &moved) else { panic!() };
        assert_eq!((question.held, &*question.held_for), (Held::Move, "move:3>5"));
        let allowed = EquipmentRow { allowed: Some(question.held_for), ..known() };
        assert_eq!(next(&allowed, &moved), loads("Server", "5", Purpose::Keep));
        let again = Facts { org: Some(("6", "Third")), ..DEMO };
        assert!(matches!(next(&allowed, &again), Step::Asks(_)));
    }
}
