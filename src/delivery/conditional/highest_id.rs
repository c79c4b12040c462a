//! The highest ticket id that is kept is not for ever: an iTop that was restored from its own backup
//! gives new tickets ids below it, and a search above it would be blind.

use std::time::Duration;

use super::Conditional;
use crate::{gate::GateState, itop::ItopError, store::StoreError};

/// How often iTop is asked at most.
const PAUSE: Duration = Duration::from_mins(1);

impl Conditional {
    /// Compares what is kept with iTop's newest ticket at the start, whenever the gate opens, and
    /// when a new ticket's id is not above it; runs until it is dropped.
    pub(in crate::delivery) async fn keep_highest_id(&self) -> Result<(), StoreError> {
        let mut gate = self.inner.gate.watch();
        let is_open = |state: &GateState| matches!(state, GateState::Open { .. });
        loop {
            // The sender of this channel lives in `self`: an error cannot occur.
            let _ = gate.wait_for(is_open).await;
            let known = self.inner.store.highest_ticket_id().await?;
            match self.newest_ticket_id(known).await {
                Ok(newest) if newest < known => {
                    if self.inner.term.lower_highest_ticket_id(newest).await? {
                        tracing::warn!(
                            newest,
                            known,
                            "iTop's newest ticket has a lower id than one that was seen before: it \
                             was restored, or the ticket was deleted"
                        );
                    }
                }
                Ok(newest) => self.inner.term.saw_ticket_id(newest).await?,
                Err(error) => {
                    tracing::debug!(%error, "iTop's newest ticket is not known");
                    self.inner.clock.sleep(PAUSE).await;
                    continue;
                }
            }
            tokio::select! {
                () = self.inner.clock.sleep(PAUSE) => {}
                _ = gate.wait_for(|state| !is_open(state)) => continue,
            }
            tokio::select! {
                () = self.inner.ids_fell.notified() => {}
                _ = gate.wait_for(|state| !is_open(state)) => {}
            }
        }
    }

    /// Where nothing is known yet, the newest of all; else whether it is still as high.
    async fn newest_ticket_id(&self, known: u64) -> Result<u64, ItopError> {
        let newest = self.inner.client.newest_ticket_id(Some(known).filter(|id| *id > 0)).await;
        self.inner.gate.after_read(&newest);
        newest
    }
}
