//! How the last day was: how long ticket systems took to answer, how much was acknowledged, and when deliveries
//! had to wait. It is counted in memory, written once for each quarter of an hour and at the end, and
//! read at the start; a process that is killed takes with it what was counted since.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, elapsed},
    counting::Counted,
    desk::{DeskName, Desks, Served},
    domain::bucket::{Answers, BUCKET, Bucket, start_of},
    gate::GateState,
    outgoing::Latency,
    store::{GateChange, Store, StoreError, Term},
};

/// How much of the past is told.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How long what was written is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(8 * 24);

/// Changes of the gate that are told at most, the newest ones.
const CHANGES: usize = 200;

/// The history. Cheap to clone.
#[derive(Clone)]
pub struct History {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    desks: Desks,
    up_since: Timestamp,
    past: Mutex<Past>,
}

/// What is told of the past.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LastDay {
    /// The quarters of an hour of which something is known, in their order; the last one goes on.
    pub buckets: Vec<Bucket>,
    /// When the gate has changed, newest first.
    pub gate_changes: Vec<GateChange>,
}

#[derive(Default)]
struct Past {
    /// By their beginnings.
    buckets: BTreeMap<Timestamp, Bucket>,
    unsaved: BTreeSet<Timestamp>,
    /// When what is counted now began to be.
    counted_from: Timestamp,
    /// How many acknowledgements had been stored then, and what ticket systems had answered.
    stored_before: u64,
    answers_before: BTreeMap<DeskName, Counted>,
    /// In their order.
    gate_changes: Vec<GateChange>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("History")
    }
}

impl History {
    /// With what earlier processes have written.
    pub async fn read(store: Store, clock: Clock, desks: Desks) -> Result<Self, StoreError> {
        let past = Past::read(&store, &clock, &desks).await?;
        let up_since = past.counted_from;
        let inner = Inner { store, clock, desks, up_since, past: Mutex::new(past) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// When this process has begun.
    #[must_use]
    pub fn up_since(&self) -> Timestamp {
        self.inner.up_since
    }

    /// What is known of the last day.
    #[must_use]
    pub fn last_day(&self) -> LastDay {
        let inner = &*self.inner;
        let since = inner.clock.now().saturating_sub(DAY).unwrap_or(Timestamp::MIN);
        let past = self.past();
        let mut buckets = past.buckets.clone();
        let now = past.counted(&answered(&inner.desks), inner.store.stored_since_start());
        add(&mut buckets, now);
        let buckets = buckets.into_values().filter(|bucket| bucket.start >= start_of(since));
        let changes = past.gate_changes.iter().rev().filter(|change| change.at >= since);
        LastDay { buckets: buckets.collect(), gate_changes: changes.cloned().collect() }
    }

    /// How long the ticket system of companies that are not linked takes to answer now: in the quarter of an
    /// hour that goes on, else in the one before it.
    #[must_use]
    pub fn answers_now(&self) -> Option<Answers> {
        let inner = &*self.inner;
        let desk = inner.desks.default().name();
        let past = self.past();
        let counted = past.counted(&answered(&inner.desks), past.stored_before);
        if let Some(now) = counted.answers(desk) {
            return Some(now);
        }
        let last = start_of(inner.clock.now()).saturating_sub(BUCKET).ok()?;
        past.buckets.range(last..).next_back().and_then(|(_, bucket)| bucket.answers(desk))
    }

    /// Counts and writes for a Term until `stop`.
    pub async fn keep(&self, term: &Term, stop: CancellationToken) {
        let Inner { store, clock, desks, .. } = &*self.inner;
        if store.standing().is_some() {
            // Another instance may have led: this one goes on with what that has written.
            match Past::read(store, clock, desks).await {
                Ok(past) => *self.past() = past,
                Err(error) => tracing::warn!(%error, "the history could not be read"),
            }
        }
        let counting = self.keep_counting(term, &stop);
        let gates = self.inner.desks.iter().map(|served| self.keep_gate(term, served));
        let watching = stop.run_until_cancelled(join_all(gates));
        tokio::join!(counting, watching);
    }

    async fn keep_counting(&self, term: &Term, stop: &CancellationToken) {
        loop {
            let now = self.inner.clock.now();
            // The clock of the wall decides what people call a quarter of an hour.
            let end = start_of(now).saturating_add(BUCKET).unwrap_or(Timestamp::MAX);
            let ended = self.inner.clock.sleep(elapsed(now, end).max(Duration::from_millis(1)));
            let goes_on = stop.run_until_cancelled(ended).await.is_some();
            self.count();
            self.save(term).await;
            if !goes_on {
                return;
            }
        }
    }

    /// Puts what was counted where it belongs.
    fn count(&self) {
        let inner = &*self.inner;
        let now = inner.clock.now();
        let (answers, stored) = (answered(&inner.desks), inner.store.stored_since_start());
        let mut past = self.past();
        let counted = past.counted(&answers, stored);
        let begun = counted.start;
        add(&mut past.buckets, counted);
        past.unsaved.insert(begun);
        // Where this woke late, nothing was stored meanwhile: the machine was suspended, or its clock
        // was put forward.
        for start in skipped(begun, now) {
            add(&mut past.buckets, Bucket::empty(start));
            past.unsaved.insert(start);
        }
        (past.counted_from, past.stored_before, past.answers_before) = (now, stored, answers);
        let oldest = now.saturating_sub(DAY).map_or(Timestamp::MIN, start_of);
        past.buckets = past.buckets.split_off(&oldest);
        past.gate_changes.retain(|change| change.at >= oldest);
    }

    /// What cannot be written now is written with the next one.
    async fn save(&self, term: &Term) {
        let unsaved: Vec<Bucket> = {
            let past = self.past();
            past.unsaved.iter().filter_map(|start| past.buckets.get(start)).cloned().collect()
        };
        let oldest = self.inner.clock.now().saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        let starts: Vec<_> = unsaved.iter().map(|bucket| bucket.start).collect();
        match term.save_history(unsaved, oldest).await {
            Ok(()) => self.past().unsaved.retain(|start| !starts.contains(start)),
            Err(error) => tracing::warn!(%error, "the history could not be written"),
        }
    }

    /// Notes each change of a gate. One that is over before this looks is none that anybody saw.
    async fn keep_gate(&self, term: &Term, served: &Served) {
        let desk = served.name().unless_itop();
        let mut changes = served.gate.watch();
        let last = {
            let past = self.past();
            let mut newest = past.gate_changes.iter().rev();
            newest.find(|change| change.desk == desk).cloned()
        };
        let change = told(desk, &changes.borrow_and_update());
        let was_closed = last.as_ref().is_some_and(|last| last.reason.is_some());
        // An earlier Term of this process may have noted it.
        if (was_closed || change.reason.is_some()) && last.as_ref() != Some(&change) {
            self.note(term, change).await;
        }
        while changes.changed().await.is_ok() {
            let change = told(desk, &changes.borrow_and_update());
            self.note(term, change).await;
        }
    }

    async fn note(&self, term: &Term, change: GateChange) {
        {
            let mut past = self.past();
            past.gate_changes.push(change.clone());
            let beyond = past.gate_changes.len().saturating_sub(CHANGES);
            past.gate_changes.drain(..beyond);
        }
        if let Err(error) = term.note_gate_change(change).await {
            tracing::warn!(%error, "a change of the gate could not be written");
        }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.inner.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    /// What was written; counting begins.
    async fn read(store: &Store, clock: &Clock, desks: &Desks) -> Result<Self, StoreError> {
        let now = clock.now();
        let since = now.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
        let buckets = store.history(start_of(since)).await?;
        let buckets = buckets.into_iter().map(|bucket| (bucket.start, bucket)).collect();
        Ok(Self {
            buckets,
            counted_from: now,
            stored_before: store.stored_since_start(),
            answers_before: answered(desks),
            gate_changes: store.gate_changes(since, CHANGES).await?,
            ..Self::default()
        })
    }

    /// What was counted since the last time: it belongs to where it began.
    fn counted(&self, answered: &BTreeMap<DeskName, Counted>, stored: u64) -> Bucket {
        let acknowledgements = stored.saturating_sub(self.stored_before);
        let mut bucket = Bucket { acknowledgements, ..Bucket::empty(start_of(self.counted_from)) };
        for (desk, answered) in answered {
            let since = self.answers_before.get(desk).map(|before| answered.since(before));
            if let Some(Latency { count, median, p95 }) = since.as_ref().and_then(Latency::of) {
                bucket.add(*desk, Answers { count, median, p95 });
            }
        }
        bucket
    }
}

/// What each ticket system has answered since the process began.
fn answered(desks: &Desks) -> BTreeMap<DeskName, Counted> {
    desks.iter().map(|served| (served.name(), served.catalog.desk().calls().short())).collect()
}

fn told(desk: Option<DeskName>, state: &GateState) -> GateChange {
    let (at, reason, message) = match state {
        GateState::Open { since } => (since.at, None, None),
        GateState::Closed { reason, message, since, .. } => {
            (since.at, Some(reason.code().to_owned()), Some(message.clone()))
        }
    };
    GateChange { at, desk, reason, message }
}

fn add(buckets: &mut BTreeMap<Timestamp, Bucket>, bucket: Bucket) {
    let whole = match buckets.remove(&bucket.start) {
        Some(known) => known.with(&bucket),
        None => bucket,
    };
    buckets.insert(whole.start, whole);
}

/// The beginnings of the buckets that lie wholly between one and now, those of the last day at most.
fn skipped(after: Timestamp, now: Timestamp) -> impl Iterator<Item = Timestamp> {
    let last = start_of(now);
    let earliest = last.saturating_sub(DAY).unwrap_or(after).max(after);
    let next = move |start: &Timestamp| start.saturating_add(BUCKET).ok();
    std::iter::successors(next(&earliest), next).take_while(move |start| *start < last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_slept_through_is_known_to_be_empty() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let between = |after: &str, now: &str| skipped(at(after), at(now)).collect::<Vec<_>>();
        assert!(between("2026-11-26T10:00:00Z", "2026-11-26T10:14:00Z").is_empty());
        // The timer woke in time.
        assert!(between("2026-11-26T10:00:00Z", "2026-11-26T10:15:00.001Z").is_empty());
        assert_eq!(
            between("2026-11-26T10:00:00Z", "2026-11-26T10:50:00Z"),
            [at("2026-11-26T10:15:00Z"), at("2026-11-26T10:30:00Z")]
        );
        assert_eq!(between("2026-01-01T00:00:00Z", "2026-11-26T10:50:00Z").len(), 95);
        // The clock was put back.
        assert!(between("2026-11-26T10:00:00Z", "2026-11-25T10:00:00Z").is_empty());
    }
}
