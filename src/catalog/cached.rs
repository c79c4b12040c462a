//! One kind of list, cached by key.

use std::{hash::Hash, pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;
use moka::future::Cache;

use crate::{
    clock::Clock,
    gate::Gate,
    itop::{CiList, ItopError},
};

/// How old a list may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// As old as the cache allows.
    Cached,
    /// Younger than this.
    YoungerThan(Duration),
    /// Read now.
    Now,
}

/// A list as one answer of iTop gave it.
#[derive(Debug)]
pub struct Listed<L> {
    /// The items, in iTop's order.
    pub items: L,
    /// When the answer came.
    pub as_of: Timestamp,
}

/// A list, and whether it is older than it should be because iTop failed.
#[derive(Debug)]
pub struct Reading<L> {
    /// The list.
    pub listed: Arc<Listed<L>>,
    /// True where iTop could not give a newer one.
    pub stale: bool,
}

/// Reads a list from iTop. Boxed, so that the code of the cache is not compiled again for each.
pub(super) type Load<L> = Pin<Box<dyn Future<Output = Result<L, ItopError>> + Send>>;

/// What a list can be cached by.
pub(super) trait Key: Hash + Eq + Copy + Send + Sync + 'static {}
impl<K: Hash + Eq + Copy + Send + Sync + 'static> Key for K {}

/// What can be cached.
pub(super) trait List: Send + Sync + 'static {
    /// How many items it has.
    fn count(&self) -> usize;
}

impl<T: Send + Sync + 'static> List for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }
}

impl List for CiList {
    fn count(&self) -> usize {
        self.len()
    }
}

pub(super) struct Cached<K, L> {
    gate: Gate,
    clock: Clock,
    ttl: Duration,
    /// The last known value of each list, however old.
    known: Cache<K, Arc<Listed<L>>>,
    /// Loads under way: whoever asks meanwhile waits for the same one, and gets its error too.
    loading: Cache<K, Arc<Listed<L>>>,
}

impl<K: Key, L: List> Cached<K, L> {
    /// `capacity` counts items over all keys.
    pub(super) fn new(gate: Gate, clock: Clock, ttl: Duration, capacity: u64) -> Self {
        let weigh = |_: &K, listed: &Arc<Listed<L>>| {
            u32::try_from(listed.items.count()).unwrap_or(u32::MAX).saturating_add(1)
        };
        Self {
            gate,
            clock,
            ttl,
            known: Cache::builder().max_capacity(capacity).weigher(weigh).build(),
            loading: Cache::builder().build(),
        }
    }

    /// The list, read by `load` unless it is fresh.
    pub(super) async fn get(
        &self,
        key: K,
        freshness: Freshness,
        load: impl FnOnce() -> Load<L>,
    ) -> Result<Reading<L>, ItopError> {
        let known = self.known.get(&key).await;
        if let Some(listed) = &known
            && self.is_fresh(listed, freshness)
        {
            return Ok(Reading { listed: listed.clone(), stale: false });
        }
        let loaded = match self.gate.refuses_reads() {
            // A list that was never read is tried all the same: the error is then a fresh one.
            Some(error) if known.is_some() && freshness != Freshness::Now => Err(error),
            _ => self.load(key, freshness, load()).await,
        };
        match (loaded, known) {
            (Ok(listed), _) => Ok(Reading { listed, stale: false }),
            (Err(_), Some(listed)) => {
                let stale = !self.is_fresh(&listed, Freshness::Cached);
                Ok(Reading { listed, stale: stale || freshness == Freshness::Now })
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn load(
        &self,
        key: K,
        freshness: Freshness,
        load: Load<L>,
    ) -> Result<Arc<Listed<L>>, ItopError> {
        let timed = async {
            // Somebody may have loaded it between our look and our turn.
            if let Some(listed) = self.known.get(&key).await
                && self.is_fresh(&listed, freshness)
            {
                return Ok(listed);
            }
            let outcome = load.await;
            self.gate.after_read(&outcome);
            let listed = Arc::new(Listed { items: outcome?, as_of: self.clock.now() });
            self.known.insert(key, listed.clone()).await;
            Ok::<_, ItopError>(listed)
        };
        let outcome = self.loading.try_get_with(key, timed).await;
        // The value is in `known` now; what stays here would answer the next load.
        self.loading.invalidate(&key).await;
        outcome.map_err(|error| (*error).clone())
    }

    fn is_fresh(&self, listed: &Listed<L>, freshness: Freshness) -> bool {
        let oldest = match freshness {
            Freshness::Cached => self.ttl,
            Freshness::YoungerThan(age) => age.min(self.ttl),
            Freshness::Now => return false,
        };
        let age = self.clock.now().duration_since(listed.as_of);
        Duration::try_from(age).is_ok_and(|age| age < oldest) || age.is_negative()
    }
}
