//! What of a record is other than it was sent, and whether it may be changed there.

use serde::Serialize;
use serde_json::Value;

use super::super::{Plan, verify::is_equal};
use crate::{
    domain::text::{cut_chars, one_line},
    migrate::{
        mapping::{AUDIT_FIELDS, RowProblem},
        staging::ledger::MadeBefore,
    },
    salesforce::loading::Fields,
};

/// How much of a value is told, in characters.
const TOLD: usize = 60;

/// The code of a field that somebody has changed in the org.
const EDITED: &str = "edited-since";

/// The code of a record that is no longer there.
const MISSING: &str = "no-record";

/// A field that stays as it is, although iTop has another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The class of the object.
    pub class: String,
    /// The object.
    pub id: u64,
    /// Its record.
    pub record: String,
    /// The field; empty for all of it.
    pub field: String,
    /// A code.
    pub code: String,
    /// Why.
    pub reason: String,
}

/// A record of which iTop has other values than were sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Changed {
    pub(super) class: String,
    pub(super) id: u64,
    pub(super) target: String,
    /// Of each field what was sent, and what is to be there.
    changes: Vec<(String, Value, Value)>,
    problems: Vec<RowProblem>,
}

/// What is done about a record.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Decided {
    /// What is sent.
    pub(super) fields: Fields,
    /// What is to be there, and is.
    pub(super) there: Fields,
    /// What stays as it is.
    pub(super) left: Vec<Left>,
}

/// What of a record is other than it was sent; nothing where nothing is.
pub(super) fn wanted(
    plan: &Plan,
    made: MadeBefore,
    turns: [(Fields, Vec<RowProblem>); 2],
) -> Option<Changed> {
    let MadeBefore { object, target, sent, is_whole } = made;
    let (mapping, _) = plan.class(&object.class)?;
    let [(mut now, mut problems), (later, of_later)] = turns;
    now.extend(later);
    // What it never had is no change.
    problems.extend(of_later.into_iter().filter(|problem| sent.contains_key(&problem.field)));
    let is_later = |field: &str| mapping.rules().any(|(name, rule)| name == field && rule.later);
    let mut changes = Vec::new();
    for field in plan.fields(&object.class) {
        let is_wrong = problems.iter().any(|problem| problem.field == field);
        let waits = !is_whole && is_later(&field);
        if AUDIT_FIELDS.contains(&field.as_str()) || field == mapping.key || is_wrong || waits {
            continue;
        }
        let of = |fields: &Fields| fields.get(&field).cloned().unwrap_or(Value::Null);
        let (before, after) = (of(&sent), of(&now));
        if before != after {
            changes.push((field, before, after));
        }
    }
    let is_same = changes.is_empty() && problems.is_empty();
    (!is_same).then_some(Changed { class: object.class, id: object.id, target, changes, problems })
}

impl Changed {
    pub(super) fn fields(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(|(field, ..)| field.clone())
    }

    /// What is done, by what stands there: what is as it was sent may be changed, what somebody has changed may not.
    pub(super) fn decided(&self, plan: &Plan, object: &str, there: Option<&Fields>) -> Decided {
        let mut decided = Decided::default();
        for RowProblem { field, code, reason, .. } in &self.problems {
            decided.left.push(self.left(field, code.as_str(), reason.clone()));
        }
        let Some(there) = there else {
            let reason = "its record is no longer there, or not for this user".to_owned();
            decided.left.push(self.left("", MISSING, reason));
            return decided;
        };
        for (field, before, after) in &self.changes {
            let kind = plan.kind(object, field);
            let stands = there.get(field).unwrap_or(&Value::Null);
            if is_equal(kind, after, stands) {
                decided.there.insert(field.clone(), after.clone());
            } else if is_equal(kind, before, stands) || (before.is_null() && is_default(stands)) {
                decided.fields.insert(field.clone(), after.clone());
            } else {
                let reason = format!(
                    "{field}: '{}' was sent, '{}' stands there, iTop has '{}' now",
                    shown(before),
                    shown(stands),
                    shown(after)
                );
                decided.left.push(self.left(field, EDITED, reason));
            }
        }
        decided
    }

    /// It was not changed: a code and why.
    pub(super) fn refused(&self, fields: &Fields, (code, reason): (String, String)) -> Vec<Left> {
        fields.keys().map(|field| self.left(field, &code, reason.clone())).collect()
    }

    fn left(&self, field: &str, code: &str, reason: String) -> Left {
        Left {
            class: self.class.clone(),
            id: self.id,
            record: self.target.clone(),
            field: field.to_owned(),
            code: code.to_owned(),
            reason,
        }
    }
}

/// What an org has where nothing was sent and nobody has ticked it.
fn is_default(value: &Value) -> bool {
    *value == Value::Bool(false)
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    cut_chars(&one_line(&text), TOLD).into_owned()
}
