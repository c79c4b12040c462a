//! Exactly once by a unique key: each ticket bears its marker in a field that no other can have the same
//! value in, so that a create whose answer was lost is simply sent again. What it meets then is told by the
//! key: the ticket is there, and is read by it.

mod create;
mod existing;
mod notes;

use std::{ops::Deref, sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    Blocked, Plan, PlanError, Planner,
    core::{Core, REFUSALS},
    in_flight::Written,
    line::{Line, Turns},
};
use crate::{
    desk::{DeskError, Keyed},
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
        marker::Marker,
        text::capitalised,
        ticket_status::TicketStatus,
    },
    store::{Delivered, StoreError, Waiting},
};

/// Deliveries to a ticket system with unique keys. Cheap to clone.
#[derive(Clone)]
pub(super) struct UniqueKey {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    core: Arc<Core>,
    keyed: Keyed,
    planner: Planner,
    /// Whose turn it is to write into a ticket that is there.
    turns: Turns,
}

/// What is had in common is used as its own.
impl Deref for UniqueKey {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.inner.core
    }
}

/// A row whose company has left for another ticket system, and whose ticket was not here when it was
/// looked for first.
const LOOKED_ONCE: &str = "left-unclear";

/// Ids of tickets say nothing of their order here: none bounds a search elsewhere.
const NO_FLOOR: u64 = i64::MAX.cast_unsigned();

/// How often what is to be done may be decided anew within one attempt, because the ticket to which
/// a note was to be added has changed meanwhile.
const DECISIONS: u32 = 3;

impl UniqueKey {
    pub(super) fn new(core: Core, keyed: Keyed, planner: Planner) -> Self {
        let inner = Inner { core: Arc::new(core), keyed, planner, turns: Turns::default() };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    pub(super) fn planner(&self) -> &Planner {
        &self.inner.planner
    }

    /// The request that would make a ticket.
    pub(super) async fn request(&self, plan: &Plan) -> Result<Value, PlanError> {
        let request = self.inner.keyed.request(&plan.ticket).await;
        self.gate.after_read(&request);
        request.map_err(PlanError::way)
    }

    /// What was being written when the last process ended is due again, and what a backup that was restored
    /// had not delivered.
    pub(super) async fn recover(&self) -> Result<usize, StoreError> {
        let notes_at = self.after(self.settings.delivery.settle.duration());
        self.store.repeat_restored(self.desk.name(), self.of.clone(), notes_at).await?;
        Ok(self.repeat_interrupted(None).await?.len())
    }

    /// The same for the rows of one control.
    pub(super) async fn repeat_interrupted(&self, id: Option<i64>) -> Result<Vec<i64>, StoreError> {
        let notes_at = self.after(self.settings.delivery.settle.duration());
        self.store.repeat_interrupted(self.desk.name(), id, notes_at).await
    }

    /// Takes the control's open ticket, or makes one.
    pub(super) async fn deliver_linked(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Written, PlanError> {
        // What may have been made already is what the same create meets; nothing else may be done for it.
        let is_repeated = row.was_sent && row.target.is_none() && row.desk == self.desk.name();
        if is_repeated {
            return self.create(row, event, link).await;
        }
        for _ in 0..DECISIONS {
            let Some(ticket) = self.existing_ticket(&row.instance, event, link).await? else {
                return self.create(row, event, link).await;
            };
            if let Some(written) = self.note(row, event, ticket).await? {
                return Ok(written);
            }
        }
        // It reads as one that can be noted on, and is none each time.
        let message = "The ticket changes each time a note is to be added.".to_owned();
        Err(PlanError::blocked(State::Blocked, "ticket-changed", message))
    }

    /// Looks for the note of an earlier attempt, which has no key; true if it was there and has been
    /// taken, or if that cannot be told yet. A ticket is not looked for: the same create is sent again.
    pub(super) async fn was_found_again(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        let Some(target) = row.target.as_ref().filter(|_| row.was_sent) else { return Ok(false) };
        let marker = Marker::new(&row.instance, &event.event_id);
        let noted = self.inner.keyed.is_noted(target, &marker).await;
        self.gate.after_read(&noted);
        match noted {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(error) => {
                self.wait_for_the_way(row, event, &error).await?;
                return Ok(true);
            }
        }
        let status = self.inner.keyed.current(&target.id).await;
        self.gate.after_read(&status);
        match status {
            Ok(Some(status)) => {
                self.take(row, State::Reused, status, None).await;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => {
                self.wait_for_the_way(row, event, &error).await?;
                Ok(true)
            }
        }
    }

    /// The same for a row whose company is linked to another ticket system by now: there its ticket has no
    /// key of here. Absent counts when it was so twice, as long apart as a write may take.
    pub(super) async fn was_found_before_it_left(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        if row.target.is_some() && self.was_found_again(row, event).await? {
            return Ok(true);
        }
        let marker = Marker::new(&row.instance, &event.event_id);
        let found = self.inner.keyed.by_marker(&marker).await;
        self.gate.after_read(&found);
        match found {
            Ok(Some(status)) => self.take(row, State::Created, status, None).await,
            Ok(None) if row.last_problem.as_deref() == Some(LOOKED_ONCE) => return Ok(false),
            Ok(None) => {
                let title = self.desk.name().title();
                let problem = Problem::new(
                    LOOKED_ONCE,
                    format!("Whether {title} has made a ticket for it is looked for once more."),
                );
                let settle = self.settings.delivery.settle.duration();
                let next = self.after(settle);
                self.store.wait_until(row.id, next, Duration::ZERO, problem).await?;
            }
            Err(error) => self.wait_for_the_way(row, event, &error).await?,
        }
        Ok(true)
    }

    /// What it refused for good.
    fn refused(&self, error: &DeskError) -> Problem {
        let code = format!("refused-by-{}", self.desk.name().code());
        Problem::new(&code, capitalised(&error.to_string()))
    }

    /// Writes down that a row has its ticket.
    async fn take(
        &self,
        row: &Waiting,
        state: State,
        ticket: TicketStatus,
        warnings: Option<Vec<String>>,
    ) {
        let what = if state == State::Created { "ticket created" } else { "open ticket reused" };
        tracing::info!(
            acknowledgement = row.id,
            ticket.number = ticket.number,
            ticket.key = %ticket.key,
            "{what}"
        );
        // What vouches for searches is a ticket that is searched for: none is here.
        let (has_marker, read_back_at) = (false, None);
        let delivered = Delivered { state, ticket, warnings, has_marker, read_back_at };
        self.record(vec![(row.id, delivered)]).await;
    }
}
