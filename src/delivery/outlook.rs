//! What would become of an event at one ticket system. Nothing here writes: whoever is asked may look ahead,
//! whether deliveries run here or elsewhere.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{Plan, PlanError, Planner, Preview, Settings, conditional, unique_key};
use crate::{
    catalog::Catalog,
    clock::{Clock, Moment},
    config::OnOpenTicket,
    desk::{Desk, DeskName, ExactlyOnce, Served},
    domain::{
        acknowledgement::Acknowledgement, company_link::CompanyLink, keys::Instance,
        notice::Notice, ticket_status::TicketStatus, visible::Visible,
    },
    gate::Gate,
    resolve::Doubts,
    store::{Store, StoreError, TicketOfControl},
};

/// What it takes to look ahead at one ticket system.
pub(super) struct Outlook {
    pub(super) desk: Desk,
    pub(super) store: Store,
    pub(super) catalog: Catalog,
    pub(super) gate: Gate,
    pub(super) clock: Clock,
    pub(super) settings: Arc<Settings>,
    pub(super) planner: Planner,
    pub(super) exactly_once: ExactlyOnce,
}

impl Outlook {
    pub(super) fn new(
        store: Store,
        Served { catalog, gate }: Served,
        clock: Clock,
        settings: Arc<Settings>,
    ) -> Self {
        let desk = catalog.desk().clone();
        let exactly_once = desk.exactly_once();
        let planner = Planner::new(catalog.clone(), clock.clone(), settings.clone());
        let planner = match (&exactly_once, &settings.cmdb) {
            (ExactlyOnce::Conditional(_), Some(_)) => planner.with_federation(store.clone()),
            _ => planner,
        };
        Self { desk, store, catalog, gate, clock, settings, planner, exactly_once }
    }

    pub(super) fn name(&self) -> DeskName {
        self.desk.name()
    }

    /// Whether what must hold stands in each write.
    pub(super) fn has_conditions(&self) -> bool {
        matches!(self.exactly_once, ExactlyOnce::Conditional(_))
    }

    /// Notices in the language of the tickets.
    pub(super) fn say(&self, notices: &[Notice]) -> Vec<String> {
        self.settings.say(notices, self.name())
    }

    /// The code of a problem: it cannot be reached, or takes nothing.
    pub(super) fn unavailable(&self) -> String {
        format!("{}-unavailable", self.name().code())
    }

    pub(super) fn after(&self, wait: Duration) -> Moment {
        self.clock.moment().later(wait)
    }

    /// The control's ticket as it was last known, if open ones are reused and it is one of here.
    pub(super) async fn known_ticket(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
    ) -> Result<Option<TicketOfControl>, StoreError> {
        if event.ticket.new || self.settings.ticket.on_open_ticket == OnOpenTicket::Replace {
            return Ok(None);
        }
        let control = &event.control.id;
        let known = self.store.ticket_of_control(instance, control, &Visible::all()).await?;
        // A ticket that is elsewhere stays there, and is shown until there is one here.
        let is_here = |known: &TicketOfControl| {
            DeskName::of_class(&known.ticket.status.key.class) == self.name()
        };
        Ok(known.filter(|known| known.mapping.replaced.is_none() && is_here(known)))
    }

    /// The ticket that would be taken instead of a new one.
    pub(super) async fn existing_ticket(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Option<TicketStatus>, PlanError> {
        match &self.exactly_once {
            ExactlyOnce::Conditional(client) => {
                conditional::existing_ticket(self, client, instance, event, link).await
            }
            ExactlyOnce::UniqueKey(keyed) => {
                unique_key::existing_ticket(self, keyed, instance, event, link).await
            }
        }
    }

    /// The request that would make a ticket. `is_told_of_others`: how far ids have come says how many
    /// others there are.
    async fn request(&self, plan: &Plan, is_told_of_others: bool) -> Result<Value, PlanError> {
        match &self.exactly_once {
            ExactlyOnce::Conditional(client) => {
                let model = self.catalog.ticket_model().await.map_err(PlanError::Way)?;
                let floor =
                    if is_told_of_others { self.store.highest_ticket_id().await? } else { 0 };
                Ok(client.create_operation(&plan.ticket, &self.planner.terms(&model, floor)))
            }
            ExactlyOnce::UniqueKey(keyed) => {
                let request = keyed.request(&plan.ticket).await;
                self.gate.after_read(&request);
                request.map_err(PlanError::way)
            }
        }
    }

    /// What would become of an event now.
    pub(super) async fn look_ahead(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
        trusted_names: bool,
    ) -> Result<Preview, PlanError> {
        if let Some(ticket) = self.existing_ticket(instance, event, link).await? {
            return Ok(Preview::Reuse(Box::new(ticket)));
        }
        let plan = self.planner.plan(instance, event, link, &Doubts::default()).await?;
        let request = self.request(&plan, trusted_names).await?;
        Ok(Preview::Create(Box::new(plan), request))
    }
}
