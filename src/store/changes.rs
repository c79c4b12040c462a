//! Which controls have changed. Triggers of the writing connection note them, so that no method
//! can forget to, and `accept` notes what is new in the inbox; they are told after the commit, before
//! whoever wrote is answered.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::{Connection, functions::FunctionFlags};
use tokio::sync::broadcast;

use super::Store;
use crate::domain::keys::{ControlId, Instance};

/// Counters that the controls share; two controls with one counter only cost a read too many.
const COUNTERS: usize = 65_536;

/// Changes that a listener may be behind; one that is further behind must read everything anew.
const BACKLOG: usize = 8_192;

/// An acknowledgement has moved, a control has another ticket, or something is known of its ticket.
/// The last argument says whether that can be seen, other than by its age. What is new in the inbox
/// has no trigger, which would make storing it a third slower: the one place that does so notes it.
const TRIGGERS: &str = "
    CREATE TEMP TRIGGER acknowledgement_moved AFTER UPDATE ON main.acknowledgements
    WHEN NEW.control_id IS NOT NULL BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, 1);
    END;
    CREATE TEMP TRIGGER control_mapped AFTER INSERT ON main.control_tickets BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, 1);
    END;
    CREATE TEMP TRIGGER control_lost_ticket AFTER UPDATE ON main.control_tickets BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, 1);
    END;
    CREATE TEMP TRIGGER ticket_read AFTER UPDATE ON main.tickets BEGIN
        SELECT control_changed(instance, control_id,
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
}

/// Counts and tells changes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Changes {
    noted: Arc<Mutex<Vec<Noted>>>,
    counters: Arc<[AtomicU64]>,
    listeners: broadcast::Sender<ControlChange>,
}

struct Noted {
    counter: usize,
    /// `None` for what nobody can see.
    change: Option<ControlChange>,
}

impl Changes {
    /// Notes what is changed through this connection, but for what is new in the inbox.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let changes = Self {
            noted: Arc::default(),
            counters: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            listeners: broadcast::Sender::new(BACKLOG),
        };
        let this = changes.clone();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        connection.create_scalar_function("control_changed", 3, flags, move |call| {
            let (instance, control) = (call.get_raw(0).as_str()?, call.get_raw(1).as_str()?);
            this.note(instance, control, call.get(2)?);
            Ok(false)
        })?;
        connection.execute_batch(TRIGGERS)?;
        Ok(changes)
    }

    /// Notes a change that is about to be committed.
    pub(super) fn note(&self, instance: &str, control: &str, can_be_seen: bool) {
        let change = (can_be_seen && self.listeners.receiver_count() > 0).then(|| ControlChange {
            instance: instance.to_owned(),
            control_id: control.to_owned(),
        });
        self.lock().push(Noted { counter: counter(instance, control), change });
    }

    /// Tells what was noted since the last commit; nothing of it has happened where that failed.
    pub(super) fn tell(&self, committed: bool) {
        let noted = mem::take(&mut *self.lock());
        if !committed {
            return;
        }
        // All counters first: who is told of one change may read another at once.
        for noted in &noted {
            self.counters[noted.counter].fetch_add(1, Ordering::Release);
        }
        for change in noted.into_iter().filter_map(|noted| noted.change) {
            // Without listeners nobody has to be told.
            let _ = self.listeners.send(change);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Noted>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
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
        let counters = &self.inner.changes.counters;
        counters[counter(instance.as_str(), control.as_str())].load(Ordering::Acquire)
    }

    /// Each change from now on of what can be seen of a control.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<ControlChange> {
        self.inner.changes.listeners.subscribe()
    }
}
