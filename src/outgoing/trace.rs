//! Whose trace a call belongs to: that of the task that makes it.

use reqwest::header::{HeaderName, HeaderValue};

use crate::domain::trace::Trace;

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

tokio::task_local! {
    static CURRENT: HeaderValue;
}

/// Does something whose calls to iTop belong to a trace. Lists that are read for all to share do not.
pub async fn in_trace<T>(trace: &Trace, work: impl Future<Output = T>) -> T {
    match HeaderValue::from_str(&trace.to_string()) {
        Ok(header) => CURRENT.scope(header, work).await,
        // Hexadecimal digits can always stand in a header.
        Err(_) => work.await,
    }
}

/// What a call tells of its trace, if it has one.
pub(crate) fn current() -> Option<HeaderValue> {
    CURRENT.try_with(HeaderValue::clone).ok()
}
