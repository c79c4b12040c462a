//! A ticket that is taken instead of a new one.

use super::{Outlook, PlanError};
use crate::{
    desk::{Keyed, Words},
    domain::{
        acknowledgement::Acknowledgement, company_link::CompanyLink, delivery_state::State,
        keys::Instance, ticket_status::TicketStatus,
    },
};

/// The ticket that the sender names, else the control's open one.
pub(in crate::delivery) async fn existing_ticket(
    outlook: &Outlook,
    keyed: &Keyed,
    instance: &Instance,
    event: &Acknowledgement,
    link: &CompanyLink,
) -> Result<Option<TicketStatus>, PlanError> {
    match &event.ticket.existing_ref {
        Some(number) => named_ticket(outlook, keyed, number, link).await.map(Some),
        None => open_ticket(outlook, keyed, instance, event, link).await,
    }
}

/// The ticket that the sender names; it must be one of this company.
async fn named_ticket(
    outlook: &Outlook,
    keyed: &Keyed,
    number: &str,
    link: &CompanyLink,
) -> Result<TicketStatus, PlanError> {
    let found = keyed.by_number(number).await;
    outlook.gate.after_read(&found);
    let mut found = found.map_err(PlanError::way)?;
    found.retain(|ticket| ticket.org == link.org);
    let Words { company, ticket, .. } = keyed.words();
    let title = outlook.name().title();
    let message = match found.as_slice() {
        [ticket] => return Ok(ticket.clone()),
        [] => format!("{company} '{}' has no {ticket} {number} in {title}.", link.org_name),
        several => {
            let keys: Vec<_> = several.iter().map(|ticket| ticket.key.to_string()).collect();
            format!("There are several {ticket}s {number}: {}.", keys.join(", "))
        }
    };
    Err(PlanError::blocked(State::Failed, "ticket-not-found", message))
}

/// The control's ticket, if it is to be reused: one of here, read live, open, and of the same company.
/// Ids are given once: that it is still the same needs no proof.
async fn open_ticket(
    outlook: &Outlook,
    keyed: &Keyed,
    instance: &Instance,
    event: &Acknowledgement,
    link: &CompanyLink,
) -> Result<Option<TicketStatus>, PlanError> {
    let Some(known) = outlook.known_ticket(instance, event).await? else { return Ok(None) };
    let live = keyed.current(&known.ticket.status.key.id).await;
    outlook.gate.after_read(&live);
    let live = live.map_err(PlanError::way)?;
    Ok(live.filter(|ticket| ticket.is_open() && ticket.org == link.org))
}
