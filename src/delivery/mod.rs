//! Inbox → iTop, exactly once.
//!
//! A row is `accepted`; its turn comes (`dispatch`, as many at once as `in_flight` finds best for
//! iTop); it is resolved and planned (`plan`);
//! `creating` is committed before a write is sent (`write`); a clear answer ends it, and
//! without one it is `unknown` until a read settles it (`settle`).

mod attempt;
mod backoff;
mod dispatch;
mod existing;
mod in_flight;
mod outcomes;
mod plan;
mod rehearsal;
mod search;
mod settle;
mod write;

pub use plan::{Blocked, Plan, PlanError, Preview};

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::Catalog,
    clock::Clock,
    config,
    domain::{delivery_state::State, ticket_text::Templates},
    gate::Gate,
    itop::Client,
    store::Store,
};

/// What deliveries are told by the configuration.
#[derive(Debug)]
pub struct Settings {
    /// `[delivery]`.
    pub delivery: config::Delivery,
    /// `[ticket]`.
    pub ticket: config::Ticket,
    /// `[links]`.
    pub links: config::Links,
    /// The compiled templates of `[ticket]`.
    pub templates: Templates,
}

/// Everything that turns inbox rows into tickets. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    catalog: Catalog,
    client: Client,
    gate: Gate,
    clock: Clock,
    settings: Settings,
    outcomes: outcomes::Outcomes,
    wake: Notify,
    /// Cancelled when the bridge is told to stop.
    stopping: CancellationToken,
    /// A row has become unknown: it is looked for soon.
    unknown: Notify,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Delivery")
    }
}

impl Delivery {
    /// Wires deliveries up; nothing runs before [`Delivery::run`].
    #[must_use]
    pub fn new(
        store: Store,
        catalog: Catalog,
        client: Client,
        gate: Gate,
        clock: Clock,
        settings: Settings,
    ) -> Self {
        let inner = Inner {
            store,
            catalog,
            client,
            gate,
            clock,
            settings,
            outcomes: outcomes::Outcomes::default(),
            wake: Notify::new(),
            stopping: CancellationToken::new(),
            unknown: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Says that there may be something to do: a row was stored, retried or released.
    pub fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// Cancelled when the bridge is told to stop: who is answered as things happen ends then.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.inner.stopping.clone()
    }

    /// Waits until the row has come to an end or needs somebody, for `most` at most.
    pub async fn outcome(&self, id: i64, most: Duration) {
        let outcome = self.inner.outcomes.subscribe(id);
        // What ended before the subscription is seen by looking once more.
        match self.inner.store.acknowledgement(id).await {
            Ok(Some(row)) if row.state.is_under_way() => {}
            // Blocked and due: it was released or is tried again.
            Ok(Some(row)) if row.state == State::Blocked && row.next_attempt_at.is_none() => {}
            _ => return,
        }
        tokio::select! {
            () = outcome => {}
            () = self.inner.clock.sleep(most) => {}
            // A sender is answered with what is known rather than cut off.
            () = self.inner.stopping.cancelled() => {}
        }
    }
}
