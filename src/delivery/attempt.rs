//! One attempt at one row. Each branch leaves the row in a state from which the right thing
//! follows, even if the process ends right after it.

use std::time::Duration;

use tracing::Instrument as _;

use super::{
    Blocked, Delivery, PlanError,
    backoff::backoff,
    in_flight::Written,
    plan::KeepLink,
    search::SearchFor,
    trace::Logged as _,
    write::{REFUSALS, TURNED_AWAY},
};
use crate::{
    clock::Moment,
    desk::Failure,
    domain::{
        acknowledgement::{Acknowledgement, Wants},
        delivery_state::{Problem, State},
        marker::Marker,
        text::capitalised,
    },
    itop::ItopError,
    outgoing::in_trace,
    store::{NOT_LINKED, Restored, StoreError, Waiting},
};

/// How often what is to be done may be decided anew within one attempt, because the ticket to which
/// a line was to be added has changed meanwhile.
const DECISIONS: u32 = 3;

/// How often it is noted for how long the bridge has run since a restore.
const NOTE_RAN: Duration = Duration::from_hours(1);

/// A write for the same event, before this attempt.
#[derive(Clone, Copy, Debug)]
struct EarlierWrite {
    /// Its ticket has a higher id than this.
    above: u64,
    /// Whether iTop may still be at work on it: then that it is absent proves nothing yet.
    may_run: bool,
}

impl Delivery {
    /// Tries to deliver a row whose turn has come.
    pub(super) async fn attempt(&self, id: i64) -> Result<Written, StoreError> {
        let tell = |error: &StoreError| {
            tracing::error!(acknowledgement = id, %error, "a delivery could not be written down");
        };
        let waiting = self.inner.store.waiting(id).await.inspect_err(tell)?;
        let Some(row) = waiting else { return Ok(Written::Nothing) };
        let (span, trace) = (row.span(), row.trace.clone());
        // It is large, and would be copied from one wrapping into the next.
        let attempt = Box::pin(async { self.attempt_row(row).await.inspect_err(tell) });
        in_trace(&trace, attempt).instrument(span).await
    }

    async fn attempt_row(&self, row: Waiting) -> Result<Written, StoreError> {
        let Some(event) = row.event() else {
            // It was checked when it was stored, so a later version reads it otherwise.
            let problem = Problem::new(
                "unreadable",
                "The stored acknowledgement can no longer be read by this version of the bridge.",
            );
            self.inner.store.fail(row.id, problem).await?;
            return Ok(Written::Nothing);
        };
        if let Some(earlier) = self.earlier_write(&row).await?
            && self.found_again(&row, &event, earlier).await?
        {
            return Ok(Written::Nothing);
        }
        match self.deliver(&row, &event).await {
            Ok(written) => return Ok(written),
            Err(PlanError::Store(error)) => return Err(error),
            Err(PlanError::Way(error)) => self.wait_for_the_way(&row, &event, &error).await?,
            Err(PlanError::Blocked(blocked)) => {
                self.end_without_ticket(&row, &event, blocked).await?;
            }
        }
        Ok(Written::Nothing)
    }

    async fn deliver(&self, row: &Waiting, event: &Acknowledgement) -> Result<Written, PlanError> {
        match event.wants() {
            Wants::Ticket => {}
            Wants::Rehearsal => {
                self.rehearse(row, event).await?;
                return Ok(Written::Nothing);
            }
            // It was stored by another version, to which it was another kind of event.
            Wants::Record(why) => {
                let problem = Problem::new("no-ticket-wanted", why);
                let warnings = self.say(&event.notices);
                self.inner.store.record_without_ticket(row.id, problem, warnings).await?;
                return Ok(Written::Nothing);
            }
        }
        let keep = if row.trusted_names { KeepLink::Yes } else { KeepLink::Never };
        let link = self.link(&row.instance, event, keep).await?;
        for _ in 0..DECISIONS {
            let Some(ticket) = self.existing_ticket(&row.instance, event, &link).await? else {
                return self.create(row, event, &link).await;
            };
            if let Some(written) = self.reuse(row, event, ticket).await? {
                return Ok(written);
            }
        }
        // It reads as one that can be written to, and is none each time.
        let message = "the ticket changes each time a line is to be added".to_owned();
        Err(PlanError::way(ItopError::Refused { code: 0, message }))
    }

    async fn end_without_ticket(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        blocked: Blocked,
    ) -> Result<(), StoreError> {
        let store = &self.inner.store;
        let Blocked { state, problem, warnings } = blocked;
        let warnings = self.say(&event.with_own_notices(warnings));
        let is_unlinked = problem.code == NOT_LINKED;
        match state {
            State::Recorded => store.record_without_ticket(row.id, problem, warnings).await?,
            State::Failed => self.fail(row, event, problem).await?,
            _ => {
                if row.state != State::Blocked {
                    tracing::warn!(
                        acknowledgement = row.id,
                        company = event.company.key.to_string(),
                        problem = problem.code,
                        reason = problem.message,
                        "an acknowledgement waits"
                    );
                }
                let again = self.inner.settings.delivery.recheck_blocked.duration();
                store.block(row.id, problem, warnings, self.after(again)).await?;
            }
        }
        if is_unlinked { self.follow_unlinked(row).await } else { Ok(()) }
    }

    /// Nobody has linked a company: what else of it waits for its turn would learn the same one after
    /// the other, and hold up all companies meanwhile.
    async fn follow_unlinked(&self, first: &Waiting) -> Result<(), StoreError> {
        if self.restored_lately().await?.is_some() {
            // Each may have become a ticket after the backup: it is looked for first.
            return Ok(());
        }
        let followed = self.inner.store.follow_unlinked(first.id).await?;
        if !followed.is_empty() {
            tracing::warn!(
                acknowledgement = first.id,
                rows = followed.len(),
                "others of the same company wait for its link too"
            );
        }
        for id in followed {
            self.inner.outcomes.tell(id);
        }
        Ok(())
    }

    /// Ends a row that iTop refused, or that was given up.
    pub(super) async fn fail(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        problem: Problem,
    ) -> Result<(), StoreError> {
        row.span().in_scope(|| {
            tracing::error!(
                acknowledgement = row.id,
                company = event.company.key.to_string(),
                control = event.control.id.as_str(),
                problem = problem.code,
                reason = problem.message,
                "an acknowledgement has failed"
            );
        });
        self.inner.store.fail(row.id, problem).await
    }

    /// What is known of an earlier write for this event, if there may have been one although the
    /// row does not say how it ended: it was sent before, or a backup was restored that does not
    /// know.
    async fn earlier_write(&self, row: &Waiting) -> Result<Option<EarlierWrite>, StoreError> {
        if row.was_sent {
            // It has ended: a row is only tried again after that.
            return Ok(Some(EarlierWrite { above: row.id_floor.unwrap_or(0), may_run: false }));
        }
        let Some(restored) = self.restored_lately().await? else { return Ok(None) };
        // What was sent just before the restore may still be made, and wait behind a lock where this
        // one would meet it. It may also have become a line of a ticket that is older than the
        // backup: the search without a bound finds it.
        let inner = &*self.inner;
        // How long ago the restore was only the time of day tells, which may have been wrong then.
        let (began, now, settings) = (inner.began, inner.clock.moment(), &inner.settings.delivery);
        let may_run = !restored.is_free
            && (!self.has_settled_since(began)
                || !inner.recreation.is_free_of_what_was_before(began, now, settings));
        if !may_run && !restored.is_free {
            inner.store.note_restored_is_free().await?;
        }
        Ok(Some(EarlierWrite { above: restored.floor, may_run }))
    }

    /// The restore of the database, while events from before it may still be posted again.
    pub(super) async fn restored_lately(&self) -> Result<Option<Restored>, StoreError> {
        let inner = &*self.inner;
        let window = inner.settings.delivery.restore_window.duration();
        if inner.store.restored().await?.is_none_or(|restored| restored.ran >= window) {
            return Ok(None);
        }
        // What has passed is noted now and then, by one after the other.
        let mut noted = inner.ran_noted.lock().await;
        let Some(restored) = inner.store.restored().await? else { return Ok(None) };
        let now = inner.clock.moment();
        let ran = restored.ran + now.since(*noted);
        if ran >= window || now.since(*noted) >= NOTE_RAN {
            inner.store.note_ran_since_restore(ran).await?;
            *noted = now;
        }
        Ok(Some(restored).filter(|_| ran < window))
    }

    /// Looks for the ticket of an earlier attempt; true if it was there and has been adopted, or
    /// if that cannot be told yet.
    async fn found_again(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        earlier: EarlierWrite,
    ) -> Result<bool, StoreError> {
        let marker = Marker::new(&row.instance, &event.event_id);
        let floor = earlier.above;
        let search = SearchFor { marker: &marker, floor, target: row.target.as_ref() };
        match self.search(&[search]).await {
            Ok(search) => match search.found.first() {
                Some(ticket) => {
                    self.adopt(row.id, ticket, row.target.is_some()).await?;
                    Ok(true)
                }
                None if search.trusted && !earlier.may_run => Ok(false),
                None => {
                    let message = "Whether an earlier attempt made a ticket is not known yet.";
                    self.unknown(row, message.to_owned()).await?;
                    Ok(true)
                }
            },
            Err(error) => {
                self.wait_for_the_way(row, event, &error).await?;
                Ok(true)
            }
        }
    }

    /// The attempt had no effect: the row waits for its next one. While the gate is closed it is
    /// not tried at all, however long that takes; else it is given up after `give_up`.
    pub(super) async fn wait_for_the_way(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        error: &impl Failure,
    ) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let settings = &inner.settings.delivery;
        // A row whose own write closed the gate must not close it again the moment it opens.
        let closed_by_itself = error.is_about_rights();
        let wait = if inner.gate.is_open() || closed_by_itself {
            backoff(settings, row.attempts + 1)
        } else {
            Duration::ZERO
        };
        let waited = Duration::from_millis(u64::try_from(row.waited).unwrap_or(0));
        if waited >= settings.give_up.duration() {
            let message = format!(
                "Given up after waiting {} for iTop between attempts: {error}. Mend it, then \
                 retry.",
                settings.give_up
            );
            return self.fail(row, event, Problem::new("given-up", message)).await;
        }
        let sentence = capitalised(&error.to_string());
        // Whether it is this row, or everything, that does not get through tells another request.
        let is_turned_away = error.may_be_about_the_request() && inner.client.ping().await.is_ok();
        let code = if is_turned_away { TURNED_AWAY } else { "itop-unavailable" };
        let again = row.last_problem.as_deref() == Some(code) && row.attempts + 1 >= REFUSALS;
        if is_turned_away && again {
            return self.fail(row, event, turned_away(&sentence)).await;
        }
        let problem = Problem::new(code, sentence);
        inner.store.wait_until(row.id, self.after(wait), wait, problem).await
    }

    pub(super) fn after(&self, wait: Duration) -> Moment {
        self.inner.clock.moment().later(wait)
    }
}

/// Other requests get through while those of one row are turned away each time.
pub(super) fn turned_away(sentence: &str) -> Problem {
    let message = format!(
        "{sentence}. Other requests get through, while this acknowledgement is turned away each time: \
         a firewall in front of iTop may object to a word in it. Let the bridge through to \
         webservices/rest.php there without that check, then retry."
    );
    Problem::new(TURNED_AWAY, message)
}
