//! What a list would do, for whoever looks before it is sent.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Equipment, Problem};
use crate::domain::keys::EquipmentId;

/// What would become of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PreviewOutcome")]
pub enum Outcome {
    /// Its CI would be made.
    Created,
    /// A CI that is there already would be taken over.
    Adopted,
    /// Its CI would be changed.
    Changed,
    /// It was gone and comes back: its CI would be in use again.
    Back,
    /// Its CI would be retired.
    Retired,
    /// Nothing would be done.
    Unchanged,
    /// It cannot be done: why stands beside it.
    Failed,
}

/// A value that would be another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "EquipmentFieldChange")]
pub struct FieldChange {
    /// The member.
    pub field: String,
    /// What it is so far.
    pub old: Option<String>,
    /// What it would be.
    pub new: Option<String>,
}

/// A CI in iTop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "EquipmentCi")]
pub struct Ci {
    /// Its class.
    pub class: String,
    /// Its key.
    pub id: String,
}

/// One row of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "PreviewedEquipment")]
pub struct Previewed {
    /// Its id in its company.
    pub id: EquipmentId,
    /// What it is called, or was.
    pub name: String,
    /// What would become of it.
    pub outcome: Outcome,
    /// Whether somebody would have to say yes first.
    pub held: bool,
    /// What would be other than before.
    pub changes: Vec<FieldChange>,
    /// Its CI, where that is known.
    pub ci: Option<Ci>,
    /// Why it would not be done.
    pub problem: Option<Problem>,
}

/// How many rows would come to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "PreviewCounts")]
pub struct Counts {
    /// Rows of the list.
    pub rows: usize,
    /// CIs that would be made.
    pub created: usize,
    /// CIs that would be taken over.
    pub adopted: usize,
    /// CIs that would be changed.
    pub changed: usize,
    /// Rows that come back.
    pub back: usize,
    /// Rows that are gone, and whose CIs would be retired.
    pub retired: usize,
    /// Rows that stay as they are.
    pub unchanged: usize,
    /// Rows with which it cannot be done.
    pub failed: usize,
}

impl Counts {
    /// The count of an outcome.
    pub fn of(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Adopted => &mut self.adopted,
            Outcome::Changed => &mut self.changed,
            Outcome::Back => &mut self.back,
            Outcome::Retired => &mut self.retired,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Failed => &mut self.failed,
        }
    }
}

/// What a list would do.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// How many rows would come to what.
    pub counts: Counts,
    /// Rows with which something would be done, or cannot: the first of each kind, within bounds.
    pub items: Vec<Previewed>,
    /// Whether there are more of some kind.
    pub is_cut: bool,
}

impl Preview {
    /// Says that something else would become of a row than was thought so far.
    pub fn turn(&mut self, at: usize, outcome: Outcome, problem: Option<Problem>) {
        let Some(item) = self.items.get_mut(at) else { return };
        let before = self.counts.of(item.outcome);
        *before = before.saturating_sub(1);
        *self.counts.of(outcome) += 1;
        item.outcome = outcome;
        item.problem = problem;
    }
}

/// What is told otherwise of an equipment, member by member.
#[must_use]
pub fn changes(before: &Equipment, after: &Equipment) -> Vec<FieldChange> {
    let mut after = after.members();
    let mut changes = Vec::new();
    for (field, old) in before.members() {
        let at = after.iter().position(|(name, _)| *name == field);
        let new = at.map(|at| after.remove(at).1);
        if new.as_ref() != Some(&old) {
            changes.push(FieldChange { field, old: Some(old), new });
        }
    }
    let added = |(field, new)| FieldChange { field, old: None, new: Some(new) };
    changes.extend(after.into_iter().map(added));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let before = Equipment {
            address: Some("192.0.2.7".to_owned()),
            model: Some("R740".to_owned()),
            ..Equipment::named("srv-1")
        };
        let after = Equipment {
            model: Some("R750".to_owned()),
            purchase_date: Some(jiff::civil::date(2024, 5, 1)),
            ..Equipment::named("srv-1")
        };
        let told: Vec<_> = changes(&before, &after)
            .into_iter()
            .map(|change| (change.field, change.old, change.new))
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("address".to_owned(), some("192.0.2.7"), None),
                ("model".to_owned(), some("R740"), some("R750")),
                ("purchase_date".to_owned(), None, some("2024-05-01")),
            ]
        );
        assert_eq!(changes(&after, &after), []);
    }

    #[test]
    fn what_becomes_of_a_row_is_counted_once() {
        let mut preview = Preview::default();
        preview.counts.created = 1;
        preview.items.push(Previewed {
            id: "7".parse().unwrap(),
            name: "srv-1".to_owned(),
            outcome: Outcome::Created,
            held: false,
            changes: Vec::new(),
            ci: None,
            problem: None,
        });
        preview.turn(0, Outcome::Adopted, None);
        preview.turn(1, Outcome::Failed, None);
        assert_eq!((preview.counts.created, preview.counts.adopted), (0, 1));
        assert_eq!(preview.counts.failed, 0);
    }
}
