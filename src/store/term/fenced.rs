//! A Term where several instances may serve a database: it writes through a connection of its own, which holds the
//! lock of the leader, and each of its transactions ends if another Term has begun.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use super::Granted;
use crate::{
    clock::Clock,
    store::{
        Inner, Store, StoreError,
        db::Connection,
        postgres::{self, Server, Sought},
        writer::{Undo, WhenLost, Writer},
    },
};

/// How often it is tried to lead.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How often a leader uses its connection at least: the server ends one that is silent for ten seconds.
const BEAT: Duration = Duration::from_secs(3);

/// Where a store gets its Terms from.
pub(in crate::store) struct Leading {
    server: Server,
    /// Machine and process, for people.
    name: String,
    /// The Term that this instance has, while it has one.
    now: Mutex<Weak<Granted>>,
}

/// What a Term has beside the right.
pub(in crate::store) struct Fenced {
    number: i64,
    writer: Writer,
    /// Uses the connection now and then.
    beats: AbortHandle,
}

impl Drop for Fenced {
    fn drop(&mut self) {
        self.beats.abort();
    }
}

impl Fenced {
    /// Of which Term it is, while that goes on.
    pub(super) fn number(&self) -> Option<i64> {
        (!self.writer.ended().is_cancelled()).then_some(self.number)
    }

    pub(super) fn over(&self) -> CancellationToken {
        self.writer.ended().clone()
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Whether no other instance serves the database, nor will while this one does.
    pub(super) async fn is_alone(&self, store: &Store) -> Result<bool, StoreError> {
        // The connection that serves it is that of whoever answers.
        store.write(postgres::is_alone).await
    }
}

impl Leading {
    pub(in crate::store) fn of(server: Server) -> Self {
        let system = rustix::system::uname();
        let name = format!("{}/{}", system.nodename().to_string_lossy(), std::process::id());
        Self { server, name, now: Mutex::default() }
    }

    /// The Term that this instance has, if it has one.
    pub(super) fn term(&self) -> Option<Arc<Granted>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Tries to lead until that is granted.
    pub(super) async fn sought(
        &self,
        store: &Arc<Inner>,
        only: Arc<OwnedSemaphorePermit>,
    ) -> Arc<Granted> {
        let (mut last, mut has_failed) = (None, false);
        loop {
            match self.attempt(store, last.take()).await {
                Ok(Sought::Granted(connection, number)) => {
                    match self.begun(store, &only, connection, number).await {
                        Ok(granted) => return granted,
                        Err(error) => tracing::error!(%error, "no Term could be begun"),
                    }
                }
                Ok(Sought::Taken(connection)) => (last, has_failed) = (Some(connection), false),
                Err(error) if has_failed => tracing::debug!(%error, "no Term could be asked for"),
                Err(error) => {
                    tracing::error!(%error, "no Term could be asked for");
                    has_failed = true;
                }
            }
            // The time that a test lets pass is not that of the server.
            Clock::system().sleep(TRY_AGAIN).await;
        }
    }

    async fn attempt(&self, store: &Inner, last: Option<Connection>) -> Result<Sought, StoreError> {
        let (server, clock, name) = (self.server.clone(), store.clock.clone(), self.name.clone());
        let attempt =
            tokio::task::spawn_blocking(move || postgres::seek(&server, &clock, last, &name));
        Ok(attempt.await.map_err(|_| stopping())??)
    }

    async fn begun(
        &self,
        store: &Arc<Inner>,
        only: &Arc<OwnedSemaphorePermit>,
        connection: Connection,
        number: i64,
    ) -> Result<Arc<Granted>, StoreError> {
        let (common, only) = (store.writer.common().clone(), only.clone());
        let held = only.clone();
        let start = tokio::task::spawn_blocking(move || {
            // What others have done is told first: whoever leads now knows it, or whoever listens reads it anew.
            let _turn = common.turn.as_ref().map(|turn| turn.blocking_lock());
            common.changes.follow(&connection)?;
            let started = Writer::start(connection, common.clone(), WhenLost::Ends(held));
            started.map_err(|error| StoreError::Unavailable(error.to_string()))
        });
        // Its thread ends with it, and is not waited for: it keeps the right until then.
        let (writer, thread) = start.await.map_err(|_| stopping())??;
        thread.detach();
        let granted = Arc::new_cyclic(|granted: &Weak<Granted>| {
            let beats = tokio::spawn(beat(granted.clone())).abort_handle();
            Granted { _only: only, fenced: Some(Fenced { number, writer, beats }) }
        });
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&granted);
        Ok(granted)
    }
}

fn stopping() -> StoreError {
    StoreError::Unavailable("the bridge is stopping".to_owned())
}

/// Uses the connection of a Term now and then, until that is gone.
async fn beat(granted: Weak<Granted>) {
    loop {
        Clock::system().sleep(BEAT).await;
        let Some(granted) = granted.upgrade() else { return };
        let Some(fenced) = &granted.fenced else { return };
        // Each transaction looks whether the Term goes on, and that is all that this one does. What comes of it is
        // for the writer to say.
        if fenced.writer.run(Undo::Statement, |_| Ok(())).await.is_err()
            && fenced.number().is_none()
        {
            return;
        }
    }
}
