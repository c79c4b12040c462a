//! Who waits for the outcome of which row.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Waiters by row.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    waiters: Mutex<HashMap<i64, Vec<oneshot::Sender<()>>>>,
}

impl Outcomes {
    /// A future that ends when something has come of the row: true; or false where nobody knows whether
    /// something has, so that whoever waits looks once more.
    pub(crate) fn subscribe(&self, id: i64) -> impl Future<Output = bool> + use<> {
        let (sender, receiver) = oneshot::channel();
        let mut waiters = self.lock();
        waiters.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        waiters.entry(id).or_default().push(sender);
        async move { receiver.await.is_ok() }
    }

    /// Something has come of the row.
    pub(crate) fn tell(&self, id: i64) {
        for sender in self.lock().remove(&id).into_iter().flatten() {
            // Whoever waited may have gone.
            let _ = sender.send(());
        }
    }

    /// Something may have come of any row.
    #[cfg(feature = "postgres")]
    pub(super) fn have_look_again(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Vec<oneshot::Sender<()>>>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
