//! From the text of a body to an event, or to what can be told of one that is refused.

use jiff::Timestamp;
use serde_json_borrow::Value;

use super::{
    Acknowledgement, EventType, Party,
    decode::{decode, event_type, id},
    references::party,
};
use crate::domain::{
    body::{Errors, FieldError, Object},
    json_text::{before_mistake, without_raw_controls},
    keys::{ControlId, EventId, Instance, MAX_NAME_CHARS},
    notice::Notice,
};

/// What is known of an event beside its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// When it came.
    pub at: Timestamp,
    /// For which ServiceNav its sender speaks where the body names none.
    pub instance: Instance,
}

/// A body that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Its text is not JSON, and why.
    NotJson(String),
    /// What it says is wrong.
    Invalid(Vec<FieldError>),
}

/// Reads an event from the text of a body: the same whenever it is read.
///
/// # Errors
/// [`ReadError`]; raw control characters in its strings are none, and noted.
pub fn read(text: &str, receipt: &Receipt) -> Result<Acknowledgement, ReadError> {
    let strict = match json(text) {
        Ok(body) => return decode(&body, receipt).map_err(ReadError::Invalid),
        Err(error) => ReadError::NotJson(error.to_string()),
    };
    let Some(spaced) = without_raw_controls(text) else { return Err(strict) };
    let Ok(body) = json(&spaced) else { return Err(strict) };
    let mut event = decode(&body, receipt).map_err(ReadError::Invalid)?;
    event.notices.push(Notice::RawControls);
    Ok(event)
}

fn json(text: &str) -> serde_json::Result<Value<'_>> {
    serde_json::from_str(text)
}

/// What could be told of an event that was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// The instance that it names.
    pub instance: Option<Instance>,
    /// Its key.
    pub event_id: Option<EventId>,
    /// What happened.
    pub event_type: Option<EventType>,
    /// The company.
    pub company: Option<Party>,
    /// The control.
    pub control_id: Option<ControlId>,
    /// The control's name.
    pub control_name: Option<String>,
}

impl Glimpse {
    /// Looks at a text that is no event.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let spaced = without_raw_controls(text);
        let text = spaced.as_deref().unwrap_or(text);
        let before = json(text).err().and_then(|mistake| before_mistake(text, &mistake));
        let Ok(Value::Object(members)) = json(before.as_deref().unwrap_or(text)) else {
            return Self::default();
        };
        // What is wrong with it has been told.
        let (body, ignored) = (Object::root(&members), &mut Errors::default());
        let (source, control) = (body.object("source", ignored), body.object("control", ignored));
        Self {
            instance: source.and_then(|part| id(&part, "instance", ignored)),
            event_id: id(&body, "event_id", ignored),
            event_type: event_type(&body, ignored),
            company: party(&body, "company", ignored),
            control_id: control.as_ref().and_then(|part| id(part, "id", ignored)),
            control_name: control.and_then(|part| part.line("name", MAX_NAME_CHARS, ignored)),
        }
    }
}
