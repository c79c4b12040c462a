//! One attempt at one row. Each branch leaves the row in a state from which the right thing
//! follows, even if the process ends right after it.

use super::{
    Delivery, Plan, PlanError,
    backoff::backoff,
    plan::KeepLink,
    settle::{Search, SearchFor},
};
use crate::{
    domain::{
        acknowledgement::{Acknowledgement, EventType, decode},
        delivery_state::{Problem, State},
        marker::Marker,
        text::one_line,
        ticket_status::TicketStatus,
    },
    itop::ItopError,
    store::{Delivered, StoreError, Waiting},
};

impl Delivery {
    /// Tries to deliver a row whose turn has come.
    pub(super) async fn attempt(&self, id: i64) -> Result<(), StoreError> {
        let Some(row) = self.inner.store.waiting(id).await? else { return Ok(()) };
        let event = serde_json::from_str(&row.body).ok().and_then(|body| decode(&body).ok());
        let Some(event) = event else {
            // It was checked when it was stored, so a later version reads it otherwise.
            let problem = Problem::new(
                "unreadable",
                "The stored acknowledgement can no longer be read by this version of the bridge.",
            );
            return self.inner.store.fail(id, problem, Vec::new()).await;
        };
        if row.was_sent && self.found_again(&row, &event).await? {
            return Ok(());
        }
        match self.deliver(&row, &event).await {
            Ok(()) => Ok(()),
            Err(PlanError::Store(error)) => Err(error),
            Err(PlanError::Way(error)) => self.wait_for_the_way(&row, &error).await,
            Err(PlanError::Blocked(blocked)) => {
                let (problem, warnings) = (blocked.problem, blocked.warnings);
                let state = match event.event_type {
                    EventType::Test => State::Recorded,
                    _ => blocked.state,
                };
                let store = &self.inner.store;
                match state {
                    State::Recorded => store.record_without_ticket(id, problem, warnings).await,
                    State::Failed => {
                        log_failure(&row, &event, &problem);
                        store.fail(id, problem, warnings).await
                    }
                    _ => {
                        if row.state != State::Blocked {
                            tracing::warn!(
                                acknowledgement = id,
                                company = %event.company.key,
                                problem = problem.code,
                                "an acknowledgement waits: {}", problem.message
                            );
                        }
                        let again = self.inner.settings.delivery.recheck_blocked.duration();
                        store.block(id, problem, warnings, self.after(again)).await
                    }
                }
            }
        }
    }

    async fn deliver(&self, row: &Waiting, event: &Acknowledgement) -> Result<(), PlanError> {
        if event.event_type == EventType::Test {
            return self.rehearse(row, event).await;
        }
        let link = self.link(&row.instance, event, KeepLink::Yes).await?;
        if let Some(ticket) = self.existing_ticket(&row.instance, event, &link).await? {
            return Ok(self.reuse(row, event, ticket).await?);
        }
        let plan = self.plan_with(&row.instance, event, &link).await?;
        Ok(self.create(row, event, plan).await?)
    }

    async fn create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        plan: Plan,
    ) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let floor = inner.store.highest_ticket_id().await?;
        if !inner.store.begin_write(row.id, floor, None).await? {
            return Ok(());
        }
        let field = &inner.settings.ticket.marker_field;
        match inner.client.create(&plan.operation, &plan.marker, field).await {
            Ok(created) => {
                let mut warnings = plan.resolution.warnings;
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
                let has_marker = created.has_marker;
                let ticket = created.status;
                let delivered = Delivered { state: State::Created, ticket, warnings, has_marker };
                self.record(row.id, delivered).await;
                Ok(())
            }
            Err(error) => {
                let search = SearchFor { marker: &plan.marker, floor, target: None };
                self.after_failed_write(row, event, &error, search).await
            }
        }
    }

    /// Takes an existing ticket: a line with the row's own marker, no new ticket.
    async fn reuse(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        ticket: TicketStatus,
    ) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let floor = inner.store.highest_ticket_id().await?;
        if !inner.store.begin_write(row.id, floor, Some(ticket.key.clone())).await? {
            return Ok(());
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
                Ok(())
            }
            Err(error) => {
                let search = SearchFor { marker: &marker, floor, target: Some(&ticket.key) };
                self.after_failed_write(row, event, &error, search).await
            }
        }
    }

    /// What follows from a write that did not clearly succeed (DESIGN, section 7).
    async fn after_failed_write(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        error: &ItopError,
        search: SearchFor<'_>,
    ) -> Result<(), StoreError> {
        let inner = &*self.inner;
        inner.gate.after_failure(error);
        if error.had_no_effect() {
            return self.wait_for_the_way(row, error).await;
        }
        if !error.is_answer() {
            let message = format!(
                "{}. The ticket may exist or may still be made; it is looked for before anything \
                 else is done.",
                capitalised(&error.to_string())
            );
            tracing::warn!(acknowledgement = row.id, %error, "outcome unknown; it is looked for");
            return inner.store.record_unknown(row.id, Problem::new("unknown", message)).await;
        }
        // iTop has answered, so the write has ended; that it was refused does not prove that
        // nothing was created. One search settles it.
        match self.search(&[search]).await {
            Ok(Search { found, .. }) if !found.is_empty() => {
                self.adopt(row.id, &found[0], search.target.is_some()).await
            }
            Ok(Search { trusted: true, .. }) if search.target.is_none() => {
                let problem = Problem::new("refused-by-itop", capitalised(&error.to_string()));
                log_failure(row, event, &problem);
                inner.store.fail(row.id, problem, Vec::new()).await
            }
            // The ticket to which the line was to be added may be gone: the next attempt sees.
            Ok(Search { trusted: true, .. }) => self.wait_for_the_way(row, error).await,
            Ok(Search { trusted: false, .. }) | Err(_) => {
                let message = format!(
                    "{}, and whether a ticket was made all the same could not be looked up yet.",
                    capitalised(&error.to_string())
                );
                inner.store.record_unknown(row.id, Problem::new("unknown", message)).await
            }
        }
    }

    /// Looks for the ticket of an earlier attempt; true if it was there and has been adopted, or
    /// if that could not be told yet.
    async fn found_again(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        let marker = Marker::new(&row.instance, &event.event_id);
        let floor = row.id_floor.unwrap_or(0);
        let search = SearchFor { marker: &marker, floor, target: None };
        match self.search(&[search]).await {
            Ok(Search { found, .. }) if !found.is_empty() => {
                self.adopt(row.id, &found[0], false).await?;
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) => {
                self.wait_for_the_way(row, &error).await?;
                Ok(true)
            }
        }
    }

    /// The attempt had no effect: the row waits for its next one. While the gate is closed it is
    /// not tried at all, however long that takes.
    async fn wait_for_the_way(&self, row: &Waiting, error: &ItopError) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let settings = &inner.settings.delivery;
        let gate_closed = !inner.gate.is_open();
        let wait = if gate_closed {
            std::time::Duration::ZERO
        } else {
            backoff(settings, row.attempts + 1)
        };
        let problem = Problem::new("itop-unavailable", capitalised(&error.to_string()));
        inner.store.wait_until(row.id, self.after(wait), problem).await
    }

    /// Writes down a success. The ticket exists: this is tried until the database takes it, and
    /// if the process ends before, the row is `creating` and its ticket is looked for.
    pub(super) async fn record(&self, id: i64, delivered: Delivered) {
        let second = std::time::Duration::from_secs(1);
        while let Err(error) = self.inner.store.record_delivered(id, delivered.clone()).await {
            tracing::error!(acknowledgement = id, %error, "a ticket could not be written down");
            self.inner.clock.sleep(second).await;
        }
        self.inner.outcomes.tell(id);
    }

    pub(super) fn after(&self, wait: std::time::Duration) -> jiff::Timestamp {
        let wait = jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX);
        self.inner.clock.now().saturating_add(wait).unwrap_or(jiff::Timestamp::MAX)
    }
}

fn log_failure(row: &Waiting, event: &Acknowledgement, problem: &Problem) {
    tracing::error!(
        acknowledgement = row.id,
        company = %event.company.key,
        control = %event.control.id,
        problem = problem.code,
        "an acknowledgement has failed: {}", problem.message
    );
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

fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        // The name of the product begins with a small letter.
        Some(first) if !sentence.starts_with("iTop") => first.to_uppercase().chain(chars).collect(),
        _ => sentence.to_owned(),
    }
}
