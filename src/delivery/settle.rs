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
    itop::{ItopError, Marked},
    store::{Delivered, StoreError, UnknownRow},
};

/// How often unknown rows are looked for: a ticket that is there can be adopted at any time, only
/// its absence needs `settle`.
const LOOK: Duration = Duration::from_secs(5);

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
        let field = &inner.settings.ticket.marker_field;
        // The newest ticket that is known to carry a marker is searched for along with the others.
        let canary = inner.store.canary().await.ok().flatten();
        let mut markers: Vec<_> = wanted.iter().map(|search| search.marker.clone()).collect();
        markers.extend(canary.iter().map(|canary| canary.marker.clone()));
        let above = above.map(|floor| match &canary {
            Some(canary) => floor.min(canary.key.id.saturating_sub(1)),
            None => floor,
        });
        let outcome = inner.client.find_marked(&markers, field, above).await;
        inner.gate.after_read(&outcome);
        let mut found = outcome?;
        let seen = |canary: &crate::store::Canary| found.iter().any(|m| m.key == canary.key);
        let mut trusted = canary.as_ref().is_some_and(seen);
        if !trusted {
            let proof = inner.client.search_works(field).await;
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
            self.inner.clock.sleep(LOOK).await;
        }
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
            if search.trusted && !settled.is_empty() {
                self.give_absent_another_attempt(&settled).await?;
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
                if !others.is_empty() && row.target.is_none() {
                    let others: Vec<_> = others.iter().map(|m| m.key.to_string()).collect();
                    tracing::error!(
                        acknowledgement = row.id,
                        kept = %kept.key,
                        others = others.join(", "),
                        "two tickets were made for one acknowledgement; the older one is kept"
                    );
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
            self.inner.store.wait_until(row.id, self.inner.clock.now(), problem).await?;
        }
        self.wake();
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
            // It was there a moment ago; the row stays as it is and is looked at again.
            Ok(_) | Err(_) => {
                let problem = Problem::new("unknown", "The ticket was found and not yet read.");
                return inner.store.record_unknown(id, problem).await;
            }
        };
        tracing::info!(acknowledgement = id, ticket.key = %ticket.key, "ticket found again");
        let state = if is_reuse { State::Reused } else { State::Created };
        let has_marker = !is_reuse;
        let delivered = Delivered { state, ticket, warnings: Vec::new(), has_marker };
        self.record(id, delivered).await;
        Ok(())
    }
}
