//! Settling what is unknown, by reading (DESIGN, section 7).

use std::{collections::BTreeMap, time::Duration};

use super::Delivery;
use crate::{
    domain::{
        delivery_state::{Problem, State},
        keys::TicketKey,
        marker::Marker,
    },
    gate::GateState,
    itop::{ItopError, MARKER_LOG, Marked},
    store::{Canary, Delivered, StoreError, UnknownRow},
};

/// How often unknown rows are looked for: a ticket that is there can be adopted at any time, only
/// its absence needs `settle`.
const LOOK: Duration = Duration::from_secs(5);

/// How soon a row that has just become unknown is looked for.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// How many markers one query searches for.
const MARKERS_A_QUERY: usize = 50;

/// A marker to search for.
#[derive(Clone, Copy, Debug)]
pub(super) struct SearchFor<'a> {
    pub(super) marker: &'a Marker,
    /// No ticket up to this id can carry it.
    pub(super) floor: u64,
    /// The ticket that a line was to be added to.
    pub(super) target: Option<&'a TicketKey>,
}

/// What a search gave.
#[derive(Debug)]
pub(super) struct Search {
    /// The tickets that carry a marker, oldest first.
    pub(super) found: Vec<Marked>,
    /// Whether the same kind of search found a ticket that is known to be there: only then does
    /// not finding one mean that it is absent.
    pub(super) trusted: bool,
}

impl Delivery {
    /// Looks for tickets by marker, bounded to ids above the lowest floor.
    pub(super) async fn search(&self, wanted: &[SearchFor<'_>]) -> Result<Search, ItopError> {
        // A line may have been added to an old ticket, for which no bound holds.
        let bounded = wanted.iter().all(|search| search.target.is_none());
        let floor = wanted.iter().map(|search| search.floor).min().filter(|_| bounded);
        self.search_above(wanted, floor).await
    }

    async fn search_above(
        &self,
        wanted: &[SearchFor<'_>],
        above: Option<u64>,
    ) -> Result<Search, ItopError> {
        let inner = &*self.inner;
        let field = inner.settings.ticket.marker_field.as_str();
        // A line is always added to the private log, wherever tickets keep their own marker.
        let mut places: Vec<_> = wanted
            .iter()
            .map(|search| (if search.target.is_some() { MARKER_LOG } else { field }, search.marker))
            .collect();
        // The newest ticket that is known to carry a marker is searched for along with the others.
        let canary = inner.store.canary().await.ok().flatten();
        places.extend(canary.iter().map(|canary| (field, &canary.marker)));
        let above = above.map(|floor| match &canary {
            Some(canary) => floor.min(canary.key.id.saturating_sub(1)),
            None => floor,
        });
        let outcome = inner.client.find_marked(&places, above).await;
        inner.gate.after_read(&outcome);
        let mut found = outcome?;
        let seen = |canary: &Canary| found.iter().any(|marked| marked.key == canary.key);
        let mut trusted = canary.as_ref().is_some_and(seen);
        if !trusted {
            let floor = wanted.iter().map(|search| search.floor).min().unwrap_or(0);
            let proof = inner.client.search_works(field, floor).await;
            inner.gate.after_read(&proof);
            trusted = proof?;
        }
        found.retain(|marked| wanted.iter().any(|search| marked.markers.contains(search.marker)));
        found.sort_by_key(|marked| marked.key.id);
        Ok(Search { found, trusted })
    }

    /// Looks at the unknown rows again and again; runs until it is dropped.
    pub(super) async fn keep_settling(&self) -> Result<(), StoreError> {
        let mut gate = self.inner.gate.watch();
        loop {
            // The sender of this channel lives in `self`: an error cannot occur.
            let _ = gate.wait_for(|state| matches!(state, GateState::Open { .. })).await;
            self.settle_once().await?;
            self.look_late().await?;
            tokio::select! {
                () = self.inner.clock.sleep(LOOK) => {}
                // Most creates whose answer was lost are there a moment later.
                () = self.inner.unknown.notified() => self.inner.clock.sleep(FIRST_LOOK).await,
            }
        }
    }

    /// Looks once more at markers whose writes had no answer, long after they were settled: a
    /// request that was held back longer than `settle` may have made a second ticket.
    async fn look_late(&self) -> Result<(), StoreError> {
        let rows = self.inner.store.late_looks(MARKERS_A_QUERY).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let wanted: Vec<_> = rows
            .iter()
            .map(|row| SearchFor {
                marker: &row.marker,
                floor: row.id_floor,
                target: row.target.as_ref(),
            })
            .collect();
        let Ok(search) = self.search(&wanted).await else { return Ok(()) };
        for row in &rows {
            let tickets: Vec<_> =
                search.found.iter().filter(|m| m.markers.contains(&row.marker)).collect();
            let warning = (tickets.len() > 1).then(|| twins(row.id, &tickets));
            self.inner.store.finish_late_look(row.id, warning).await?;
        }
        Ok(())
    }

    async fn settle_once(&self) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let rows = inner.store.unknown().await?;
        for rows in rows.chunks(MARKERS_A_QUERY) {
            let GateState::Open { since } = inner.gate.state() else { return Ok(()) };
            let wanted: Vec<_> = rows
                .iter()
                .map(|row| SearchFor {
                    marker: &row.marker,
                    floor: row.id_floor,
                    target: row.target.as_ref(),
                })
                .collect();
            // A failure has told the gate; the rows stay unknown.
            let Ok(search) = self.search(&wanted).await else { return Ok(()) };
            let absent = self.adopt_found(rows, &search).await?;
            let settled: Vec<_> =
                absent.into_iter().filter(|row| self.has_settled(row.since.max(since))).collect();
            if settled.is_empty() {
                continue;
            }
            if search.trusted {
                self.give_absent_another_attempt(&settled).await?;
            } else {
                self.tell_unsearchable(&settled).await?;
            }
        }
        Ok(())
    }

    /// Adopts the tickets that were found; gives back the rows without one.
    async fn adopt_found<'r>(
        &self,
        rows: &'r [UnknownRow],
        search: &Search,
    ) -> Result<Vec<&'r UnknownRow>, StoreError> {
        let mut by_marker = BTreeMap::<&str, Vec<&Marked>>::new();
        for marked in &search.found {
            for marker in &marked.markers {
                by_marker.entry(marker.digits()).or_default().push(marked);
            }
        }
        let mut absent = Vec::new();
        for row in rows {
            let Some(tickets) = by_marker.get(row.marker.digits()) else {
                absent.push(row);
                continue;
            };
            if let [kept, others @ ..] = tickets.as_slice() {
                // The late look writes the same into the row, where operators see it.
                if !others.is_empty() {
                    twins(row.id, tickets);
                }
                self.adopt(row.id, kept, row.target.is_some()).await?;
            }
        }
        Ok(absent)
    }

    /// A last search without the id bound, because ids need not grow on clustered databases;
    /// then one new attempt.
    async fn give_absent_another_attempt(&self, rows: &[&UnknownRow]) -> Result<(), StoreError> {
        let wanted: Vec<_> = rows
            .iter()
            .map(|row| SearchFor { marker: &row.marker, floor: 0, target: row.target.as_ref() })
            .collect();
        let Ok(search) = self.search_above(&wanted, None).await else { return Ok(()) };
        if !search.trusted {
            return Ok(());
        }
        let rows: Vec<UnknownRow> = rows.iter().map(|row| (*row).clone()).collect();
        for row in self.adopt_found(&rows, &search).await? {
            tracing::info!(acknowledgement = row.id, "no ticket was made; trying again");
            let problem = Problem::new(
                "absent",
                "The ticket was looked for and is not there; it is created anew.",
            );
            self.inner.store.try_again(row.id, problem).await?;
        }
        self.wake();
        Ok(())
    }

    /// The rows stay unknown: nothing proves that a search would have found their tickets.
    async fn tell_unsearchable(&self, rows: &[&UnknownRow]) -> Result<(), StoreError> {
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

    /// Whether a write that was sent before `since` can no longer be running, counting only time
    /// in which iTop has answered reads.
    fn has_settled(&self, since: jiff::Timestamp) -> bool {
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
                let late_look = self.after(LOOK);
                return inner.store.record_unknown(id, problem, late_look).await;
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
