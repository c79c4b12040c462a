//! A template tried before it is used: a mistake in it must not wait for the first event that goes
//! through it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{BODY, HookBody, HookBodyError, Message, members};
use crate::domain::{hook_event::HookEvent, ticket_text::nearest};

/// Looks at the names that the template uses, also where no sample leads, then renders a sample of each
/// event, with all that it can have and with as little.
pub(super) fn run(body: &HookBody, events: &[HookEvent]) -> Result<(), HookBodyError> {
    names(body)?;
    for event in events {
        let of_event = |HookBodyError(reason): HookBodyError| {
            HookBodyError(format!("{}: {reason}", event.as_str()))
        };
        for is_full in [true, false] {
            body.render(&sample(*event, is_full)).map_err(of_event)?;
        }
    }
    Ok(())
}

fn names(body: &HookBody) -> Result<(), HookBodyError> {
    let Some(environment) = &body.template else { return Ok(()) };
    let template =
        environment.get_template(BODY).map_err(|error| HookBodyError::of_engine(&error))?;
    let mut known = members();
    for name in ["id", "type", "timestamp"] {
        known[name] = Value::Null;
    }
    // In order, so that the same mistake is told first each time.
    let used: BTreeSet<_> = template.undeclared_variables(true).into_iter().collect();
    for path in used {
        let mut at = &known;
        for part in path.split('.') {
            let Some(member) = at.get(part) else {
                let near = nearest(part, at)
                    .map(|near| format!("; did you mean '{near}'?"))
                    .unwrap_or_default();
                return Err(HookBodyError(format!("there is no variable '{path}'{near}")));
            };
            at = member;
        }
    }
    Ok(())
}

/// An event as hooks are told of it, for tries and examples.
#[must_use]
pub fn sample(event: HookEvent, is_full: bool) -> Message {
    let mut data = members();
    if event.concerns_all() {
        for name in ["instance", "company", "site", "control", "equipment", "acknowledgement"] {
            data[name] = Value::Null;
        }
        let is_closed = event == HookEvent::GateClosed;
        data["gate"] = if is_closed {
            json!({"state": "closed", "reason": "unreachable", "message": "connection refused"})
        } else {
            json!({"state": "open", "reason": null, "message": null})
        };
        data["ticket"] = Value::Null;
        return message(event, data);
    }
    data["gate"] = Value::Null;
    data["instance"] = json!("default");
    data["company"] = json!({"key": "id:42", "name": "Sample \"company\""});
    data["control"] = json!({"id": "svc-1", "name": "Disk \"C:\"", "state": "CRITICAL",
        "output": "C:\\ is\nfull", "url": "https://servicenav.example/#1"});
    data["equipment"] = json!({"name": "srv-1"});
    data["reference"] = json!("90417");
    let problem = json!({"code": "company-not-linked", "message": "Link \"it\"."});
    data["acknowledgement"] = json!({"id": 7, "event_id": "svc-1:2026", "state": "created",
        "event_type": "acknowledgement", "author": "Zoé", "comment": "on\nit", "problem": null});
    let has_ticket = matches!(
        event,
        HookEvent::TicketCreated | HookEvent::TicketReused | HookEvent::TicketStatusChanged
    );
    if has_ticket {
        data["ticket"] = json!({"class": "Incident", "id": "104", "number": "I-000104",
            "status": "assigned", "operational_status": "ongoing", "priority": 2,
            "title": "Disk \"C:\"", "team": "Helpdesk", "agent": "Ann", "presence": "present",
            "url": "https://itop.example/pages/UI.php?operation=details&class=Incident&id=104",
            "previous_status": "new", "previous_presence": "present"});
    } else {
        data["ticket"] = Value::Null;
        data["acknowledgement"]["problem"] = problem;
    }
    data["site"] = if is_full { json!({"key": "id:7", "name": "Lyon"}) } else { Value::Null };
    if !is_full {
        for name in ["equipment", "reference"] {
            data[name] = Value::Null;
        }
        if event == HookEvent::AcknowledgementRejected {
            data["control"] = Value::Null;
            data["company"] = Value::Null;
        }
        if event == HookEvent::TicketStatusChanged {
            data["acknowledgement"] = Value::Null;
        }
        if has_ticket {
            for name in ["status", "operational_status", "priority", "title", "team", "agent"] {
                data["ticket"][name] = Value::Null;
            }
        }
    }
    message(event, data)
}

fn message(event: HookEvent, data: Value) -> Message {
    Message {
        event,
        id: "msg_0123456789abcdef".to_owned(),
        timestamp: "2026-11-27T06:44:33.120Z".to_owned(),
        data,
    }
}
