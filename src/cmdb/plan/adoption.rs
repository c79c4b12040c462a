//! Whose CI it is that bears the name of a row already.

use super::{Load, Purpose, Question};
use crate::{
    config::Adopt,
    domain::{
        equipment::{EquipmentRow, Held, Problem},
        names::spelling,
    },
};

/// A CI of the row's organization that bears its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its concrete class.
    pub class: String,
    /// Its key.
    pub id: String,
    /// Its name, as iTop has it.
    pub name: String,
    /// Whether it is out of use.
    pub is_obsolete: bool,
    /// The equipment that has it already, in words; never the row itself.
    pub owner: Option<String>,
}

impl Seen {
    fn shown(&self) -> String {
        format!("'{}' ({}, key {})", self.name, self.class, self.id)
    }
}

/// What is done about the CIs that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is none: a new one is made.
    Creates,
    /// This one becomes the row's own.
    Adopts(Seen),
    /// A person is asked first.
    Asks(Question),
    /// It cannot be loaded.
    Fails(Problem),
}

/// Whether it is to be seen first what iTop has under a row's name: it has no CI of its own, or had one that
/// was given back.
#[must_use]
pub fn asks_for_its_name(row: &EquipmentRow, load: &Load) -> bool {
    load.purpose == Purpose::Keep && (row.class.is_none() || row.ci.is_none())
}

/// What is wrong with a row whose name other equipment of the organization and class has.
#[must_use]
pub fn same_name(row: &EquipmentRow) -> Problem {
    Problem::new(
        "ci-taken",
        format!(
            "Other equipment of the same organization and class is called '{}' too: two pieces of equipment \
             need two names.",
            row.wanted.name
        ),
    )
}

/// How it is noted that a row makes a CI of its own, under its name of now: what is found there later, it has
/// made itself.
#[must_use]
pub fn creates(row: &EquipmentRow, class: &str, org: &str) -> String {
    format!("{class}:{org}:{}", spelling(&row.wanted.name))
}

/// The name under which a CI was begun for a row, in its one spelling, if it was in this class and organization.
#[must_use]
pub fn begun_name<'r>(row: &'r EquipmentRow, class: &str, org: &str) -> Option<&'r str> {
    row.begun.as_deref()?.strip_prefix(&format!("{class}:{org}:"))
}

/// Judges the CIs of the organization that bear the name of a row which has none of its own yet.
#[must_use]
pub fn judge(row: &EquipmentRow, class: &str, org: &str, seen: &[Seen], adopt: Adopt) -> Verdict {
    let name = &row.wanted.name;
    let of_class: Vec<&Seen> = seen.iter().filter(|ci| ci.class == class).collect();
    match &*of_class {
        [] => match seen.iter().find(|ci| !ci.is_obsolete) {
            None => Verdict::Creates,
            Some(other) => Verdict::Fails(Problem::new(
                "ci-other-class",
                format!(
                    "iTop has {} already, and '{name}' would be a {class}: a second CI of that name \
                     is not made. Give the category the class {} in cmdb.classes, or rename one of the two.",
                    other.shown(),
                    other.class
                ),
            )),
        },
        [one] if one.owner.is_none() && row.begun.as_ref() == Some(&creates(row, class, org)) => {
            Verdict::Adopts((*one).clone())
        }
        [one] => one_of_that_name(row, one, adopt),
        several => {
            let shown: Vec<_> = several.iter().take(5).map(|ci| ci.shown()).collect();
            Verdict::Fails(Problem::new(
                "ci-ambiguous",
                format!(
                    "iTop has {} CIs of that name in this organization: {}. Rename or merge them there, \
                     then retry.",
                    several.len(),
                    shown.join(", ")
                ),
            ))
        }
    }
}

fn one_of_that_name(row: &EquipmentRow, ci: &Seen, adopt: Adopt) -> Verdict {
    if let Some(owner) = &ci.owner {
        return Verdict::Fails(Problem::new(
            "ci-taken",
            format!(
                "{} is the CI of {owner} already: two pieces of equipment of one organization and class \
                 need two names.",
                ci.shown()
            ),
        ));
    }
    let held_for = format!("adopt:{}::{}", ci.class, ci.id);
    match adopt {
        Adopt::Yes => Verdict::Adopts(ci.clone()),
        Adopt::Ask if row.allowed.as_deref() == Some(&held_for) => Verdict::Adopts(ci.clone()),
        Adopt::Ask => {
            let sentence = format!(
                "iTop has {} already. Approved, it is taken over: what ServiceNav knows of it is written \
                 into it, and locked there.",
                ci.shown()
            );
            Verdict::Asks(Question { held: Held::Adopt, held_for, sentence })
        }
        Adopt::No => Verdict::Fails(Problem::new(
            "ci-exists",
            format!(
                "iTop has {} already, and cmdb.adopt is \"no\": rename or remove it there, then retry.",
                ci.shown()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::step::tests::row, *};

    fn seen(class: &str, id: &str) -> Seen {
        Seen {
            class: class.to_owned(),
            id: id.to_owned(),
            name: "SRV".to_owned(),
            is_obsolete: false,
            owner: None,
        }
    }

    fn code(verdict: Verdict) -> String {
        match verdict {
            Verdict::Creates => "creates".to_owned(),
            Verdict::Adopts(ci) => format!("adopts {}", ci.id),
            Verdict::Asks(question) => question.held_for,
            Verdict::Fails(problem) => problem.code,
        }
    }

    #[test]
    fn a_ci_is_taken_over_only_as_the_configuration_says() {
        let one = [seen("Server", "7")];
        let judged = |adopt| code(judge(&row("1", "srv"), "Server", "3", &one, adopt));
        assert_eq!(judged(Adopt::Yes), "adopts 7");
        assert_eq!(judged(Adopt::Ask), "adopt:Server::7");
        assert_eq!(judged(Adopt::No), "ci-exists");
        let allowed =
            EquipmentRow { allowed: Some("adopt:Server::7".to_owned()), ..row("1", "srv") };
        assert_eq!(code(judge(&allowed, "Server", "3", &one, Adopt::Ask)), "adopts 7");
        // The yes was for another one.
        let other = [seen("Server", "8")];
        assert_eq!(code(judge(&allowed, "Server", "3", &other, Adopt::Ask)), "adopt:Server::8");
    }

    #[test]
    fn what_a_row_has_made_itself_it_finds_again_under_that_name_alone() {
        let one = [seen("Server", "7")];
        let begun = |name| EquipmentRow {
            begun: Some(creates(&row("1", "srv"), "Server", "3")),
            class: Some("Server".to_owned()),
            ..row("1", name)
        };
        let judged = |name, org| code(judge(&begun(name), "Server", org, &one, Adopt::No));
        assert_eq!(judged("SRV", "3"), "adopts 7");
        assert_eq!(judged("srv2", "3"), "ci-exists");
        assert_eq!(judged("srv", "4"), "ci-exists");
    }

    #[test]
    fn what_is_not_clear_fails_and_says_which() {
        let both = [seen("Server", "7"), seen("Server", "8"), seen("PC", "9")];
        let Verdict::Fails(problem) = judge(&row("1", "srv"), "Server", "3", &both, Adopt::Yes)
        else {
            panic!()
        };
        assert_eq!(problem.code, "ci-ambiguous");
        assert!(problem.message.contains("key 7") && problem.message.contains("key 8"));
        let other_class = [seen("VirtualMachine", "7")];
        let judged = |seen: &[Seen]| code(judge(&row("1", "srv"), "Server", "3", seen, Adopt::Yes));
        assert_eq!(judged(&other_class), "ci-other-class");
        // What is out of use is nobody's any more; the row's own former CI of another class is so.
        assert_eq!(judged(&[Seen { is_obsolete: true, ..other_class[0].clone() }]), "creates");
        assert_eq!(judged(&[]), "creates");
        let taken = Seen { owner: Some("equipment 2".to_owned()), ..seen("Server", "7") };
        assert_eq!(judged(&[taken]), "ci-taken");
    }
}
