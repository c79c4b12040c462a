//! The right to lead. What is decided at one place at a time is written by whoever holds it: the states of
//! deliveries, statuses of tickets, what became of hooks and equipment, history, and what is purged.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::{
    Store, StoreError,
    db::{self, Connection},
};
use crate::clock::Moment;

/// The right to lead, which [`Store::lead`] alone gives. There is never more than one. Cheap to clone; it ends with
/// its last clone, so that whatever writes by it has ended, or was dropped, before the next one is granted.
#[derive(Clone)]
pub struct Term {
    pub(super) store: Store,
    _only: Arc<OwnedSemaphorePermit>,
}

impl std::fmt::Debug for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Term")
    }
}

impl Store {
    /// Waits for the Term, which is at once where nobody holds it: no other process has the file.
    ///
    /// # Panics
    /// Never: what grants it lives as long as the store.
    pub async fn lead(&self) -> Term {
        let granted = self.inner.term.clone().acquire_owned().await;
        let only = Arc::new(granted.expect("nobody closes it"));
        Term { store: self.clone(), _only: only }
    }
}

impl Term {
    /// As [`Store::write`] does. Whatever is written by a Term comes through here, or through the next one.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        self.store.write(work)
    }

    /// As [`Store::write_statement`] does.
    pub(super) fn write_statement<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        self.store.write_statement(work)
    }

    pub(super) fn now_millis(&self) -> i64 {
        self.store.now_millis()
    }

    pub(super) fn moment(&self) -> Moment {
        self.store.moment()
    }

    pub(super) fn as_of(&self) -> i64 {
        self.store.as_of()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn nobody_leads_beside_another() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let term = store.lead().now_or_never().unwrap();
        let clone = term.clone();
        let mut next = std::pin::pin!(store.lead());
        assert!(next.as_mut().now_or_never().is_none());
        drop(term);
        assert!(next.as_mut().now_or_never().is_none());
        drop(clone);
        next.await;
    }
}
