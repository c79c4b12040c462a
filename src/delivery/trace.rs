//! Each line of the log about a delivery bears the ids of the request that brought it and of its trace,
//! however long ago that was.

use tracing::Span;

use crate::{
    domain::trace::Trace,
    store::{ReadBack, UnknownRow, Waiting},
};

/// A row of the inbox that is being delivered.
pub(super) trait Logged {
    /// The id of the request that brought it, and its trace.
    fn ids(&self) -> (Option<&str>, &Trace);

    /// What its lines in the log stand in. It hangs below nothing: rows are delivered together.
    fn span(&self) -> Span {
        let (request_id, trace) = self.ids();
        tracing::info_span!(parent: None, "delivery", request_id, trace_id = trace.id())
    }
}

impl Logged for Waiting {
    fn ids(&self) -> (Option<&str>, &Trace) {
        (self.request_id.as_deref(), &self.trace)
    }
}

impl Logged for UnknownRow {
    fn ids(&self) -> (Option<&str>, &Trace) {
        (self.request_id.as_deref(), &self.trace)
    }
}

impl Logged for ReadBack {
    fn ids(&self) -> (Option<&str>, &Trace) {
        (self.request_id.as_deref(), &self.trace)
    }
}
