//! Whose turn it is.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Delivery, attempt::capitalised};
use crate::{
    domain::delivery_state::{Problem, State},
    gate::GateState,
    store::{Due, InboxRow, StoreError},
};

/// How many turns are read at once, for each delivery in flight. A company whose first row comes
/// after they were read waits for them.
const TURNS_AT_ONCE: usize = 8;

/// How long to wait after the database failed.
const AFTER_STORE_FAILURE: Duration = Duration::from_secs(1);

/// The next turns, and when they were read.
#[derive(Default)]
struct NextRows {
    rows: VecDeque<Due>,
    read_at: Timestamp,
}

impl Delivery {
    /// Delivers until `stop`; deliveries that run then end by themselves, others stay rows.
    pub async fn run(&self, stop: CancellationToken) {
        if stop.run_until_cancelled(self.recover()).await.is_none() {
            return;
        }
        tokio::join!(self.dispatch(&stop), self.settle(&stop));
    }

    /// What was being written when the last process ended has an unknown outcome; nothing is
    /// delivered before that is written down.
    async fn recover(&self) {
        loop {
            match self.inner.store.recover_interrupted().await {
                Ok(0) => return,
                Ok(rows) => {
                    tracing::warn!(rows, "the last stop interrupted deliveries");
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "interrupted deliveries could not be marked");
                    self.inner.clock.sleep(AFTER_STORE_FAILURE).await;
                }
            }
        }
    }

    async fn settle(&self, stop: &CancellationToken) {
        loop {
            let outcome = stop.run_until_cancelled(self.keep_settling()).await;
            let Some(Err(error)) = outcome else { return };
            tracing::error!(%error, "unknown outcomes could not be settled");
            self.inner.clock.sleep(AFTER_STORE_FAILURE).await;
        }
    }

    async fn dispatch(&self, stop: &CancellationToken) {
        let mut running = JoinSet::new();
        let mut controls = HashSet::new();
        let mut rows = HashMap::new();
        let mut next_rows = NextRows::default();
        let mut gate = self.inner.gate.watch();
        while !stop.is_cancelled() {
            if self.inner.gate.is_open() {
                let free = self.inner.settings.delivery.in_flight.saturating_sub(running.len());
                for due in self.turns(free, &controls, &mut next_rows).await {
                    controls.insert(due.control.clone());
                    let this = self.clone();
                    let task = running.spawn(async move { this.attempt_logged(due.id).await });
                    rows.insert(task.id(), due);
                }
            }
            let full = running.len() >= self.inner.settings.delivery.in_flight;
            let next = self.next_turn(next_rows.read_at).await;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = running.join_next_with_id() => {
                    let (id, panicked) = match ended {
                        Ok((id, ())) => (id, false),
                        Err(error) => (error.id(), true),
                    };
                    if let Some(Due { id, control }) = rows.remove(&id) {
                        controls.remove(&control);
                        self.inner.outcomes.tell(id);
                        // The row is `creating` or waits; a restart would look it up.
                        assert!(!panicked, "the delivery of acknowledgement {id} panicked");
                    }
                }
                () = self.inner.wake.notified(), if !full => {}
                _ = gate.changed() => {}
                () = self.inner.clock.sleep_until(next), if !full => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// The rows to start now: at most `free`, none of a control that has one running. They are
    /// taken from `next_rows`, a few turns that are read at once because finding out whose turn
    /// it is looks at every row that waits.
    async fn turns(
        &self,
        free: usize,
        busy: &HashSet<(String, String)>,
        next_rows: &mut NextRows,
    ) -> Vec<Due> {
        if free == 0 {
            return Vec::new();
        }
        if next_rows.rows.is_empty() {
            let most = self.inner.settings.delivery.in_flight * TURNS_AT_ONCE + busy.len();
            next_rows.read_at = self.inner.clock.now();
            match self.inner.store.due(next_rows.read_at, most).await {
                Ok(due) => next_rows.rows.extend(due),
                Err(error) => {
                    tracing::error!(%error, "the inbox could not be read");
                    self.inner.clock.sleep(AFTER_STORE_FAILURE).await;
                }
            }
        }
        // A row that is passed over here is found again: it still waits. One that no longer does
        // is seen when it is looked at.
        next_rows.rows.retain(|due| !busy.contains(&due.control));
        let mut turns: Vec<Due> = Vec::new();
        while turns.len() < free
            && let Some(due) = next_rows.rows.pop_front()
        {
            if !turns.iter().any(|turn| turn.control == due.control) {
                turns.push(due);
            }
        }
        turns
    }

    /// When the next row that waits for a time is due, of those that were not due at `read_at`;
    /// far away if there is none. Asking about a later time would pass over what has become due
    /// between the two questions.
    async fn next_turn(&self, read_at: Timestamp) -> Timestamp {
        let next = self.inner.store.next_due_after(read_at).await.ok().flatten();
        next.unwrap_or(Timestamp::MAX)
    }

    async fn attempt_logged(&self, id: i64) {
        if let Err(error) = self.attempt(id).await {
            log_store_failure(id, &error);
            // The row is as it was, and due: without a pause it would be tried without end.
            self.inner.clock.sleep(AFTER_STORE_FAILURE).await;
        }
    }

    /// Whether the gate lets deliveries run, for those who report on it.
    #[must_use]
    pub fn gate(&self) -> GateState {
        self.inner.gate.state()
    }

    /// A row as people read it: one that is not even tried, because the gate is closed, says why.
    #[must_use]
    pub fn with_reason(&self, mut row: InboxRow) -> InboxRow {
        if row.state == State::Accepted
            && row.problem.is_none()
            && let GateState::Closed { message, .. } = self.gate()
        {
            row.problem = Some(Problem::new("itop-unavailable", capitalised(&message)));
        }
        row
    }
}

fn log_store_failure(id: i64, error: &StoreError) {
    tracing::error!(acknowledgement = id, %error, "a delivery could not be written down");
}
