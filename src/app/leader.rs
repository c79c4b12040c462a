//! What is done at one place at a time: where the Term is held.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::{Reload, RunError, purge, tasks::Tasks};
use crate::{
    board::Refresher,
    config::DeliverySection,
    desk::Served,
    itop,
    store::{Standing, Term},
    web::AppState,
};

/// Delivers, keeps statuses fresh, tells hooks, keeps equipment and history, and purges, for a Term. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct Leader {
    inner: Arc<Parts>,
}

/// What it takes.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) state: AppState,
    pub(super) refresher: Refresher,
    pub(super) reload: Reload,
    pub(super) delivery: DeliverySection,
    pub(super) retention: Duration,
}

impl Leader {
    pub(super) fn new(parts: Parts) -> Self {
        Self { inner: Arc::new(parts) }
    }

    /// Waits for the Term, and leads; when it is over waits for the next one, until `stop`. Dropped before, it leaves
    /// what a killed process leaves, and the Term to whoever leads next: all that was remembered for it is gone.
    ///
    /// # Errors
    /// Where a task ends by itself: the process should end too.
    pub async fn lead(&self, stop: CancellationToken) -> Result<(), RunError> {
        let store = &self.inner.state.store;
        loop {
            let term = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                term = store.lead() => term,
                // Whoever follows asks ticket systems too, and must find out that they answer again.
                () = self.keep_gates() => return Err(RunError::Task("gate")),
            };
            if let Some(Standing::Leading(term)) = store.standing() {
                tracing::info!(term, "this instance leads");
            }
            let over = term.over();
            tokio::select! {
                biased;
                () = over.cancelled() => {}
                ended = self.lead_for(term, stop.clone()) => return ended,
            }
            // What went on for it is dropped by now.
            tracing::warn!(
                "this instance leads no more: another one does, or the database was lost"
            );
        }
    }

    /// Keeps watch over the gates, for as long as it is run.
    async fn keep_gates(&self) {
        join_all(self.inner.state.desks.iter().cloned().map(|served| self.keep_gate(served))).await;
    }

    fn keep_gate(&self, Served { catalog, gate }: Served) -> impl Future<Output = ()> + use<> {
        let Parts { reload, delivery: settings, .. } = &*self.inner;
        let (desk, reload) = (catalog.desk().clone(), reload.clone());
        let class = move || {
            let catalog = catalog.clone();
            async move { catalog.ticket_class().await.unwrap_or(itop::USER_REQUEST).to_owned() }
        };
        let renew = move || reload.secret_files();
        gate.keep(desk, class, renew, settings.clone())
    }

    /// Leads until `stop`.
    async fn lead_for(&self, term: Term, stop: CancellationToken) -> Result<(), RunError> {
        let Parts { state, refresher, retention, .. } = &*self.inner;
        // Before anything happens of which they are told.
        state.hooks.take_over(&term).await;
        let mut tasks = Tasks::until(stop.clone());
        let (delivery, its, until) = (state.delivery.clone(), term.clone(), stop.clone());
        tasks.start("deliveries", async move { delivery.run(its, &until).await });
        let (history, its) = (state.history.clone(), term.clone());
        tasks.start("history", async move { history.keep(&its, stop).await });
        for served in state.desks.iter().cloned() {
            tasks.start_endless("gate", self.keep_gate(served));
        }
        tasks.start_endless("board", refresher.clone().run(term.clone()));
        tasks.start_endless("hooks", state.hooks.clone().run(term.clone()));
        if let Some(federation) = state.federation.clone() {
            tasks.start_endless("federation", federation.run(term.clone()));
        }
        tasks.start_endless("purge", purge::keep(term, state.clock.clone(), *retention));
        tasks.ended().await
    }
}
