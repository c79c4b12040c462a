//! Ticket statuses, read in batches: how many requests iTop sees depends on the tickets, not on
//! how many ask.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::{
    catalog::Catalog,
    clock::Clock,
    config,
    domain::{
        keys::{ControlId, Instance, OrgId, TicketKey},
        ticket_status::{Presence, TicketStatus},
    },
    gate::Gate,
    itop::{Client, ItopError},
    store::{BoardFilter, KnownTicket, Store, StoreError, TicketOfControl},
};

/// How long questions are gathered into one query.
const GATHER: Duration = Duration::from_millis(3);

/// How long an answer waits for iTop before it is given from what is known.
const PATIENCE: Duration = Duration::from_secs(3);

/// Questions that wait at most; askers wait beyond that.
const QUEUE: usize = 1_024;

/// Open tickets looked at in one round.
const OPEN_TICKETS: usize = 100_000;

/// The status of tickets. Cheap to clone.
#[derive(Clone)]
pub struct Board {
    store: Store,
    clock: Clock,
    gate: Gate,
    max_age: SignedDuration,
    questions: mpsc::Sender<Question>,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Board")
    }
}

struct Question {
    tickets: Vec<(TicketKey, OrgId)>,
    answered: oneshot::Sender<()>,
}

impl Question {
    fn answer(self) {
        // Whoever asked may have run out of patience.
        let _ = self.answered.send(());
    }
}

/// The part of the board that reads from iTop; runs until it is dropped.
pub struct Refresher {
    store: Store,
    clock: Clock,
    gate: Gate,
    client: Client,
    catalog: Catalog,
    settings: config::Board,
    questions: mpsc::Receiver<Question>,
    asker: Board,
}

impl std::fmt::Debug for Refresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refresher")
    }
}

impl Board {
    /// The board and what keeps it fresh.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Clock,
        gate: Gate,
        client: Client,
        catalog: Catalog,
        settings: config::Board,
    ) -> (Self, Refresher) {
        let (sender, questions) = mpsc::channel(QUEUE);
        let board = Self {
            store: store.clone(),
            clock: clock.clone(),
            gate: gate.clone(),
            max_age: signed(settings.max_age.duration()),
            questions: sender,
        };
        let asker = board.clone();
        let refresher =
            Refresher { store, clock, gate, client, catalog, settings, questions, asker };
        (board, refresher)
    }

    /// The ticket of a control with its status, read live where that is known to be old.
    pub async fn ticket_of_control(
        &self,
        instance: &Instance,
        control: &ControlId,
    ) -> Result<Option<TicketOfControl>, StoreError> {
        let known = self.store.ticket_of_control(instance, control).await?;
        if !self.refresh(known.iter()).await {
            return Ok(known);
        }
        self.store.ticket_of_control(instance, control).await
    }

    /// The tickets of many controls, likewise; unknown controls are left out.
    pub async fn tickets_of_controls(
        &self,
        instance: &Instance,
        controls: Vec<String>,
    ) -> Result<Vec<TicketOfControl>, StoreError> {
        let known = self.store.tickets_of_controls(instance, controls.clone()).await?;
        if !self.refresh(known.iter()).await {
            return Ok(known);
        }
        self.store.tickets_of_controls(instance, controls).await
    }

    /// A page of the board, likewise.
    pub async fn page(&self, filter: BoardFilter) -> Result<Vec<TicketOfControl>, StoreError> {
        let known = self.store.board(filter.clone()).await?;
        if !self.refresh(known.iter()).await {
            return Ok(known);
        }
        self.store.board(filter).await
    }

    /// Whether what is known of a ticket is older than it should be.
    #[must_use]
    pub fn is_stale(&self, ticket: &KnownTicket) -> bool {
        // An answer that waited for iTop is a little older than the limit when it is given.
        let limit = self.max_age.saturating_add(signed(PATIENCE));
        self.clock.now().duration_since(ticket.as_of) > limit
    }

    /// Asks iTop for the tickets among these whose status is old; true if it may have changed.
    async fn refresh<'t>(&self, tickets: impl Iterator<Item = &'t TicketOfControl>) -> bool {
        let oldest = self.clock.now().saturating_sub(self.max_age).unwrap_or(Timestamp::MIN);
        let old: Vec<_> = tickets
            .filter(|ticket| ticket.ticket.as_of < oldest)
            .map(|ticket| (ticket.ticket.status.key.clone(), ticket.ticket.status.org))
            .collect();
        if old.is_empty() || self.gate.refuses_reads().is_some() {
            return false;
        }
        let (answered, answer) = oneshot::channel();
        if self.questions.send(Question { tickets: old, answered }).await.is_err() {
            return false;
        }
        tokio::select! {
            answer = answer => answer.is_ok(),
            () = self.clock.sleep(PATIENCE) => false,
        }
    }
}

impl Refresher {
    /// Answers questions, and asks about open tickets that nobody has asked about for long.
    pub async fn run(mut self) {
        let asker = self.asker.clone();
        let refresh = self.settings.refresh.duration();
        let batch = self.settings.batch;
        let by_itself = async {
            loop {
                asker.clock.sleep(refresh / 2).await;
                asker.refresh_open(refresh, batch).await;
            }
        };
        tokio::select! {
            () = self.answer() => {}
            () = by_itself => {}
        }
    }

    async fn answer(&mut self) {
        let mut waiting = Vec::new();
        loop {
            if waiting.is_empty() && self.questions.recv_many(&mut waiting, QUEUE).await == 0 {
                return;
            }
            self.clock.sleep(GATHER).await;
            while let Ok(question) = self.questions.try_recv() {
                waiting.push(question);
            }
            let just_read = self.read_all(&waiting).await;
            for question in waiting.drain(..) {
                question.answer();
            }
            // What came in meanwhile may be answered by the same reads.
            while let Ok(question) = self.questions.try_recv() {
                if question.tickets.iter().all(|(key, _)| just_read.contains(key)) {
                    question.answer();
                } else {
                    waiting.push(question);
                }
            }
        }
    }

    /// Reads the tickets of all questions, each once; tells which could be read.
    async fn read_all(&self, questions: &[Question]) -> BTreeSet<TicketKey> {
        let mut by_class = BTreeMap::<String, BTreeMap<u64, OrgId>>::new();
        for (key, org) in questions.iter().flat_map(|question| &question.tickets) {
            by_class.entry(key.class.clone()).or_default().insert(key.id, *org);
        }
        let mut read = BTreeSet::new();
        for (class, ids) in by_class {
            let ids: Vec<_> = ids.into_iter().collect();
            for ids in ids.chunks(self.settings.batch) {
                if self.read(&class, ids).await.is_ok() {
                    let key = |id| TicketKey { class: class.clone(), id };
                    read.extend(ids.iter().map(|(id, _)| key(*id)));
                }
            }
        }
        read
    }

    async fn read(&self, class: &str, ids: &[(u64, OrgId)]) -> Result<(), ItopError> {
        let as_of = self.clock.now();
        let outcome = self.client.statuses(class, ids.iter().map(|(id, _)| *id)).await;
        self.gate.after_read(&outcome);
        let present = outcome?;
        let missing = self.missing(class, ids, &present).await;
        if let Err(error) = self.store.save_statuses(present, missing, as_of).await {
            tracing::error!(%error, "ticket statuses could not be saved");
        }
        Ok(())
    }

    /// What became of the tickets that were not in the answer: deleted only where the account
    /// sees the organization, because iTop leaves out without notice what it may not show.
    async fn missing(
        &self,
        class: &str,
        ids: &[(u64, OrgId)],
        present: &[TicketStatus],
    ) -> Vec<(TicketKey, Presence)> {
        let present: HashSet<_> = present.iter().map(|status| status.key.id).collect();
        let missing: Vec<_> = ids.iter().filter(|(id, _)| !present.contains(id)).collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let Ok(companies) = self.catalog.companies(self.catalog.on_miss()).await else {
            return Vec::new();
        };
        let sees = |org: OrgId| companies.listed.items.iter().any(|company| company.id == org);
        missing
            .into_iter()
            .map(|(id, org)| {
                let key = TicketKey { class: class.to_owned(), id: *id };
                (key, if sees(*org) { Presence::Deleted } else { Presence::NotVisible })
            })
            .collect()
    }
}

impl Board {
    /// Asks about the open tickets whose status is older than `age`.
    async fn refresh_open(&self, age: Duration, batch: usize) {
        if !self.gate.is_open() {
            return;
        }
        let before = self.clock.now().saturating_sub(signed(age)).unwrap_or(Timestamp::MIN);
        let stale = match self.store.stale_open_tickets(before, OPEN_TICKETS).await {
            Ok(stale) => stale,
            Err(error) => {
                tracing::error!(%error, "open tickets could not be listed");
                return;
            }
        };
        for tickets in stale.chunks(batch) {
            let (answered, answer) = oneshot::channel();
            let question = Question { tickets: tickets.to_vec(), answered };
            // One batch after another, and none while the way is closed: what stays stale is
            // asked about in the next round.
            if self.questions.send(question).await.is_err()
                || answer.await.is_err()
                || !self.gate.is_open()
            {
                return;
            }
        }
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
