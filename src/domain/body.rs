//! Reading a JSON object member by member, collecting every error by its JSON pointer.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json_borrow::{ObjectAsVec, Value};

use super::{
    keys::{MAX_ID_CHARS, MAX_NAME_CHARS},
    terminal::without_sequences,
    text::{one_line, too_long},
};

/// One thing wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// RFC 6901; empty for the whole body.
    pub pointer: String,
    /// `required`, `type`, `length`, `format` or `value`.
    pub code: &'static str,
    /// For the person who sends the event.
    pub message: String,
}

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors(pub(crate) Vec<FieldError>);

impl Errors {
    /// Whether something is wrong at this place or in what it holds.
    pub(crate) fn at_or_below(&self, pointer: &str) -> bool {
        self.0.iter().any(|error| {
            error
                .pointer
                .strip_prefix(pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    pub(crate) fn push(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.to_owned(), code, message: message.into() });
    }
}

/// An object at a place of the body.
pub(crate) struct Object<'a> {
    members: &'a ObjectAsVec<'a>,
    pointer: String,
}

impl<'a> Object<'a> {
    pub(crate) fn root(members: &'a ObjectAsVec<'a>) -> Self {
        Self { members, pointer: String::new() }
    }

    pub(crate) fn pointer(&self, name: &str) -> String {
        [&self.pointer, "/", name].concat()
    }

    /// The member, unless it is absent or `null`.
    pub(crate) fn member(&self, name: &str) -> Option<&'a Value<'a>> {
        last(self.members, name).filter(|value| !value.is_null())
    }

    pub(crate) fn require<T>(
        &self,
        value: Option<T>,
        name: &str,
        errors: &mut Errors,
    ) -> Option<T> {
        if value.is_none() {
            let pointer = self.pointer(name);
            // A member that is there but wrong has had its own error already.
            if !errors.at_or_below(&pointer) {
                errors.push(&pointer, "required", format!("'{name}' is missing or empty"));
            }
        }
        value
    }

    pub(crate) fn object(&self, name: &str, errors: &mut Errors) -> Option<Object<'a>> {
        match self.member(name)? {
            Value::Object(members) => Some(Object { members, pointer: self.pointer(name) }),
            other => {
                errors.push(&self.pointer(name), "type", expected("an object", other));
                None
            }
        }
    }

    /// A text; blank counts as absent, because a monitoring macro without a value is empty.
    pub(crate) fn text(&self, name: &str, max: usize, errors: &mut Errors) -> Option<String> {
        self.borrowed(name, max, errors).map(str::to_owned)
    }

    /// The same on one line.
    pub(crate) fn line(&self, name: &str, max: usize, errors: &mut Errors) -> Option<String> {
        self.borrowed(name, max, errors).map(one_line)
    }

    fn borrowed(&self, name: &str, max: usize, errors: &mut Errors) -> Option<&'a str> {
        match self.member(name)? {
            Value::Str(text) => bounded(text, max, || self.pointer(name), errors),
            other => {
                errors.push(&self.pointer(name), "type", expected("a text", other));
                None
            }
        }
    }

    /// An id: a text or an integer.
    pub(crate) fn id(&self, name: &str, max: usize, errors: &mut Errors) -> Option<Cow<'a, str>> {
        match self.member(name)? {
            Value::Str(text) => {
                bounded(text, max, || self.pointer(name), errors).map(Cow::Borrowed)
            }
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                Some(number.to_string().into())
            }
            other => {
                errors.push(&self.pointer(name), "type", expected("a text or an integer", other));
                None
            }
        }
    }

    pub(crate) fn flag(&self, name: &str, errors: &mut Errors) -> Option<bool> {
        match self.member(name)? {
            Value::Bool(flag) => Some(*flag),
            other => {
                errors.push(&self.pointer(name), "type", expected("true or false", other));
                None
            }
        }
    }

    /// An RFC 3339 time with an offset.
    pub(crate) fn time(&self, name: &str, errors: &mut Errors) -> Option<Timestamp> {
        let text = self.borrowed(name, 64, errors)?;
        let time = text.parse();
        if time.is_err() {
            let message = format!(
                "'{name}' must be an RFC 3339 time with an offset, such as \
                 2026-11-21T09:15:02+01:00, not '{text}'"
            );
            errors.push(&self.pointer(name), "format", message);
        }
        time.ok()
    }

    /// One of a few words, whatever its case.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
        errors: &mut Errors,
    ) -> Option<T> {
        let text = self.borrowed(name, 64, errors)?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("'{name}' must be one of {}, not '{text}'", known.join(", "));
            errors.push(&self.pointer(name), "value", message);
        }
        found.map(|(_, value)| *value)
    }

    /// A name, or `{id, name}`, of which one must be there.
    pub(crate) fn id_and_name(
        &self,
        name: &str,
        errors: &mut Errors,
    ) -> Option<(Option<String>, Option<String>)> {
        let (id, name) = match self.member(name)? {
            Value::Str(text) => {
                let text = bounded(text, MAX_NAME_CHARS, || self.pointer(name), errors);
                (None, text.map(one_line))
            }
            Value::Object(_) => {
                let part = self.object(name, errors)?;
                let id = part.id("id", MAX_ID_CHARS, errors);
                let text = part.line("name", MAX_NAME_CHARS, errors);
                // Members that are there and blank are macros without a value: all of it is absent.
                // A contact may be told by its e-mail address alone.
                let known = ["id", "name", "email"];
                let none = !known.iter().any(|known| part.members.contains_key(known));
                if none && !errors.at_or_below(&part.pointer) {
                    let message = format!("'{name}' needs an id or a name");
                    errors.push(&part.pointer, "required", message);
                }
                (id, text)
            }
            other => {
                let message = expected("a name or an object with id and name", other);
                errors.push(&self.pointer(name), "type", message);
                return None;
            }
        };
        Some((id.map(|id| id.trim().to_owned()), name))
    }

    /// Parses an id with the rules of its type.
    pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
        text: Option<Cow<'_, str>>,
        errors: &mut Errors,
    ) -> Option<T> {
        match text?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                errors.push(&self.pointer(name), "format", format!("'{name}' {error}"));
                None
            }
        }
    }
}

/// A member of what may be an object.
pub(crate) fn member<'v>(value: &'v Value<'v>, name: &str) -> Option<&'v Value<'v>> {
    last(value.as_object()?, name)
}

/// Of several members with one name the last, as most readers of JSON have it: the first would
/// make this bridge see another company than what stands in front of it.
fn last<'v>(members: &'v ObjectAsVec<'v>, name: &str) -> Option<&'v Value<'v>> {
    members.iter().filter(|(known, _)| *known == name).map(|(_, value)| value).last()
}

/// A text that is neither blank nor too long; `pointer` tells where it stands.
pub(crate) fn bounded<'t>(
    text: &'t str,
    max: usize,
    pointer: impl FnOnce() -> String,
    errors: &mut Errors,
) -> Option<&'t str> {
    let is_blank = |text: &str| text.chars().all(|c| c.is_whitespace() || c.is_control());
    // Colours alone are blank too.
    if is_blank(text) || text.contains('\u{1b}') && is_blank(&without_sequences(text)) {
        return None;
    }
    if let Some(length) = too_long(text, max) {
        let message = format!("may have at most {max} characters, and has {length}");
        errors.push(&pointer(), "length", message);
        return None;
    }
    Some(text)
}

pub(crate) fn expected(what: &str, found: &Value<'_>) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a decimal number",
        Value::Number(_) => "a number",
        Value::Str(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("must be {what}, not {found}")
}
