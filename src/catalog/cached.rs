//! One kind of list, cached by key.

use std::{
    hash::Hash,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use moka::future::Cache;

use crate::{
    clock::Clock,
    gate::Gate,
    itop::{CiList, ItopError},
};

/// After a load ahead of expiry has failed, the next is tried when this part of the time for
/// which a list is served has passed.
const AHEAD_PAUSE: u32 = 10;

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
    known: Cache<K, Arc<Known<L>>>,
    /// Loads under way: whoever asks meanwhile waits for the same one, and gets its error too.
    loading: Cache<K, Arc<Listed<L>>>,
}

struct Known<L> {
    listed: Arc<Listed<L>>,
    /// When a load ahead of its expiry was last begun, in milliseconds since 1970.
    ahead_since: AtomicI64,
}

impl<K: Key, L: List> Cached<K, L> {
    /// `capacity` counts items over all keys.
    pub(super) fn new(gate: Gate, clock: Clock, ttl: Duration, capacity: u64) -> Self {
        let weigh = |_: &K, known: &Arc<Known<L>>| {
            u32::try_from(known.listed.items.count()).unwrap_or(u32::MAX).saturating_add(1)
        };
        Self {
            gate,
            clock,
            ttl,
            known: Cache::builder().max_capacity(capacity).weigher(weigh).build(),
            loading: Cache::builder().build(),
        }
    }

    /// The list, read by `load` unless it is fresh. One that will soon be too old is given at once
    /// and read anew in the background, so that a list which is asked for all the time is never
    /// waited for.
    pub(super) async fn get(
        self: &Arc<Self>,
        key: K,
        freshness: Freshness,
        load: impl FnOnce() -> Load<L>,
    ) -> Result<Reading<L>, ItopError> {
        let known = self.known.get(&key).await;
        if let Some(known) = &known
            && self.is_fresh(&known.listed, freshness)
        {
            if self.begins_ahead(known) {
                self.load_ahead(key, load());
            }
            return Ok(Reading { listed: known.listed.clone(), stale: false });
        }
        let loaded = match self.gate.refuses_reads() {
            // A list that was never read is tried all the same: the error is then a fresh one.
            Some(error) if known.is_some() && freshness != Freshness::Now => Err(error),
            _ => self.load(key, freshness, load()).await,
        };
        match (loaded, known) {
            (Ok(listed), _) => Ok(Reading { listed, stale: false }),
            (Err(_), Some(known)) => {
                let listed = known.listed.clone();
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
            if let Some(known) = self.known.get(&key).await
                && self.is_fresh(&known.listed, freshness)
            {
                return Ok(known.listed.clone());
            }
            let outcome = load.await;
            self.gate.after_read(&outcome);
            let listed = Arc::new(Listed { items: outcome?, as_of: self.clock.now() });
            let known = Known { listed: listed.clone(), ahead_since: AtomicI64::new(i64::MIN) };
            self.known.insert(key, Arc::new(known)).await;
            Ok::<_, ItopError>(listed)
        };
        let outcome = self.loading.try_get_with(key, timed).await;
        // The value is in `known` now; what stays here would answer the next load.
        self.loading.invalidate(&key).await;
        outcome.map_err(|error| (*error).clone())
    }

    /// Whether the caller is the one to load a list ahead of its expiry: at most one is, and after
    /// a failure nobody for a while.
    fn begins_ahead(&self, known: &Known<L>) -> bool {
        let now = self.clock.now();
        if self.is_fresh(&known.listed, self.young()) || self.gate.refuses_reads().is_some() {
            return false;
        }
        let pause = i64::try_from((self.ttl / AHEAD_PAUSE).as_millis()).unwrap_or(i64::MAX);
        let since = known.ahead_since.load(Ordering::Relaxed);
        since <= now.as_millisecond().saturating_sub(pause)
            && known
                .ahead_since
                .compare_exchange(since, now.as_millisecond(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Nothing waits for this task: when the process ends, so does it.
    fn load_ahead(self: &Arc<Self>, key: K, load: Load<L>) {
        let cached = self.clone();
        tokio::spawn(async move {
            if let Err(error) = cached.load(key, cached.young(), load).await {
                tracing::warn!(%error, "a list could not be read before it is too old");
            }
        });
    }

    /// As young as a list is before it is read ahead of its expiry.
    fn young(&self) -> Freshness {
        Freshness::YoungerThan(self.ttl / 4 * 3)
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
