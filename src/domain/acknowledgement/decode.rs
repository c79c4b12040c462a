//! From JSON to an [`Acknowledgement`], or to all that is wrong with it at once.

use jiff::{Timestamp, fmt::temporal::DateTimeParser, tz::TimeZone};
use serde_json_borrow::Value;

use super::{
    Acknowledgement, Control, EventType, Receipt,
    parts::{MAX_TEXT_CHARS, control_of, equipment_of, statement, ticket},
    references::{contact, party, reference},
};
use crate::domain::{
    body::{Errors, FieldError, Object, Told, expected, member, shown},
    keys::{EventId, Instance, MAX_ID_CHARS, MAX_NAME_CHARS},
    notice::{Fault, Notice},
    priority::{ElementType, Priority},
    text::{cut_chars, one_line},
};

/// How much of the sender's product is shown: it stands in the middle of sentences.
const MAX_PRODUCT_CHARS: usize = 60;

const EVENT_TYPES: [(&str, EventType); 4] = [
    ("acknowledgement", EventType::Acknowledgement),
    ("acknowledgement_removed", EventType::AcknowledgementRemoved),
    ("recovery", EventType::Recovery),
    ("test", EventType::Test),
];
/// As Americans spell it.
const OTHER_EVENT_TYPES: [(&str, EventType); 2] = [
    ("acknowledgment", EventType::Acknowledgement),
    ("acknowledgment_removed", EventType::AcknowledgementRemoved),
];

/// Reads one event. Unknown members are ignored, `null` and blank texts count as absent, and what an
/// event can do without is left out where it is wrong, with a notice: the ticket matters more.
///
/// # Errors
/// Everything that the body alone shows to be wrong, each by its JSON pointer.
pub fn decode(body: &Value<'_>, receipt: &Receipt) -> Result<Acknowledgement, Vec<FieldError>> {
    let mut errors = Errors::default();
    let Value::Object(members) = body else {
        errors.push("", "type", expected("an object: one acknowledgement", body));
        return Err(errors.found);
    };
    match event(&Object::root(members), receipt, &mut errors) {
        Some(mut event) if !errors.refuses => {
            let left_out = errors.found.iter().map(|error| left_out(body, error));
            event.notices.splice(0..0, left_out);
            Ok(event)
        }
        _ => Err(errors.found),
    }
}

/// What is told of a member that was left out.
fn left_out(body: &Value<'_>, error: &FieldError) -> Notice {
    let path = error.pointer.trim_start_matches('/');
    let sent = path.split('/').try_fold(body, |value, name| member(value, name));
    let fault = match error.code {
        "macro" => Fault::Macro,
        "length" => Fault::TooLong,
        "offset" => Fault::NoOffset,
        _ => Fault::Unusable,
    };
    Notice::LeftOut {
        member: path.replace('/', "."),
        sent: sent.map(shown).unwrap_or_default(),
        fault,
    }
}

fn event(body: &Object<'_>, receipt: &Receipt, errors: &mut Errors) -> Option<Acknowledgement> {
    // Each part is read before any `?`, so that one answer names all errors.
    let mut notices = Vec::new();
    let event_id: Option<EventId> = id(body, "event_id", errors);
    // What was not meant as an acknowledgement must not become a ticket.
    let event_type = event_type(body, errors);
    body.insist("event_type", errors);
    let source = source(body, errors);
    let zone = source.zone.as_ref();
    let created_at = time(body, "created_at", zone, errors);
    if created_at == Told::Never {
        notices.push(Notice::NoCreationTime);
    }
    let company = party(body, "company", errors);
    let company = body.require(company, "company", errors);
    // One of two that do not fit each other could be another company's.
    body.insist("company", errors);
    let site = party(body, "site", errors);
    let caller = contact(body, errors);
    let team = reference(body, "team", errors);
    let contract = reference(body, "contract", errors);
    let service = reference(body, "service", errors);
    let service_element = reference(body, "service_element", errors);
    let ci = reference(body, "ci", errors);
    let priority = priority(body, errors);
    let control = body.object("control", errors);
    let control =
        body.require(control, "control", errors).map(|part| control_of(&part, zone, errors));
    let equipment = equipment_of(body, errors);
    let needs_equipment = matches!(&control, Some(Some(control))
        if control.element_type != ElementType::UserService);
    if needs_equipment {
        body.require(equipment.as_ref(), "equipment", errors);
    }
    let title = body.line("title", MAX_TEXT_CHARS, errors);
    let description = body.text("description", MAX_TEXT_CHARS, errors);
    let acknowledgement = statement(body, event_type, zone, errors);
    let ticket = ticket(body, errors);
    let (control, event_type) = (control??, event_type?);
    if control.status_changed_at.is_none() {
        notices.push(Notice::NoStatusTime);
    }
    let acknowledgement = acknowledgement?;
    let acknowledged = acknowledgement.acknowledged_at.or(created_at.time());
    let event_id = event_id.unwrap_or_else(|| {
        let instance = source.instance.as_ref().unwrap_or(&receipt.instance);
        derived_id(instance, event_type, &control, acknowledged, receipt.at)
    });
    Some(Acknowledgement {
        event_id,
        event_type,
        created_at: created_at.time().unwrap_or(receipt.at),
        instance: source.instance,
        product: source.product,
        company: company?,
        site,
        contact: caller,
        team,
        contract,
        service,
        service_element,
        ci,
        priority,
        equipment,
        control,
        title,
        description,
        acknowledgement,
        ticket,
        notices,
    })
}

/// What happened; an acknowledgement unless the event says otherwise.
pub(super) fn event_type(body: &Object<'_>, errors: &mut Errors) -> Option<EventType> {
    let before = errors.found.len();
    let said = body.word("event_type", &EVENT_TYPES, &OTHER_EVENT_TYPES, errors);
    let is_absent = said.is_none() && errors.found.len() == before;
    said.or_else(|| is_absent.then_some(EventType::Acknowledgement))
}

/// The key of an event that has none of its own: the same for each post of one acknowledgement.
fn derived_id(
    instance: &Instance,
    event_type: EventType,
    control: &Control,
    acknowledged: Option<Timestamp>,
    received: Timestamp,
) -> EventId {
    /// What comes within so many seconds is one event where nothing tells when it was acknowledged.
    /// Taking a later one for it as well would leave it without a ticket.
    const ONE_POST: i64 = 600;
    let received = acknowledged.is_none().then(|| received.as_second() / ONE_POST);
    let changed = control.status_changed_at;
    EventId::derived(&(instance, event_type.as_str(), &control.id, changed, acknowledged, received))
}

/// Which ServiceNav an event comes from.
#[derive(Default)]
struct Source {
    instance: Option<Instance>,
    product: Option<String>,
    /// Where its clock stands: the zone of times without an offset.
    zone: Option<TimeZone>,
}

fn source(body: &Object<'_>, errors: &mut Errors) -> Source {
    let Some(part) = body.object("source", errors) else {
        body.insist("source", errors);
        return Source::default();
    };
    let instance = id(&part, "instance", errors);
    // In another instance the same ids mean other companies.
    part.insist("instance", errors);
    let product = part.line("product", MAX_NAME_CHARS, errors);
    let product = product.map(|product| cut_chars(&product, MAX_PRODUCT_CHARS).into_owned());
    let zone = part.line("time_zone", MAX_NAME_CHARS, errors).and_then(|name| {
        let zone = DateTimeParser::new().parse_time_zone(&name);
        if zone.is_err() {
            let message = format!(
                "'time_zone' must be a name such as Europe/Paris or an offset such as +01:00, \
                 not '{name}'"
            );
            errors.push(&part.pointer("time_zone"), "value", message);
        }
        zone.ok()
    });
    Source { instance, product, zone }
}

/// A time that decides something: where it stands without an offset, it is not guessed.
pub(super) fn time(
    part: &Object<'_>,
    name: &str,
    zone: Option<&TimeZone>,
    errors: &mut Errors,
) -> Told {
    let before = errors.found.len();
    let told = part.time(name, zone, errors);
    errors.refuses |= errors.found[before..].iter().any(|error| error.code == "offset");
    told
}

/// An id with the rules of its type.
pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Display>>(
    body: &Object<'_>,
    name: &str,
    errors: &mut Errors,
) -> Option<T> {
    let text = body.id(name, MAX_ID_CHARS, errors);
    body.parsed(name, text, errors)
}

fn priority(body: &Object<'_>, errors: &mut Errors) -> Option<Priority> {
    let text = body.id("priority", 64, errors)?;
    let priority = Priority::parse(&text);
    if priority.is_none() {
        let message = format!(
            "'priority' must be 1 to 4, critical, high, medium or low, not '{}'",
            one_line(&text)
        );
        errors.push(&body.pointer("priority"), "value", message);
    }
    priority
}
