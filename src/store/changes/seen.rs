//! What listeners are told, as far as they see it.

use std::mem;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::{domain::visible::Visible, store::Store};

/// Changes that a listener may be behind; one that is further behind must read everything anew.
const BACKLOG: usize = 8_192;

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

/// What is told: a change, or that anything may have changed.
type Told = Option<ControlChange>;

/// Whoever listens.
pub(super) struct Listeners(broadcast::Sender<Told>);

impl Default for Listeners {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Listeners {
    /// Whether there are some.
    pub(super) fn are_there(&self) -> bool {
        self.0.receiver_count() > 0
    }

    pub(super) fn tell(&self, change: ControlChange) {
        // Without listeners nobody has to be told.
        let _ = self.0.send(Some(change));
    }

    /// Anything may have changed.
    #[cfg(feature = "postgres")]
    pub(super) fn tell_anything(&self) {
        let _ = self.0.send(None);
    }
}

/// The changes that are seen.
#[derive(Debug)]
pub struct SeenChanges {
    changes: broadcast::Receiver<Told>,
    visible: Visible,
    /// That anything may have changed has come, and is still to be told.
    is_behind: bool,
}

impl SeenChanges {
    /// The next one.
    ///
    /// # Errors
    /// `Lagged` where some were left out, `Closed` when there will be no more.
    pub async fn recv(&mut self) -> Result<ControlChange, RecvError> {
        loop {
            if mem::take(&mut self.is_behind) {
                return Err(RecvError::Lagged(1));
            }
            let told = self.changes.recv().await?;
            if let Some(change) = self.seen(told) {
                return Ok(change);
            }
        }
    }

    /// The next one, if it has come already.
    pub fn try_recv(&mut self) -> Option<ControlChange> {
        while !self.is_behind {
            let told = self.changes.try_recv().ok()?;
            if let Some(change) = self.seen(told) {
                return Some(change);
            }
        }
        None
    }

    /// Leaves out all that have come already.
    pub fn skip(&mut self) {
        self.changes = self.changes.resubscribe();
        self.is_behind = false;
    }

    fn seen(&mut self, told: Told) -> Option<ControlChange> {
        self.is_behind |= told.is_none();
        let sees = |change: &ControlChange| {
            self.visible.contains(&change.instance, change.company_key.as_deref())
        };
        told.filter(sees)
    }
}

impl Store {
    /// Each change from now on of what can be seen of a control.
    #[must_use]
    pub fn changes(&self, visible: Visible) -> SeenChanges {
        let changes = self.inner.changes.0.listeners.0.subscribe();
        SeenChanges { changes, visible, is_behind: false }
    }
}
