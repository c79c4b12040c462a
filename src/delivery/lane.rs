//! All deliveries to one ticket system, by how exactly-once is had there.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tracing::Instrument as _;

use super::{
    Conditional, Plan, PlanError, Preview,
    core::Core,
    in_flight::Written,
    plan::{KeepLink, Planner},
    trace::Logged as _,
    unique_key::UniqueKey,
};
use crate::{
    desk::{DeskName, ExactlyOnce},
    domain::{
        acknowledgement::{Acknowledgement, Wants},
        company_link::CompanyLink,
        delivery_state::Problem,
        keys::Instance,
        ticket_status::TicketStatus,
    },
    outgoing::in_trace,
    resolve::Doubts,
    store::{StoreError, Waiting},
};

/// All deliveries to one ticket system. Cheap to clone.
#[derive(Clone)]
pub(super) enum Lane {
    /// What must hold stands in each write as a condition.
    Conditional(Conditional),
    /// Each ticket has its marker in a unique field.
    UniqueKey(UniqueKey),
}

impl Lane {
    pub(super) fn new(core: Core) -> Self {
        let planner = Planner::new(core.catalog.clone(), core.clock.clone(), core.settings.clone());
        match core.desk.exactly_once() {
            ExactlyOnce::Conditional(client) => {
                let planner = match core.settings.cmdb {
                    Some(_) => planner.with_federation(core.store.clone()),
                    None => planner,
                };
                Self::Conditional(Conditional::new(core, client, planner))
            }
            ExactlyOnce::UniqueKey(keyed) => Self::UniqueKey(UniqueKey::new(core, keyed, planner)),
        }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        match self {
            Self::Conditional(lane) => lane.core(),
            Self::UniqueKey(lane) => lane.core(),
        }
    }

    pub(super) fn name(&self) -> DeskName {
        self.core().desk.name()
    }

    pub(super) fn planner(&self) -> &Planner {
        match self {
            Self::Conditional(lane) => lane.planner(),
            Self::UniqueKey(lane) => lane.planner(),
        }
    }

    /// What is under way there and took long, by row.
    pub(super) fn slow_creates(&self, than: Duration) -> Vec<(i64, Duration)> {
        match self {
            Self::Conditional(lane) => lane.slow_creates(than),
            Self::UniqueKey(_) => Vec::new(),
        }
    }

    /// A row's attempt has ended, however it did.
    pub(super) fn left(&self, id: i64) {
        match self {
            Self::Conditional(lane) => lane.left(id),
            Self::UniqueKey(_) => {}
        }
    }

    /// Looks for what an earlier write has made, where that was sent: its company may have moved to
    /// another ticket system since. True if it was there and has been adopted, or if that cannot be
    /// told yet.
    async fn was_found_where_sent(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        if !row.was_sent || row.desk == self.name() {
            return self.was_found_again(row, event).await;
        }
        let all = self.core().all.upgrade();
        let other = all.iter().flat_map(|all| &all.lanes).find(|lane| lane.name() == row.desk);
        match other {
            None => {
                self.core().wait_for_what_is_not_served(row, event).await?;
                Ok(true)
            }
            Some(other) if other.core().gate.is_open() => match other {
                Self::Conditional(lane) => Box::pin(lane.was_found_again(row, event)).await,
                Self::UniqueKey(lane) => lane.was_found_before_it_left(row, event).await,
            },
            // It cannot be asked: what it may have made must not be made here too.
            Some(_) => {
                let title = row.desk.title();
                let problem = Problem::new(
                    "desk-unavailable",
                    format!(
                        "An earlier write went to {title}, which cannot be asked now whether it made \
                         a ticket."
                    ),
                );
                self.core().wait_for_another(row, problem).await?;
                Ok(true)
            }
        }
    }

    async fn was_found_again(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Conditional(lane) => lane.was_found_again(row, event).await,
            Self::UniqueKey(lane) => lane.was_found_again(row, event).await,
        }
    }

    /// The ticket that would be taken instead of a new one.
    pub(super) async fn existing_ticket(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Option<TicketStatus>, PlanError> {
        match self {
            Self::Conditional(lane) => lane.existing_ticket(instance, event, link).await,
            Self::UniqueKey(lane) => lane.existing_ticket(instance, event, link).await,
        }
    }

    /// The request that would make a ticket. `is_told_of_others`: how far ids have come says how many
    /// others there are.
    async fn request(&self, plan: &Plan, is_told_of_others: bool) -> Result<Value, PlanError> {
        match self {
            Self::Conditional(lane) => lane.request(plan, is_told_of_others).await,
            Self::UniqueKey(lane) => lane.request(plan).await,
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
        let plan = self.planner().plan(instance, event, link, &Doubts::default()).await?;
        let request = self.request(&plan, trusted_names).await?;
        Ok(Preview::Create(Box::new(plan), request))
    }

    /// Tries to deliver a row whose turn has come.
    pub(super) async fn attempt(&self, id: i64) -> Result<Written, StoreError> {
        let tell = |error: &StoreError| {
            tracing::error!(acknowledgement = id, %error, "a delivery could not be written down");
        };
        let waiting = self.core().store.waiting(id).await.inspect_err(tell)?;
        let Some(row) = waiting else { return Ok(Written::Nothing) };
        let (span, trace) = (row.span(), row.trace.clone());
        // It is large, and would be copied from one wrapping into the next.
        let attempt = Box::pin(async { self.attempt_row(row).await.inspect_err(tell) });
        in_trace(&trace, attempt).instrument(span).await
    }

    async fn attempt_row(&self, row: Waiting) -> Result<Written, StoreError> {
        let Some(event) = row.event() else {
            // It was checked when it was stored, so a later version reads it otherwise.
            let problem = Problem::new(
                "unreadable",
                "The stored acknowledgement can no longer be read by this version of the bridge.",
            );
            self.core().store.fail(row.id, problem).await?;
            return Ok(Written::Nothing);
        };
        if self.was_found_where_sent(&row, &event).await? {
            return Ok(Written::Nothing);
        }
        match self.deliver(&row, &event).await {
            Ok(written) => return Ok(written),
            Err(PlanError::Store(error)) => return Err(error),
            Err(PlanError::Way(error)) => {
                self.core().wait_for_the_way(&row, &event, &error).await?;
            }
            Err(PlanError::Blocked(blocked)) => {
                self.core().end_without_ticket(&row, &event, blocked).await?;
            }
        }
        Ok(Written::Nothing)
    }

    async fn deliver(&self, row: &Waiting, event: &Acknowledgement) -> Result<Written, PlanError> {
        match event.wants() {
            Wants::Ticket => {}
            Wants::Rehearsal => {
                self.rehearse(row, event).await?;
                return Ok(Written::Nothing);
            }
            // It was stored by another version, to which it was another kind of event.
            Wants::Record(why) => {
                let problem = Problem::new("no-ticket-wanted", why);
                let warnings = self.core().say(&event.notices);
                self.core().store.record_without_ticket(row.id, problem, warnings).await?;
                return Ok(Written::Nothing);
            }
        }
        let keep = if row.trusted_names { KeepLink::Yes } else { KeepLink::Never };
        let link = self.core().link(&row.instance, event, keep).await?;
        if link.desk != self.name() {
            // It was linked elsewhere since its turn was read: there it has another one.
            self.core().store.turns_may_have_changed();
            return Ok(Written::Nothing);
        }
        match self {
            Self::Conditional(lane) => lane.deliver_linked(row, event, &link).await,
            Self::UniqueKey(lane) => lane.deliver_linked(row, event, &link).await,
        }
    }
}
