//! Settling what is unknown, by reading (DESIGN, section 7).

use std::time::Duration;

use tracing::Instrument as _;

use super::{
    Conditional, REFUSALS, TURNED_AWAY,
    adopt::Adopted,
    backoff,
    recreate::Verdict,
    search::{Search, SearchFor},
    trace::Logged as _,
    turned_away,
    write::MAY_EXIST,
};
use crate::{
    clock::Moment,
    desk::DeskError,
    domain::{
        delivery_state::{Problem, State},
        notice::Notice,
        ticket_text::Language,
    },
    gate::GateState,
    itop::{ItopError, Marked, PathProbe},
    store::{StoreError, UnknownRow},
};
use futures_util::future::try_join_all;

/// How often unknown rows are looked for: a ticket that is there can be adopted at any time, only
/// its absence needs `settle`.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// How soon a row that has just become unknown is looked for.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// The same as `delivery.settle`, at least, for an iTop before 2.7.
const SETTLE_WITHOUT_CONDITION: Duration = Duration::from_mins(2);

/// How many markers one look searches for: bounded by ids it is quick (ITOP.md).
const MARKERS_A_LOOK: usize = 50;

impl Conditional {
    /// Looks at the unknown rows again and again; runs until it is dropped.
    pub(in crate::delivery) async fn keep_settling(&self) -> Result<(), StoreError> {
        let mut gate = self.inner.gate.watch();
        loop {
            // The sender of this channel lives in `self`: an error cannot occur.
            let _ = gate.wait_for(|state| answers_since(state).is_some()).await;
            self.settle_once().await?;
            self.look_late().await?;
            tokio::select! {
                () = self.inner.clock.sleep(LOOK) => {}
                // Most creates whose answer was lost are there a moment later.
                () = self.inner.unknown.notified() => self.inner.clock.sleep(FIRST_LOOK).await,
            }
        }
    }

    async fn settle_once(&self) -> Result<(), StoreError> {
        let mut rows = self.inner.store.unknown().await?;
        if rows.is_empty() {
            return Ok(());
        }
        let settings = &self.inner.settings.delivery;
        let settle = self.settle_time().await;
        let began = self.inner.unknown_since.of(&rows, self.inner.clock.moment());
        // Whose create was sent again last comes last.
        rows.sort_by_key(|row| row.sent_at);
        // A line is looked for in its ticket alone, a new ticket among the new ones.
        let (lines, tickets): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.target.is_some());
        for rows in [tickets, lines].iter().flat_map(|rows| rows.chunks(MARKERS_A_LOOK)) {
            // A closed gate says that what failed concerns all of them.
            let Some(since) = answers_since(&self.inner.gate.state()) else { return Ok(()) };
            let wanted: Vec<_> = rows.iter().map(SearchFor::row).collect();
            let Ok(search) = self.look(&wanted).await else { continue };
            let absent = self.adopt_found(rows, &search).await?;
            let settled = |row: &UnknownRow| {
                // What fails again and again is sent again more and more seldom.
                let wait = settle.max(backoff::longest(settings, row.attempts));
                self.has_passed(wait, began[&row.id].max(since))
            };
            let settled: Vec<_> = absent.into_iter().filter(settled).collect();
            if !search.trusted {
                self.tell_unsearchable(&settled).await?;
                continue;
            }
            let settled = settled.into_iter().map(|row| (began[&row.id], row)).collect();
            self.give_absent_another_attempt(settled, since).await?;
        }
        Ok(())
    }

    /// Adopts the tickets that were found; gives back the rows without one.
    async fn adopt_found(
        &self,
        rows: &[UnknownRow],
        search: &Search,
    ) -> Result<Vec<UnknownRow>, StoreError> {
        let (mut absent, mut adopted) = (Vec::new(), Vec::new());
        let mut adopt = |row: &UnknownRow, marked: &Marked, is_reuse| {
            let ticket = marked.key.clone();
            adopted.push(Adopted { id: row.id, ticket, is_reuse, span: row.span() });
        };
        for row in rows {
            let tickets = search.of(&row.marker);
            match (&row.target, tickets.as_slice()) {
                // iTop may copy the lines of a ticket to its children: only the target counts.
                (Some(target), _) => match tickets.iter().find(|ticket| ticket.key == *target) {
                    Some(ticket) => adopt(row, ticket, true),
                    None => absent.push(row.clone()),
                },
                (None, []) => absent.push(row.clone()),
                (None, [kept, others @ ..]) => {
                    // The late look writes the same into the row, where operators see it.
                    if !others.is_empty() {
                        row.span().in_scope(|| self.twins(row.id, &tickets));
                    }
                    adopt(row, kept, false);
                }
            }
        }
        if !adopted.is_empty() {
            self.adopt_all(adopted).await?;
        }
        Ok(absent)
    }

    /// Lets the writes of absent rows be sent again, if they may be. The attempt looks once more before
    /// it writes, without the bound of ids.
    async fn give_absent_another_attempt(
        &self,
        rows: Vec<(Moment, UnknownRow)>,
        open_since: Moment,
    ) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let mut again = Vec::new();
        for (since, row) in rows {
            if row.waited >= inner.settings.delivery.give_up.duration() {
                self.give_up_unanswered(&row).await?;
            } else if row.problem.code == TURNED_AWAY
                && row.attempts >= REFUSALS
                && inner.client.ping().await.is_ok()
            {
                let said = row.problem.message.trim_end_matches(MAY_EXIST).trim_end_matches('.');
                let problem = turned_away(inner.desk.name(), said);
                row.span().in_scope(|| {
                    tracing::error!(
                        acknowledgement = row.id,
                        problem = problem.code,
                        reason = problem.message,
                        "an acknowledgement has failed"
                    );
                });
                inner.term.fail(row.id, problem).await?;
            } else if self.may_be_sent_again(&row, open_since.max(since)) {
                row.span().in_scope(|| {
                    tracing::info!(acknowledgement = row.id, "no ticket was made; trying again");
                });
                let problem = Problem::new(
                    "absent",
                    "The ticket was looked for and is not there; it is created anew.",
                );
                let now = inner.clock.moment();
                again.push(inner.term.wait_until(row.id, now, now.since(since), problem));
            }
        }
        if !again.is_empty() {
            // Together, so that lines of one control become one entry again.
            try_join_all(again).await?;
        }
        Ok(())
    }

    async fn give_up_unanswered(&self, row: &UnknownRow) -> Result<(), StoreError> {
        let message = format!(
            "Given up after {} attempts whose answers never came, and none of which made a ticket. \
             Mend it, then retry.",
            row.attempts
        );
        row.span().in_scope(|| {
            tracing::error!(
                acknowledgement = row.id,
                reason = message,
                "an acknowledgement has failed"
            );
        });
        self.inner.term.fail(row.id, Problem::new("given-up", message)).await?;
        self.inner.outcomes.tell(row.id);
        Ok(())
    }

    /// A line may be at once, because the condition that it carries leaves at most one of two; a
    /// create when the way is known to have been free. `since` is since when iTop has answered, and
    /// the row was unknown.
    fn may_be_sent_again(&self, row: &UnknownRow, since: Moment) -> bool {
        if row.target.is_some() {
            return true;
        }
        let inner = &*self.inner;
        let (now, settings) = (inner.clock.moment(), &inner.settings.delivery);
        match inner.recreation.verdict(row.id, since, now, settings) {
            Verdict::Recreate => true,
            Verdict::Wait => false,
            Verdict::Probe => {
                self.probe_path(row.id);
                false
            }
        }
    }

    /// Sends a create that cannot succeed the way that creates go; one at a time. Nothing waits for
    /// it: what held a create would hold it too, for as long.
    fn probe_path(&self, id: i64) {
        let begun = self.inner.recreation.probe_begun();
        let this = self.clone();
        self.spawn(async move {
            let inner = &*this.inner;
            let outcome = match inner.catalog.ticket_model().await {
                Ok(model) => match inner.term.claim().await {
                    Ok(by) => {
                        let probed = inner.client.begun_by(by).probe_path(model.class).await;
                        probed.map_err(DeskError::from)
                    }
                    // Another instance may be at it by now.
                    Err(_) => Err(ItopError::TooLate.into()),
                },
                Err(error) => Err(error),
            };
            match outcome {
                Ok(PathProbe::Made(ticket)) => {
                    tracing::error!(
                        ticket,
                        "iTop took a ticket that it should have refused: close it there. The way of \
                         creates is not probed any more; delivery.settle_unproven is waited for \
                         instead."
                    );
                    let written = async {
                        inner.term.end_path_probe(ticket.clone()).await?;
                        let notice = Notice::ProbeMade { ticket: ticket.clone() };
                        inner.term.add_warnings(id, this.say(&[notice])).await
                    };
                    if let Err(error) = written.await {
                        tracing::error!(%error, "that could not be written down");
                    }
                    inner.recreation.end_probing(ticket);
                }
                outcome => {
                    let passed = outcome == Ok(PathProbe::Passed);
                    if let Err(error) = &outcome {
                        inner.gate.after_failure(error);
                    }
                    tracing::debug!(?outcome, "the way of creates was probed");
                    inner.recreation.probe_ended(begun, passed, inner.clock.moment());
                }
            }
        });
    }

    /// The rows stay unknown: nothing proves that a search would have found their tickets.
    async fn tell_unsearchable(&self, rows: &[UnknownRow]) -> Result<(), StoreError> {
        let field = &self.inner.settings.ticket.marker_field;
        let message = format!(
            "Whether the ticket was made cannot be told: no search in {field} finds anything in \
             this iTop. Run 'check --create-ticket', which makes a ticket to be found, or mend \
             the account's right to read {field}."
        );
        for row in rows {
            let problem = Problem::new("search-unproven", message.clone());
            if self.inner.term.note_unknown(row.id, problem).await? {
                row.span().in_scope(|| tracing::error!(acknowledgement = row.id, "{message}"));
            }
        }
        Ok(())
    }

    /// Looks once more at markers whose writes had no answer, long after they were settled: a
    /// request that was held back longer than `settle` may have made a second ticket.
    async fn look_late(&self) -> Result<(), StoreError> {
        let rows = self.inner.store.late_looks(MARKERS_A_LOOK).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let wanted: Vec<_> =
            rows.iter().map(|row| SearchFor { target: None, ..SearchFor::row(row) }).collect();
        let Ok(search) = self.look(&wanted).await else { return Ok(()) };
        if !search.trusted {
            return Ok(());
        }
        for row in &rows {
            let tickets = search.of(&row.marker);
            let twins = || row.span().in_scope(|| self.twins(row.id, &tickets));
            let warning = (tickets.len() > 1).then(twins);
            self.inner.term.finish_late_look(row.id, warning).await?;
            if let (State::Failed, Some(ticket)) = (row.state, tickets.first()) {
                self.adopt(row.id, ticket, false).instrument(row.span()).await?;
            }
        }
        Ok(())
    }

    /// Says loudly that one acknowledgement has several tickets; none is ever deleted.
    pub(super) fn twins(&self, id: i64, tickets: &[&Marked]) -> String {
        let tickets = tickets.iter().map(|marked| marked.key.clone()).collect();
        let notice = Notice::Twins { tickets };
        tracing::error!(acknowledgement = id, "{}", notice.say(Language::En));
        notice.say(self.inner.settings.ticket.language)
    }

    /// Whether a write that was sent before `time` can no longer be running, counting only time
    /// in which iTop has answered reads.
    pub(super) fn has_settled_since(&self, time: Moment) -> bool {
        let settle = self.inner.settings.delivery.settle.duration();
        answers_since(&self.inner.gate.state())
            .is_some_and(|since| self.has_passed(settle, since.max(time)))
    }

    fn has_passed(&self, wait: Duration, since: Moment) -> bool {
        self.inner.clock.moment().since(since) >= wait
    }

    /// How long a write without an answer may still be at work: longer where creates cannot carry the
    /// condition that would make a late one refuse itself.
    async fn settle_time(&self) -> Duration {
        let settle = self.inner.settings.delivery.settle.duration();
        match self.inner.catalog.ticket_model().await {
            Ok(model) if !model.nests_queries => settle.max(SETTLE_WITHOUT_CONDITION),
            Ok(_) | Err(_) => settle,
        }
    }
}

/// Since when iTop has answered reads, if it does.
pub(super) fn answers_since(state: &GateState) -> Option<Moment> {
    match state {
        GateState::Open { since } => Some(since.moment),
        GateState::Closed { reason, since, .. } => reason.allows_reads().then_some(since.moment),
    }
}
