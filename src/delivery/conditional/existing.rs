//! A ticket that is taken instead of a new one.

use super::{Blocked, Conditional, Outlook, PlanError};
use crate::{
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
        keys::{Instance, TicketKey},
        ticket_status::{Identity, TicketStatus},
    },
    itop::Client,
    store::TicketOfControl,
};

/// The ticket that the sender names, else the control's open one.
pub(in crate::delivery) async fn existing_ticket(
    outlook: &Outlook,
    client: &Client,
    instance: &Instance,
    event: &Acknowledgement,
    link: &CompanyLink,
) -> Result<Option<TicketStatus>, PlanError> {
    match &event.ticket.existing_ref {
        Some(number) => named_ticket(outlook, client, number, link).await.map(Some),
        None => open_ticket(outlook, client, instance, event, link).await,
    }
}

/// The ticket that the sender names; it must be one of this company.
async fn named_ticket(
    outlook: &Outlook,
    client: &Client,
    number: &str,
    link: &CompanyLink,
) -> Result<TicketStatus, PlanError> {
    let model = outlook.catalog.ticket_model().await.map_err(PlanError::Way)?;
    let mut found = Vec::new();
    for class in model.classes {
        let tickets = client.by_number(class, number).await;
        outlook.gate.after_read(&tickets);
        found.extend(tickets.map_err(PlanError::way)?);
    }
    found.retain(|ticket| ticket.org == link.org);
    let message = match found.as_slice() {
        [ticket] => return Ok(ticket.clone()),
        [] => format!("Organization '{}' has no ticket {number} in iTop.", link.org_name),
        several => {
            let keys: Vec<_> = several.iter().map(|ticket| ticket.key.to_string()).collect();
            format!("There are several tickets {number}: {}.", keys.join(", "))
        }
    };
    Err(PlanError::Blocked(Blocked {
        state: State::Failed,
        problem: Problem::new("ticket-not-found", message),
        warnings: Vec::new(),
    }))
}

/// The control's ticket, if it is to be reused: read live, still the same and open, and of the same
/// organization.
async fn open_ticket(
    outlook: &Outlook,
    client: &Client,
    instance: &Instance,
    event: &Acknowledgement,
    link: &CompanyLink,
) -> Result<Option<TicketStatus>, PlanError> {
    let Some(known) = outlook.known_ticket(instance, event).await? else { return Ok(None) };
    let (identity, before) = (&known.mapping.identity, &known.ticket.status);
    let TicketKey { class, id } = &before.key;
    let attributes = outlook.catalog.marker_attributes();
    let markers: Vec<_> = identity.marker.iter().cloned().collect();
    let live = client.marked_statuses(class, [id], &attributes, &markers).await;
    outlook.gate.after_read(&live);
    let Some((ticket, borne)) = live.map_err(PlanError::way)?.pop() else { return Ok(None) };
    let fits = ticket.is_open() && ticket.org == link.org;
    Ok(Some(ticket).filter(|ticket| fits && identity.is_still(before, ticket, &borne)))
}

impl Conditional {
    /// Whether the id of a ticket that controls point at belongs to another ticket by now.
    pub(super) async fn is_replaced(&self, ticket: &TicketKey) -> Result<bool, PlanError> {
        let inner = &*self.inner;
        let mapped = inner.store.controls_of_tickets(vec![ticket.clone()]).await?;
        let markers: Vec<_> =
            mapped.iter().filter_map(|found| found.mapping.identity.marker.clone()).collect();
        let attributes = inner.catalog.marker_attributes();
        let live =
            inner.client.marked_statuses(&ticket.class, [&ticket.id], &attributes, &markers).await;
        inner.gate.after_read(&live);
        let Some((now, borne)) = live.map_err(PlanError::way)?.pop() else { return Ok(false) };
        // A log that somebody has written anew has lost its marker: here the number is enough.
        let is_still = |found: &TicketOfControl| {
            let identity = Identity { by_number: true, ..found.mapping.identity.clone() };
            identity.is_still(&found.ticket.status, &now, &borne)
        };
        Ok(!mapped.is_empty() && !mapped.iter().any(is_still))
    }
}
