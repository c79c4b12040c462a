//! One kind of list, cached by key.

use std::{
    any::Any,
    marker::PhantomData,
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
    clock::{Clock, elapsed},
    counting::Tally,
    desk::{CiList, Desk, DeskError},
    domain::keys::OrgId,
    gate::Gate,
    lifecycle::to_its_end,
};

/// After a load ahead of expiry has failed, the next is tried when this part of the time for
/// which a list is served has passed.
const AHEAD_PAUSE: u32 = 10;

/// How long a list that was never read waits before it is read for those who come later: whoever
/// has asked for it goes on without it to a write, for which iTop shall be free.
const BEHIND_THE_WRITE: Duration = Duration::from_secs(1);

/// How old a list must be to be read again because somebody insists.
const INSIST_AFTER: Duration = Duration::from_secs(5);

/// How old a list may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// However old, if it was ever read: for what is checked once more elsewhere.
    Known,
    /// As old as the cache allows.
    Cached,
    /// Younger than this.
    YoungerThan(Duration),
    /// As young as one that somebody insists on: what has only just been read is not read again.
    Insisted,
    /// Read now.
    Now,
}

impl Freshness {
    /// Whether iTop is asked although it is known to fail.
    fn insists(self) -> bool {
        matches!(self, Self::Insisted | Self::Now)
    }
}

/// A list as one answer of iTop gave it.
#[derive(Debug)]
pub struct Listed<L> {
    /// The items, in iTop's order.
    pub items: L,
    /// When the answer came, by [`Clock::at_latest`].
    pub(super) as_of: Timestamp,
    /// When a load ahead of its expiry was last begun, in milliseconds by [`Clock::at_latest`].
    ahead_since: AtomicI64,
}

/// A list, and whether it is older than it should be because iTop failed.
#[derive(Debug)]
pub struct Reading<L> {
    /// The list.
    pub listed: Arc<Listed<L>>,
    /// When iTop gave it, as people read it.
    pub as_of: Timestamp,
    /// True where iTop could not give a newer one.
    pub stale: bool,
}

/// A list that was read, as it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownList {
    /// What is listed: the word of its address.
    pub what: &'static str,
    /// The company, if it is that of one.
    pub org: Option<OrgId>,
    /// How many items it has.
    pub items: usize,
    /// When iTop gave it, as people read it.
    pub as_of: Timestamp,
    /// Whether it is older than it should be.
    pub stale: bool,
}

/// What a list is cached by: its company, if it is that of a company.
type Key = Option<OrgId>;

/// What can be cached.
pub trait List: Send + Sync + 'static {
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

/// The lists of one kind.
pub(super) struct Cached<L> {
    lists: Arc<Lists>,
    kind: PhantomData<fn() -> L>,
}

impl<L: List> Cached<L> {
    /// `capacity` counts items over all keys.
    pub(super) fn new(desk: Desk, gate: Gate, clock: Clock, ttl: Duration, capacity: u64) -> Self {
        let weigh = |_: &Key, listed: &Shared| {
            u32::try_from(listed.count()).unwrap_or(u32::MAX).saturating_add(1)
        };
        let lists = Lists {
            desk,
            gate,
            clock,
            ttl,
            known: Cache::builder().max_capacity(capacity).weigher(weigh).build(),
            loading: Cache::builder().build(),
            loads: Tally::default(),
        };
        Self { lists: Arc::new(lists), kind: PhantomData }
    }

    /// How often lists were read from iTop, and how often that has failed.
    pub(super) fn loads(&self) -> (u64, u64) {
        self.lists.loads.read().into()
    }

    /// The lists that were read, whatever their age.
    pub(super) fn known(&self, what: &'static str) -> Vec<KnownList> {
        let lists = &*self.lists;
        let known = lists.known.iter().map(|(key, listed)| KnownList {
            what,
            org: (*key).clone(),
            items: listed.count(),
            as_of: lists.clock.shown(listed.as_of()),
            stale: !lists.is_fresh(&*listed, Freshness::Cached),
        });
        known.collect()
    }

    /// A question for the list, which `load` reads.
    pub(super) fn ask(
        &self,
        key: Key,
        load: impl Future<Output = Result<L, DeskError>> + Send + 'static,
    ) -> Asked<'_, L> {
        let clock = self.lists.clock.clone();
        let load = Box::pin(async move {
            let (items, ahead_since) = (load.await?, AtomicI64::new(i64::MIN));
            Ok(Arc::new(Listed { items, as_of: clock.at_latest(), ahead_since }) as Shared)
        });
        Asked { lists: &self.lists, key, load, kind: PhantomData }
    }
}

/// A question for a list.
#[must_use = "nothing is asked before it is told how fresh the list must be"]
pub struct Asked<'c, L> {
    lists: &'c Arc<Lists>,
    key: Key,
    load: Load,
    kind: PhantomData<fn() -> L>,
}

impl<L: List> Asked<'_, L> {
    /// The list, read from iTop unless it is fresh. One that will soon be too old is given at once
    /// and read anew in the background, so that a list which is asked for all the time is never
    /// waited for.
    pub async fn get(self, freshness: Freshness) -> Result<Reading<L>, DeskError> {
        let (listed, stale) = self.lists.get(self.key, freshness, self.load).await?;
        let as_of = self.lists.clock.shown(listed.as_of());
        Ok(Reading::of(listed, as_of, stale))
    }

    /// The list if iTop gives it within this time, else as it was last read, however old. iTop reads it to
    /// the end all the same, for those who come then.
    pub async fn within(self, patience: Duration) -> Option<Reading<L>> {
        let (lists, key) = (self.lists, self.key.clone());
        tokio::select! {
            reading = self.get(Freshness::Cached) => reading.ok(),
            () = lists.clock.sleep(patience) => {
                let listed = lists.known.get(&key).await?;
                let as_of = lists.clock.shown(listed.as_of());
                let stale = !lists.is_fresh(&*listed, Freshness::Cached);
                Some(Reading::of(listed, as_of, stale))
            }
        }
    }

    /// The list if it was ever read, however old; else it is read in the background a moment later,
    /// for those who come then.
    pub async fn if_known(self) -> Option<Reading<L>> {
        if self.lists.known.contains_key(&self.key) {
            return self.get(Freshness::Known).await.ok();
        }
        self.lists.load_ahead(self.key, self.load, BEHIND_THE_WRITE);
        None
    }
}

impl<L: List> Reading<L> {
    fn of(listed: Shared, as_of: Timestamp, stale: bool) -> Self {
        let listed: Arc<dyn Any + Send + Sync> = listed;
        let listed = listed.downcast().expect("a cache holds lists of one kind alone");
        Self { listed, as_of, stale }
    }
}

/// A list of any kind: the code of a cache takes 400 kB for each type that it holds.
type Shared = Arc<dyn Kept + Send + Sync>;

trait Kept: Any {
    fn count(&self) -> usize;
    fn as_of(&self) -> Timestamp;
    fn ahead_since(&self) -> &AtomicI64;
}

impl<L: List> Kept for Listed<L> {
    fn count(&self) -> usize {
        self.items.count()
    }

    fn as_of(&self) -> Timestamp {
        self.as_of
    }

    fn ahead_since(&self) -> &AtomicI64 {
        &self.ahead_since
    }
}

/// Reads a list from iTop.
type Load = Pin<Box<dyn Future<Output = Result<Shared, DeskError>> + Send>>;

struct Lists {
    desk: Desk,
    gate: Gate,
    clock: Clock,
    ttl: Duration,
    /// The last known value of each list, however old.
    known: Cache<Key, Shared>,
    /// Loads under way: whoever asks meanwhile waits for the same one, and gets its error too.
    loading: Cache<Key, Shared>,
    /// Those that iTop has answered, and those that have failed.
    loads: Tally<2>,
}

impl Lists {
    /// The list, and whether it is older than it should be.
    async fn get(
        self: &Arc<Self>,
        key: Key,
        freshness: Freshness,
        load: Load,
    ) -> Result<(Shared, bool), DeskError> {
        let known = self.known.get(&key).await;
        if let Some(listed) = &known
            && self.is_fresh(&**listed, freshness)
        {
            if self.begins_ahead(&**listed) {
                self.load_ahead(key, load, Duration::ZERO);
            }
            return Ok((listed.clone(), false));
        }
        let loaded = match self.gate.refuses_reads() {
            // A list that was never read is tried all the same: the error is then a fresh one.
            Some(_) if known.is_some() && !freshness.insists() => None,
            _ => Some(self.load_to_its_end(key, freshness, load).await),
        };
        match (loaded, known) {
            (Some(Ok(listed)), _) => Ok((listed, false)),
            (_, Some(listed)) => {
                let stale = !self.is_fresh(&*listed, Freshness::Cached);
                Ok((listed, stale || freshness.insists()))
            }
            (Some(Err(error)), None) => Err(error),
            (None, None) => unreachable!("a list that was never read is tried"),
        }
    }

    /// Loads although whoever waits may go: what iTop has begun to read it reads to the end, and who
    /// comes next shares that instead of beginning it anew.
    async fn load_to_its_end(
        self: &Arc<Self>,
        key: Key,
        freshness: Freshness,
        load: Load,
    ) -> Result<Shared, DeskError> {
        let lists = self.clone();
        to_its_end(async move {
            // Taken before the load is shared: who does not insist waits for no place.
            let _place = match freshness {
                Freshness::Insisted => lists.desk.place_on_demand().await,
                _ => None,
            };
            lists.load(key, freshness, load).await
        })
        .await
    }

    async fn load(&self, key: Key, freshness: Freshness, load: Load) -> Result<Shared, DeskError> {
        let timed = async {
            // Somebody may have loaded it between our look and our turn.
            if let Some(listed) = self.known.get(&key).await
                && self.is_fresh(&*listed, freshness)
            {
                return Ok(listed);
            }
            let outcome = load.await;
            self.loads.count(usize::from(outcome.is_err()));
            self.gate.after_read(&outcome);
            let listed = outcome?;
            self.known.insert(key.clone(), listed.clone()).await;
            Ok(listed)
        };
        let outcome = self.loading.try_get_with_by_ref(&key, timed).await;
        // The value is in `known` now; what stays here would answer the next load.
        self.loading.invalidate(&key).await;
        outcome.map_err(|error: Arc<DeskError>| (*error).clone())
    }

    /// Whether the caller is the one to load a list ahead of its expiry: at most one is, and after
    /// a failure nobody for a while.
    fn begins_ahead(&self, listed: &dyn Kept) -> bool {
        if self.is_fresh(listed, self.young()) || self.gate.refuses_reads().is_some() {
            return false;
        }
        let now = self.clock.at_latest().as_millisecond();
        let pause = i64::try_from((self.ttl / AHEAD_PAUSE).as_millis()).unwrap_or(i64::MAX);
        let since = listed.ahead_since().load(Ordering::Relaxed);
        since <= now.saturating_sub(pause)
            && listed
                .ahead_since()
                .compare_exchange(since, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Nothing waits for this task: when the process ends, so does it.
    fn load_ahead(self: &Arc<Self>, key: Key, load: Load, pause: Duration) {
        let lists = self.clone();
        tokio::spawn(async move {
            lists.clock.sleep(pause).await;
            if let Err(error) = lists.load(key, lists.young(), load).await {
                tracing::warn!(%error, "a list could not be read before it is too old");
            }
        });
    }

    /// As young as a list is before it is read ahead of its expiry.
    fn young(&self) -> Freshness {
        Freshness::YoungerThan(self.ttl / 4 * 3)
    }

    fn is_fresh(&self, listed: &dyn Kept, freshness: Freshness) -> bool {
        let oldest = match freshness {
            Freshness::Known => return true,
            Freshness::Cached => self.ttl,
            Freshness::YoungerThan(age) => age.min(self.ttl),
            Freshness::Insisted => INSIST_AFTER.min(self.ttl),
            Freshness::Now => return false,
        };
        elapsed(listed.as_of(), self.clock.at_latest()) < oldest
    }
}
