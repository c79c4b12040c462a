//! Without PostgreSQL nobody else could lead.

use std::{future::Ready, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::Granted;
use crate::store::{Inner, Store, StoreError, writer::Writer};

/// Where a store would get its Terms from.
pub(in crate::store) enum Leading {}

/// What a Term would have beside the right.
pub(in crate::store) enum Fenced {}

impl Leading {
    pub(super) fn term(&self) -> Option<Arc<Granted>> {
        match *self {}
    }

    pub(super) fn sought(
        &self,
        _: &Arc<Inner>,
        _: Arc<OwnedSemaphorePermit>,
    ) -> Ready<Arc<Granted>> {
        match *self {}
    }
}

impl Fenced {
    pub(super) fn number(&self) -> Option<i64> {
        match *self {}
    }

    pub(super) fn over(&self) -> CancellationToken {
        match *self {}
    }

    pub(super) fn writer(&self) -> &Writer {
        match *self {}
    }

    pub(super) fn is_alone(&self, _: &Store) -> Ready<Result<bool, StoreError>> {
        match *self {}
    }
}
