//! Whose turn it is.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::atomic::Ordering,
    time::Duration,
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    core::LATE_LOOK,
    in_flight::{Begun, InFlight, Written},
    lane::Lane,
};
use crate::{
    clock::Moment,
    domain::delivery_state::Problem,
    store::{Due, StoreError},
};

/// How many turns are read at once, for each delivery that may be in flight. A company whose first row comes
/// after they were read waits for them.
const TURNS_AT_ONCE: usize = 8;

/// How long nothing may happen before the inbox is looked at again all the same.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// How long to wait after the database failed.
const AFTER_STORE_FAILURE: Duration = Duration::from_secs(1);

/// A row that is being delivered.
struct Running {
    due: Due,
    begun: Begun,
}

/// The next turns, and when they were read.
#[derive(Default)]
struct NextRows {
    rows: VecDeque<Due>,
    /// `None` where they could not be read.
    read_at: Option<Moment>,
}

impl Lane {
    /// Delivers until `stop`; deliveries that run then end by themselves, others stay rows.
    pub(super) async fn run(&self, stop: &CancellationToken) {
        match self {
            Self::Conditional(lane) => {
                tokio::join!(
                    self.dispatch(stop),
                    self.for_ever(stop, "unknown outcomes", || lane.keep_settling()),
                    self.for_ever(stop, "lines", || lane.keep_reading_back()),
                    self.for_ever(stop, "the newest ticket", || lane.keep_highest_id()),
                );
            }
            Self::UniqueKey(_) => self.dispatch(stop).await,
        }
    }

    /// What was being written when the last Term ended is written down; nothing is delivered
    /// before that.
    pub(super) async fn recover(&self) {
        let recovered = async || {
            self.core().term.bound_times(self.longest_wait(), LATE_LOOK).await?;
            match self {
                Self::Conditional(lane) => lane.recover().await,
                Self::UniqueKey(lane) => lane.recover().await,
            }
        };
        loop {
            match recovered().await {
                Ok(0) => return,
                Ok(rows) => {
                    tracing::warn!(rows, "the last stop interrupted deliveries");
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "interrupted deliveries could not be marked");
                    self.core().clock.sleep(AFTER_STORE_FAILURE).await;
                }
            }
        }
    }

    /// Runs something that ends only when the database fails; then it begins again.
    async fn for_ever<F: Future<Output = Result<(), StoreError>>>(
        &self,
        stop: &CancellationToken,
        what: &'static str,
        work: impl Fn() -> F,
    ) {
        loop {
            let outcome = stop.run_until_cancelled(Box::pin(work())).await;
            let Some(Err(error)) = outcome else { return };
            tracing::error!(%error, "{what}: the database failed");
            self.core().clock.sleep(AFTER_STORE_FAILURE).await;
        }
    }

    async fn dispatch(&self, stop: &CancellationToken) {
        let mut running = JoinSet::new();
        let mut controls = HashSet::new();
        let mut rows = HashMap::new();
        let mut next_rows = NextRows::default();
        let mut gate = self.core().gate.watch();
        let bounds = &self.core().settings.delivery;
        let mut in_flight = InFlight::new(bounds.in_flight_min, bounds.in_flight_max);
        let mut limit = in_flight.limit();
        while !stop.is_cancelled() {
            if in_flight.limit() != limit {
                limit = in_flight.limit();
                tracing::debug!(
                    deliveries.in_flight = limit,
                    "another number of deliveries at once"
                );
            }
            let load = &self.core().load;
            load.limit.store(limit, Ordering::Relaxed);
            let limit = usize::from(limit);
            if self.core().gate.is_open() {
                let mut turns = self.turns(limit, running.len(), &controls, &mut next_rows).await;
                // What another ticket system is at is found again when that has ended.
                turns.retain(|due| self.core().takes(&due.control));
                let now = self.core().clock.moment();
                let begun = in_flight.begun(running.len() + turns.len(), now);
                for due in turns {
                    controls.insert(due.control.clone());
                    let (this, id) = (self.clone(), due.id);
                    let task = running.spawn(async move { this.attempt_logged(id).await });
                    rows.insert(task.id(), Running { due, begun });
                }
            }
            load.running.store(running.len(), Ordering::Relaxed);
            let full = running.len() >= limit;
            // Behind a closed gate no turn comes; its opening is what is waited for.
            let may_start = !full && self.core().gate.is_open();
            // Finding out when the next one comes looks at every row that waits: only then.
            let next = if may_start {
                self.next_turn(&next_rows).await
            } else {
                self.core().after(LOOK_AGAIN)
            };
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = running.join_next_with_id() => {
                    let (id, written) = match ended {
                        Ok((id, written)) => (id, Some(written)),
                        Err(error) => (error.id(), None),
                    };
                    if let Some(Running { due, begun }) = rows.remove(&id) {
                        let now = self.core().clock.moment();
                        match written {
                            None => self.give_up_after_panic(due.id).await,
                            Some(written) => {
                                in_flight.ended(begun, running.len() + 1, now, written);
                            }
                        }
                        controls.remove(&due.control);
                        self.core().gives_back(&due.control);
                        self.left(due.id);
                        self.core().outcomes.tell(due.id);
                    }
                }
                () = self.core().store.turns_changed(self.name()), if may_start => {}
                // Failures while it closes, and waits for it to open, say nothing about speed.
                _ = gate.changed() => in_flight.interrupted(),
                () = self.core().clock.sleep_until(next), if may_start => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// The rows to start now: at most as many as `limit` leaves beside those `running`, none of a
    /// control that has one running. They are taken from `next_rows`, a few turns that are read at
    /// once because finding out whose turn it is looks at every row that waits. Of a control only one
    /// is started of those that were read together: how the others stand depends on what becomes of it.
    async fn turns(
        &self,
        limit: usize,
        running: usize,
        busy: &HashSet<(String, String)>,
        next_rows: &mut NextRows,
    ) -> Vec<Due> {
        let free = limit.saturating_sub(running);
        if free == 0 {
            return Vec::new();
        }
        if next_rows.rows.is_empty() {
            let most = limit * TURNS_AT_ONCE + busy.len();
            let now = self.core().clock.moment();
            match self.core().store.due(now, most, self.core().of.clone()).await {
                Ok(due) => {
                    next_rows.rows.extend(due);
                    next_rows.read_at = Some(now);
                }
                Err(error) => {
                    tracing::error!(%error, "the inbox could not be read");
                    next_rows.read_at = None;
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
        // Before what this one leaves unclear, the next one of its control must not go.
        next_rows.rows.retain(|due| !turns.iter().any(|turn| turn.control == due.control));
        turns
    }

    /// When to look again: when the next row is due of those that were not due when the turns
    /// were read, and after a while in any case. Asking about a later time would pass over what
    /// has become due between the two questions; a failed question is asked again soon.
    async fn next_turn(&self, next_rows: &NextRows) -> Moment {
        let soon = self.core().after(AFTER_STORE_FAILURE);
        let Some(read_at) = next_rows.read_at else { return soon };
        match self.core().store.next_due_after(read_at, self.core().of.clone()).await {
            Ok(next) => {
                let again = self.core().after(LOOK_AGAIN);
                next.map_or(again, |next| next.min(again))
            }
            Err(_) => soon,
        }
    }

    /// No row is made to wait longer than this: one that seems to was written while the clock of this
    /// machine was ahead.
    fn longest_wait(&self) -> Duration {
        let settings = &self.core().settings.delivery;
        let longest = settings.backoff_max.duration().max(settings.recheck_blocked.duration());
        let waits_for_writes = self.core().of.is_some() || matches!(self, Self::UniqueKey(_));
        // What may still be at work at Salesforce, or where its company was linked before, is waited for.
        let of_writes =
            if waits_for_writes { settings.settle_unproven.duration() } else { longest };
        longest.max(of_writes) * 2
    }

    /// An attempt; whatever the database does, its row is not left `creating`, because only a
    /// start would look at it again.
    async fn attempt_logged(&self, id: i64) -> Written {
        // Its turn may have been read before deliveries were held: it waits, and has another one.
        let Some(_under_way) = self.core().hold.attempt() else { return Written::Nothing };
        if let Ok(written) = self.attempt(id).await {
            return written;
        }
        self.release(id).await;
        Written::Nothing
    }

    /// Makes a row unknown if it is still `creating`, and those that were delivered with it; tried
    /// until the database takes it.
    async fn release(&self, id: i64) {
        loop {
            self.core().clock.sleep(AFTER_STORE_FAILURE).await;
            match self.interrupt(id).await {
                Ok(interrupted) => {
                    for id in interrupted {
                        self.core().outcomes.tell(id);
                    }
                    return;
                }
                Err(error) => tracing::error!(acknowledgement = id, %error, "still not written"),
            }
        }
    }

    async fn interrupt(&self, id: i64) -> Result<Vec<i64>, StoreError> {
        match self {
            Self::Conditional(lane) => lane.term.interrupt(id, lane.after(LATE_LOOK)).await,
            Self::UniqueKey(lane) => lane.repeat_interrupted(Some(id)).await,
        }
    }

    /// A defect in one delivery must not become one of all: its row fails, and an operator sees it.
    async fn give_up_after_panic(&self, id: i64) {
        tracing::error!(
            acknowledgement = id,
            "a delivery panicked: this is a defect of the bridge"
        );
        self.release(id).await;
        let problem = Problem::new(
            "internal",
            "A defect of the bridge stopped this delivery; the log has the details. Retry it \
             after an upgrade.",
        );
        if matches!(self.core().store.waiting(id).await, Ok(Some(_)))
            && let Err(error) = self.core().term.fail(id, problem).await
        {
            tracing::error!(acknowledgement = id, %error, "it could not be failed");
        }
    }
}
