//! What is done at one place at a time: where the Term is held.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Reload, RunError, purge, tasks::Tasks};
use crate::{board::Refresher, config::DeliverySection, desk::Served, itop, web::AppState};

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

    /// Waits for the Term, and leads until `stop`. Dropped before, it leaves what a killed process leaves, and the
    /// Term to whoever leads next: all that was remembered for it is gone.
    ///
    /// # Errors
    /// Where a task ends by itself: the process should end too.
    pub async fn lead(&self, stop: CancellationToken) -> Result<(), RunError> {
        let Parts { state, refresher, reload, delivery: settings, retention } = &*self.inner;
        let Some(term) = stop.run_until_cancelled(state.store.lead()).await else { return Ok(()) };
        let mut tasks = Tasks::until(stop.clone());
        let (delivery, its, until) = (state.delivery.clone(), term.clone(), stop.clone());
        tasks.start("deliveries", async move { delivery.run(its, &until).await });
        let (history, its) = (state.history.clone(), term.clone());
        tasks.start("history", async move { history.keep(&its, stop).await });
        for Served { catalog, gate } in state.desks.iter().cloned() {
            let (desk, reload) = (catalog.desk().clone(), reload.clone());
            let class = move || {
                let catalog = catalog.clone();
                async move { catalog.ticket_class().await.unwrap_or(itop::USER_REQUEST).to_owned() }
            };
            let renew = move || reload.secret_files();
            tasks.start_endless("gate", gate.keep(desk, class, renew, settings.clone()));
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
