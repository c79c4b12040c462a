//! How rows and tickets look in answers.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Addresses, addresses::ControlLinks};
use crate::{
    board::Board,
    domain::{
        acknowledgement::{Acknowledgement, Author},
        delivery_state::{Problem, State},
        desk_name::DeskName,
        keys::TicketId,
        ticket_status::Presence,
    },
    store::{BoardRow, InboxRow, TicketOfControl},
};

/// An acknowledgement.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AcknowledgementRow")]
pub(super) struct AcknowledgementView<'r> {
    id: i64,
    state: State,
    event_id: Option<&'r str>,
    event_type: &'r str,
    instance: &'r str,
    company: Option<Company<'r>>,
    control: Option<Control<'r>>,
    problem: Option<&'r Problem>,
    warnings: &'r [String],
    ticket: Option<Ticket<'r>>,
    attempts: u32,
    next_attempt_at: Option<Timestamp>,
    received_at: Timestamp,
    updated_at: Timestamp,
    ended_at: Option<Timestamp>,
    links: Links,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    /// What the answer's status would be, in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CompanyOfRow")]
struct Company<'r> {
    key: &'r str,
    name: Option<&'r str>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ControlOfRow")]
struct Control<'r> {
    /// None where only the name of what was refused could be read.
    id: Option<&'r str>,
    name: Option<&'r str>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TicketOfRow")]
struct Ticket<'r> {
    r#ref: &'r str,
    class: &'r str,
    id: &'r TicketId,
    /// Where it is; without it in iTop.
    #[serde(skip_serializing_if = "Option::is_none")]
    desk: Option<DeskName>,
    /// None where its ticket system is not served any more.
    url: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LinksOfRow")]
struct Links {
    #[serde(rename = "self")]
    own: String,
    #[serde(flatten)]
    of_control: Option<ControlLinks>,
}

/// How a row of the inbox looks.
pub(super) fn acknowledgement<'r>(
    row: &'r InboxRow,
    addresses: &Addresses,
) -> AcknowledgementView<'r> {
    let control_id = row.control_id.as_deref();
    AcknowledgementView {
        id: row.id,
        state: row.state,
        event_id: row.event_id.as_deref(),
        event_type: &row.event_type,
        instance: &row.instance,
        company: row
            .company_key
            .as_deref()
            .map(|key| Company { key, name: row.company_name.as_deref() }),
        control: (control_id.is_some() || row.control_name.is_some())
            .then_some(Control { id: control_id, name: row.control_name.as_deref() }),
        problem: row.problem.as_ref(),
        warnings: &row.warnings,
        ticket: row.ticket.as_ref().map(|(key, number)| Ticket {
            r#ref: number,
            class: &key.class,
            id: &key.id,
            desk: DeskName::of_class(&key.class).unless_itop(),
            url: addresses.ticket(key),
        }),
        attempts: row.attempts,
        next_attempt_at: row.next_attempt_at,
        received_at: row.received_at,
        updated_at: row.updated_at,
        ended_at: row.ended_at,
        links: Links {
            own: addresses.acknowledgement(row.id),
            of_control: control_links(row, addresses),
        },
        reason: row.reason.as_deref().filter(|_| row.state == State::Discarded),
        status: None,
    }
}

/// A control and its ticket.
pub(super) fn control(found: &TicketOfControl, board: &Board, addresses: &Addresses) -> Value {
    let mapping = &found.mapping;
    json!({
        "instance": mapping.instance,
        "control": {"id": mapping.control_id, "name": mapping.control_name},
        "company": mapping.company_key,
        "ticket": ticket(found, addresses),
        "pending": null,
        "as_of": board.as_of(&found.ticket),
        "stale": board.is_stale(&found.ticket),
        "links": addresses.links(&mapping.instance, &mapping.company_key, &mapping.control_id),
    })
}

/// What the acknowledgement told that a control's ticket was mapped for, and what became of the ticket.
pub(super) fn add_details(item: &mut Value, row: &BoardRow) {
    let (mapping, told) = (&row.found.mapping, &row.told);
    item["company_name"] = json!(told.company_name);
    item["site"] = site(told.site_key.as_deref(), told.site_name.as_deref());
    item["equipment"] = json!(mapping.equipment_name);
    item["acknowledged"] = json!({
        "acknowledgement": mapping.acknowledgement_id,
        "at": told.received_at,
        "by": told.author,
        "login": told.login,
        "state": mapping.control_state,
        "element_type": told.element_type,
    });
    item["ticket"]["group"] = json!(told.group);
}

/// The same of a control that has no ticket yet, by a row of it and what that says.
pub(super) fn add_details_of_row(
    item: &mut Value,
    row: &InboxRow,
    event: Option<&Acknowledgement>,
) {
    let author = event.and_then(|event| event.acknowledgement.author.as_ref());
    item["company_name"] = json!(row.company_name);
    let site_of_it = event.and_then(|event| event.site.as_ref());
    item["site"] = site_of_it
        .map_or(Value::Null, |party| site(Some(&party.key.to_string()), Some(party.label())));
    item["equipment"] =
        json!(event.and_then(|event| event.equipment.as_ref()).map(|equipment| &equipment.name));
    item["acknowledged"] = json!({
        "acknowledgement": row.id,
        "at": row.received_at,
        "by": author.map(Author::label),
        "login": author.and_then(|author| author.login.as_ref()),
        "state": event.map(|event| event.control.state),
        "element_type": event.map(|event| event.control.element_type),
    });
}

fn site(key: Option<&str>, name: Option<&str>) -> Value {
    key.map_or(Value::Null, |key| json!({"key": key, "name": name}))
}

/// A control without a ticket.
pub(super) fn control_without_ticket(row: &InboxRow, addresses: &Addresses) -> Value {
    json!({
        "instance": row.instance,
        "control": {"id": row.control_id, "name": row.control_name},
        "company": row.company_key,
        "ticket": null,
        "pending": null,
        "as_of": null,
        "stale": false,
        "links": control_links(row, addresses).map_or_else(
            || json!({"open": null, "badge": null, "embed": null}),
            |links| json!(links),
        ),
    })
}

/// The signed links to the ticket of a row's control, for its company.
fn control_links(row: &InboxRow, addresses: &Addresses) -> Option<ControlLinks> {
    if row.state == State::Rejected {
        // What was refused makes no control known.
        return None;
    }
    let (company, control) = (row.company_key.as_deref()?, row.control_id.as_deref()?);
    Some(addresses.links(&row.instance, company, control))
}

/// The one of a control's rows that its next ticket waits for: the newest of those that asked for
/// something, if that is not done.
pub(super) fn newest_pending<'r>(rows: &[&'r InboxRow]) -> Option<&'r InboxRow> {
    let asks = |row: &&&InboxRow| {
        !matches!(row.state, State::Recorded | State::Discarded | State::Rejected)
    };
    let newest = rows.iter().filter(asks).max_by_key(|row| row.id).copied();
    newest.filter(|row| is_pending(row))
}

/// Whether a control's next ticket waits for this acknowledgement.
fn is_pending(row: &InboxRow) -> bool {
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

/// A ticket of which nothing may be told but that it has been moved to where it cannot be seen.
fn hidden_ticket() -> Value {
    json!({
        "ref": null,
        "class": null,
        "id": null,
        "title": null,
        "status": null,
        "operational_status": null,
        "open": false,
        "presence": Presence::NotVisible,
        "moved": true,
        "priority": null,
        "team": null,
        "agent": null,
        "last_update": null,
        "url": null,
    })
}

fn ticket(found: &TicketOfControl, addresses: &Addresses) -> Value {
    if found.is_hidden {
        return hidden_ticket();
    }
    let known = &found.ticket;
    let status = &known.status;
    let mut ticket = json!({
        "ref": status.number,
        "class": status.key.class,
        "id": status.key.id,
        "title": status.title,
        "status": status.status,
        "operational_status": status.operational_status,
        "open": status.is_open() && known.presence == Presence::Present,
        "presence": known.presence,
        "moved": found.has_moved(),
        "priority": status.priority,
        "team": status.team,
        "agent": status.agent,
        "last_update": status.last_update,
        // Another ticket may have its id by now.
        "url": addresses.ticket(&status.key).filter(|_| known.presence != Presence::Deleted),
    });
    if let Some(desk) = DeskName::of_class(&status.key.class).unless_itop() {
        ticket["desk"] = json!(desk);
    }
    ticket
}
