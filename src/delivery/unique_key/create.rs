//! A new ticket, which is made once whatever becomes of the answers.

use super::{Blocked, NO_FLOOR, PlanError, UniqueKey, Written, refused};
use crate::{
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
        marker::Marker,
        new_ticket::RefKind,
        notice::Notice,
    },
    resolve::Doubts,
    salesforce::Error,
    store::Waiting,
};

/// A create meets a value that is there, and no ticket can be read by it.
const UNREADABLE: &str = "duplicate-unreadable";

/// How often that must be so until somebody has to look: a transaction of another may have rolled back in
/// between.
const UNREADABLE_PAIRS: u32 = 5;

impl UniqueKey {
    /// Plans the ticket and creates it. A reference that does not hold when it is read before the write
    /// is resolved once more against a list that is read then, and left out where that does not help.
    pub(super) async fn create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Written, PlanError> {
        let inner = &*self.inner;
        let mut doubts = Doubts::default();
        loop {
            let plan = inner.planner.plan(&row.instance, event, link, &doubts).await?;
            let warnings = self.say(&plan.resolution.warnings);
            let desk = self.desk.name();
            if !self.store.begin_create(row.id, NO_FLOOR, warnings, desk).await? {
                return Ok(Written::Nothing);
            }
            let error = match inner.client.create(&plan.ticket).await {
                Ok(created) => {
                    let mut notices = plan.resolution.warnings.clone();
                    for kind in created.dropped {
                        let name =
                            plan.ticket.refs.get(kind).map(|chosen| chosen.name().to_owned());
                        notices.push(Notice::NotOfCases { kind, name: name.unwrap_or_default() });
                    }
                    let warnings = Some(self.say(&notices));
                    self.take(row, State::Created, created.status, warnings).await;
                    return Ok(Written::Yes);
                }
                Err(error) => error,
            };
            match error {
                Error::DuplicateValue => {
                    return self.read_by_key(row, event, &plan.ticket.marker).await;
                }
                error if error.refused_ref().is_some_and(|kind| doubts.may_doubt(kind)) => {
                    if let Some(kind) = error.refused_ref() {
                        doubts.refused(kind, plan.ticket.refs.get(kind));
                    }
                }
                error => return self.after_failed_create(row, event, &error).await,
            }
        }
    }

    /// A ticket with that value is there: it is the row's own, if it can be read by the key.
    async fn read_by_key(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        marker: &Marker,
    ) -> Result<Written, PlanError> {
        let found = self.inner.client.by_ack(marker).await;
        self.gate.after_read(&found);
        match found {
            Ok(Some(status)) => {
                self.take(row, State::Created, status, None).await;
                return Ok(Written::Yes);
            }
            Ok(None) => {}
            Err(error @ Error::Several { .. }) => {
                let mend = error.mend().unwrap_or_default();
                let message = format!("{}. {mend}", refused(&error).message);
                return Err(PlanError::blocked(State::Blocked, "key-not-unique", message));
            }
            Err(error) => {
                self.wait_for_the_way(row, event, &error).await?;
                return Ok(Written::Nothing);
            }
        }
        let again = row.last_problem.as_deref() == Some(UNREADABLE);
        if again && row.attempts + 1 >= UNREADABLE_PAIRS {
            let message = "Salesforce says that a Case with this marker exists, and shows none: it is in the \
                           Recycle Bin, the user of the bridge may not see it, or another unique field of \
                           Case has hit. Restore or show it, or delete it for good; the row is then \
                           delivered by itself.";
            let problem = Problem::new(UNREADABLE, message);
            let state = State::Blocked;
            return Err(PlanError::Blocked(Blocked { state, problem, warnings: Vec::new() }));
        }
        let message = "Salesforce says that a Case with this marker exists, and shows none yet.";
        self.wait_for_another(row, Problem::new(UNREADABLE, message)).await?;
        Ok(Written::Nothing)
    }

    async fn after_failed_create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        error: &Error,
    ) -> Result<Written, PlanError> {
        self.gate.after_failure(error);
        match error {
            // What its company is linked to is gone, or not seen any more.
            error if error.refused_ref() == Some(RefKind::Company) => {
                let message = format!(
                    "{}. Link its company to another Account, or let the user of the bridge see it.",
                    refused(error).message
                );
                return Err(PlanError::blocked(State::Blocked, "organization-missing", message));
            }
            Error::Refused(_) | Error::Reference { .. } => {
                let marker = Marker::new(&row.instance, &event.event_id);
                // An earlier create of the same may have gone through whose answer was lost.
                let found =
                    if row.was_sent { self.inner.client.by_ack(&marker).await } else { Ok(None) };
                match found {
                    Ok(Some(status)) => {
                        self.take(row, State::Created, status, None).await;
                        return Ok(Written::Yes);
                    }
                    Ok(None) => self.fail(row, event, refused(error)).await?,
                    Err(unread) => self.wait_for_the_way(row, event, &unread).await?,
                }
            }
            error => self.wait_for_the_way(row, event, error).await?,
        }
        let in_vain = error.is_passing();
        Ok(if in_vain { Written::InVain } else { Written::Nothing })
    }
}
