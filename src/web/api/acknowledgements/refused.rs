//! What is refused: kept for the operator and warned of, because many senders ignore answers.

use super::receive::Inbox;
use crate::{
    domain::{
        acknowledgement::Glimpse,
        keys::{ControlId, EventId},
        text::{clean, cut_bytes},
    },
    store::Rejected,
    web::problem::ApiError,
};

/// How much of a refused body is kept, in bytes.
const KEPT_OF_REJECTED: usize = 16 * 1024;

impl Inbox {
    /// Answers with an error, and keeps what was refused.
    pub(super) async fn refused<T>(&self, text: &str, error: ApiError) -> Result<T, ApiError> {
        // Boxed: what is rare would make each post larger.
        Box::pin(self.keep(vec![self.rejected(text, &error)])).await?;
        Err(error)
    }

    /// What is kept of something that was refused.
    pub(super) fn rejected(&self, text: &str, error: &ApiError) -> Rejected {
        let glimpse = Glimpse::of(text);
        // One that names the instance of others stays with its own.
        let instance = self.caller.instance(glimpse.instance.as_ref());
        Rejected {
            instance: instance.unwrap_or_else(|_| self.receipt.instance.clone()),
            glimpse,
            body: clean(cut_bytes(text, KEPT_OF_REJECTED)).into_owned(),
            received_at: self.receipt.at,
            problem: error.problem(),
        }
    }

    /// Keeps what was refused, and says so.
    pub(super) async fn keep(&self, rejected: Vec<Rejected>) -> Result<(), ApiError> {
        if rejected.is_empty() {
            return Ok(());
        }
        for Rejected { instance, glimpse, problem, .. } in &rejected {
            tracing::warn!(
                token = self.caller.name,
                instance = instance.as_str(),
                event_id = glimpse.event_id.as_ref().map(EventId::as_str),
                company = glimpse.company.as_ref().map(|company| company.key.to_string()),
                control = glimpse.control_id.as_ref().map(ControlId::as_str),
                problem = problem.code,
                reason = problem.message,
                "what was posted was refused"
            );
        }
        Ok(self.store.keep_rejected(rejected).await?)
    }
}
