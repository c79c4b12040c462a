//! What is older than `store.retention` goes.

use std::time::Duration;

use crate::{clock::Clock, store::Term};

/// How often ended rows are looked for.
const PURGE_EVERY: Duration = Duration::from_mins(10);

/// Looks for it for a Term, again and again, until it is dropped.
pub(super) async fn keep(term: Term, clock: Clock, retention: Duration) {
    let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    loop {
        clock.sleep(PURGE_EVERY).await;
        if let Err(error) = term.forget_companies(retention).await {
            tracing::error!(%error, "companies of which nothing came for long could not be forgotten");
        }
        if let Err(error) = term.forget_messages(retention).await {
            tracing::error!(%error, "the ids of old signed messages could not be forgotten");
        }
        loop {
            match term.purge_ended(retention).await {
                Ok(0) => break,
                Ok(rows) => tracing::info!(rows, "ended acknowledgements purged"),
                Err(error) => {
                    tracing::error!(%error, "ended acknowledgements could not be purged");
                    break;
                }
            }
        }
    }
}
