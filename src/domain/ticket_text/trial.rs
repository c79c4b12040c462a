//! The templates tried before they are used: a mistake in one must not wait for the first event
//! that goes through it.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{
    DESCRIPTION, Resolved, TITLE, TemplateError, Templates, TicketContext, context, field_template,
};
use crate::domain::{
    acknowledgement::{Acknowledgement, Receipt, decode},
    keys::Instance,
    priority::Priority,
};

const STATES: [&str; 9] = [
    "OK",
    "WARNING",
    "CRITICAL",
    "UNKNOWN",
    "UP",
    "DOWN",
    "UNREACHABLE",
    "DEGRADED",
    "OUT_OF_ORDER",
];
const ELEMENT_TYPES: [&str; 3] = ["equipment", "service", "user_service"];
const CRITICALITIES: [&str; 3] = ["low", "medium", "high"];

/// Looks at the names that each template uses, also where no sample leads, then renders all.
pub(super) fn run(templates: &Templates) -> Result<(), TemplateError> {
    let contexts: Vec<_> = samples().iter().map(sample_context).collect();
    let Some(known) = contexts.first().and_then(|first| serde_json::to_value(first).ok()) else {
        return Ok(());
    };
    let fields = templates.fields.iter().map(|field| (field_template(field), field.as_str()));
    let texts = [(TITLE, "title"), (DESCRIPTION, "description")];
    let texts = texts.map(|(name, what)| (name.to_owned(), what));
    for (name, what) in texts.into_iter().chain(fields) {
        names(templates, &name, what, &known)?;
    }
    contexts.iter().try_for_each(|context| templates.render(context).map(drop))
}

/// That a template uses no name that does not exist.
fn names(
    templates: &Templates,
    name: &str,
    what: &str,
    known: &Value,
) -> Result<(), TemplateError> {
    let environment = &templates.environment;
    let template =
        environment.get_template(name).map_err(|error| TemplateError::new(what, &error))?;
    let functions: BTreeSet<_> = environment.globals().map(|(name, _)| name.to_owned()).collect();
    // In order, so that the same mistake is told first each time.
    let used: BTreeSet<_> = template.undeclared_variables(true).into_iter().collect();
    for path in used {
        let mut parts = path.split('.');
        let first = parts.next().unwrap_or_default();
        let missing = match (known.get(first), parts.next()) {
            (None, _) if functions.contains(first) => None,
            (None, _) => Some((first.to_owned(), nearest(first, known).map(ToOwned::to_owned))),
            (Some(members @ Value::Object(_)), Some(member)) if members.get(member).is_none() => {
                let near = nearest(member, members).map(|near| format!("{first}.{near}"));
                Some((format!("{first}.{member}"), near))
            }
            (Some(_), _) => None,
        };
        if let Some((missing, near)) = missing {
            let near = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
            let reason = format!("there is no variable '{missing}'{near}");
            return Err(TemplateError { what: what.to_owned(), reason });
        }
    }
    Ok(())
}

/// The member of an object whose name is most like this one, if one is.
pub(in crate::domain) fn nearest<'a>(name: &str, known: &'a Value) -> Option<&'a str> {
    let names = known.as_object()?.keys();
    names
        .map(|known| (strsim::jaro_winkler(name, known), known.as_str()))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(likeness, _)| *likeness > 0.7)
        .map(|(_, known)| known)
}

/// An event of each state, element type and criticality, with all that an event can have and
/// with as little; the first has equipment.
fn samples() -> Vec<Acknowledgement> {
    let mut samples = Vec::new();
    for is_full in [true, false] {
        for (n, state) in STATES.into_iter().enumerate() {
            let kind = ELEMENT_TYPES[n % 3];
            let event = sample(is_full, state, kind, CRITICALITIES[n / 3]);
            samples.extend(decode(&(&event).into(), &Receipt::default()));
        }
    }
    samples
}

fn sample(is_full: bool, state: &str, element_type: &str, criticality: &str) -> Value {
    let mut event = json!({
        "event_id": format!("sample:{state}"), "created_at": "2026-11-21T09:15:02+01:00",
        "company": {"id": 1, "name": "Sample company"},
        "control": {
            "id": "1", "element_type": element_type, "name": "Sample control",
            "criticality": criticality, "state": state,
            "status_changed_at": "2026-11-21T08:14:09Z"
        },
        "acknowledgement": {"author": "sample"}
    });
    if element_type != "user_service" {
        event["equipment"] = json!({"name": "Sample equipment"});
    }
    if is_full {
        event["site"] = json!("Sample site");
        event["contract"] = json!("Sample contract");
        event["description"] = json!("Sample\ndescription");
        event["equipment"] = json!({
            "id": 1, "name": "Sample equipment", "address": "192.0.2.1", "category": "Sample",
            "itsm_id": "1"
        });
        event["control"]["state_type"] = json!("HARD");
        event["control"]["output"] = json!("Sample\noutput");
        event["control"]["url"] = json!("https://servicenav.example/#1");
        event["acknowledgement"]["comment"] = json!("Sample comment");
        event["acknowledgement"]["expires_at"] = json!("2026-11-22T09:15:02+01:00");
    }
    event
}

/// With everything resolved where the event has everything, else with what every ticket has.
fn sample_context(event: &Acknowledgement) -> TicketContext {
    let mut resolved = Resolved {
        organization: "Sample company".to_owned(),
        team: "Sample team".to_owned(),
        ..Resolved::default()
    };
    let mut warnings = Vec::new();
    if event.site.is_some() {
        resolved.contact = Some("Sample contact".to_owned());
        resolved.service = Some("Sample service".to_owned());
        resolved.service_element = Some("Sample element".to_owned());
        resolved.ci = Some("Sample CI".to_owned());
        warnings.push("Sample warning.".to_owned());
    }
    let instance = Instance::default();
    context(event, &instance, Priority::Low, resolved, &warnings, &TimeZone::UTC)
}
