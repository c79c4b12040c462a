//! Telling others what has happened: `[[hooks]]`.
//!
//! What a hook is told is written by the store, in the commit of what it tells of. Here it is sent: at
//! least once, what concerns one control in its order, a few posts of each hook at once. A receiver that
//! is away, slow or wrong is left alone for longer and longer; deliveries to iTop know nothing of it.

mod line;
mod message;
mod receiver;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    clock::Clock,
    config,
    desk::Desks,
    domain::hook_event::HookEvent,
    store::{HookBacklog, HookRecord, HookWants, Store, StoreError, Term},
};
use receiver::Receiver;

/// A hook that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("hooks '{hook}': {reason}")]
pub struct HookError {
    /// Its name.
    pub hook: String,
    /// Why.
    pub reason: String,
}

/// How it goes with a hook: for people, and to be measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HookFigures {
    /// The hook, by the name that the configuration gives it.
    pub name: String,
    /// What it is told.
    pub events: Vec<HookEvent>,
    /// Messages that wait to be sent: a gauge.
    pub waiting: u64,
    /// When the oldest of them happened.
    pub oldest_waiting_at: Option<Timestamp>,
    /// Posts that are being made: a gauge, at most [`IN_FLIGHT`].
    pub in_flight: usize,
    /// Since when its receiver takes nothing; none while it does.
    pub failing_since: Option<Timestamp>,
    /// Counts since the hook was first configured, over all restarts, and its last error.
    #[serde(flatten)]
    pub record: HookRecord,
}

/// Posts of one hook at once.
pub const IN_FLIGHT: usize = 4;

/// How long to wait before the database is asked again that has failed.
const AFTER_STORE_FAILURE: Duration = Duration::from_secs(1);

/// Messages of one hook that wait at most; beyond that the oldest are given up.
pub const MOST_WAITING: u64 = 10_000;

/// All hooks. Cheap to clone.
#[derive(Clone)]
pub struct Hooks {
    inner: Arc<Inner>,
}

struct Inner {
    /// Asked as those are who may wait: hooks take nothing from deliveries.
    store: Store,
    clock: Clock,
    desks: Desks,
    current: watch::Sender<Arc<[Arc<Hook>]>>,
    figures: Mutex<BTreeMap<String, Known>>,
}

/// A hook as it runs.
struct Hook {
    name: String,
    wants: HookWants,
    receiver: Receiver,
    in_flight: Arc<AtomicUsize>,
}

/// What is known of a hook.
struct Known {
    events: Vec<HookEvent>,
    in_flight: Arc<AtomicUsize>,
    backlog: HookBacklog,
    record: HookRecord,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks")
    }
}

/// Why hooks cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// One of them cannot be used.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The database does not take them.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Says what is not told any more.
fn told_of(gone: usize) {
    if gone > 0 {
        tracing::warn!(
            messages = gone,
            "hooks are not configured any more: what waited for them is gone"
        );
    }
}

impl Hooks {
    /// The hooks of a checked configuration; nothing is sent before [`Hooks::run`].
    pub async fn new(
        store: Store,
        clock: Clock,
        desks: Desks,
        hooks: &[config::Hook],
    ) -> Result<Self, ReplaceError> {
        let inner = Inner {
            store: store.for_polls(),
            clock,
            desks,
            current: watch::Sender::new(Arc::default()),
            figures: Mutex::default(),
        };
        let this = Self { inner: Arc::new(inner) };
        this.replace(Self::prepared(hooks)?).await?;
        Ok(this)
    }

    /// Checks hooks that [`Hooks::replace`] is to take.
    ///
    /// # Errors
    /// Where a template, an address or a secret cannot be used.
    pub fn prepared(hooks: &[config::Hook]) -> Result<Prepared, HookError> {
        let prepare = |hook: &config::Hook| Ok((hook.clone(), Receiver::new(hook)?));
        hooks.iter().map(prepare).collect::<Result<_, _>>().map(Prepared)
    }

    /// Tells these hooks from now on, and no others. What waits of those that stay is sent as they say
    /// now; what waits of others goes.
    pub async fn replace(&self, Prepared(hooks): Prepared) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let wants = hooks.iter().map(|(hook, _)| HookWants {
            name: hook.name.clone(),
            events: hook.events.clone(),
            visible: hook.visible(),
        });
        let wants: Vec<_> = wants.collect();
        told_of(inner.store.set_hooks(wants.clone()).await?);
        let mut figures = BTreeMap::new();
        let mut current = Vec::with_capacity(hooks.len());
        for ((hook, receiver), wants) in hooks.into_iter().zip(wants) {
            let in_flight = Arc::new(AtomicUsize::new(0));
            let known = Known {
                events: hook.events,
                in_flight: in_flight.clone(),
                backlog: inner.store.hook_backlog(&hook.name).await?,
                record: inner.store.hook_record(&hook.name).await?,
            };
            figures.insert(hook.name.clone(), known);
            current.push(Arc::new(Hook { name: hook.name, wants, receiver, in_flight }));
        }
        *self.figures_mut() = figures;
        inner.current.send_replace(current.into());
        Ok(())
    }

    /// How it goes with each hook, by name. Costs no query.
    #[must_use]
    pub fn figures(&self) -> Vec<HookFigures> {
        let clock = &self.inner.clock;
        let figure = |(name, known): (&String, &Known)| HookFigures {
            name: name.clone(),
            events: known.events.clone(),
            waiting: known.backlog.waiting,
            oldest_waiting_at: known.backlog.oldest,
            in_flight: known.in_flight.load(Ordering::Relaxed),
            failing_since: known.record.failing_since.map(|since| clock.time_of(since)),
            record: known.record.clone(),
        };
        self.figures_mut().iter().map(figure).collect()
    }

    /// Where several instances may serve the database, the configuration of the one that leads counts from now on, and
    /// it goes on where the last one was. Tried until the database takes it.
    pub async fn take_over(&self, term: &Term) {
        let inner = &*self.inner;
        if inner.store.standing().is_none() {
            // A file has them since it was opened, before anything was written.
            return;
        }
        while let Err(error) = self.taken_over(term).await {
            tracing::error!(%error, "what hooks are told could not be written");
            inner.clock.sleep(AFTER_STORE_FAILURE).await;
        }
    }

    async fn taken_over(&self, term: &Term) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let hooks = inner.current.borrow().clone();
        told_of(term.set_hooks(hooks.iter().map(|hook| hook.wants.clone()).collect()).await?);
        for Hook { name, .. } in hooks.iter().map(|hook| &**hook) {
            let (backlog, record) =
                (inner.store.hook_backlog(name).await?, inner.store.hook_record(name).await?);
            self.learn(name, |known| (known.backlog, known.record) = (backlog, record));
        }
        Ok(())
    }

    /// Sends for a Term until it is dropped. A post that is being made then is made again, by the same id.
    pub async fn run(self, term: Term) {
        let mut changes = self.inner.current.subscribe();
        loop {
            let hooks = changes.borrow_and_update().clone();
            let all = join_all(hooks.iter().map(|hook| line::Line::new(&self, hook, &term).run()));
            tokio::select! {
                // Without hooks, and only then, this ends.
                _ = all, if !hooks.is_empty() => {}
                _ = changes.changed() => self.take_over(&term).await,
            }
        }
    }

    fn figures_mut(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.inner.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, hook: &str, learn: impl FnOnce(&mut Known)) {
        if let Some(known) = self.figures_mut().get_mut(hook) {
            learn(known);
        }
    }
}

/// Hooks that were checked and can be taken over.
pub struct Prepared(Vec<(config::Hook, Receiver)>);

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Prepared").field(&self.0.len()).finish()
    }
}
