//! How rows and tickets look in answers.

use serde_json::{Value, json};

use super::Addresses;
use crate::{
    board::Board,
    domain::{delivery_state::State, ticket_status::Presence},
    store::{InboxRow, KnownTicket, TicketOfControl},
};

/// An acknowledgement.
pub(super) fn acknowledgement(row: &InboxRow, addresses: &Addresses) -> Value {
    let mut view = json!({
        "id": row.id,
        "state": row.state,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "instance": row.instance,
        "company": row.company_key.as_ref().map(|key| json!({"key": key, "name": row.company_name})),
        "control": row.control_id.as_ref().map(|id| json!({"id": id, "name": row.control_name})),
        "problem": row.problem,
        "warnings": row.warnings,
        "ticket": row.ticket.as_ref().map(|(key, number)| json!({
            "ref": number, "class": key.class, "id": key.id, "url": addresses.ticket(key),
        })),
        "attempts": row.attempts,
        "next_attempt_at": row.next_attempt_at,
        "received_at": row.received_at,
        "updated_at": row.updated_at,
        "ended_at": row.ended_at,
        "links": {"self": format!("/api/v1/acknowledgements/{}", row.id)},
    });
    if row.state == State::Discarded {
        view["reason"] = json!(row.reason);
    }
    if let Some(control) = &row.control_id {
        view["links"]["open"] = json!(addresses.open(&row.instance, control));
    }
    view
}

/// A control and its ticket.
pub(super) fn control(found: &TicketOfControl, board: &Board, addresses: &Addresses) -> Value {
    let mapping = &found.mapping;
    json!({
        "instance": mapping.instance,
        "control": {"id": mapping.control_id, "name": mapping.control_name},
        "company": mapping.company_key,
        "ticket": ticket(&found.ticket, addresses),
        "pending": null,
        "as_of": found.ticket.as_of,
        "stale": board.is_stale(&found.ticket),
        "links": {"open": addresses.open(&mapping.instance, &mapping.control_id)},
    })
}

/// A control without a ticket.
pub(super) fn control_without_ticket(row: &InboxRow, addresses: &Addresses) -> Value {
    let control = row.control_id.as_deref().unwrap_or_default();
    json!({
        "instance": row.instance,
        "control": {"id": control, "name": row.control_name},
        "company": row.company_key,
        "ticket": null,
        "pending": null,
        "as_of": null,
        "stale": false,
        "links": {"open": addresses.open(&row.instance, control)},
    })
}

/// Whether a control's next ticket waits for this acknowledgement.
pub(super) fn is_pending(row: &InboxRow) -> bool {
    row.state.is_under_way() || matches!(row.state, State::Blocked | State::Failed)
}

/// The acknowledgement that a control's next ticket waits for, if there is one.
pub(super) fn pending(row: &InboxRow) -> Option<Value> {
    is_pending(row).then(|| {
        json!({
            "acknowledgement": row.id,
            "state": row.state,
            "problem": row.problem,
            "since": row.received_at,
        })
    })
}

fn ticket(known: &KnownTicket, addresses: &Addresses) -> Value {
    let status = &known.status;
    json!({
        "ref": status.number,
        "class": status.key.class,
        "id": status.key.id,
        "title": status.title,
        "status": status.status,
        "operational_status": status.operational_status,
        "open": status.is_open() && known.presence == Presence::Present,
        "presence": known.presence,
        "priority": status.priority,
        "team": status.team,
        "agent": status.agent,
        "last_update": status.last_update,
        "url": addresses.ticket(&status.key),
    })
}
