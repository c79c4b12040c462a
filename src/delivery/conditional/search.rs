//! Looking for tickets by the markers they carry.

use super::Conditional;
use crate::{
    domain::{keys::TicketKey, marker::Marker},
    itop::{IDS_OUT_OF_ORDER, ItopError, MARKER_LOG, Marked, Within},
    store::{Canary, UnknownRow},
};

/// A marker to search for.
#[derive(Clone, Copy, Debug)]
pub(super) struct SearchFor<'a> {
    pub(super) marker: &'a Marker,
    /// No ticket up to this id can carry it.
    pub(super) floor: u64,
    /// The only ticket that can: the one that a line was to be added to.
    pub(super) target: Option<&'a TicketKey>,
}

impl<'a> SearchFor<'a> {
    pub(super) fn row(row: &'a UnknownRow) -> Self {
        Self { marker: &row.marker, floor: row.id_floor, target: row.target.as_ref() }
    }
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

impl Search {
    /// The tickets that carry this marker, oldest first.
    pub(super) fn of(&self, marker: &Marker) -> Vec<&Marked> {
        self.found.iter().filter(|marked| marked.markers.contains(marker)).collect()
    }
}

impl Conditional {
    /// The quick look: among the tickets to which lines were to be added, else above the lowest
    /// floor. What it finds is there; what it does not find may be there all the same.
    pub(super) async fn look(&self, wanted: &[SearchFor<'_>]) -> Result<Search, ItopError> {
        let targets: Vec<_> = wanted.iter().filter_map(|search| search.target).collect();
        let within = if targets.len() == wanted.len() {
            Within::Ids(targets.iter().map(|target| target.id.clone()).collect())
        } else {
            let floor = wanted.iter().map(|search| search.floor).min().unwrap_or(0);
            Within::Above(floor.saturating_sub(IDS_OUT_OF_ORDER))
        };
        self.look_within(wanted, within).await
    }

    /// The look after which a ticket can be called absent: once more without the bound, because
    /// ids need not grow on clustered databases.
    pub(super) async fn search(&self, wanted: &[SearchFor<'_>]) -> Result<Search, ItopError> {
        let quick = self.look(wanted).await?;
        let missing: Vec<_> = wanted
            .iter()
            .filter(|search| search.target.is_none() && quick.of(search.marker).is_empty())
            .copied()
            .collect();
        if missing.is_empty() || !quick.trusted {
            return Ok(quick);
        }
        let whole = self.look_within(&missing, Within::Anywhere).await?;
        let found = quick.found.into_iter().chain(whole.found).collect();
        Ok(Search { found, trusted: whole.trusted })
    }

    async fn look_within(
        &self,
        wanted: &[SearchFor<'_>],
        within: Within,
    ) -> Result<Search, ItopError> {
        let inner = &*self.inner;
        let field = inner.settings.ticket.marker_field.as_str();
        // A line is always added to the private log, wherever tickets keep their own marker.
        let mut places: Vec<_> = wanted.iter().map(|search| (field, search.marker)).collect();
        if field != MARKER_LOG {
            places.extend(wanted.iter().map(|search| (MARKER_LOG, search.marker)));
        }
        // The newest ticket that is known to carry a marker is searched for along with the others.
        let canary = inner.store.canary().await.ok().flatten();
        places.extend(canary.iter().map(|canary| (field, &canary.marker)));
        let within = match (&canary, within) {
            (Some(canary), Within::Ids(mut ids)) => {
                ids.push(canary.key.id.clone());
                Within::Ids(ids)
            }
            (Some(canary), Within::Above(floor)) => {
                Within::Above(floor.min(canary.key.sequence().saturating_sub(1)))
            }
            (_, within) => within,
        };
        let outcome = inner.client.find_marked(&places, &within).await;
        inner.gate.after_read(&outcome);
        let mut found = outcome?;
        let seen = |canary: &Canary| found.iter().any(|marked| marked.key == canary.key);
        let mut trusted = canary.as_ref().is_some_and(seen);
        let floor = wanted.iter().map(|search| search.floor).min().unwrap_or(0);
        let floor = floor.saturating_sub(IDS_OUT_OF_ORDER);
        if !trusted {
            trusted = self.search_works(field, floor).await?;
        }
        // What vouches for one attribute says nothing of the log in which lines stand.
        if trusted && field != MARKER_LOG && wanted.iter().any(|search| search.target.is_some()) {
            trusted = self.search_works(MARKER_LOG, floor).await?;
        }
        found.retain(|marked| wanted.iter().any(|search| marked.markers.contains(search.marker)));
        Ok(Search { found, trusted })
    }

    async fn search_works(&self, field: &str, floor: u64) -> Result<bool, ItopError> {
        let proof = self.inner.client.search_works(field, floor).await;
        self.inner.gate.after_read(&proof);
        proof
    }
}
