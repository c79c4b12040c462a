//! The right to lead. What is decided at one place at a time is written by whoever holds it: the states of
//! deliveries, statuses of tickets, what became of hooks and equipment, history, and what is purged.

#[cfg(feature = "postgres")]
mod fenced;

use std::{sync::Arc, time::Duration};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::{
    Store, StoreError,
    db::{self, Connection},
    writer::{Undo, Writer},
};
use crate::clock::{BeginBy, Moment};
#[cfg(feature = "postgres")]
pub(super) use fenced::Leading;

/// The right to lead, which [`Store::lead`] alone gives. There is never more than one. Cheap to clone; it ends with
/// its last clone, so that whatever writes by it has ended, or was dropped, before the next one is granted. Where
/// several instances serve a database, it may end before: see [`Term::over`].
#[derive(Clone)]
pub struct Term {
    pub(super) store: Store,
    granted: Arc<Granted>,
}

/// What it is that was granted.
pub(super) struct Granted {
    _only: Arc<OwnedSemaphorePermit>,
    #[cfg(feature = "postgres")]
    fenced: Option<fenced::Fenced>,
}

/// Who leads, where several instances may serve a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This one, for the Term of this number.
    Leading(i64),
    /// Another one, or nobody yet.
    Following,
}

impl std::fmt::Debug for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Term")
    }
}

impl Store {
    /// Waits for the Term. Of a file that is at once where nobody holds it, for no other process has the file; of a
    /// server's database it is when no other instance leads.
    ///
    /// # Panics
    /// Never: what grants it lives as long as the store.
    pub async fn lead(&self) -> Term {
        let granted = self.inner.term.clone().acquire_owned().await;
        let only = Arc::new(granted.expect("nobody closes it"));
        #[cfg(feature = "postgres")]
        if let Some(leading) = &self.inner.leading {
            let granted = leading.sought(&self.inner, only).await;
            return Term { store: self.clone(), granted };
        }
        let granted = Granted {
            _only: only,
            #[cfg(feature = "postgres")]
            fenced: None,
        };
        Term { store: self.clone(), granted: Arc::new(granted) }
    }

    /// Who leads; `None` of a file, which one instance alone serves.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        #[cfg(feature = "postgres")]
        if let Some(leading) = &self.inner.leading {
            let number = leading.term().and_then(|granted| granted.fenced.as_ref()?.number());
            return Some(number.map_or(Standing::Following, Standing::Leading));
        }
        None
    }

    /// As [`Store::write`] does, for what only the instance may do that leads, because others are not told of it.
    ///
    /// # Errors
    /// [`StoreError::Deposed`] where another one leads.
    pub(super) async fn write_where_led<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        #[cfg(feature = "postgres")]
        if let Some(leading) = &self.inner.leading {
            let granted = leading.term().ok_or(StoreError::Deposed)?;
            return Term { store: self.clone(), granted }.write(work).await;
        }
        self.write(work).await
    }
}

impl Term {
    /// Cancelled when nothing can be written by it any more: another instance leads, or may by now, because the
    /// connection to the database was lost. Never of a file.
    #[must_use]
    pub fn over(&self) -> CancellationToken {
        #[cfg(feature = "postgres")]
        if let Some(fenced) = &self.granted.fenced {
            return fenced.over();
        }
        CancellationToken::new()
    }

    /// Until when a write may be begun that is decided on now: another instance may lead a moment after that.
    ///
    /// # Errors
    /// [`StoreError::Deposed`] where one leads already.
    pub async fn claim(&self) -> Result<BeginBy, StoreError> {
        let claims = self.claims();
        // Of a file there is nothing to be asked.
        if claims.is_bound() {
            self.write(move |_| Ok(claims.now())).await
        } else {
            Ok(claims.now())
        }
    }

    /// The same for what is decided on in a commit.
    pub(super) fn claims(&self) -> Claims {
        #[cfg(feature = "postgres")]
        if self.granted.fenced.is_some() {
            return Claims { are_bound: true };
        }
        Claims { are_bound: false }
    }

    /// Whether no other instance serves the database, nor will while this one does.
    pub async fn is_alone(&self) -> Result<bool, StoreError> {
        #[cfg(feature = "postgres")]
        if self.granted.fenced.is_some() {
            return self.store.write(super::postgres::is_alone).await;
        }
        Ok(true)
    }

    /// As [`Store::write`] does. Whatever is written by a Term comes through here, or through the next one.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let written = self.writer().run(Undo::Savepoint, work);
        async { self.store.watched(written.await) }
    }

    /// As [`Store::write_statement`] does.
    pub(super) fn write_statement<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let written = self.writer().run(Undo::Statement, work);
        async { self.store.watched(written.await) }
    }

    fn writer(&self) -> &Writer {
        #[cfg(feature = "postgres")]
        if let Some(fenced) = &self.granted.fenced {
            return fenced.writer();
        }
        &self.store.inner.writer
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

/// Until when writes may be begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claims {
    are_bound: bool,
}

impl Claims {
    fn is_bound(self) -> bool {
        self.are_bound
    }

    /// Those that are decided on in the transaction that goes on.
    pub(super) fn now(self) -> BeginBy {
        if self.are_bound { BeginBy::within(CLAIM) } else { BeginBy::any_time() }
    }
}

/// So long after the commit that has claimed it a write may be begun: another instance leads ten seconds after the
/// last word of this one at the earliest.
const CLAIM: Duration = Duration::from_secs(5);

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
        assert_eq!(store.standing(), None);
    }
}
