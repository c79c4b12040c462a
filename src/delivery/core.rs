//! What deliveries to any ticket system have in common: one of these each.

use std::{
    ops::Deref,
    sync::{
        Arc, Weak,
        atomic::{AtomicU16, AtomicUsize},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    Blocked, backoff::backoff, claims::Claims, deliverer::Lanes, figures::RefusedConditions,
    hold::Hold, outcomes::Outcomes, outlook::Outlook, trace::Logged as _,
};
use crate::{
    clock::Moment,
    desk::{DeskName, Failure},
    domain::{
        acknowledgement::Acknowledgement,
        delivery_state::{Problem, State},
        text::capitalised,
    },
    store::{Delivered, NOT_LINKED, OfDesk, Restored, StoreError, Term, Waiting},
};

/// How often it is noted for how long the bridge has run since a restore.
const NOTE_RAN: Duration = Duration::from_hours(1);

/// How long to wait before something is asked again that the database did not take.
pub(super) const AFTER_STORE_FAILURE: Duration = Duration::from_secs(1);

/// How often a write must be refused, while others get through, until its row fails: what refuses it
/// may be so for a moment.
pub(super) const REFUSALS: u32 = 4;

/// The code of a problem: something in front of the ticket system refused, in its own words.
pub(super) const TURNED_AWAY: &str = "turned-away";

/// When the marker of a write without an answer is looked for once more.
pub(super) const LATE_LOOK: Duration = Duration::from_hours(1);

/// The numbers of [`super::Deliveries`], as the dispatch has last seen them.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) running: AtomicUsize,
    pub(super) limit: AtomicU16,
}

/// What deliveries to one ticket system have while a Term lasts, however exactly-once is had there.
pub(super) struct Core {
    outlook: Arc<Outlook>,
    pub(super) term: Term,
    /// When the Term began: what was sent before it can only be older.
    pub(super) began: Moment,
    /// Who waits for the outcome of a row, whichever ticket system it goes to.
    pub(super) outcomes: Arc<Outcomes>,
    pub(super) refused: Arc<RefusedConditions>,
    /// How many deliveries run, and may run.
    pub(super) load: Load,
    /// Which rows are its own; `None` where there is no other ticket system.
    pub(super) of: Option<OfDesk>,
    /// Deliveries to all ticket systems.
    pub(super) all: Weak<Lanes>,
    /// The controls of which a row is being delivered, whichever ticket system it goes to.
    claims: Arc<Claims>,
    /// Whether deliveries are held.
    pub(super) hold: Hold,
    /// Cancelled when the Term has ended.
    over: CancellationToken,
    /// Up to when it is noted that the bridge has run since a restore.
    ran_noted: tokio::sync::Mutex<Moment>,
}

/// What deliveries to all ticket systems share while a Term lasts.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) term: Term,
    pub(super) outcomes: Arc<Outcomes>,
    pub(super) refused: Arc<RefusedConditions>,
    pub(super) all: Weak<Lanes>,
    pub(super) claims: Arc<Claims>,
    pub(super) hold: Hold,
    pub(super) over: CancellationToken,
}

/// Who delivers looks ahead too.
impl Deref for Core {
    type Target = Outlook;

    fn deref(&self) -> &Outlook {
        &self.outlook
    }
}

impl Core {
    pub(super) fn new(outlook: Arc<Outlook>, of: Option<OfDesk>, shared: Shared) -> Self {
        let Shared { term, outcomes, refused, all, claims, hold, over } = shared;
        let began = outlook.clock.moment();
        Self {
            outlook,
            term,
            began,
            outcomes,
            refused,
            load: Load::default(),
            of,
            all,
            claims,
            hold,
            over,
            ran_noted: tokio::sync::Mutex::new(began),
        }
    }

    /// Starts something that nobody waits for, and that ends with the Term.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let over = self.over.clone();
        let work = async move {
            over.run_until_cancelled(work).await;
        };
        tokio::spawn(work.in_current_span());
    }

    /// Takes the turn of a control; false where another ticket system has it. Without one that cannot be.
    pub(super) fn takes(&self, control: &(String, String)) -> bool {
        self.of.is_none() || self.claims.take(control)
    }

    /// The turn of a control has ended.
    pub(super) fn gives_back(&self, control: &(String, String)) {
        if self.of.is_some() && self.claims.give_back(control) {
            self.store.turns_may_have_changed();
        }
    }

    pub(super) async fn end_without_ticket(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        blocked: Blocked,
    ) -> Result<(), StoreError> {
        let term = &self.term;
        let Blocked { state, problem, warnings } = blocked;
        let warnings = self.say(&event.with_own_notices(warnings));
        let is_unlinked = problem.code == NOT_LINKED;
        match state {
            State::Recorded => term.record_without_ticket(row.id, problem, warnings).await?,
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
                let again = self.settings.delivery.recheck_blocked.duration();
                term.block(row.id, problem, warnings, self.after(again)).await?;
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
        let followed = self.term.follow_unlinked(first.id).await?;
        if !followed.is_empty() {
            tracing::warn!(
                acknowledgement = first.id,
                rows = followed.len(),
                "others of the same company wait for its link too"
            );
        }
        for id in followed {
            self.outcomes.tell(id);
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
        self.term.fail(row.id, problem).await
    }

    /// The restore of the database, while events from before it may still be posted again.
    pub(super) async fn restored_lately(&self) -> Result<Option<Restored>, StoreError> {
        let inner = self;
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
            inner.term.note_ran_since_restore(ran).await?;
            *noted = now;
        }
        Ok((ran < window).then_some(Restored { ran, ..restored }))
    }

    /// Writes down successes. The tickets exist: this is tried until the database takes it, and if
    /// the process ends before, the rows are `creating` and their tickets are looked for.
    pub(super) async fn record(&self, rows: Vec<(i64, Delivered)>) {
        while let Err(error) = self.term.record_delivered(rows.clone()).await {
            tracing::error!(%error, "a ticket could not be written down");
            self.clock.sleep(AFTER_STORE_FAILURE).await;
        }
        for (id, _) in rows {
            self.outcomes.tell(id);
        }
    }

    /// The attempt had no effect: the row waits for its next one. While the gate is closed it is
    /// not tried at all, however long that takes; else it is given up after `give_up`.
    pub(super) async fn wait_for_the_way(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        error: impl Into<Failure<'_>>,
    ) -> Result<(), StoreError> {
        let (inner, error) = (self, error.into());
        let settings = &inner.settings.delivery;
        // A row whose own write closed the gate must not close it again the moment it opens.
        let closed_by_itself = error.is_about_rights();
        let wait = if inner.gate.is_way_open() || closed_by_itself {
            backoff(settings, row.attempts + 1)
        } else {
            Duration::ZERO
        };
        let waited = Duration::from_millis(u64::try_from(row.waited).unwrap_or(0));
        if waited >= settings.give_up.duration() {
            let message = format!(
                "Given up after waiting {} for {} between attempts: {error}. Mend it, then \
                 retry.",
                settings.give_up,
                self.name().title()
            );
            return self.fail(row, event, Problem::new("given-up", message)).await;
        }
        let sentence = capitalised(&error.to_string());
        // Whether it is this row, or everything, that does not get through tells another request.
        let is_turned_away = error.may_be_about_the_request() && inner.desk.ping().await.is_ok();
        let unavailable = self.unavailable();
        let code = if is_turned_away { TURNED_AWAY } else { &unavailable };
        let again = row.last_problem.as_deref() == Some(code) && row.attempts + 1 >= REFUSALS;
        if is_turned_away && again {
            return self.fail(row, event, turned_away(self.name(), &sentence)).await;
        }
        let problem = Problem::new(code, sentence);
        inner.term.wait_until(row.id, self.after(wait), wait, problem).await
    }

    /// An earlier write of a row went to a ticket system that is not served any more: what it may have made
    /// there must not be made here too.
    pub(super) async fn wait_for_what_is_not_served(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<(), StoreError> {
        let (title, code) = (row.desk.title(), row.desk.code());
        let message = format!(
            "An earlier write went to {title}, which this bridge does not serve any more, so that nobody can \
             tell whether it has become a ticket there. Look there, and discard it here; or configure \
             [{code}] again."
        );
        let problem = Problem::new("desk-not-served", message);
        let blocked = Blocked { state: State::Blocked, problem, warnings: Vec::new() };
        self.end_without_ticket(row, event, blocked).await
    }

    /// A row waits for something else than its own ticket system.
    pub(super) async fn wait_for_another(
        &self,
        row: &Waiting,
        problem: Problem,
    ) -> Result<(), StoreError> {
        let wait = backoff(&self.settings.delivery, row.attempts + 1);
        self.term.wait_until(row.id, self.after(wait), Duration::ZERO, problem).await
    }
}

/// Other requests get through while those of one row are turned away each time.
pub(super) fn turned_away(desk: DeskName, sentence: &str) -> Problem {
    let (title, api) = (desk.title(), desk.api());
    let message = format!(
        "{sentence}. Other requests get through, while this acknowledgement is turned away each time: \
         a firewall in front of {title} may object to a word in it. Let the bridge through to {api} \
         without that check, then retry."
    );
    Problem::new(TURNED_AWAY, message)
}
