//! What handlers can ask for.

use std::sync::Arc;

use axum::extract::FromRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Addresses, ApiTokens, ControlAnswers, Looks, Templates, share::Receiving};
use crate::{
    board::Board, catalog::Catalog, check::Checks, clock::Clock, cmdb::Federation, config,
    delivery::Delivery, desk::Desks, history::History, hooks::Hooks, migrate::watch::Watch,
    store::Store, tls::Shown,
};

/// Everything behind the routes; a handler takes the parts that it uses. One pointer, because
/// each request clones it.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Parts>);

/// What there is behind the routes.
#[derive(Debug)]
#[expect(missing_docs, reason = "the parts are documented where they are defined")]
pub struct Parts {
    pub store: Store,
    pub desks: Desks,
    pub catalog: Catalog,
    pub delivery: Delivery,
    pub board: Board,
    pub clock: Clock,
    pub tokens: ApiTokens,
    pub addresses: Addresses,
    pub answers: ControlAnswers,
    pub rooms: Rooms,
    pub config: config::Current,
    pub checks: Checks,
    pub history: History,
    pub hooks: Hooks,
    pub federation: Option<Federation>,
    pub migration: Option<Watch>,
    pub looks: Looks,
    pub templates: Templates,
    pub tls: Option<Shown>,
}

/// What there can be only so much of at once, so that the rest stays for others. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// Event streams.
    pub(super) streams: Arc<Semaphore>,
    most_streams: usize,
    /// Bodies that are long, or whose length is not told, while they come.
    pub(super) long_bodies: Arc<Semaphore>,
    /// Lists of equipment among these: each is read row by row, and its rows are held until they are stored.
    pub(super) lists: Arc<Semaphore>,
    /// Posts that wait for their outcome.
    waiting: Arc<Semaphore>,
}

/// A connection on which an outcome is waited for, until it is dropped.
pub(super) struct PlaceToWait {
    _of_all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

/// Long bodies that are read at once: all together they have 64 MiB.
const LONG_BODIES: usize = 8;

/// Lists of equipment that are read at once: the rows of one take some 40 MB.
const LISTS: usize = 2;

impl Rooms {
    /// What fits where there are so many connections: half of them are never event streams.
    #[must_use]
    pub fn beside(connections: usize) -> Self {
        let of = |places| Arc::new(Semaphore::new(places));
        let most_streams = connections / 2;
        Self {
            streams: of(most_streams),
            most_streams,
            long_bodies: of(LONG_BODIES),
            lists: of(LISTS),
            waiting: of(connections / 2),
        }
    }

    /// A place to wait for an outcome, if there is one now among all and one of this caller's.
    pub(super) fn place_to_wait(&self, receiving: &Receiving) -> Option<PlaceToWait> {
        Some(PlaceToWait {
            _of_all: self.waiting.clone().try_acquire_owned().ok()?,
            _own: receiving.waiting()?,
        })
    }

    /// How many event streams are open, and may be at most.
    pub(super) fn open_streams(&self) -> (usize, usize) {
        let free = self.streams.available_permits();
        (self.most_streams.saturating_sub(free), self.most_streams)
    }
}

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

macro_rules! part {
    ($($part:ident: $kind:ty),* $(,)?) => {$(
        impl FromRef<AppState> for $kind {
            fn from_ref(state: &AppState) -> Self {
                state.$part.clone()
            }
        }
    )*};
}

part! {
    store: Store,
    desks: Desks,
    catalog: Catalog,
    delivery: Delivery,
    board: Board,
    clock: Clock,
    tokens: ApiTokens,
    addresses: Addresses,
    answers: ControlAnswers,
    rooms: Rooms,
    config: config::Current,
    checks: Checks,
    history: History,
}
