//! Exactly once by conditions: iTop has no key that could be unique, so that what must hold stands in
//! each write, and after one without a clear answer only a read decides.

mod adopt;
mod attempt;
mod create;
mod existing;
mod highest_id;
mod lines;
mod read_back;
mod recreate;
mod search;
mod settle;
mod unknown_since;
mod write;

use std::{ops::Deref, sync::Arc, time::Duration};

use tokio::sync::Notify;

pub(super) use existing::existing_ticket;

use super::{
    Blocked, Outlook, Plan, PlanError, backoff,
    core::{Core, LATE_LOOK, REFUSALS, TURNED_AWAY, turned_away},
    in_flight,
    line::{Line, READ_BACK, Turns},
    trace,
};
use crate::{itop::Client, store::StoreError};

/// Deliveries to iTop. Cheap to clone.
#[derive(Clone)]
pub(super) struct Conditional {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    core: Arc<Core>,
    client: Client,
    /// A row has become unknown: it is looked for soon.
    unknown: Notify,
    /// Since when rows are unknown.
    unknown_since: unknown_since::UnknownSince,
    /// Creates under way, and when one may be sent again.
    recreation: recreate::Recreation,
    /// Whose turn it is to write into a ticket that is there.
    turns: Turns,
    /// Lines were written: they are read back soon.
    lines_written: Notify,
    /// A new ticket's id was not above all others.
    ids_fell: Notify,
}

/// What is had in common is used as its own.
impl Deref for Inner {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

impl Deref for Conditional {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.inner.core
    }
}

impl Conditional {
    pub(super) fn new(core: Core, client: Client) -> Self {
        let inner = Inner {
            core: Arc::new(core),
            client,
            unknown: Notify::new(),
            unknown_since: unknown_since::UnknownSince::default(),
            recreation: recreate::Recreation::default(),
            turns: Turns::default(),
            lines_written: Notify::new(),
            ids_fell: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    /// The creates that iTop has been at for longer than this, by row, and for how long.
    pub(super) fn slow_creates(&self, than: Duration) -> Vec<(i64, Duration)> {
        self.inner.recreation.slow(than, self.inner.clock.moment())
    }

    /// A row's attempt has ended, however it did.
    pub(super) fn left(&self, id: i64) {
        self.inner.recreation.left(id);
    }

    /// The ticket that a probe of the way of creates has made, after which none is sent any more.
    pub(super) fn ticket_of_probe(&self) -> Option<String> {
        self.inner.recreation.probing_ended()
    }

    /// What was being written when the last Term ended has an unknown outcome; and a probe that has
    /// made a ticket was the last one. Tells how many rows were interrupted.
    pub(super) async fn recover(&self) -> Result<usize, StoreError> {
        let store = &self.inner.store;
        if let Some(ticket) = store.path_probe_ended().await? {
            self.inner.recreation.end_probing(ticket);
        }
        self.note_interrupted_lines().await?;
        let interrupted = self.inner.term.recover_interrupted(self.after(LATE_LOOK)).await?;
        self.inner.unknown_since.of(&store.unknown().await?, self.inner.began);
        Ok(interrupted)
    }
}
