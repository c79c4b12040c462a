//! A new ticket, which is made once whatever becomes of the answers.

use super::{Blocked, NO_FLOOR, PlanError, UniqueKey, Written};
use crate::{
    desk::{DeskError, Refused, Words},
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
        marker::Marker,
        new_ticket::RefKind,
        notice::Notice,
    },
    resolve::Doubts,
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
            let plan = self.planner.plan(&row.instance, event, link, &doubts).await?;
            let warnings = self.say(&plan.resolution.warnings);
            let desk = self.desk.name();
            let begun = self.term.begin_create(row.id, NO_FLOOR, warnings, desk).await?;
            let Some(by) = begun else { return Ok(Written::Nothing) };
            let error = match inner.keyed.begun_by(by).create(&plan.ticket).await {
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
            match error.failure().refused() {
                Some(Refused::Taken) => {
                    return self.read_by_key(row, event, &plan.ticket.marker).await;
                }
                Some(Refused::ForGood(Some(kind))) if doubts.may_doubt(kind) => {
                    doubts.refused(kind, plan.ticket.refs.get(kind));
                }
                refused => return self.after_failed_create(row, event, &error, refused).await,
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
        let found = self.inner.keyed.by_marker(marker).await;
        self.gate.after_read(&found);
        match found {
            Ok(Some(status)) => {
                self.take(row, State::Created, status, None).await;
                return Ok(Written::Yes);
            }
            Ok(None) => {}
            Err(error) if error.failure().refused() == Some(Refused::NotUnique) => {
                let mend = error.failure().mend().unwrap_or_default();
                let message = format!("{}. {mend}", self.refused(&error).message);
                return Err(PlanError::blocked(State::Blocked, "key-not-unique", message));
            }
            Err(error) => {
                self.wait_for_the_way(row, event, &error).await?;
                return Ok(Written::Nothing);
            }
        }
        let again = row.last_problem.as_deref() == Some(UNREADABLE);
        let (title, Words { ticket, hidden, .. }) =
            (self.desk.name().title(), self.inner.keyed.words());
        if again && row.attempts + 1 >= UNREADABLE_PAIRS {
            let message = format!(
                "{title} says that a {ticket} with this marker exists, and shows none: {hidden}; the row is \
                 then delivered by itself."
            );
            let problem = Problem::new(UNREADABLE, message);
            let state = State::Blocked;
            return Err(PlanError::Blocked(Blocked { state, problem, warnings: Vec::new() }));
        }
        let message =
            format!("{title} says that a {ticket} with this marker exists, and shows none yet.");
        self.wait_for_another(row, Problem::new(UNREADABLE, message)).await?;
        Ok(Written::Nothing)
    }

    async fn after_failed_create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        error: &DeskError,
        refused: Option<Refused>,
    ) -> Result<Written, PlanError> {
        self.gate.after_failure(error);
        match refused {
            // What its company is linked to is gone, or not seen any more.
            Some(Refused::ForGood(Some(RefKind::Company))) => {
                let message = format!(
                    "{}. Link its company to another {}, or let the user of the bridge see it.",
                    self.refused(error).message,
                    self.inner.keyed.words().company
                );
                return Err(PlanError::blocked(State::Blocked, "organization-missing", message));
            }
            Some(Refused::ForGood(_)) => {
                let marker = Marker::new(&row.instance, &event.event_id);
                // An earlier create of the same may have gone through whose answer was lost.
                let keyed = &self.inner.keyed;
                let found = if row.was_sent { keyed.by_marker(&marker).await } else { Ok(None) };
                match found {
                    Ok(Some(status)) => {
                        self.take(row, State::Created, status, None).await;
                        return Ok(Written::Yes);
                    }
                    Ok(None) => self.fail(row, event, self.refused(error)).await?,
                    Err(unread) => self.wait_for_the_way(row, event, &unread).await?,
                }
            }
            _ => self.wait_for_the_way(row, event, error).await?,
        }
        let in_vain = error.failure().is_passing();
        Ok(if in_vain { Written::InVain } else { Written::Nothing })
    }
}
