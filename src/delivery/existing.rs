//! A ticket that is taken instead of a new one.

use super::{Blocked, Delivery, PlanError};
use crate::{
    config::OnOpenTicket,
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
        keys::{Instance, TicketKey},
        ticket_status::TicketStatus,
    },
};

impl Delivery {
    /// The ticket that the sender names, else the control's open one.
    pub(super) async fn existing_ticket(
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
            found.extend(tickets.map_err(PlanError::Way)?);
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

    /// The control's ticket, if it is to be reused: read live, still open, same organization.
    async fn open_ticket(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Option<TicketStatus>, PlanError> {
        let inner = &*self.inner;
        if event.ticket.new || inner.settings.ticket.on_open_ticket == OnOpenTicket::Replace {
            return Ok(None);
        }
        let control = &event.control.id;
        let Some(known) = inner.store.ticket_of_control(instance, control).await? else {
            return Ok(None);
        };
        let TicketKey { class, id } = known.ticket.status.key;
        let live = inner.client.statuses(&class, [&id]).await;
        inner.gate.after_read(&live);
        let live = live.map_err(PlanError::Way)?.pop();
        Ok(live.filter(|ticket| ticket.is_open() && ticket.org == link.org))
    }
}
