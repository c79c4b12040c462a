//! A ticket that is taken instead of a new one.

use super::{Blocked, Conditional, PlanError};
use crate::{
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
        keys::{Instance, TicketKey},
        ticket_status::{Identity, TicketStatus},
    },
    store::TicketOfControl,
};

impl Conditional {
    /// The ticket that the sender names, else the control's open one.
    pub(in crate::delivery) async fn existing_ticket(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Option<TicketStatus>, PlanError> {
        match &event.ticket.existing_ref {
            Some(number) => self.named_ticket(number, link).await.map(Some),
            None => self.open_ticket(instance, event, link).await,
        }
    }

    /// The ticket that the sender names; it must be one of this company.
    async fn named_ticket(
        &self,
        number: &str,
        link: &CompanyLink,
    ) -> Result<TicketStatus, PlanError> {
        let model = self.inner.catalog.ticket_model().await.map_err(PlanError::Way)?;
        let mut found = Vec::new();
        for class in model.classes {
            let tickets = self.inner.client.by_number(class, number).await;
            self.inner.gate.after_read(&tickets);
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

    /// The control's ticket, if it is to be reused: read live, still the same and open, and of the same
    /// organization.
    async fn open_ticket(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Option<TicketStatus>, PlanError> {
        let inner = &*self.inner;
        let Some(known) = self.known_ticket(instance, event).await? else { return Ok(None) };
        let (identity, before) = (&known.mapping.identity, &known.ticket.status);
        let TicketKey { class, id } = &before.key;
        let attributes = inner.catalog.marker_attributes();
        let markers: Vec<_> = identity.marker.iter().cloned().collect();
        let live = inner.client.marked_statuses(class, [id], &attributes, &markers).await;
        inner.gate.after_read(&live);
        let Some((ticket, borne)) = live.map_err(PlanError::way)?.pop() else { return Ok(None) };
        let fits = ticket.is_open() && ticket.org == link.org;
        Ok(Some(ticket).filter(|ticket| fits && identity.is_still(before, ticket, &borne)))
    }
}
