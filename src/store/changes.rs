//! What has changed. Triggers of the writing connection note it, so that no method can forget to, and
//! what is new in the inbox is noted by whoever stores it; it is told after the commit, before whoever
//! wrote is answered: a counter for each control, the counts of rows, whose turn it is, listeners.

#[cfg(feature = "postgres")]
mod anew;
#[cfg(feature = "postgres")]
mod written;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::functions::{Context, FunctionFlags};
use tokio::sync::{
    Notify,
    broadcast::{self, error::RecvError},
    watch,
};

use super::{
    CompanyWaits, Store,
    counts::{Counts, Kept},
    db::{self, Connection},
    moves::{Moved, Moves, Standing},
};
use crate::domain::{
    delivery_state::{Problem, State},
    desk_name::DeskName,
    keys::{ControlId, Instance},
    visible::Visible,
};

/// Counters that the controls share; two controls with one counter only cost a read too many.
const COUNTERS: usize = 65_536;

/// Changes that a listener may be behind; one that is further behind must read everything anew.
const BACKLOG: usize = 8_192;

/// An acknowledgement has moved, a control has another ticket, or something is known of its ticket.
/// The last argument of `control_changed` says whether that can be seen, other than by its age. What is
/// new in the inbox has no trigger, which would make storing it a third slower.
const TRIGGERS: &str = "
    CREATE TEMP TRIGGER acknowledgement_changed AFTER UPDATE ON main.acknowledgements
    WHEN NEW.control_id IS NOT NULL BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, NEW.company_key, 1);
    END;
    CREATE TEMP TRIGGER acknowledgement_moved
    AFTER UPDATE OF state, next_attempt_at ON main.acknowledgements BEGIN
        SELECT row_moved(NEW.id, NEW.instance, NEW.company_key, NEW.received_at, OLD.state, NEW.state,
            OLD.problem_code, NEW.problem_code);
    END;
    CREATE TEMP TRIGGER acknowledgement_gone AFTER DELETE ON main.acknowledgements BEGIN
        SELECT row_moved(OLD.id, OLD.instance, OLD.company_key, OLD.received_at, OLD.state, NULL,
            OLD.problem_code, NULL);
    END;
    CREATE TEMP TRIGGER hook_message_written AFTER INSERT ON main.hook_messages BEGIN
        SELECT hook_message_noted();
    END;
    CREATE TEMP TRIGGER control_mapped AFTER INSERT ON main.control_tickets BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, NEW.company_key, 1);
    END;
    CREATE TEMP TRIGGER control_lost_ticket AFTER UPDATE OF replaced ON main.control_tickets BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, NEW.company_key, 1);
    END;
    CREATE TEMP TRIGGER ticket_read AFTER UPDATE ON main.tickets BEGIN
        SELECT control_changed(instance, control_id, company_key,
            OLD.status IS NOT NEW.status OR OLD.operational_status IS NOT NEW.operational_status
            OR OLD.presence IS NOT NEW.presence OR OLD.priority IS NOT NEW.priority
            OR OLD.title IS NOT NEW.title OR OLD.team IS NOT NEW.team
            OR OLD.agent IS NOT NEW.agent OR OLD.ref IS NOT NEW.ref
            OR OLD.org_id IS NOT NEW.org_id
            OR OLD.last_update IS NOT NEW.last_update)
        FROM control_tickets WHERE ticket_class = NEW.class AND ticket_id = NEW.id;
    END;";

/// A control of which something else can be seen than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlChange {
    /// Its instance.
    pub instance: String,
    /// The control.
    pub control_id: String,
    /// The company of what has changed, if that could be read: a control can have moved.
    pub company_key: Option<String>,
}

/// The changes that are seen.
#[derive(Debug)]
pub struct SeenChanges {
    changes: broadcast::Receiver<ControlChange>,
    visible: Visible,
}

impl SeenChanges {
    /// The next one.
    ///
    /// # Errors
    /// `Lagged` where some were left out, `Closed` when there will be no more.
    pub async fn recv(&mut self) -> Result<ControlChange, RecvError> {
        loop {
            let change = self.changes.recv().await?;
            if self.sees(&change) {
                return Ok(change);
            }
        }
    }

    /// The next one, if it has come already.
    pub fn try_recv(&mut self) -> Option<ControlChange> {
        loop {
            let change = self.changes.try_recv().ok()?;
            if self.sees(&change) {
                return Some(change);
            }
        }
    }

    /// Leaves out all that have come already.
    pub fn skip(&mut self) {
        self.changes = self.changes.resubscribe();
    }

    fn sees(&self, change: &ControlChange) -> bool {
        self.visible.contains(&change.instance, change.company_key.as_deref())
    }
}

/// Counts and tells changes. Cheap to clone: each row that is stored takes one along.
#[derive(Clone)]
pub(super) struct Changes(Arc<Inner>);

struct Inner {
    noted: Mutex<Vec<Noted>>,
    /// The last change of the table of PostgreSQL that was noted.
    #[cfg(feature = "postgres")]
    taken: Mutex<i64>,
    counters: Box<[AtomicU64]>,
    commits: AtomicU64,
    kept: Mutex<Kept>,
    /// For each that takes turns, by [`DeskName`]; whoever is not served never asks.
    turns: [Notify; DeskName::ALL.len()],
    hook_messages: watch::Sender<()>,
    listeners: broadcast::Sender<ControlChange>,
}

enum Noted {
    Control {
        counter: usize,
        /// `None` for what nobody can see.
        change: Option<ControlChange>,
    },
    Row(Moved),
    HookMessage,
}

impl Changes {
    /// Begins with what is in the database.
    pub(super) fn since(kept: Kept) -> Self {
        Self(Arc::new(Inner {
            noted: Mutex::default(),
            #[cfg(feature = "postgres")]
            taken: Mutex::default(),
            counters: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            commits: AtomicU64::new(0),
            kept: Mutex::new(kept),
            turns: Default::default(),
            hook_messages: watch::Sender::new(()),
            listeners: broadcast::Sender::new(BACKLOG),
        }))
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

    fn watch_file(&self, connection: &rusqlite::Connection) -> rusqlite::Result<()> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        let this = self.clone();
        connection.create_scalar_function("control_changed", 4, flags, move |call| {
            let (instance, control) = (call.get_raw(0).as_str()?, call.get_raw(1).as_str()?);
            let company = call.get_raw(2).as_str_or_null()?;
            this.note_control(instance, control, company, call.get(3)?);
            Ok(false)
        })?;
        let this = self.clone();
        connection.create_scalar_function("row_moved", 8, flags, move |call| {
            this.lock().push(Noted::Row(moved(call)?));
            Ok(false)
        })?;
        let this = self.clone();
        connection.create_scalar_function("hook_message_noted", 0, flags, move |_| {
            this.lock().push(Noted::HookMessage);
            Ok(false)
        })?;
        connection.execute_batch(TRIGGERS)
    }

    /// Notes a row that is about to be stored. `company` is empty where a rejected one names none.
    pub(super) fn note_new(
        &self,
        id: i64,
        (instance, company): (&str, &str),
        control: Option<&str>,
        state: State,
        problem: Option<&Problem>,
        received_at: i64,
    ) {
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
        let change =
            (can_be_seen && self.0.listeners.receiver_count() > 0).then(|| ControlChange {
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

    /// Tells what was noted since the last commit; nothing of it has happened where that failed.
    pub(super) fn tell(&self, committed: bool) {
        let noted = mem::take(&mut *self.lock());
        if !committed {
            return;
        }
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
                // Without listeners nobody has to be told.
                let _ = self.0.listeners.send(change);
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

    #[cfg(feature = "postgres")]
    fn taken(&self) -> MutexGuard<'_, i64> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Noted>> {
        self.0.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn moved(call: &Context<'_>) -> rusqlite::Result<Moved> {
    let standing = |state: usize, code: usize| -> rusqlite::Result<Option<Standing>> {
        let Some(state) = call.get_raw(state).as_str_or_null()?.and_then(State::parse) else {
            return Ok(None);
        };
        Ok(Some(Standing::of(state, call.get_raw(code).as_str_or_null()?)))
    };
    Ok(Moved {
        id: call.get(0)?,
        instance: call.get(1)?,
        company: call.get::<Option<String>>(2)?.unwrap_or_default(),
        received_at: call.get(3)?,
        from: standing(4, 6)?,
        to: standing(5, 7)?,
    })
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
        let counters = &self.inner.changes.0.counters;
        counters[counter(instance.as_str(), control.as_str())].load(Ordering::Acquire)
    }

    /// A number that grows with each commit that has changed something of any control.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.inner.changes.0.commits.load(Ordering::Acquire)
    }

    /// Each change from now on of what can be seen of a control.
    #[must_use]
    pub fn changes(&self, visible: Visible) -> SeenChanges {
        SeenChanges { changes: self.inner.changes.0.listeners.subscribe(), visible }
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
}
