//! Who waits for the outcome of which row.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::oneshot;

/// Waiters by row.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    waiters: Mutex<HashMap<i64, Vec<oneshot::Sender<()>>>>,
}

impl Outcomes {
    /// A future that ends when something has come of the row.
    pub(super) fn subscribe(&self, id: i64) -> impl Future<Output = ()> + use<> {
        let (sender, receiver) = oneshot::channel();
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        waiters.entry(id).or_default().push(sender);
        async move {
            // A sender that is gone has nothing more to say either.
            let _ = receiver.await;
        }
    }

    /// Something has come of the row.
    pub(super) fn tell(&self, id: i64) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in waiters.remove(&id).into_iter().flatten() {
            // Whoever waited may have gone.
            let _ = sender.send(());
        }
    }
}
