//! Deliveries that are held: what is posted is stored and waits until somebody lets it go on. That outlives a restart.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Mutex, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::{
    clock::Clock,
    gate::{Gate, Since},
    store::{Held, Store, StoreError},
};

/// Whether deliveries are held, for all ticket systems. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Hold(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    gates: Vec<Gate>,
    is_held: AtomicBool,
    /// What is stored and what is remembered change together, one time after another.
    changing: Mutex<()>,
    /// Each attempt has a part of it while it runs.
    attempts: Arc<RwLock<()>>,
}

/// An attempt that is under way, until it is dropped.
pub(super) type UnderWay = OwnedRwLockReadGuard<()>;

/// Deliveries are held and none is under way: none begins until it is dropped.
#[derive(Debug)]
pub struct Quiet(
    #[expect(dead_code, reason = "what counts is that it is there")] OwnedRwLockWriteGuard<()>,
);

impl Hold {
    pub(super) fn new(store: Store, clock: Clock, gates: Vec<Gate>) -> Self {
        let (is_held, changing, attempts) = Default::default();
        Self(Arc::new(Inner { store, clock, gates, is_held, changing, attempts }))
    }

    /// An attempt begins; `None` where it must not.
    pub(super) fn attempt(&self) -> Option<UnderWay> {
        // First the part, then the look: whoever holds them waits for all that have a part.
        let part = self.0.attempts.clone().try_read_owned().ok()?;
        (!self.0.is_held.load(Ordering::SeqCst)).then_some(part)
    }

    /// What was held when the last process ended, or the last Term, still is.
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let _changing = self.0.changing.lock().await;
        match self.0.store.held().await? {
            // It is known.
            Some(_) if self.0.is_held.load(Ordering::SeqCst) => {}
            Some(held) => {
                tracing::warn!(since = %held.since, by = held.by, "deliveries are held");
                self.close(&held);
            }
            None => {
                self.open();
            }
        }
        Ok(())
    }

    pub(super) async fn begin(&self, by: &str) -> Result<Held, StoreError> {
        let _changing = self.0.changing.lock().await;
        let held = self.0.store.hold(by).await?;
        tracing::warn!(by = held.by, "deliveries are held: what is posted is stored and waits");
        self.close(&held);
        Ok(held)
    }

    fn close(&self, held: &Held) {
        self.0.is_held.store(true, Ordering::SeqCst);
        let since = Since { at: held.since, moment: self.0.clock.moment() };
        for gate in &self.0.gates {
            let message = format!("Deliveries are held by {}; what is posted is stored", held.by);
            gate.hold(since, message);
        }
    }

    pub(super) async fn end(&self, by: &str) -> Result<(), StoreError> {
        let _changing = self.0.changing.lock().await;
        self.0.store.end_hold().await?;
        if self.open() {
            tracing::warn!(by, "deliveries are held no more");
        }
        Ok(())
    }

    /// Tells whether they were held.
    fn open(&self) -> bool {
        let was_held = self.0.is_held.swap(false, Ordering::SeqCst);
        for gate in &self.0.gates {
            gate.end_hold();
        }
        was_held
    }

    /// That none is under way, and none begins meanwhile; `None` while one is, or where they are not held.
    pub(super) fn quiet(&self) -> Option<Quiet> {
        if !self.0.is_held.load(Ordering::SeqCst) {
            return None;
        }
        self.0.attempts.clone().try_write_owned().ok().map(Quiet)
    }
}
