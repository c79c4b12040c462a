//! The calls that change iTop, and what follows from each outcome (DESIGN, section 7).

use std::time::Duration;

use super::{
    Delivery, Plan,
    attempt::capitalised,
    in_flight::Written,
    search::{Search, SearchFor},
};
use crate::{
    domain::{
        acknowledgement::Acknowledgement,
        delivery_state::{Problem, State},
        marker::Marker,
        text::one_line,
        ticket_status::TicketStatus,
    },
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
    /// Creates the planned ticket.
    pub(super) async fn create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        plan: Plan,
    ) -> Result<Written, StoreError> {
        let inner = &*self.inner;
        let floor = inner.store.highest_ticket_id().await?;
        let mut warnings = plan.resolution.warnings;
        if !inner.store.begin_write(row.id, floor, None, warnings.clone()).await? {
            return Ok(Written::Nothing);
        }
        let field = &inner.settings.ticket.marker_field;
        match inner.client.create(&plan.operation, &plan.marker, field).await {
            Ok(created) => {
                let status = &created.status;
                if status.priority.is_some_and(|priority| priority != plan.priority) {
                    warnings.push(format!(
                        "Priority {} was wanted, and iTop computed {}: its table of impact and \
                         urgency has been changed.",
                        u8::from(plan.priority),
                        status.priority.map_or(0, u8::from)
                    ));
                }
                if !created.has_marker {
                    inner.gate.after_lost_marker(&status.number);
                }
                tracing::info!(
                    acknowledgement = row.id,
                    ticket.number = status.number,
                    ticket.key = %status.key,
                    company = %event.company.key,
                    "ticket created"
                );
                let delivered = Delivered {
                    state: State::Created,
                    has_marker: created.has_marker,
                    ticket: created.status,
                    warnings: Some(warnings),
                };
                self.record(row.id, delivered).await;
                Ok(Written::Yes)
            }
            Err(error) => {
                let search = SearchFor { marker: &plan.marker, floor, target: None };
                self.after_failed_write(row, event, &error, search).await?;
                Ok(Written::after(&error))
            }
        }
    }

    /// Takes an existing ticket: a line with the row's own marker, no new ticket.
    pub(super) async fn reuse(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        ticket: TicketStatus,
    ) -> Result<Written, StoreError> {
        let inner = &*self.inner;
        let floor = inner.store.highest_ticket_id().await?;
        let target = Some(ticket.key.clone());
        if !inner.store.begin_write(row.id, floor, target, Vec::new()).await? {
            return Ok(Written::Nothing);
        }
        let marker = Marker::new(&row.instance, &event.event_id);
        match inner.client.append_log(&ticket.key, &marker.to_string()).await {
            Ok(log) => {
                let mut warnings = Vec::new();
                if !log.contains(&marker.to_string()) {
                    warnings.push(format!(
                        "The line in the log of ticket {} could not be read back.",
                        ticket.number
                    ));
                }
                tracing::info!(
                    acknowledgement = row.id,
                    ticket.number = ticket.number,
                    ticket.key = %ticket.key,
                    "open ticket reused"
                );
                let key = ticket.key.clone();
                let warnings = Some(warnings);
                let delivered =
                    Delivered { state: State::Reused, ticket, warnings, has_marker: false };
                self.record(row.id, delivered).await;
                // In an entry of its own: the sender's words never stand beside a marker. It is
                // for people; if it gets lost, nothing else does.
                let line = reuse_line(event);
                if let Err(error) = inner.client.append_log(&key, &line).await {
                    inner.gate.after_failure(&error);
                    tracing::warn!(acknowledgement = row.id, %error, "comment not added");
                }
                Ok(Written::Yes)
            }
            Err(error) => {
                let search = SearchFor { marker: &marker, floor, target: Some(&ticket.key) };
                self.after_failed_write(row, event, &error, search).await?;
                Ok(Written::after(&error))
            }
        }
    }

    async fn after_failed_write(
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

    /// Writes down a success. The ticket exists: this is tried until the database takes it, and
    /// if the process ends before, the row is `creating` and its ticket is looked for.
    pub(super) async fn record(&self, id: i64, delivered: Delivered) {
        while let Err(error) = self.inner.store.record_delivered(id, delivered.clone()).await {
            tracing::error!(acknowledgement = id, %error, "a ticket could not be written down");
            self.inner.clock.sleep(AFTER_STORE_FAILURE).await;
        }
        self.inner.outcomes.tell(id);
    }
}

/// What people read in the log of a reused ticket. A bracket could make it look like a marker.
fn reuse_line(event: &Acknowledgement) -> String {
    let statement = &event.acknowledgement;
    let line = format!(
        "ServiceNav: acknowledged again by {}: {}",
        one_line(statement.author.label()),
        one_line(&statement.comment)
    );
    line.replace('[', "(").replace(']', ")")
}
