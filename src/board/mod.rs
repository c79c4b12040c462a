//! Ticket statuses, read in batches: how many requests iTop sees depends on the open tickets, not
//! on how many ask.

mod changed;
mod reader;
mod summaries;

pub use reader::Refresher;

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::{
    clock::{Clock, later},
    config,
    counting::Tally,
    desk::Desks,
    domain::{
        keys::{ControlId, Instance, TicketKey},
        ticket_status::Presence,
        visible::Visible,
    },
    store::{
        AgedTicket, BoardFilter, BoardPage, BoardSearch, BoardSummary, Controls, KnownTicket,
        Store, StoreError, TicketOfControl,
    },
};
use changed::Changed;
use summaries::Summaries;

/// How long an answer waits for iTop before it is given from what is known.
const PATIENCE: Duration = Duration::from_secs(3);

/// Questions that wait at most; askers wait beyond that.
const QUEUE: usize = 1_024;

/// The status of tickets. Cheap to clone.
#[derive(Clone)]
pub struct Board {
    /// For what the board does by itself.
    store: Store,
    /// For whoever asks.
    polled: Store,
    clock: Clock,
    desks: Desks,
    settings: config::Board,
    questions: mpsc::Sender<Question>,
    summaries: Summaries,
    changed: Changed,
    reads: Arc<Tally<3>>,
}

/// Whether somebody who asks would rather wait for iTop than be given what is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurry {
    /// It may take as long as a read of iTop does.
    No,
    /// What is known is given at once, and what is old is read afterwards: a page learns of that by itself.
    Yes,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Board")
    }
}

/// Tickets of one class whose status is wanted newer than the asker knows it.
struct Question {
    tickets: Vec<AgedTicket>,
    answered: oneshot::Sender<()>,
}

impl Board {
    /// The board and what keeps it fresh.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Clock,
        desks: Desks,
        settings: config::Board,
    ) -> (Self, Refresher) {
        let (sender, questions) = mpsc::channel(QUEUE);
        let polled = store.for_polls();
        let summaries = Summaries::new(polled.clone(), clock.clone());
        let changed = Changed::default();
        let board = Self {
            store,
            polled,
            clock,
            desks,
            settings,
            questions: sender,
            summaries,
            changed,
            reads: Arc::default(),
        };
        let refresher = Refresher::new(board.clone(), questions);
        (board, refresher)
    }

    /// What is seen of controls, their tickets read live where what is known of them is old; no other
    /// ticket is asked for.
    pub async fn controls(
        &self,
        instance: &Instance,
        controls: &[ControlId],
        visible: &Visible,
    ) -> Result<Controls, StoreError> {
        let known = self.polled.controls(instance, controls, visible).await?;
        if !self.refresh(known.tickets.iter().map(|known| &known.ticket)).await {
            return Ok(known);
        }
        self.polled.controls(instance, controls, visible).await
    }

    /// A page of the board, likewise.
    pub async fn page(&self, filter: BoardFilter) -> Result<Vec<TicketOfControl>, StoreError> {
        let known = self.polled.board(filter.clone()).await?;
        if !self.refresh(known.iter().map(|known| &known.ticket)).await {
            return Ok(known);
        }
        self.polled.board(filter).await
    }

    /// A page of what is looked for on the board.
    pub async fn search(&self, search: BoardSearch, hurry: Hurry) -> Result<BoardPage, StoreError> {
        let known = self.polled.search_board(search.clone()).await?;
        let tickets = known.rows.iter().map(|row| &row.found.ticket);
        if hurry == Hurry::Yes {
            let now = self.clock.at_latest();
            let soon_old = tickets.filter(|ticket| self.refresh_from(ticket) <= now);
            self.refresh_ahead(soon_old.map(KnownTicket::aged));
            return Ok(known);
        }
        if !self.refresh(tickets).await {
            return Ok(known);
        }
        self.polled.search_board(search).await
    }

    /// How many batches of statuses iTop has answered, how many have failed, and how many tickets were in
    /// those that were answered.
    #[must_use]
    pub fn reads(&self) -> [u64; 3] {
        self.reads.read()
    }

    /// When the status of an open ticket was read that is the oldest of all, as people read it.
    pub async fn oldest_open_status(&self) -> Result<Option<Timestamp>, StoreError> {
        let oldest = self.polled.oldest_open_status().await?;
        Ok(oldest.map(|as_of| self.clock.shown(as_of)))
    }

    /// The figures of what is seen of the board; they may be a moment old.
    pub async fn summary(&self, visible: &Visible) -> Result<Arc<BoardSummary>, StoreError> {
        self.summaries.of(visible).await
    }

    /// Until when what is known of a ticket is young enough to be given without asking iTop.
    #[must_use]
    pub fn fresh_until(&self, ticket: &KnownTicket) -> Timestamp {
        later(ticket.as_of, self.max_age(ticket))
    }

    /// When what is known of a ticket is read again before somebody has to wait for it.
    #[must_use]
    pub fn refresh_from(&self, ticket: &KnownTicket) -> Timestamp {
        later(ticket.as_of, self.max_age(ticket) * 3 / 4)
    }

    /// Whether what is known of a ticket is older than it should be.
    #[must_use]
    pub fn is_stale(&self, ticket: &KnownTicket) -> bool {
        // An answer that waited for iTop is a little older than the limit when it is given.
        self.clock.at_latest() > later(self.fresh_until(ticket), PATIENCE)
    }

    /// When what is known of a ticket was read, as people read it.
    #[must_use]
    pub fn as_of(&self, ticket: &KnownTicket) -> Timestamp {
        self.clock.shown(ticket.as_of)
    }

    /// Has tickets read again without waiting for it.
    pub fn refresh_ahead(&self, tickets: impl IntoIterator<Item = AgedTicket>) {
        for (question, _) in questions(tickets.into_iter().filter(|one| self.may_ask(&one.key))) {
            // Where many wait already, whoever asks later waits too.
            let _ = self.questions.try_send(question);
        }
    }

    /// Asks iTop for the tickets among these whose status is old; true if it may have changed.
    async fn refresh(&self, tickets: impl Iterator<Item = &KnownTicket> + Clone) -> bool {
        let now = self.clock.at_latest();
        // What will soon be old is asked for together with what is: it costs no request then.
        let soon = tickets.clone().filter(|ticket| self.refresh_from(ticket) <= now);
        let soon = soon.map(KnownTicket::aged);
        if tickets.clone().all(|ticket| now <= self.fresh_until(ticket)) {
            self.refresh_ahead(soon);
            return false;
        }
        let soon: Vec<_> = soon.filter(|ticket| self.may_ask(&ticket.key)).collect();
        if soon.is_empty() {
            return false;
        }
        tokio::select! {
            answered = self.ask(soon.into_iter()) => answered,
            () = self.clock.sleep(PATIENCE) => false,
        }
    }

    /// Whether the ticket system that has a ticket can be asked, as far as is known.
    fn may_ask(&self, ticket: &TicketKey) -> bool {
        self.desks.of_ticket(ticket).is_some_and(|served| served.gate.refuses_reads().is_none())
    }

    /// Asks about these tickets and waits; true if there was an answer.
    async fn ask(&self, tickets: impl Iterator<Item = AgedTicket>) -> bool {
        let mut answers = Vec::new();
        for (question, answer) in questions(tickets) {
            if self.questions.send(question).await.is_err() {
                return false;
            }
            answers.push(answer);
        }
        for answer in answers {
            if answer.await.is_err() {
                return false;
            }
        }
        true
    }

    /// The status of an open ticket changes soon, that of any other hardly ever.
    fn max_age(&self, ticket: &KnownTicket) -> Duration {
        let is_open = ticket.presence == Presence::Present && ticket.status.is_open();
        if is_open { &self.settings.max_age } else { &self.settings.refresh_ended }.duration()
    }
}

/// A question for each class, and where its answer comes.
fn questions(
    tickets: impl IntoIterator<Item = AgedTicket>,
) -> impl Iterator<Item = (Question, oneshot::Receiver<()>)> {
    let mut by_class = HashMap::<String, Vec<AgedTicket>>::new();
    for ticket in tickets {
        match by_class.get_mut(&ticket.key.class) {
            Some(tickets) => tickets.push(ticket),
            None => {
                by_class.insert(ticket.key.class.clone(), vec![ticket]);
            }
        }
    }
    by_class.into_values().map(|tickets| {
        let (answered, answer) = oneshot::channel();
        (Question { tickets, answered }, answer)
    })
}
