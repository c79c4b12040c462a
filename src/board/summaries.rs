//! The figures of the board, kept for a moment: however many ask, counting takes a small part of the time.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use tokio::sync::Mutex;

use crate::{
    clock::{Clock, Moment, Stopwatch},
    domain::visible::Visible,
    store::{BoardSummary, Store, StoreError},
};

/// Figures are given again for so many times as long as it took to count them, although something has
/// changed: a small board is always counted anew, and a large one costs a twentieth of a core at most.
const REST: u32 = 20;

/// And for so long where nothing has: hours go by.
const LONGEST: Duration = Duration::from_secs(10);

/// Of how many who see different things figures are kept.
const KEPT: u64 = 1_000;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Summaries(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    kept: Cache<String, Kept>,
    /// Whoever counts: others wait for what comes of it.
    counting: Mutex<()>,
}

#[derive(Clone)]
struct Kept {
    summary: Arc<BoardSummary>,
    version: u64,
    counted: Moment,
    took: Duration,
}

impl Summaries {
    pub(super) fn new(store: Store, clock: Clock) -> Self {
        let kept = Cache::new(KEPT);
        Self(Arc::new(Inner { store, clock, kept, counting: Mutex::new(()) }))
    }

    pub(super) async fn of(&self, visible: &Visible) -> Result<Arc<BoardSummary>, StoreError> {
        let Inner { store, clock, kept, counting } = &*self.0;
        let key = format!("{visible:?}");
        if let Some(summary) = self.known(&key).await {
            return Ok(summary);
        }
        let _counting = counting.lock().await;
        if let Some(summary) = self.known(&key).await {
            return Ok(summary);
        }
        // Asked for before it is counted: what changes meanwhile makes the figures old at once.
        let (version, watch) = (store.version(), Stopwatch::start());
        let summary = Arc::new(store.board_summary(visible).await?);
        let took = Duration::from_micros(watch.micros());
        let now = Kept { summary: summary.clone(), version, counted: clock.moment(), took };
        kept.insert(key, now).await;
        Ok(summary)
    }

    async fn known(&self, key: &str) -> Option<Arc<BoardSummary>> {
        let Inner { store, clock, kept, .. } = &*self.0;
        let known = kept.get(key).await?;
        let age = clock.moment().since(known.counted);
        let has_changed = known.version != store.version();
        let rest = known.took * REST;
        let good_for = if has_changed { rest } else { LONGEST };
        (age < good_for).then_some(known.summary)
    }
}
