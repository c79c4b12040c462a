//! From JSON to an [`Acknowledgement`], or to all that is wrong with it at once.

use std::borrow::Cow;

use serde_json_borrow::Value;

use super::{
    Acknowledgement, Author, ContactRef, Control, ControlState, Equipment, EventType, Party, Ref,
    Statement, TicketWish,
};
use crate::domain::{
    body::{Errors, FieldError, Object, bounded, expected},
    keys::{MAX_ID_CHARS, MAX_NAME_CHARS, PartyKey},
    priority::{Criticality, ElementType, Priority},
    text::{cut_chars, is_web_address, one_line},
};

/// Free text is bounded by the size of the body alone.
const MAX_TEXT_CHARS: usize = 256 * 1024;

/// How much of the sender's product is shown: it stands in the middle of sentences.
const MAX_PRODUCT_CHARS: usize = 60;

const EVENT_TYPES: [(&str, EventType); 4] = [
    ("acknowledgement", EventType::Acknowledgement),
    ("acknowledgement_removed", EventType::AcknowledgementRemoved),
    ("recovery", EventType::Recovery),
    ("test", EventType::Test),
];
const ELEMENT_TYPES: [(&str, ElementType); 3] = [
    ("equipment", ElementType::Equipment),
    ("service", ElementType::Service),
    ("user_service", ElementType::UserService),
];
const CRITICALITIES: [(&str, Criticality); 3] =
    [("low", Criticality::Low), ("medium", Criticality::Medium), ("high", Criticality::High)];

/// Reads one event. Unknown members are ignored, `null` and blank texts count as absent.
///
/// # Errors
/// Everything that the body alone shows to be wrong, each by its JSON pointer.
pub fn decode(body: &Value<'_>) -> Result<Acknowledgement, Vec<FieldError>> {
    let mut errors = Errors::default();
    let Value::Object(members) = body else {
        errors.push("", "type", expected("an object: one acknowledgement", body));
        return Err(errors.0);
    };
    match event(&Object::root(members), &mut errors) {
        Some(event) if errors.0.is_empty() => Ok(event),
        _ => Err(errors.0),
    }
}

fn event(body: &Object<'_>, errors: &mut Errors) -> Option<Acknowledgement> {
    // Each part is read before any `?`, so that one answer names all errors.
    let event_id = id(body, "event_id", errors);
    let event_type = body.word("event_type", &EVENT_TYPES, errors);
    let created_at = body.time("created_at", errors);
    let created_at = body.require(created_at, "created_at", errors);
    let source = body.object("source", errors);
    let instance = source.as_ref().and_then(|source| {
        let text = source.id("instance", MAX_ID_CHARS, errors);
        source.parsed("instance", text, errors)
    });
    let product = source
        .and_then(|source| source.line("product", MAX_NAME_CHARS, errors))
        .map(|product| cut_chars(&product, MAX_PRODUCT_CHARS).into_owned());
    let company = party(body, "company", errors);
    let company = body.require(company, "company", errors);
    let site = party(body, "site", errors);
    let caller = contact(body, errors);
    let team = reference(body, "team", errors);
    let contract = reference(body, "contract", errors);
    let service = reference(body, "service", errors);
    let service_element = reference(body, "service_element", errors);
    let ci = reference(body, "ci", errors);
    let priority = priority(body, errors);
    let control = body.object("control", errors);
    let control = body.require(control, "control", errors).map(|part| control_of(&part, errors));
    let equipment = body.object("equipment", errors).map(|part| equipment_of(&part, errors));
    let user_service = matches!(&control, Some(Some(control))
        if control.element_type == ElementType::UserService);
    if !user_service && control.as_ref().is_some_and(Option::is_some) {
        body.require(equipment.as_ref(), "equipment", errors);
    }
    let title = body.line("title", MAX_TEXT_CHARS, errors);
    let description = body.text("description", MAX_TEXT_CHARS, errors);
    let acknowledgement = body.object("acknowledgement", errors);
    let acknowledgement = body
        .require(acknowledgement, "acknowledgement", errors)
        .map(|part| statement(&part, errors));
    let ticket = ticket(body, errors);
    Some(Acknowledgement {
        event_id: event_id?,
        event_type: event_type.unwrap_or(EventType::Acknowledgement),
        created_at: created_at?,
        instance,
        product,
        company: company?,
        site,
        contact: caller,
        team,
        contract,
        service,
        service_element,
        ci,
        priority,
        equipment: equipment.flatten(),
        control: control??,
        title,
        description,
        acknowledgement: acknowledgement??,
        ticket,
    })
}

/// A required id with the rules of its type.
fn id<T: std::str::FromStr<Err: std::fmt::Display>>(
    body: &Object<'_>,
    name: &str,
    errors: &mut Errors,
) -> Option<T> {
    let text = body.id(name, MAX_ID_CHARS, errors);
    let text = body.require(text, name, errors);
    body.parsed(name, text, errors)
}

/// A required name, on one line.
fn required_name(part: &Object<'_>, errors: &mut Errors) -> Option<String> {
    let name = part.line("name", MAX_NAME_CHARS, errors);
    part.require(name, "name", errors)
}

/// Something in iTop: a name, or `{id, name}`.
pub(crate) fn reference(body: &Object<'_>, name: &str, errors: &mut Errors) -> Option<Ref> {
    match body.id_and_name(name, errors)? {
        (None, None) => None,
        (id, name) => Some(Ref { id, name }),
    }
}

fn party(body: &Object<'_>, member: &str, errors: &mut Errors) -> Option<Party> {
    let (id, name) = body.id_and_name(member, errors)?;
    let key = match (&id, &name) {
        (Some(id), _) => PartyKey::id(id),
        (None, Some(name)) => PartyKey::name(name),
        (None, None) => return None,
    };
    match key {
        Ok(key) => Some(Party { key, id, name }),
        Err(error) => {
            errors.push(&body.pointer(member), "format", format!("'{member}' {error}"));
            None
        }
    }
}

fn contact(body: &Object<'_>, errors: &mut Errors) -> Option<ContactRef> {
    let (id, name) = body.id_and_name("contact", errors)?;
    let email = match body.member("contact") {
        Some(Value::Object(_)) => body
            .object("contact", errors)
            .and_then(|part| part.text("email", MAX_NAME_CHARS, errors)),
        _ => None,
    };
    let email = email.map(|email| email.trim().to_owned());
    match (&id, &name, &email) {
        (None, None, None) => None,
        _ => Some(ContactRef { id, name, email }),
    }
}

fn priority(body: &Object<'_>, errors: &mut Errors) -> Option<Priority> {
    let text = body.id("priority", 64, errors)?;
    let priority = Priority::parse(&text);
    if priority.is_none() {
        let message =
            format!("'priority' must be 1 to 4, critical, high, medium or low, not '{text}'");
        errors.push(&body.pointer("priority"), "value", message);
    }
    priority
}

fn equipment_of(part: &Object<'_>, errors: &mut Errors) -> Option<Equipment> {
    let id = part.id("id", MAX_ID_CHARS, errors).map(Cow::into_owned);
    let name = required_name(part, errors);
    let address = part.text("address", MAX_NAME_CHARS, errors);
    let category = part.text("category", MAX_NAME_CHARS, errors);
    let itsm_id = part.id("itsm_id", MAX_ID_CHARS, errors).map(Cow::into_owned);
    Some(Equipment { id, name: name?, address, category, itsm_id })
}

fn control_of(part: &Object<'_>, errors: &mut Errors) -> Option<Control> {
    let control_id = id(part, "id", errors);
    let name = required_name(part, errors);
    let element_type = part.word("element_type", &ELEMENT_TYPES, errors);
    let element_type = part.require(element_type, "element_type", errors);
    let states = ControlState::ALL.map(|state| (state.as_str(), state));
    let state = part.word("state", &states, errors);
    let state = part.require(state, "state", errors);
    let changed = part.time("status_changed_at", errors);
    let changed = part.require(changed, "status_changed_at", errors);
    let criticality = part.word("criticality", &CRITICALITIES, errors).unwrap_or_default();
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
        status_changed_at: changed?,
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

fn statement(part: &Object<'_>, errors: &mut Errors) -> Option<Statement> {
    let author = author(part, errors);
    let author = part.require(author, "author", errors);
    let comment = part.text("comment", MAX_TEXT_CHARS, errors);
    let comment = part.require(comment, "comment", errors);
    let acknowledged_at = part.time("acknowledged_at", errors);
    let sticky = part.flag("sticky", errors);
    let expires_at = part.time("expires_at", errors);
    Some(Statement { author: author?, comment: comment?, acknowledged_at, sticky, expires_at })
}

fn ticket(body: &Object<'_>, errors: &mut Errors) -> TicketWish {
    let part = body.object("ticket", errors);
    let mut flag = |name| part.as_ref().and_then(|part| part.flag(name, errors));
    let (requested, new) = (flag("requested"), flag("new"));
    let existing_ref = part.as_ref().and_then(|part| part.id("existing_ref", MAX_ID_CHARS, errors));
    if let (Some(part), Some(_), Some(true)) = (&part, &existing_ref, new) {
        let message = "'existing_ref' names a ticket to link, and 'new' asks for a new one: \
                       send one of the two";
        errors.push(&part.pointer("existing_ref"), "value", message);
    }
    TicketWish {
        requested: requested.unwrap_or(true),
        new: new.unwrap_or(false),
        existing_ref: existing_ref.map(|number| number.trim().to_owned()),
    }
}
