//! What goes on beside the answers.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::RunError;

/// Background tasks, all of which end at `stop`. Dropped, they end at once.
pub(super) struct Tasks {
    running: JoinSet<&'static str>,
    stop: CancellationToken,
}

impl Tasks {
    /// None yet.
    pub(super) fn until(stop: CancellationToken) -> Self {
        Self { running: JoinSet::new(), stop }
    }

    /// Starts one that ends by itself after `stop`.
    pub(super) fn start(
        &mut self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let work = Box::pin(work);
        self.running.spawn(async move {
            work.await;
            name
        });
    }

    /// Starts one that is ended at `stop`.
    pub(super) fn start_endless(
        &mut self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let (stop, work) = (self.stop.clone(), Box::pin(work));
        self.start(name, async move {
            stop.run_until_cancelled(work).await;
        });
    }

    /// Waits until all have ended.
    ///
    /// # Errors
    /// Where one ends before `stop`.
    pub(super) async fn ended(mut self) -> Result<(), RunError> {
        while let Some(ended) = self.running.join_next().await {
            // After `stop` every task ends, in any order.
            if !self.stop.is_cancelled() {
                return Err(RunError::Task(ended.unwrap_or("one that panicked")));
            }
        }
        Ok(())
    }
}
