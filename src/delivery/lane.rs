//! All deliveries to one ticket system, by how exactly-once is had there.

use std::{sync::Arc, time::Duration};

use tracing::Instrument as _;

use super::{
    PlanError, conditional::Conditional, core::Core, in_flight::Written, trace::Logged as _,
    unique_key::UniqueKey,
};
use crate::{
    desk::{DeskName, ExactlyOnce},
    domain::{
        acknowledgement::{Acknowledgement, Wants},
        delivery_state::Problem,
    },
    outgoing::in_trace,
    store::{StoreError, Waiting},
};

/// A row whose company has left for another ticket system, and whose ticket was not there when it was
/// looked for first.
pub(super) const LOOKED_ONCE: &str = "left-unclear";

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
        match core.exactly_once.clone() {
            ExactlyOnce::Conditional(client) => Self::Conditional(Conditional::new(core, client)),
            ExactlyOnce::UniqueKey(keyed) => Self::UniqueKey(UniqueKey::new(core, keyed)),
        }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        match self {
            Self::Conditional(lane) => lane.core(),
            Self::UniqueKey(lane) => lane.core(),
        }
    }

    pub(super) fn name(&self) -> DeskName {
        self.core().name()
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

    /// Looks for what an earlier write has made, wherever that may have been; true if it was there and
    /// has been adopted, or if that cannot be told yet.
    async fn was_found(&self, row: &Waiting, event: &Acknowledgement) -> Result<bool, StoreError> {
        let has_left = row.was_sent && row.desk != self.name();
        let first = if has_left {
            self.was_found_where_sent(row, event).await?
        } else {
            self.was_found_again(row, event).await?
        };
        // With one ticket system there is nothing else to ask.
        if first || self.core().of.is_none() || self.core().restored_lately().await?.is_none() {
            return Ok(first);
        }
        // A backup that was restored does not know where its company was linked after it.
        let was_asked = if has_left { row.desk } else { self.name() };
        let all = self.core().all.upgrade();
        let lanes = all.iter().flat_map(|all| all.iter());
        for lane in lanes.filter(|lane| lane.name() != was_asked) {
            if !lane.core().gate.is_way_open() {
                self.wait_for_desk(row, lane.name()).await?;
                return Ok(true);
            }
            if lane.was_found_after_restore(row, event).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks for it where it was sent: its company has moved to another ticket system since. Absent
    /// counts when it was so twice, as long apart as a write may take that nothing here could refuse.
    async fn was_found_where_sent(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        let all = self.core().all.upgrade();
        let other = all.iter().flat_map(|all| all.iter()).find(|lane| lane.name() == row.desk);
        let Some(other) = other else {
            self.core().wait_for_what_is_not_served(row, event).await?;
            return Ok(true);
        };
        // What it may have made where it cannot be asked must not be made here too.
        if !other.core().gate.is_way_open() {
            self.wait_for_desk(row, row.desk).await?;
            return Ok(true);
        }
        let found = match other {
            Self::Conditional(lane) => Box::pin(lane.was_found_again(row, event)).await?,
            Self::UniqueKey(lane) => lane.was_found_before_it_left(row, event).await?,
        };
        if found || row.last_problem.as_deref() == Some(LOOKED_ONCE) {
            return Ok(found);
        }
        let title = row.desk.title();
        let message = format!("Whether {title} has made a ticket for it is looked for once more.");
        let problem = Problem::new(LOOKED_ONCE, message);
        let core = self.core();
        let next = core.after(core.settings.delivery.settle_unproven.duration());
        core.term.wait_until(row.id, next, Duration::ZERO, problem).await?;
        Ok(true)
    }

    /// A backup was restored, and this may be where it was delivered after it.
    async fn was_found_after_restore(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Conditional(lane) => {
                // The ticket to which its last write was to add a line is none of here.
                let anywhere = Waiting { target: None, ..row.clone() };
                Box::pin(lane.was_found_again(&anywhere, event)).await
            }
            Self::UniqueKey(lane) => lane.was_found_after_restore(row, event).await,
        }
    }

    async fn wait_for_desk(&self, row: &Waiting, desk: DeskName) -> Result<(), StoreError> {
        let message = format!(
            "An earlier write may have gone to {}, which cannot be asked now whether it made a ticket.",
            desk.title()
        );
        self.core().wait_for_another(row, Problem::new("desk-unavailable", message)).await
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

    /// Tries to deliver a row whose turn has come.
    pub(super) async fn attempt(&self, id: i64) -> Result<Written, StoreError> {
        let tell = |error: &StoreError| {
            tracing::error!(acknowledgement = id, %error, "a delivery could not be written down");
        };
        if let Self::UniqueKey(_) = self
            && self.core().store.is_behind_another(id).await.inspect_err(tell)?
        {
            // One before it of its control, whose turn was read with its own, goes on later: first.
            return Ok(Written::Nothing);
        }
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
            self.core().term.fail(row.id, problem).await?;
            return Ok(Written::Nothing);
        };
        if self.was_found(&row, &event).await? {
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
                self.core().term.record_without_ticket(row.id, problem, warnings).await?;
                return Ok(Written::Nothing);
            }
        }
        let link = self.core().kept_link(&row.instance, event, row.trusted_names).await?;
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
