//! One object of iTop becomes one record. Nothing here asks anybody: who stands where is said by [`Resolve`].

mod value;

use std::{fmt, fmt::Display};

use serde_json::{Map, Value};

pub(super) use value::text;
use value::{Wrong, fitted, value};

use super::{AUDIT_FIELDS, ClassMapping, Publish, Values};
use crate::{
    itop::ItopZone,
    migrate::staging::Object,
    salesforce::{Described, Field},
};

/// Who stands where in the org.
pub trait Resolve {
    /// The id of the record that an object of iTop became.
    fn record(&self, class: &str, id: u64) -> Option<String>;
    /// The id of the user who is a person of iTop, or of who owns what has none (person 0).
    fn owner(&self, person: u64) -> Option<String>;
}

/// What a record is made by, beside mapping and object.
#[derive(Debug)]
pub struct Around<'a, R> {
    /// In which iTop writes its dates.
    pub zone: &'a ItopZone,
    /// The object that the records are of.
    pub described: &'a Described,
    /// Who stands where.
    pub resolve: &'a R,
}

/// Which part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// What it is created with: all but the fields that are set later.
    First,
    /// The fields that are set when all records are there. The record may turn out to have none.
    Later,
}

/// A record, as it is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Its key, such as `Incident::200001`.
    pub key: String,
    /// Its fields; of a first turn key and record type are among them. What is empty is absent.
    pub fields: Map<String, Value>,
}

/// Why no record can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// For programs; each is stable.
    pub code: Code,
    /// The field of Salesforce.
    pub field: String,
    /// For people; nothing personal stands in it.
    pub reason: String,
    /// How long a text is that is too long.
    pub length: Option<usize>,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A text is longer than its field.
    TooLong,
    /// A value that the mapping, or the org's list, does not have.
    NoValue,
    /// A reference leads to nothing that is moved.
    NoParent,
    /// A date is none.
    BadDate,
    /// A number is none, or neither yes nor no.
    BadValue,
    /// A field that must have a value has none.
    Mandatory,
    /// An e-mail address is none.
    BadEmail,
}

impl Code {
    /// As it is kept and told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::NoValue => "no-value",
            Self::NoParent => "no-parent",
            Self::BadDate => "bad-date",
            Self::BadValue => "bad-value",
            Self::Mandatory => "mandatory",
            Self::BadEmail => "bad-email",
        }
    }
}

impl Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

/// By which the record of an object is known again.
#[must_use]
pub fn key(class: &str, id: u64) -> String {
    format!("{class}::{id}")
}

/// Whether a mapping moves an object: one that is gone from iTop is not asked about here.
#[must_use]
pub fn is_taken(mapping: &ClassMapping, object: &Object) -> bool {
    mapping.target().is_some() && has(object, &mapping.only)
}

/// Whether a mapping publishes the article that an object became.
#[must_use]
pub fn is_published(mapping: &ClassMapping, object: &Object) -> bool {
    match &mapping.publish {
        Publish::All(all) => *all,
        Publish::Where(values) => has(object, values),
    }
}

/// Whether each of these attributes of an object has one of its values.
fn has(object: &Object, values: &Values) -> bool {
    values.iter().all(|(attribute, values)| values.contains(&text(object, attribute)))
}

/// The id of the record type of a class, if it has one that the user can use.
#[must_use]
pub fn record_type<'d>(mapping: &ClassMapping, described: &'d Described) -> Option<&'d str> {
    let name = mapping.record_type.as_deref()?;
    let named = described.record_types.iter().find(|kind| kind.developer_name == name)?;
    named.is_usable().then_some(named.id.as_str())
}

/// The record of an object.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn apply<R: Resolve>(
    mapping: &ClassMapping,
    object: &Object,
    turn: Turn,
    around: &Around<'_, R>,
) -> Result<Record, RowProblem> {
    let (record, problems) = examine(mapping, object, turn, around);
    problems.into_iter().next().map_or(Ok(record), Err)
}

/// The record of an object as far as it can be made, with all that is wrong with it.
pub fn examine<R: Resolve>(
    mapping: &ClassMapping,
    object: &Object,
    turn: Turn,
    around: &Around<'_, R>,
) -> (Record, Vec<RowProblem>) {
    let mut record = Record { key: key(&object.class, object.id), fields: Map::new() };
    let mut problems = Vec::new();
    if turn == Turn::First {
        record.fields.insert(mapping.key.clone(), Value::from(record.key.clone()));
        if let Some(id) = record_type(mapping, around.described) {
            record.fields.insert("RecordTypeId".to_owned(), Value::from(id));
        }
    }
    for (name, rule) in mapping.rules().filter(|(_, rule)| rule.later == (turn == Turn::Later)) {
        let described = around.described.field(name);
        let made = value(rule, object, around).and_then(|value| fitted(value, rule, described));
        match made {
            Ok(Value::Null) => {
                let is_needed = described.is_some_and(Field::is_mandatory);
                if is_needed && !AUDIT_FIELDS.contains(&name) {
                    let reason = "it must have a value, and has none";
                    problems.push(Wrong::new(Code::Mandatory, reason).of(name));
                }
            }
            Ok(value) => {
                record.fields.insert(name.to_owned(), value);
            }
            Err(Wrong(code, ..)) if rule.or_empty && may_be_empty(code, described) => {}
            Err(wrong) => problems.push(wrong.of(name)),
        }
    }
    (record, problems)
}

/// A text is never left out because of its length.
fn may_be_empty(code: Code, field: Option<&Field>) -> bool {
    code != Code::TooLong && !field.is_some_and(Field::is_mandatory)
}

#[cfg(test)]
mod tests;
