//! Exactly once by a unique key: each ticket bears its marker in a field that no other can have the same
//! value in, so that a create whose answer was lost is simply sent again. What it meets then is told by the
//! key: the ticket is there, and is read by it.

mod create;
mod existing;
mod found;
mod notes;

use std::{ops::Deref, sync::Arc};

pub(super) use existing::existing_ticket;

use super::{
    Blocked, Outlook, PlanError,
    core::{Core, REFUSALS},
    in_flight::Written,
    lane::LOOKED_ONCE,
    line::{Line, Turns},
};
use crate::{
    desk::{DeskError, Keyed},
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
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
    /// Whose turn it is to write into a ticket that is there.
    turns: Turns,
    restored_notes: found::RestoredNotes,
}

/// What is had in common is used as its own.
impl Deref for UniqueKey {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.inner.core
    }
}

/// Ids of tickets say nothing of their order here: none bounds a search elsewhere.
const NO_FLOOR: u64 = i64::MAX.cast_unsigned();

/// How often what is to be done may be decided anew within one attempt, because the ticket to which
/// a note was to be added has changed meanwhile.
const DECISIONS: u32 = 3;

impl UniqueKey {
    pub(super) fn new(core: Core, keyed: Keyed) -> Self {
        let (turns, restored_notes) = Default::default();
        let inner = Inner { core: Arc::new(core), keyed, turns, restored_notes };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    /// What was being written when the last Term ended is due again; and what a restore has left
    /// unknown is due here, and is looked for then. What may still be at work is waited for anew: how long
    /// ago it was sent only the time of day tells, which may have been set since.
    pub(super) async fn recover(&self) -> Result<usize, StoreError> {
        let name = self.desk.name();
        let settings = &self.settings.delivery;
        let (notes_at, left_at) = (settings.settle.duration(), settings.settle_unproven.duration());
        let (notes_at, left_at) = (self.after(notes_at), self.after(left_at));
        self.term.wait_anew(name, notes_at, LOOKED_ONCE, left_at).await?;
        let released = self.term.release_restored(name, self.of.clone()).await?;
        Ok(released + self.repeat_interrupted(None).await?.len())
    }

    /// The same for the rows of one control.
    pub(super) async fn repeat_interrupted(&self, id: Option<i64>) -> Result<Vec<i64>, StoreError> {
        let notes_at = self.after(self.settings.delivery.settle.duration());
        self.term.repeat_interrupted(self.desk.name(), id, notes_at).await
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
