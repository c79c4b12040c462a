//! What follows when a write to iTop brought nothing, or nothing certain (DESIGN, section 7).

use serde_json::Value;

use super::{
    Conditional, LATE_LOOK, REFUSALS, TURNED_AWAY,
    adopt::Adopted,
    search::{Search, SearchFor},
    trace::Logged as _,
};
use crate::{
    domain::{
        acknowledgement::Acknowledgement, delivery_state::Problem, keys::TicketKey, marker::Marker,
        text::capitalised,
    },
    itop::{ItopError, WriteRight},
    store::{StoreError, Waiting},
};

/// What an unknown row says beside why.
pub(super) const MAY_EXIST: &str = " The ticket may exist or may still be made; it is looked for before \
                                    anything else is done.";

/// The code of a problem: no clear answer came.
const UNKNOWN: &str = "unknown";

/// A row whose write was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'a> {
    pub(super) row: &'a Waiting,
    pub(super) event: &'a Acknowledgement,
    pub(super) marker: &'a Marker,
    /// No ticket up to this id can carry the marker.
    pub(super) floor: u64,
    /// What was sent, where it is kept if iTop refuses it.
    pub(super) request: Option<&'a Value>,
}

impl Conditional {
    /// What follows when nothing, or nothing certain, came of a write. It was of one row, or of the
    /// rows that share an entry; `target` is the ticket that it was to be added to.
    pub(super) async fn after_failed_write(
        &self,
        rows: &[Sent<'_>],
        target: Option<&TicketKey>,
        error: &ItopError,
    ) -> Result<(), StoreError> {
        if let (Some(ticket), ItopError::NotAllowed { .. }) = (target, error)
            && self.may_create().await
        {
            // The right to write this ticket is missing, while others can be created: it is the
            // rows that wait, not the gate that closes. iTop's read-only mode uses the same words
            // and may have ended just now, so that one refusal does not say so yet.
            for Sent { row, event, .. } in rows {
                if row.attempts + 1 < REFUSALS {
                    self.wait_for_the_way(row, event, error).await?;
                } else {
                    let message =
                        format!("{}, for ticket {ticket}.", capitalised(&error.to_string()));
                    self.fail(row, event, Problem::new("refused-by-itop", message)).await?;
                }
            }
            return Ok(());
        }
        self.inner.gate.after_failure(error);
        if error.had_no_effect() {
            for Sent { row, event, .. } in rows {
                self.wait_for_the_way(row, event, error).await?;
            }
            return Ok(());
        }
        if !error.has_ended() {
            let code = if error.may_be_about_the_request() { TURNED_AWAY } else { UNKNOWN };
            let message = format!("{}.{MAY_EXIST}", capitalised(&error.to_string()));
            for Sent { row, .. } in rows {
                self.unknown_because(row, Problem::new(code, message.clone())).await?;
            }
            return Ok(());
        }
        // The write has ended; that it was refused does not prove that nothing was created. One
        // search settles it.
        let wanted: Vec<_> = rows
            .iter()
            .map(|Sent { marker, floor, .. }| SearchFor { marker, floor: *floor, target })
            .collect();
        let search = self.search(&wanted).await;
        let mut adopted = Vec::new();
        for Sent { row, event, marker, request, .. } in rows {
            let found = search.as_ref().map(|search| search.of(marker)).unwrap_or_default();
            let in_target = found.iter().find(|marked| Some(&marked.key) == target);
            if let Some(marked) = in_target.or(found.first()) {
                let (ticket, is_reuse) = (marked.key.clone(), in_target.is_some());
                adopted.push(Adopted { id: row.id, ticket, is_reuse, span: row.span() });
                continue;
            }
            match &search {
                // What passes is tried again; and the ticket to which a line was to be added may
                // be gone, which the next attempt sees.
                Ok(Search { trusted: true, .. })
                    if error.is_passing()
                        || error.may_be_about_the_request()
                        || target.is_some() =>
                {
                    self.wait_for_the_way(row, event, error).await?;
                }
                Ok(Search { trusted: true, .. }) => {
                    if let Some(request) = request {
                        let request = request.to_string();
                        self.inner.term.keep_refused_request(row.id, request).await?;
                    }
                    let problem = Problem::new("refused-by-itop", capitalised(&error.to_string()));
                    self.fail(row, event, problem).await?;
                }
                Ok(Search { trusted: false, .. }) | Err(_) => {
                    let message = format!(
                        "{}, and whether a ticket was made all the same could not be looked up yet.",
                        capitalised(&error.to_string())
                    );
                    self.unknown(row, message).await?;
                }
            }
        }
        if !adopted.is_empty() {
            self.adopt_all(adopted).await?;
        }
        Ok(())
    }

    /// Whether tickets can be created now, as far as can be told without creating one.
    async fn may_create(&self) -> bool {
        let Ok(model) = self.inner.catalog.ticket_model().await else { return false };
        matches!(self.inner.client.write_right(model.class).await, Ok(WriteRight::Allowed))
    }

    pub(super) async fn unknown(&self, row: &Waiting, message: String) -> Result<(), StoreError> {
        self.unknown_because(row, Problem::new(UNKNOWN, message)).await
    }

    async fn unknown_because(&self, row: &Waiting, problem: Problem) -> Result<(), StoreError> {
        row.span().in_scope(|| {
            tracing::warn!(acknowledgement = row.id, reason = problem.message, "outcome unknown");
        });
        let late_look = self.after(LATE_LOOK);
        let at = self.inner.term.record_unknown(row.id, problem, late_look).await?;
        self.inner.unknown_since.began(row.id, at, self.inner.clock.moment());
        self.inner.unknown.notify_one();
        Ok(())
    }
}
