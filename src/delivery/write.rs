//! The calls that change iTop, and what follows from each outcome (DESIGN, section 7).

use std::time::Duration;

use super::{
    Delivery,
    attempt::capitalised,
    search::{Search, SearchFor},
};
use crate::{
    domain::{acknowledgement::Acknowledgement, delivery_state::Problem},
    itop::{ItopError, WriteRight},
    store::{Delivered, StoreError, Waiting},
};

/// How long to wait before a success is written down again that the database did not take.
const AFTER_STORE_FAILURE: Duration = Duration::from_secs(1);

/// How often iTop must refuse a line, while it lets tickets be created, until the row fails.
const REFUSED_LINES: u32 = 4;

/// When the marker of a write without an answer is looked for once more.
pub(super) const LATE_LOOK: Duration = Duration::from_hours(1);

impl Delivery {
    pub(super) async fn after_failed_write(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        error: &ItopError,
        search: SearchFor<'_>,
    ) -> Result<(), StoreError> {
        if let (Some(ticket), ItopError::NotAllowed { .. }) = (search.target, error)
            && self.may_create().await
        {
            // The right to write this ticket is missing, while others can be created: it is the
            // row that waits, not the gate that closes. iTop's read-only mode uses the same words
            // and may have ended just now, so that one refusal does not say so yet.
            if row.attempts + 1 < REFUSED_LINES {
                return self.wait_for_the_way(row, event, error).await;
            }
            let message = format!("{}, for ticket {ticket}.", capitalised(&error.to_string()));
            return self.fail(row, event, Problem::new("refused-by-itop", message)).await;
        }
        self.inner.gate.after_failure(error);
        if error.had_no_effect() {
            return self.wait_for_the_way(row, event, error).await;
        }
        if !error.is_answer() {
            let message = format!(
                "{}. The ticket may exist or may still be made; it is looked for before anything \
                 else is done.",
                capitalised(&error.to_string())
            );
            return self.unknown(row, message).await;
        }
        // iTop has answered, so the write has ended; that it was refused does not prove that
        // nothing was created. One search settles it.
        match self.search(&[search]).await {
            Ok(Search { found, .. }) if !found.is_empty() => {
                let target = found.iter().find(|marked| Some(&marked.key) == search.target);
                self.adopt(row.id, target.unwrap_or(&found[0]), target.is_some()).await
            }
            // What passes is tried again; and the ticket to which a line was to be added may be
            // gone, which the next attempt sees.
            Ok(Search { trusted: true, .. }) if error.is_passing() || search.target.is_some() => {
                self.wait_for_the_way(row, event, error).await
            }
            Ok(Search { trusted: true, .. }) => {
                let problem = Problem::new("refused-by-itop", capitalised(&error.to_string()));
                self.fail(row, event, problem).await
            }
            Ok(Search { trusted: false, .. }) | Err(_) => {
                let message = format!(
                    "{}, and whether a ticket was made all the same could not be looked up yet.",
                    capitalised(&error.to_string())
                );
                self.unknown(row, message).await
            }
        }
    }

    /// Whether tickets can be created now, as far as can be told without creating one.
    async fn may_create(&self) -> bool {
        let Ok(model) = self.inner.catalog.ticket_model().await else { return false };
        matches!(self.inner.client.write_right(model.class).await, Ok(WriteRight::Allowed))
    }

    pub(super) async fn unknown(&self, row: &Waiting, message: String) -> Result<(), StoreError> {
        tracing::warn!(acknowledgement = row.id, "outcome unknown: {message}");
        let late_look = self.after(LATE_LOOK);
        let problem = Problem::new("unknown", message);
        self.inner.store.record_unknown(row.id, problem, late_look).await?;
        self.inner.unknown.notify_one();
        Ok(())
    }

    /// Writes down successes. The tickets exist: this is tried until the database takes it, and if
    /// the process ends before, the rows are `creating` and their tickets are looked for.
    pub(super) async fn record(&self, rows: Vec<(i64, Delivered)>) {
        while let Err(error) = self.inner.store.record_delivered(rows.clone()).await {
            tracing::error!(%error, "a ticket could not be written down");
            self.inner.clock.sleep(AFTER_STORE_FAILURE).await;
        }
        for (id, _) in rows {
            self.inner.outcomes.tell(id);
        }
    }
}
