//! The parts of an event.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use serde_json_borrow::Value;

use super::{
    Author, Control, ControlState, Equipment, EventType, Statement, TicketWish,
    decode::{id, time},
};
use crate::domain::{
    body::{Errors, Object, bounded, expected},
    keys::{ControlId, MAX_ID_CHARS, MAX_NAME_CHARS},
    priority::{Criticality, ElementType},
    text::{is_web_address, one_line},
};

/// Free text is bounded by the size of the body alone.
pub(super) const MAX_TEXT_CHARS: usize = 256 * 1024;

const ELEMENT_TYPES: [(&str, ElementType); 3] = [
    ("equipment", ElementType::Equipment),
    ("service", ElementType::Service),
    ("user_service", ElementType::UserService),
];
/// As Nagios has it.
const OTHER_ELEMENT_TYPES: [(&str, ElementType); 1] = [("host", ElementType::Equipment)];
const CRITICALITIES: [(&str, Criticality); 3] =
    [("low", Criticality::Low), ("medium", Criticality::Medium), ("high", Criticality::High)];

/// The equipment: an object, or its name alone.
pub(super) fn equipment_of(body: &Object<'_>, errors: &mut Errors) -> Option<Equipment> {
    if let Some(Value::Str(_)) = body.member("equipment") {
        let name = body.line("equipment", MAX_NAME_CHARS, errors)?;
        return Some(Equipment { id: None, name, address: None, category: None, itsm_id: None });
    }
    let part = body.object("equipment", errors)?;
    let id = part.id("id", MAX_ID_CHARS, errors).map(Cow::into_owned);
    let name = part.line("name", MAX_NAME_CHARS, errors);
    let pointer = part.pointer("name");
    if name.is_none() && !errors.at_or_below(&pointer) {
        errors.push(&pointer, "required", "'name' is missing or empty");
    }
    let address = part.text("address", MAX_NAME_CHARS, errors);
    let category = part.text("category", MAX_NAME_CHARS, errors);
    let itsm_id = part.id("itsm_id", MAX_ID_CHARS, errors).map(Cow::into_owned);
    Some(Equipment { id, name: name?, address, category, itsm_id })
}

pub(super) fn control_of(
    part: &Object<'_>,
    zone: Option<&TimeZone>,
    errors: &mut Errors,
) -> Option<Control> {
    let control_id: Option<ControlId> = id(part, "id", errors);
    let control_id = part.require(control_id, "id", errors);
    let name = part.line("name", MAX_NAME_CHARS, errors);
    let name = part.require(name, "name", errors);
    let element_type = part.word("element_type", &ELEMENT_TYPES, &OTHER_ELEMENT_TYPES, errors);
    let element_type = part.require(element_type, "element_type", errors);
    let states = ControlState::ALL.map(|state| (state.as_str(), state));
    let others = ControlState::other_words(element_type.unwrap_or(ElementType::Service));
    let state = part.word("state", &states, &others, errors);
    let state = part.require(state, "state", errors);
    let status_changed_at = time(part, "status_changed_at", zone, errors).time();
    let criticality = part.word("criticality", &CRITICALITIES, &[], errors).unwrap_or_default();
    let state_type = part.text("state_type", MAX_NAME_CHARS, errors);
    let output = part.text("output", MAX_TEXT_CHARS, errors);
    let url = part.text("url", 2_000, errors).and_then(|url| {
        let url = url.trim();
        if !is_web_address(url) {
            errors.push(&part.pointer("url"), "format", "'url' must be an http or https address");
            return None;
        }
        Some(url.to_owned())
    });
    Some(Control {
        id: control_id?,
        name: name?,
        element_type: element_type?,
        state: state?,
        status_changed_at,
        criticality,
        state_type,
        output,
        url,
    })
}

fn author(part: &Object<'_>, errors: &mut Errors) -> Option<Author> {
    match part.member("author")? {
        Value::Str(text) => {
            let login = bounded(text, MAX_NAME_CHARS, || part.pointer("author"), errors)?;
            Some(Author { login: Some(one_line(login)), name: None, email: None })
        }
        Value::Object(_) => {
            let author = part.object("author", errors)?;
            let mut text = |name| author.line(name, MAX_NAME_CHARS, errors);
            let author = Author { login: text("login"), name: text("name"), email: text("email") };
            (!author.label().is_empty()).then_some(author)
        }
        other => {
            let message = expected("a name or an object with login, name and email", other);
            errors.push(&part.pointer("author"), "type", message);
            None
        }
    }
}

/// What was said. An acknowledgement has an author; who made a control well again no engine knows.
pub(super) fn statement(
    body: &Object<'_>,
    event_type: Option<EventType>,
    zone: Option<&TimeZone>,
    errors: &mut Errors,
) -> Option<Statement> {
    let is_acknowledgement = event_type == Some(EventType::Acknowledgement);
    let Some(part) = body.object("acknowledgement", errors) else {
        if is_acknowledgement {
            body.require(None::<()>, "acknowledgement", errors)?;
        }
        return Some(Statement::default());
    };
    let mut author = author(&part, errors);
    if is_acknowledgement {
        author = part.require(author, "author", errors);
    }
    let comment = part.text("comment", MAX_TEXT_CHARS, errors);
    let acknowledged_at = part.time("acknowledged_at", zone, errors).time();
    let sticky = part.flag("sticky", errors);
    let expires_at = part.time("expires_at", zone, errors).time();
    if is_acknowledgement && author.is_none() {
        return None;
    }
    Some(Statement { author, comment, acknowledged_at, sticky, expires_at })
}

pub(super) fn ticket(body: &Object<'_>, errors: &mut Errors) -> TicketWish {
    let part = body.object("ticket", errors);
    let mut flag = |name| part.as_ref().and_then(|part| part.flag(name, errors));
    let (requested, new) = (flag("requested"), flag("new"));
    let existing_ref = part.as_ref().and_then(|part| part.id("existing_ref", MAX_ID_CHARS, errors));
    if let (Some(part), Some(_), Some(true)) = (&part, &existing_ref, new) {
        let message = "'existing_ref' names a ticket to link, and 'new' asks for a new one: \
                       send one of the two";
        errors.refuse(&part.pointer("existing_ref"), "value", message);
    }
    TicketWish {
        requested: requested.unwrap_or(true),
        new: new.unwrap_or(false),
        existing_ref: existing_ref.map(|number| number.trim().to_owned()),
    }
}
