//! What a rule makes of an object, and whether its field takes it.

use serde_json::Value;

use super::{
    super::{
        As, FieldRule, Form, Words,
        html::{sanitized, url_name},
    },
    Around, Code, Resolve, RowProblem,
};
use crate::{
    domain::text::clean,
    itop::ItopZone,
    migrate::staging::Object,
    salesforce::{Field, plain},
};

/// What is wrong with a value: of which kind, why, how long; its field is not known yet.
pub(super) struct Wrong(pub(super) Code, pub(super) String, pub(super) Option<usize>);

impl Wrong {
    pub(super) fn new(code: Code, reason: impl Into<String>) -> Self {
        Self(code, reason.into(), None)
    }

    pub(super) fn of(self, field: &str) -> RowProblem {
        let Self(code, reason, length) = self;
        RowProblem { code, field: field.to_owned(), reason, length }
    }
}

/// What a rule makes of an object; null for nothing.
pub(super) fn value<R: Resolve>(
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
pub(super) fn fitted(
    value: Value,
    rule: &FieldRule,
    field: Option<&Field>,
) -> Result<Value, Wrong> {
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
pub(in crate::migrate::mapping) fn text(object: &Object, attribute: &str) -> String {
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
