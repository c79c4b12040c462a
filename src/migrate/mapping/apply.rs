//! One object of iTop becomes one record. Nothing here asks anybody: who stands where is said by [`Resolve`].

use std::{fmt, fmt::Display};

use serde_json::{Map, Value};

use super::{
    AUDIT_FIELDS, As, ClassMapping, FieldRule, Form, Words,
    html::{sanitized, url_name},
};
use crate::{
    domain::text::clean,
    itop::ItopZone,
    migrate::staging::Object,
    salesforce::{Described, Field, plain},
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
    mapping.target().is_some()
        && mapping.only.iter().all(|(attribute, values)| values.contains(&text(object, attribute)))
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
                    problems.push(Wrong(Code::Mandatory, reason.to_owned(), None).of(name));
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

/// What is wrong with a value: of which kind, why, how long; its field is not known yet.
struct Wrong(Code, String, Option<usize>);

impl Wrong {
    fn new(code: Code, reason: impl Into<String>) -> Self {
        Self(code, reason.into(), None)
    }

    fn of(self, field: &str) -> RowProblem {
        let Self(code, reason, length) = self;
        RowProblem { code, field: field.to_owned(), reason, length }
    }
}

/// A text is never left out because of its length.
fn may_be_empty(code: Code, field: Option<&Field>) -> bool {
    code != Code::TooLong && !field.is_some_and(Field::is_mandatory)
}

/// What a rule makes of an object; null for nothing.
fn value<R: Resolve>(
    rule: &FieldRule,
    object: &Object,
    around: &Around<'_, R>,
) -> Result<Value, Wrong> {
    match &rule.form {
        Form::Constant(value) => Ok(value.clone()),
        Form::Undecided => Err(Wrong::new(Code::NoValue, "it is not decided")),
        Form::Taken(words, form) => taken(words, *form, object, around.zone),
        Form::Chosen { from, values, otherwise } => {
            let value = text(object, from);
            match values.get(&value).or(otherwise.as_ref()) {
                Some(to) => Ok(to.clone()),
                None if value.is_empty() => Ok(Value::Null),
                None => {
                    let reason =
                        format!("the value '{}' of {from} has no value here", code(&value));
                    Err(Wrong::new(Code::NoValue, reason))
                }
            }
        }
        Form::Reference { from, refers_to } => {
            let Some(id) = referred(object, from)? else { return Ok(Value::Null) };
            let found = refers_to.iter().find_map(|class| around.resolve.record(class, id));
            found.map(Value::from).ok_or_else(|| {
                let classes = refers_to.join(", ");
                let reason = format!("{from} leads to {id}, which is no record of {classes}");
                Wrong::new(Code::NoParent, reason)
            })
        }
        Form::Owner { from } => {
            let person = referred(object, from)?.unwrap_or(0);
            Ok(around.resolve.owner(person).map_or(Value::Null, Value::from))
        }
    }
}

/// The id that a reference holds; `None` for an empty one.
fn referred(object: &Object, from: &str) -> Result<Option<u64>, Wrong> {
    let id = text(object, from);
    match id.as_str() {
        "" | "0" => Ok(None),
        id => id
            .parse()
            .map(Some)
            .map_err(|_| Wrong::new(Code::NoParent, format!("{from} holds no id"))),
    }
}

fn taken(words: &Words, form: As, object: &Object, zone: &ItopZone) -> Result<Value, Wrong> {
    let each = |attribute: &str| {
        let raw = text(object, attribute);
        match form {
            As::Text => plain::of_html(&raw),
            As::Rich => sanitized(&raw),
            _ => raw,
        }
    };
    let words = match words {
        Words::From(attribute) => each(attribute),
        Words::Template(template) => template.filled(each),
    };
    let words = plain::kept(&clean(&words).replace("\r\n", "\n"));
    if words.is_empty() {
        return Ok(Value::Null);
    }
    match form {
        As::Plain | As::Text | As::Rich | As::Owner => Ok(Value::from(words)),
        As::DateTime => {
            let read = zone.read(&words).filter(is_a_time_there);
            read.map(|time| Value::from(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
                .ok_or_else(|| Wrong::new(Code::BadDate, "it is no date with a time"))
        }
        As::Date => {
            let day = words.split(' ').next().unwrap_or_default();
            let read = jiff::civil::Date::strptime("%Y-%m-%d", day).ok();
            let read = read.filter(|date| (1700..=4000).contains(&date.year()));
            read.map(|date| Value::from(date.to_string()))
                .ok_or_else(|| Wrong::new(Code::BadDate, "it is no date"))
        }
        As::Number => words
            .parse::<serde_json::Number>()
            .map(Value::from)
            .map_err(|_| Wrong::new(Code::BadValue, "it is no number")),
        As::Boolean => match words.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" | "on" => Ok(Value::Bool(true)),
            "no" | "false" | "0" | "off" => Ok(Value::Bool(false)),
            _ => Err(Wrong::new(Code::BadValue, "it is neither yes nor no")),
        },
        As::Email if is_address(&words) => Ok(Value::from(words)),
        As::Email => Err(Wrong::new(Code::BadEmail, "it is no e-mail address")),
        As::UrlName => Ok(Value::from(url_name(&words, object.id))),
    }
}

/// Salesforce knows no time before 1700 and none after 4000.
fn is_a_time_there(time: &jiff::Timestamp) -> bool {
    const FIRST: i64 = -8_520_336_000;
    const LAST: i64 = 64_060_588_800;
    (FIRST..LAST).contains(&time.as_second())
}

/// A value as its field takes it.
fn fitted(value: Value, rule: &FieldRule, field: Option<&Field>) -> Result<Value, Wrong> {
    let (Value::String(text), Some(field)) = (&value, field) else { return Ok(value) };
    if field.restricted_picklist && !field.offers(text) {
        let reason = format!("the org's list does not offer '{}'", code(text));
        return Err(Wrong::new(Code::NoValue, reason));
    }
    let length = units(text);
    if field.length == 0
        || length <= field.length
        || !matches!(rule.form, Form::Taken(..) | Form::Constant(_))
    {
        return Ok(value);
    }
    if rule.cut {
        return Ok(Value::from(cut(text, field.length)));
    }
    let reason = format!("it has {length} characters, {} fit", field.length);
    Err(Wrong(Code::TooLong, reason, Some(length)))
}

/// How long a text is for Salesforce: as Java counts, in which an emoji is two.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The longest beginning that fits, with a sign that there was more.
fn cut(text: &str, most: usize) -> String {
    let mut left = most.saturating_sub(1);
    let fits = |c: &char| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    };
    let kept: String = text.chars().take_while(fits).collect();
    kept.trim_end().to_owned() + "…"
}

/// Values of lists are codes; what is longer is none, and may be personal.
fn code(value: &str) -> String {
    value.chars().take(40).collect()
}

/// An attribute as text.
pub(super) fn text(object: &Object, attribute: &str) -> String {
    match object.fields.get(attribute) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        // A set of values.
        Some(Value::Array(values)) => {
            let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
            values.join(";")
        }
        None if attribute == "id" => object.id.to_string(),
        _ => String::new(),
    }
}

/// Whether a text has the form that Salesforce asks of an address. It is a rough one on purpose: what it lets
/// through and the org does not is told with the row.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@,;:<>()[]\\\"".contains(c);
    let labels: Vec<_> = domain.split('.').collect();
    !local.is_empty()
        && text.len() <= 80
        && local.chars().all(is_plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && labels.len() > 1
        && labels.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

#[cfg(test)]
mod tests;
