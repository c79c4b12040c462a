//! Reading a JSON object member by member, collecting every error by its JSON pointer.

mod value;

pub(crate) use value::Told;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json_borrow::{ObjectAsVec, Value};

use super::{
    keys::{MAX_ID_CHARS, MAX_NAME_CHARS},
    placeholder,
    terminal::without_sequences,
    text::{cut_chars, one_line, too_long},
};
use value::whole;

/// One thing wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// RFC 6901; empty for the whole body.
    pub pointer: String,
    /// `required`, `type`, `length`, `format`, `value`, `macro` or `offset`.
    pub code: &'static str,
    /// For the person who sends the event.
    pub message: String,
}

/// What was found wrong so far. A reader notes what it cannot take and goes on as if that were absent;
/// whoever needs it says so ([`Object::require`], [`Object::insist`]), and that refuses the body.
#[derive(Default)]
pub(crate) struct Errors {
    /// All that was found, in the order of reading.
    pub(crate) found: Vec<FieldError>,
    /// Whether the body cannot be taken.
    pub(crate) refuses: bool,
}

impl Errors {
    /// Whether something is wrong at this place or in what it holds.
    pub(crate) fn at_or_below(&self, pointer: &str) -> bool {
        self.found.iter().any(|error| {
            error
                .pointer
                .strip_prefix(pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    pub(crate) fn push(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        let message = message.into();
        self.found.push(FieldError { pointer: pointer.to_owned(), code, message });
    }

    /// The same for what no body may have.
    pub(crate) fn refuse(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.push(pointer, code, message);
        self.refuses = true;
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
            errors.refuses = true;
        }
        value
    }

    /// Refuses a body in which this member is there and wrong: what it decides is not guessed.
    pub(crate) fn insist(&self, name: &str, errors: &mut Errors) {
        errors.refuses |= errors.at_or_below(&self.pointer(name));
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

    /// An id: a text or an integer, which some programs write as `42.0`.
    pub(crate) fn id(&self, name: &str, max: usize, errors: &mut Errors) -> Option<Cow<'a, str>> {
        let value = self.member(name)?;
        match value {
            Value::Str(text) => {
                let text = bounded(text, max, || self.pointer(name), errors)?;
                if let Some(found) = placeholder::in_id(text) {
                    errors.push(&self.pointer(name), "macro", not_replaced(name, found));
                    return None;
                }
                return Some(Cow::Borrowed(text));
            }
            Value::Number(number) => {
                if let Some(whole) = whole(number) {
                    return Some(whole.into());
                }
            }
            _ => {}
        }
        errors.push(&self.pointer(name), "type", expected("a text or an integer", value));
        None
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

/// A text that is neither blank, too long nor a macro; `pointer` tells where it stands.
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
    if let Some(found) = placeholder::alone(text) {
        let pointer = pointer();
        let name = pointer.rsplit('/').next().unwrap_or_default();
        errors.push(&pointer, "macro", not_replaced(name, found));
        return None;
    }
    Some(text)
}

fn not_replaced(name: &str, found: &str) -> String {
    let found = one_line(found);
    if found.starts_with(['$', '{', '%']) {
        format!("'{name}' has the macro {found}, which the sender has not replaced")
    } else {
        format!("'{name}' is {found}, which stands for no value")
    }
}

/// A value where a sentence speaks of it: short, and on one line.
pub(crate) fn shown(value: &Value<'_>) -> String {
    /// How much of it is shown, in characters.
    const SHOWN: usize = 60;
    match value {
        Value::Str(text) => cut_chars(&one_line(text), SHOWN).into_owned(),
        other => {
            let text = serde_json::to_string(other).unwrap_or_default();
            cut_chars(&text, SHOWN).into_owned()
        }
    }
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
