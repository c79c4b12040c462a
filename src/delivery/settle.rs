//! Settling what is unknown, by reading (DESIGN, section 7).

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Delivery,
    recreate::{Absent, Verdict},
    search::{Search, SearchFor},
};
use crate::{
    domain::{
        delivery_state::{Problem, State},
        notice::Notice,
        ticket_text::Language,
    },
    gate::GateState,
    itop::{Marked, PathProbe},
    store::{Delivered, StoreError, UnknownRow},
};

/// How often unknown rows are looked for: a ticket that is there can be adopted at any time, only
/// its absence needs `settle`.
const LOOK: Duration = Duration::from_secs(5);

/// How soon a row that has just become unknown is looked for.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// How many markers one look searches for: bounded by ids it is quick (ITOP.md).
const MARKERS_A_LOOK: usize = 50;

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
        let mut rows = self.inner.store.unknown().await?;
        // Whose create was sent again last comes last.
        rows.sort_by_key(|row| row.sent_at);
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
            for row in settled {
                self.give_absent_another_attempt(row, since).await?;
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
                        self.twins(row.id, &tickets);
                    }
                    self.adopt(row.id, kept, false).await?;
                }
            }
        }
        Ok(absent)
    }

    /// Lets the write of an absent row be sent again, if it may be: a line at once, because the
    /// condition that it carries leaves at most one of two, a create when the way is known to have
    /// been free. The attempt looks once more before it writes, without the bound of ids.
    async fn give_absent_another_attempt(
        &self,
        row: UnknownRow,
        open_since: Timestamp,
    ) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let settings = &inner.settings.delivery;
        if row.waited >= settings.give_up.duration() {
            let message = format!(
                "Given up after {} attempts whose answers never came, and none of which made a \
                 ticket. Mend it, then retry.",
                row.attempts
            );
            tracing::error!(acknowledgement = row.id, "an acknowledgement has failed: {message}");
            return inner.store.fail(row.id, Problem::new("given-up", message)).await;
        }
        if row.target.is_none() {
            let open_since = open_since.max(row.since);
            // A restored backup does not know when it was sent last.
            let restored = self.restored_lately().await?;
            let sent_at = restored.map_or(row.sent_at, |restored| row.sent_at.max(restored.at));
            let absent = Absent { id: row.id, sent_at, open_since };
            match inner.recreation.verdict(absent, inner.clock.now(), settings) {
                Verdict::Recreate => {}
                Verdict::Wait => return Ok(()),
                Verdict::Probe => {
                    self.probe_path();
                    return Ok(());
                }
            }
        }
        tracing::info!(acknowledgement = row.id, "no ticket was made; trying again");
        let problem = Problem::new(
            "absent",
            "The ticket was looked for and is not there; it is created anew.",
        );
        let waited = settings.settle.duration();
        inner.store.wait_until(row.id, inner.clock.now(), waited, problem).await?;
        self.wake();
        Ok(())
    }

    /// Sends a create that cannot succeed the way that creates go; one at a time. Nothing waits for
    /// it: what held a create would hold it too, for as long.
    fn probe_path(&self) {
        self.inner.recreation.probe_begun();
        let this = self.clone();
        tokio::spawn(async move {
            let inner = &*this.inner;
            let begun = inner.clock.now();
            let outcome = match inner.catalog.ticket_model().await {
                Ok(model) => inner.client.probe_path(model.class).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(PathProbe::Made(ticket)) => {
                    tracing::error!(
                        "iTop took a ticket that it should have refused: close {ticket} there. The \
                         way of creates is not probed any more; delivery.settle_unproven is waited \
                         for instead."
                    );
                    if let Err(error) = inner.store.end_path_probe(ticket.clone()).await {
                        tracing::error!(%error, "that could not be written down");
                    }
                    inner.recreation.end_probing(ticket);
                }
                outcome => {
                    let passed = outcome == Ok(PathProbe::Passed);
                    if let Err(error) = &outcome {
                        inner.gate.after_failure(error);
                    }
                    tracing::debug!(?outcome, "the way of creates was probed");
                    inner.recreation.probe_ended(begun, passed, inner.clock.now());
                }
            }
        });
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
            let warning = (tickets.len() > 1).then(|| self.twins(row.id, &tickets));
            self.inner.store.finish_late_look(row.id, warning).await?;
            if let (State::Failed, Some(ticket)) = (row.state, tickets.first()) {
                self.adopt(row.id, ticket, false).await?;
            }
        }
        Ok(())
    }

    /// Says loudly that one acknowledgement has several tickets; none is ever deleted.
    fn twins(&self, id: i64, tickets: &[&Marked]) -> String {
        let tickets = tickets.iter().map(|marked| marked.key.clone()).collect();
        let notice = Notice::Twins { tickets };
        tracing::error!(acknowledgement = id, "{}", notice.say(Language::En));
        notice.say(self.inner.settings.ticket.language)
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
        let delivered = Delivered {
            state,
            has_marker: !is_reuse,
            warnings: None,
            read_back_at: is_reuse
                .then(|| inner.turns.unsettled(&ticket.key, inner.clock.now()))
                .flatten(),
            ticket,
        };
        self.record(vec![(id, delivered)]).await;
        Ok(())
    }
}

/// Since when iTop has answered reads, if it does.
pub(super) fn answers_since(state: &GateState) -> Option<Timestamp> {
    match state {
        GateState::Open { since } => Some(*since),
        GateState::Closed { reason, since, .. } => reason.allows_reads().then_some(*since),
    }
}
