//! Settling what is unknown, by reading (DESIGN, section 7).

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Delivery,
    backoff::backoff,
    search::{Search, SearchFor},
};
use crate::{
    domain::delivery_state::{Problem, State},
    gate::GateState,
    itop::Marked,
    store::{Delivered, StoreError, UnknownRow},
};

/// How often unknown rows are looked for: a ticket that is there can be adopted at any time, only
/// its absence needs `settle`.
const LOOK: Duration = Duration::from_secs(5);

/// How soon a row that has just become unknown is looked for.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// How many markers one look searches for: bounded by ids it is quick (ITOP.md).
const MARKERS_A_LOOK: usize = 50;

/// How many markers a search without a bound asks for: sixteen took eight seconds on 200,000
/// tickets (ITOP.md).
const MARKERS_A_SEARCH: usize = 10;

impl Delivery {
    /// Looks at the unknown rows again and again; runs until it is dropped.
    pub(super) async fn keep_settling(&self) -> Result<(), StoreError> {
        let mut gate = self.inner.gate.watch();
        loop {
            // The sender of this channel lives in `self`: an error cannot occur.
            let _ = gate.wait_for(|state| answers_since(state).is_some()).await;
            self.settle_once().await?;
            self.look_late().await?;
            tokio::select! {
                () = self.inner.clock.sleep(LOOK) => {}
                // Most creates whose answer was lost are there a moment later.
                () = self.inner.unknown.notified() => self.inner.clock.sleep(FIRST_LOOK).await,
            }
        }
    }

    async fn settle_once(&self) -> Result<(), StoreError> {
        let rows = self.inner.store.unknown().await?;
        // A line is looked for in its ticket alone, a new ticket among the new ones.
        let (lines, tickets): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.target.is_some());
        for rows in [tickets, lines].iter().flat_map(|rows| rows.chunks(MARKERS_A_LOOK)) {
            // A closed gate says that what failed concerns all of them.
            let Some(since) = answers_since(&self.inner.gate.state()) else { return Ok(()) };
            let wanted: Vec<_> = rows.iter().map(SearchFor::row).collect();
            let Ok(search) = self.look(&wanted).await else { continue };
            let absent = self.adopt_found(rows, &search).await?;
            let settled = |row: &UnknownRow| self.has_passed_settle(row.since.max(since));
            let settled: Vec<_> = absent.into_iter().filter(settled).collect();
            if !search.trusted {
                self.tell_unsearchable(&settled).await?;
                continue;
            }
            for rows in settled.chunks(MARKERS_A_SEARCH) {
                self.give_absent_another_attempt(rows).await?;
            }
        }
        Ok(())
    }

    /// Adopts the tickets that were found; gives back the rows without one.
    async fn adopt_found(
        &self,
        rows: &[UnknownRow],
        search: &Search,
    ) -> Result<Vec<UnknownRow>, StoreError> {
        let mut absent = Vec::new();
        for row in rows {
            let tickets = search.of(&row.marker);
            match (&row.target, tickets.as_slice()) {
                // iTop may copy the lines of a ticket to its children: only the target counts.
                (Some(target), _) => match tickets.iter().find(|ticket| ticket.key == *target) {
                    Some(ticket) => self.adopt(row.id, ticket, true).await?,
                    None => absent.push(row.clone()),
                },
                (None, []) => absent.push(row.clone()),
                (None, [kept, others @ ..]) => {
                    // The late look writes the same into the row, where operators see it.
                    if !others.is_empty() {
                        twins(row.id, &tickets);
                    }
                    self.adopt(row.id, kept, false).await?;
                }
            }
        }
        Ok(absent)
    }

    /// The search after which a ticket is absent; then one new attempt, after a wait that grows.
    async fn give_absent_another_attempt(&self, rows: &[UnknownRow]) -> Result<(), StoreError> {
        let settings = &self.inner.settings.delivery;
        let wanted: Vec<_> = rows.iter().map(SearchFor::row).collect();
        let Ok(search) = self.search(&wanted).await else { return Ok(()) };
        if !search.trusted {
            return Ok(());
        }
        for row in self.adopt_found(rows, &search).await? {
            if row.waited >= settings.give_up.duration() {
                let message = format!(
                    "Given up after {} attempts whose answers never came, and none of which made \
                     a ticket. Mend it, then retry.",
                    row.attempts
                );
                tracing::error!(
                    acknowledgement = row.id,
                    "an acknowledgement has failed: {message}"
                );
                self.inner.store.fail(row.id, Problem::new("given-up", message)).await?;
                continue;
            }
            tracing::info!(acknowledgement = row.id, "no ticket was made; trying again");
            let problem = Problem::new(
                "absent",
                "The ticket was looked for and is not there; it is created anew.",
            );
            let wait = backoff(settings, row.attempts);
            let since_sent = wait + settings.settle.duration();
            self.inner.store.wait_until(row.id, self.after(wait), since_sent, problem).await?;
        }
        self.wake();
        Ok(())
    }

    /// The rows stay unknown: nothing proves that a search would have found their tickets.
    async fn tell_unsearchable(&self, rows: &[UnknownRow]) -> Result<(), StoreError> {
        let field = &self.inner.settings.ticket.marker_field;
        let message = format!(
            "Whether the ticket was made cannot be told: no search in {field} finds anything in \
             this iTop. Run 'check --create-ticket', which makes a ticket to be found, or mend \
             the account's right to read {field}."
        );
        for row in rows {
            let problem = Problem::new("search-unproven", message.clone());
            if self.inner.store.note_unknown(row.id, problem).await? {
                tracing::error!(acknowledgement = row.id, "{message}");
            }
        }
        Ok(())
    }

    /// Looks once more at markers whose writes had no answer, long after they were settled: a
    /// request that was held back longer than `settle` may have made a second ticket.
    async fn look_late(&self) -> Result<(), StoreError> {
        let rows = self.inner.store.late_looks(MARKERS_A_LOOK).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let wanted: Vec<_> =
            rows.iter().map(|row| SearchFor { target: None, ..SearchFor::row(row) }).collect();
        let Ok(search) = self.look(&wanted).await else { return Ok(()) };
        if !search.trusted {
            return Ok(());
        }
        for row in &rows {
            let tickets = search.of(&row.marker);
            let warning = (tickets.len() > 1).then(|| twins(row.id, &tickets));
            self.inner.store.finish_late_look(row.id, warning).await?;
            if let (State::Failed, Some(ticket)) = (row.state, tickets.first()) {
                self.adopt(row.id, ticket, false).await?;
            }
        }
        Ok(())
    }

    /// Whether a write that was sent before `time` can no longer be running, counting only time
    /// in which iTop has answered reads.
    pub(super) fn has_settled_since(&self, time: Timestamp) -> bool {
        answers_since(&self.inner.gate.state())
            .is_some_and(|since| self.has_passed_settle(since.max(time)))
    }

    fn has_passed_settle(&self, since: Timestamp) -> bool {
        let passed = self.inner.clock.now().duration_since(since);
        Duration::try_from(passed)
            .is_ok_and(|passed| passed >= self.inner.settings.delivery.settle.duration())
    }

    /// Takes a ticket that was found by its marker.
    pub(super) async fn adopt(
        &self,
        id: i64,
        marked: &Marked,
        is_reuse: bool,
    ) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let live = inner.client.statuses(&marked.key.class, [marked.key.id]).await;
        inner.gate.after_read(&live);
        let ticket = match live {
            Ok(mut live) if !live.is_empty() => live.swap_remove(0),
            // It was there a moment ago, and is looked for again.
            Ok(_) | Err(_) => {
                let problem = Problem::new("unknown", "The ticket was found and not yet read.");
                return inner.store.record_unknown(id, problem, self.after(LOOK)).await;
            }
        };
        tracing::info!(acknowledgement = id, ticket.key = %ticket.key, "ticket found again");
        let state = if is_reuse { State::Reused } else { State::Created };
        let has_marker = !is_reuse;
        let delivered = Delivered { state, ticket, warnings: None, has_marker };
        self.record(id, delivered).await;
        Ok(())
    }
}

/// Since when iTop has answered reads, if it does.
fn answers_since(state: &GateState) -> Option<Timestamp> {
    match state {
        GateState::Open { since } => Some(*since),
        GateState::Closed { reason, since, .. } => reason.allows_reads().then_some(*since),
    }
}

/// Says loudly that one acknowledgement has several tickets; none is ever deleted.
fn twins(id: i64, tickets: &[&Marked]) -> String {
    let keys: Vec<_> = tickets.iter().map(|marked| marked.key.to_string()).collect();
    let warning = format!(
        "There are several tickets of this acknowledgement in iTop: {}. The oldest is kept; close \
         the others there.",
        keys.join(", ")
    );
    tracing::error!(acknowledgement = id, "{warning}");
    warning
}
