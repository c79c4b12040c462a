//! What has changed. Triggers of the writing connection note it, so that no method can forget to, and
//! what is new in the inbox is noted by whoever stores it; it is told after the commit, before whoever
//! wrote is answered: a counter for each control, the counts of rows, whose turn it is, listeners.
//!
//! On a server triggers write it into a table instead, and each instance tells what it finds there, whoever
//! has written it (`journal`).

mod file;
#[cfg(feature = "postgres")]
mod journal;
mod seen;

#[cfg(feature = "postgres")]
pub(super) use journal::{MOST, SINCE, Whole};
pub use seen::{ControlChange, SeenChanges};

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{Notify, watch};

use super::{
    CompanyWaits, Store,
    counts::{Counts, Kept},
    db::{self, Connection},
    moves::{Moved, Moves, Standing},
    outcomes::Outcomes,
};
use crate::domain::{
    delivery_state::{Problem, State},
    desk_name::DeskName,
    keys::{ControlId, Instance},
    visible::Visible,
};
use seen::Listeners;

/// Counters that the controls share; two controls with one counter only cost a read too many.
const COUNTERS: usize = 65_536;

/// Counts and tells changes. Cheap to clone: each row that is stored takes one along.
#[derive(Clone)]
pub(super) struct Changes(Arc<Inner>);

struct Inner {
    noted: Mutex<Vec<Noted>>,
    /// Where changes are told from what stands in a table.
    #[cfg(feature = "postgres")]
    journal: Option<journal::Journal>,
    counters: Box<[AtomicU64]>,
    commits: AtomicU64,
    kept: Mutex<Kept>,
    /// For each that takes turns, by [`DeskName`]; whoever is not served never asks.
    turns: [Notify; DeskName::ALL.len()],
    hook_messages: watch::Sender<()>,
    /// Whoever brings equipment to iTop waits for it.
    equipment: Notify,
    listeners: Listeners,
    outcomes: Arc<Outcomes>,
}

impl Inner {
    fn of(kept: Kept) -> Self {
        Self {
            noted: Mutex::default(),
            #[cfg(feature = "postgres")]
            journal: None,
            counters: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            commits: AtomicU64::new(0),
            kept: Mutex::new(kept),
            turns: Default::default(),
            hook_messages: watch::Sender::new(()),
            equipment: Notify::new(),
            listeners: Listeners::default(),
            outcomes: Arc::default(),
        }
    }
}

/// What has changed.
pub(super) enum Noted {
    Control {
        counter: usize,
        /// `None` for what nobody can see.
        change: Option<ControlChange>,
    },
    Row(Moved),
    HookMessage,
    #[cfg(feature = "postgres")]
    Equipment,
}

/// What one transaction has changed, to be told once it is committed.
pub(super) enum Gathered {
    /// As it was noted.
    Noted(Vec<Noted>),
    /// As it stands in the table.
    #[cfg(feature = "postgres")]
    Found(Option<journal::Found>),
}

impl Changes {
    /// Begins with what is in the database.
    pub(super) fn since(kept: Kept) -> Self {
        Self(Arc::new(Inner::of(kept)))
    }

    /// Notes what is changed through this connection, but for what is new in the inbox.
    pub(super) fn watch(&self, connection: &Connection) -> db::Result<()> {
        match connection {
            Connection::Sqlite(connection) => Ok(self.watch_file(connection)?),
            // Its triggers are there for good, and write into a table.
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => Ok(()),
        }
    }

    /// Notes a row that is about to be stored. `company` is empty where a rejected one names none. On a server a
    /// trigger does.
    pub(super) fn note_new(
        &self,
        id: i64,
        (instance, company): (&str, &str),
        control: Option<&str>,
        state: State,
        problem: Option<&Problem>,
        received_at: i64,
    ) {
        #[cfg(feature = "postgres")]
        if self.0.journal.is_some() {
            return;
        }
        if let Some(control) = control {
            self.note_control(instance, control, Some(company), true);
        }
        let (instance, company) = (instance.to_owned(), company.to_owned());
        let to = Some(Standing::of(state, problem.map(|problem| problem.code.as_str())));
        let moved = Moved { id, instance, company, received_at, from: None, to };
        self.lock().push(Noted::Row(moved));
    }

    fn note_control(
        &self,
        instance: &str,
        control: &str,
        company: Option<&str>,
        can_be_seen: bool,
    ) {
        let noted = self.noted_control(instance, control, company, can_be_seen);
        self.lock().push(noted);
    }

    fn noted_control(
        &self,
        instance: &str,
        control: &str,
        company: Option<&str>,
        can_be_seen: bool,
    ) -> Noted {
        let change = (can_be_seen && self.0.listeners.are_there()).then(|| ControlChange {
            instance: instance.to_owned(),
            control_id: control.to_owned(),
            company_key: company.map(str::to_owned),
        });
        Noted::Control { counter: counter(instance, control), change }
    }

    /// How much has been noted so far.
    pub(super) fn mark(&self) -> usize {
        self.lock().len()
    }

    /// What was noted since then was undone.
    pub(super) fn forget_since(&self, mark: usize) {
        self.lock().truncate(mark);
    }

    /// What is to be told of the transaction that is about to be committed.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unnecessary_wraps, reason = "what was noted need not be read")
    )]
    pub(super) fn gather(&self, connection: &Connection) -> db::Result<Gathered> {
        match connection {
            Connection::Sqlite(_) => Ok(Gathered::Noted(mem::take(&mut *self.lock()))),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => Ok(Gathered::Found(self.find(connection, session)?)),
        }
    }

    /// Tells what a transaction has changed that was committed.
    pub(super) fn tell(&self, gathered: Gathered) {
        match gathered {
            Gathered::Noted(noted) => self.tell_noted(noted),
            #[cfg(feature = "postgres")]
            Gathered::Found(found) => found.into_iter().for_each(|found| self.tell_found(found)),
        }
    }

    fn tell_noted(&self, noted: Vec<Noted>) {
        if !noted.is_empty() {
            self.0.commits.fetch_add(1, Ordering::Release);
        }
        // All numbers first: who is told of one change may ask about another at once.
        let mut may_be_due = false;
        let mut has_hook_message = false;
        let mut kept = self.kept();
        for noted in &noted {
            match noted {
                Noted::Control { counter, .. } => {
                    self.0.counters[*counter].fetch_add(1, Ordering::Release);
                }
                Noted::Row(moved) => {
                    kept.apply(moved);
                    may_be_due |= moved.may_be_followed();
                }
                Noted::HookMessage => has_hook_message = true,
                #[cfg(feature = "postgres")]
                Noted::Equipment => self.0.equipment.notify_one(),
            }
        }
        drop(kept);
        if may_be_due {
            self.0.turns.iter().for_each(Notify::notify_one);
        }
        if has_hook_message {
            self.0.hook_messages.send_replace(());
        }
        for noted in noted {
            if let Noted::Control { change: Some(change), .. } = noted {
                self.0.listeners.tell(change);
            }
        }
    }

    /// How many rows are in each state, see [`Store::counts`].
    pub(super) fn counts(&self, visible: &Visible) -> Counts {
        self.kept().sum(visible)
    }

    /// How much waits of each company that is seen, see [`Store::company_waits`].
    pub(super) fn company_waits(&self, visible: &Visible) -> Vec<CompanyWaits> {
        self.kept().company_waits(visible)
    }

    /// Whether rows of a company wait for something to be mended.
    pub(super) fn has_blocked(&self, instance: &str, company: &str) -> bool {
        self.kept().has_blocked(instance, company)
    }

    /// What has become of rows, see [`Store::moves`].
    pub(super) fn moves(&self) -> Moves {
        self.kept().moves().clone()
    }

    /// How many rows need somebody, see [`Store::causes_counted`].
    pub(super) fn causes(&self) -> Vec<(State, String, u64)> {
        self.kept().causes()
    }

    /// How many acknowledgements were stored, see [`Store::stored_since_start`].
    pub(super) fn stored(&self) -> u64 {
        self.kept().stored()
    }

    /// The instances of which there are rows.
    pub(super) fn instances(&self) -> Vec<String> {
        self.kept().instances()
    }

    /// The companies of each instance of which rows wait that have just been stored, or are to be
    /// tried again.
    pub(super) fn with_accepted(&self) -> Vec<(String, String)> {
        self.kept().with_accepted()
    }

    /// Tells of each commit that has written something which hooks are to be told.
    pub(super) fn hook_messages(&self) -> watch::Receiver<()> {
        self.0.hook_messages.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Noted>> {
        self.0.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counter(instance: &str, control: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    (instance, control).hash(&mut hasher);
    usize::try_from(hasher.finish() % COUNTERS as u64).unwrap_or(0)
}

impl Store {
    /// A number that grows with each change of what is stored about a control. What was read after
    /// asking for it is still true as long as it is the same.
    #[must_use]
    pub fn version_of(&self, instance: &Instance, control: &ControlId) -> u64 {
        let Changes(changes) = &self.inner.changes;
        #[cfg(feature = "postgres")]
        if let Some(other) = changes.never_the_same() {
            return other;
        }
        changes.counters[counter(instance.as_str(), control.as_str())].load(Ordering::Acquire)
    }

    /// A number that grows with each commit that has changed something of any control.
    #[must_use]
    pub fn version(&self) -> u64 {
        let Changes(changes) = &self.inner.changes;
        #[cfg(feature = "postgres")]
        if let Some(other) = changes.never_the_same() {
            return other;
        }
        changes.commits.load(Ordering::Acquire)
    }

    /// Turns are to be read again, whoever reads them.
    pub(crate) fn turns_may_have_changed(&self) {
        self.inner.changes.0.turns.iter().for_each(Notify::notify_one);
    }

    /// Waits until a commit may have given a row its turn: one is new, was released, or no longer
    /// holds up those behind it. What has come since the last wait for this ticket system is not missed.
    pub async fn turns_changed(&self, desk: DeskName) {
        self.inner.changes.0.turns[desk as usize].notified().await;
    }

    /// Who waits for the outcome of which row.
    pub(crate) fn outcomes(&self) -> Arc<Outcomes> {
        self.inner.changes.0.outcomes.clone()
    }

    /// Waits until equipment may have been told otherwise since it was last waited for.
    pub async fn equipment_changed(&self) {
        self.inner.changes.0.equipment.notified().await;
    }

    /// Has whoever waits for it look at the equipment.
    pub fn tell_equipment(&self) {
        self.inner.changes.0.equipment.notify_one();
    }
}
