//! How many calls may be in flight, and what for.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a call is for: reads keep a slot that writes never use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Use {
    /// Changes nothing there.
    Read,
    /// Reads a whole list.
    List,
    /// May change something.
    Write,
    /// Creates a ticket: a write that may take longer.
    Create,
}

impl Use {
    /// All there are, in the order in which they are counted.
    pub(super) const ALL: [Self; 4] = [Self::Read, Self::List, Self::Write, Self::Create];

    /// Whether it may change something.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Write | Self::Create => true,
            Self::Read | Self::List => false,
        }
    }

    /// The word for it, for programs.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Write => "update",
            Self::Create => "create",
        }
    }

    /// How long an answer may be, in bytes: what answers is not trusted with all the memory. The
    /// longest list seen, of 50,000 CIs of iTop, has 6.8 MB (ITOP.md); a status has half a kilobyte, and
    /// what a search for markers finds brings its whole log.
    pub(crate) fn longest_answer(self) -> usize {
        match self {
            Self::Write | Self::Create => 4 << 20,
            Self::Read => 64 << 20,
            Self::List => 128 << 20,
        }
    }
}

/// The slots of one desk. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    on_demand: Arc<Semaphore>,
    /// How many there are in all.
    most: usize,
}

/// Of the calls in flight this part, and at least one, may be such that anybody can cause at any time.
const ON_DEMAND: usize = 4;

/// What a call in flight holds.
type Slot = [Option<OwnedSemaphorePermit>; 2];

impl Slots {
    /// So many, and at least two, so that a write never takes the last one from the reads.
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(2);
        Self {
            all: Arc::new(Semaphore::new(most)),
            writes: Arc::new(Semaphore::new(most - 1)),
            on_demand: Arc::new(Semaphore::new((most / ON_DEMAND).max(1))),
            most,
        }
    }

    /// How many calls are in flight, and may be at most.
    pub(crate) fn in_flight(&self) -> (usize, usize) {
        (self.most.saturating_sub(self.all.available_permits()), self.most)
    }

    /// A place among the few questions that callers cause at will.
    pub(crate) async fn on_demand(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.on_demand.clone().acquire_owned().await.ok()
    }

    /// Waits until no write is in flight any more.
    pub(crate) async fn writes_ended(&self) {
        let all = u32::try_from(self.most - 1).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.writes.acquire_many(all).await;
    }

    /// A slot for a call.
    pub(crate) async fn take(&self, purpose: Use) -> Slot {
        let Self { all, writes, .. } = self.clone();
        // The semaphores are never closed; without a permit a call would only be unbounded.
        let write = if purpose.writes() { writes.acquire_owned().await.ok() } else { None };
        [write, all.acquire_owned().await.ok()]
    }
}
