//! The connections that there are: a place for each, and how long each has been in its state.
//!
//! No request starts a timer: each connection notes when it last got somewhere, and once a second all
//! are looked at.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;

/// How often connections are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a connection may wait for its next request, its header included, and how long an answer
/// may find nobody who takes it. Longer than proxies keep connections to use them again (60 s of
/// nginx and most balancers): whoever closes first must be the one that sends.
const IDLE: Duration = Duration::from_secs(75);

/// How long the body of a request may take from its header on.
const BODY: Duration = Duration::from_mins(1);

/// How long a peer may take until both have agreed on TLS.
const GREETING: Duration = Duration::from_secs(10);

/// How long a connection without a request is left alone while others wait for a place.
const IDLE_WHEN_FULL: Duration = Duration::from_secs(2);

/// How long a peer may take over a body, or over taking an answer, while others wait for a place.
const SLOW_WHEN_FULL: Duration = Duration::from_secs(10);

/// What counts at most of the time between two looks: a process that was stopped for a while makes nobody
/// idle.
const MOST_PER_LOOK: Duration = Duration::from_secs(5);

/// All connections.
pub(super) struct Connections {
    free: Arc<Semaphore>,
    shared: Arc<Shared>,
    clock: Clock,
}

struct Shared {
    /// How long all have been looked after when they were last looked at, in milliseconds.
    now: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Activity>>>,
    next: AtomicU64,
}

/// A place among the connections; given back when it is dropped.
pub(super) struct Place {
    id: u64,
    activity: Arc<Activity>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// It agrees with its peer on TLS.
    Greeting,
    /// It waits for a request, or for the rest of its header.
    Waiting,
    /// The body of a request comes.
    Reading,
    /// The bridge is at it: that takes what it takes.
    Working,
    /// The answer is being sent.
    Answering,
}

/// What a connection is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    /// Nothing special.
    GoOn,
    /// To close after the request that it is at.
    Finish,
    /// To close now.
    Close,
}

/// What is known of one connection.
pub(super) struct Activity {
    shared: Arc<Shared>,
    phase: AtomicU8,
    /// When it last got somewhere, by `Shared::now`.
    since: AtomicU64,
    /// Whether its peer takes nothing of what there is for it.
    stuck: AtomicBool,
    order: AtomicU8,
    ordered: Notify,
}

impl Connections {
    pub(super) fn new(most: usize, clock: Clock) -> Self {
        let shared =
            Shared { now: AtomicU64::new(0), open: Mutex::default(), next: AtomicU64::new(0) };
        Self { free: Arc::new(Semaphore::new(most)), shared: Arc::new(shared), clock }
    }

    /// A place for one more connection. Where there is none, those that wait for a request make room,
    /// the one that has waited longest first, and then those whose peers are slow.
    pub(super) async fn place(&self) -> Place {
        if let Ok(permit) = self.free.clone().try_acquire_owned() {
            return Place::new(&self.shared, Some(permit));
        }
        loop {
            self.dismiss_one();
            tokio::select! {
                // The semaphore is never closed; without a permit there would only be one more.
                permit = self.free.clone().acquire_owned() => {
                    return Place::new(&self.shared, permit.ok());
                }
                () = self.clock.sleep(LOOK) => {}
            }
        }
    }

    fn dismiss_one(&self) {
        let now = self.shared.now();
        let open = self.shared.open();
        let may_go = open.values().filter(|connection| {
            let least = connection.least_when_full();
            connection.order() != Order::Close
                && least.is_some_and(|least| connection.still_for(now) >= least)
        });
        // Those that have asked for something go last.
        let by_need = |connection: &&Arc<Activity>| (connection.waits(), connection.still_for(now));
        if let Some(connection) = may_go.max_by_key(by_need) {
            connection.tell(Order::Close);
        } else {
            tracing::warn!(
                connections = open.len(),
                "all connections of server.max_connections are in use; another one waits"
            );
        }
    }

    /// Closes the connections whose time is up; runs until it is dropped.
    pub(super) async fn watch(&self) {
        let mut last = self.clock.moment();
        loop {
            self.clock.sleep(LOOK).await;
            let looked = self.clock.moment();
            self.look(looked.since(last));
            last = looked;
        }
    }

    fn look(&self, passed: Duration) {
        let passed = passed.min(MOST_PER_LOOK);
        let passed = u64::try_from(passed.as_millis()).unwrap_or_default();
        let now = self.shared.now.fetch_add(passed, Ordering::Relaxed) + passed;
        for connection in self.shared.open().values() {
            let phase = connection.phase();
            let limit = match phase {
                Phase::Greeting => GREETING,
                Phase::Waiting | Phase::Answering => IDLE,
                Phase::Reading => BODY,
                Phase::Working => continue,
            };
            if connection.still_for(now) >= limit && connection.order() != Order::Close {
                if !connection.waits() {
                    tracing::info!(?phase, "a connection was closed: its peer takes too long");
                }
                connection.tell(Order::Close);
            }
        }
    }

    /// Tells all to close after what they are at.
    pub(super) fn finish(&self) {
        for connection in self.shared.open().values() {
            if connection.order() == Order::GoOn {
                connection.tell(Order::Finish);
            }
        }
    }
}

impl Shared {
    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Activity>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn new(shared: &Arc<Shared>, permit: Option<OwnedSemaphorePermit>) -> Self {
        let activity = Arc::new(Activity {
            shared: shared.clone(),
            phase: AtomicU8::new(Phase::Waiting as u8),
            since: AtomicU64::new(shared.now()),
            stuck: AtomicBool::new(false),
            order: AtomicU8::new(Order::GoOn as u8),
            ordered: Notify::new(),
        });
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        shared.open().insert(id, activity.clone());
        Self { id, activity, _permit: permit }
    }

    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.activity.shared.open().remove(&self.id);
    }
}

impl Activity {
    /// Begins a phase.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.got_somewhere();
    }

    /// Its peer has taken something.
    pub(super) fn got_somewhere(&self) {
        self.stuck.store(false, Ordering::Relaxed);
        self.since.store(self.shared.now(), Ordering::Relaxed);
    }

    /// Its peer takes nothing now.
    pub(super) fn is_stuck(&self) {
        self.stuck.store(true, Ordering::Relaxed);
    }

    /// Whether it has asked for nothing.
    fn waits(&self) -> bool {
        matches!(self.phase(), Phase::Greeting | Phase::Waiting)
    }

    /// How long it must have got nowhere to make room for others; `None` where the bridge is at it, also where
    /// it waits for something that it could tell.
    fn least_when_full(&self) -> Option<Duration> {
        match self.phase() {
            Phase::Greeting | Phase::Waiting => Some(IDLE_WHEN_FULL),
            Phase::Reading => Some(SLOW_WHEN_FULL),
            Phase::Answering => self.stuck.load(Ordering::Relaxed).then_some(SLOW_WHEN_FULL),
            Phase::Working => None,
        }
    }

    /// Waits for an order.
    pub(super) async fn ordered(&self) -> Order {
        self.ordered.notified().await;
        self.order()
    }

    fn tell(&self, order: Order) {
        self.order.store(order as u8, Ordering::Relaxed);
        self.ordered.notify_one();
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            phase if phase == Phase::Greeting as u8 => Phase::Greeting,
            phase if phase == Phase::Waiting as u8 => Phase::Waiting,
            phase if phase == Phase::Reading as u8 => Phase::Reading,
            phase if phase == Phase::Working as u8 => Phase::Working,
            _ => Phase::Answering,
        }
    }

    fn order(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            order if order == Order::GoOn as u8 => Order::GoOn,
            order if order == Order::Finish as u8 => Order::Finish,
            _ => Order::Close,
        }
    }

    /// How long ago it last got somewhere.
    fn still_for(&self, now: u64) -> Duration {
        Duration::from_millis(now.saturating_sub(self.since.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = MOST_PER_LOOK;

    /// What a connection in this phase is told after so long; it gets somewhere meanwhile, if it does.
    async fn told(phase: Phase, after: Duration, progress: Option<Duration>) -> Order {
        let connections = Connections::new(1, Clock::system());
        let place = connections.place().await;
        place.activity().enter(phase);
        let mut passed = Duration::ZERO;
        while passed < after {
            connections.look(STEP);
            passed += STEP;
            if progress == Some(passed) {
                place.activity().got_somewhere();
            }
        }
        place.activity().order()
    }

    #[tokio::test]
    async fn each_phase_has_its_time() {
        for (phase, most) in [
            (Phase::Greeting, GREETING),
            (Phase::Waiting, IDLE),
            (Phase::Answering, IDLE),
            (Phase::Reading, BODY),
        ] {
            assert_eq!(
                told(phase, most.saturating_sub(STEP), None).await,
                Order::GoOn,
                "{phase:?}"
            );
            assert_eq!(told(phase, most + STEP, None).await, Order::Close, "{phase:?}");
            // Whose answer goes out bit by bit is at it.
            let progress = Some(most.saturating_sub(STEP));
            assert_eq!(told(phase, most, progress).await, Order::GoOn, "{phase:?}");
        }
        assert_eq!(told(Phase::Working, IDLE * 10, None).await, Order::GoOn);
    }

    #[tokio::test]
    async fn a_clock_that_jumps_makes_nobody_idle() {
        let connections = Connections::new(1, Clock::system());
        let place = connections.place().await;
        for _ in 0..3 {
            connections.look(Duration::from_hours(1));
        }
        assert_eq!(place.activity().order(), Order::GoOn);
    }
}
