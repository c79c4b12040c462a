//! A line in the log of a ticket that is there already.
//!
//! iTop writes the whole log anew for each line, so that of two at the same time it keeps one, with
//! success for both (ITOP.md). So lines are few: what waits of a control becomes one entry, the
//! entries of one ticket go one after another, and each line is read back a moment later. A write
//! without an answer may still be at work, and takes with it what is written meanwhile: so long as it
//! may, the lines of its ticket are read back once more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use super::{
    Conditional,
    adopt::Adopted,
    in_flight::Written,
    search::{Search, SearchFor},
    trace::Logged as _,
    write::Sent,
};
use crate::{
    clock::Moment,
    config::OnWorse,
    domain::{
        acknowledgement::{Acknowledgement, ControlState, Wants},
        delivery_state::{Problem, State},
        keys::TicketKey,
        marker::Marker,
        new_ticket::RefKind,
        notice::Notice,
        priority::Priority,
        text::capitalised,
        ticket_status::TicketStatus,
        ticket_text::{Worse, line},
        visible::Visible,
    },
    itop::{ItopError, NewLines},
    store::{Delivered, NewLine, StoreError, Waiting},
};

/// How many acknowledgements share an entry at most; 49 took a tenth of a second (ITOP.md).
const LINES_AN_ENTRY: usize = 50;

/// When a line is looked for in the log.
pub(super) const READ_BACK: Duration = Duration::from_millis(1_500);

/// An acknowledgement and its line.
struct Line {
    row: Waiting,
    event: Acknowledgement,
    marker: Marker,
    /// What stands behind the marker.
    words: String,
    /// What is said of it to whoever sent the event.
    warnings: Vec<String>,
}

impl Line {
    fn new(row: Waiting, event: Acknowledgement) -> Self {
        let marker = Marker::new(&row.instance, &event.event_id);
        Self { row, event, marker, words: String::new(), warnings: Vec::new() }
    }

    fn as_stored(&self) -> NewLine {
        NewLine { id: self.row.id, words: self.words.clone(), warnings: self.warnings.clone() }
    }
}

/// Whose turn it is to write into which ticket, and where a write may still be at work.
#[derive(Debug, Default)]
pub(super) struct Turns {
    turns: Mutex<HashMap<TicketKey, Weak<tokio::sync::Mutex<()>>>>,
    /// Tickets with a write that had no answer, and until when it may have its effect.
    unclear: Mutex<HashMap<TicketKey, Moment>>,
}

impl Turns {
    /// A write into this ticket had no answer, and may have its effect until then.
    pub(super) fn unclear(&self, ticket: TicketKey, until: Moment) {
        let mut unclear = self.unclear.lock().unwrap_or_else(PoisonError::into_inner);
        unclear.insert(ticket, until);
    }

    /// When a line of this ticket must be read back once more, because a write may still be at work
    /// that does not know it.
    pub(super) fn unsettled(&self, ticket: &TicketKey, now: Moment) -> Option<Moment> {
        let mut unclear = self.unclear.lock().unwrap_or_else(PoisonError::into_inner);
        unclear.retain(|_, until| *until > now);
        unclear.get(ticket).map(|until| until.later(READ_BACK))
    }

    /// Waits for the turn to write into a ticket; it lasts until the guard is dropped.
    pub(super) async fn of(&self, ticket: &TicketKey) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(ticket).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::new(tokio::sync::Mutex::new(()));
                turns.insert(ticket.clone(), Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}

impl Conditional {
    /// Takes an existing ticket: a line with the row's own marker, no new ticket. What else waits
    /// of this control shares the entry. `None` where the ticket has changed meanwhile, so that what
    /// is to be done must be decided anew.
    pub(super) async fn reuse(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        ticket: TicketStatus,
    ) -> Result<Option<Written>, StoreError> {
        let inner = &*self.inner;
        let _turn = inner.turns.of(&ticket.key).await;
        let mut lines = vec![Line::new(row.clone(), event.clone())];
        lines.extend(self.companions(row, event, &ticket.key).await?);
        let floor = inner.store.highest_ticket_id().await?;
        let raise_to = self.write_words(&mut lines, &ticket).await?;
        let raise = match raise_to {
            Some(priority) => inner.client.raise(&ticket.key, priority).await.ok().flatten(),
            None => None,
        };
        let new = lines.iter().map(Line::as_stored).collect();
        let begun =
            inner.store.begin_lines(new, floor, ticket.key.clone(), ticket.org.clone()).await?;
        lines.retain(|line| begun.contains(&line.row.id));
        if lines.is_empty() {
            return Ok(Some(Written::Nothing));
        }
        let new = NewLines {
            ticket: &ticket.key,
            org: &ticket.org,
            // One that the sender names may have ended.
            only_if_open: event.ticket.existing_ref.is_none(),
            lines: lines.iter().map(|line| (&line.marker, line.words.as_str())).collect(),
            raise,
        };
        match inner.client.add_lines(&new).await {
            Ok(ticket) => {
                self.lines_added(lines, &ticket).await;
                Ok(Some(Written::Yes))
            }
            Err(error) if error.found_no_object() => {
                inner.refused.count(RefKind::ALL.len());
                let changed = self.after_refused_lines(&lines, &ticket, floor, &error).await?;
                Ok((!changed).then_some(Written::Nothing))
            }
            Err(error) => {
                self.note_unclear(&ticket.key, &error);
                let sent: Vec<_> = lines
                    .iter()
                    .map(|Line { row, event, marker, .. }| Sent {
                        row,
                        event,
                        marker,
                        floor,
                        request: None,
                    })
                    .collect();
                self.after_failed_write(&sent, Some(&ticket.key), &error).await?;
                for line in &lines {
                    inner.outcomes.tell(line.row.id);
                }
                Ok(Some(Written::after(&error)))
            }
        }
    }

    /// Notes where a write may still be at work.
    pub(super) fn note_unclear(&self, ticket: &TicketKey, error: &ItopError) {
        if error.may_still_run() {
            let settle = self.inner.settings.delivery.settle.duration();
            self.inner.turns.unclear(ticket.clone(), self.after(settle));
        }
    }

    /// The same for what the last process may have been writing when it ended.
    pub(super) async fn note_interrupted_lines(&self) -> Result<(), StoreError> {
        let settle = self.inner.settings.delivery.settle.duration();
        for ticket in self.inner.store.tickets_being_written().await? {
            self.inner.turns.unclear(ticket, self.after(settle));
        }
        Ok(())
    }

    async fn lines_added(&self, lines: Vec<Line>, ticket: &TicketStatus) {
        let read_back_at = Some(self.after(READ_BACK));
        let delivered = lines.into_iter().map(|line| {
            line.row.span().in_scope(|| {
                tracing::info!(
                    acknowledgement = line.row.id,
                    ticket.number = ticket.number,
                    ticket.key = %ticket.key,
                    "open ticket reused"
                );
            });
            let delivered = Delivered {
                state: State::Reused,
                ticket: ticket.clone(),
                warnings: Some(line.warnings),
                has_marker: false,
                read_back_at,
            };
            (line.row.id, delivered)
        });
        self.record(delivered.collect()).await;
        self.inner.lines_written.notify_one();
    }

    /// Further rows of the same control that want the same: a line in this ticket.
    async fn companions(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        ticket: &TicketKey,
    ) -> Result<Vec<Line>, StoreError> {
        // Where a backup was restored, each must be looked for by itself first.
        if self.restored_lately().await?.is_some() {
            return Ok(Vec::new());
        }
        let waiting = self.inner.store.companions(row, ticket, LINES_AN_ENTRY - 1).await?;
        let wants_the_same = |other: &Acknowledgement| {
            other.wants() == Wants::Ticket
                && other.company.key == event.company.key
                && other.site.as_ref().map(|site| &site.key)
                    == event.site.as_ref().map(|site| &site.key)
                && other.ticket == event.ticket
        };
        Ok(waiting
            .into_iter()
            // Their order is kept: behind one that wants something else nothing goes first.
            .map_while(|row| {
                let other = row.event().filter(wants_the_same)?;
                Some(Line::new(row, other))
            })
            .collect())
    }

    /// Something did not hold at the moment of the write: the ticket has ended or moved, or one of
    /// the lines is there already. What is there is taken, and the others decide anew: those behind
    /// the first when their turn comes, the first one now, if that is what this tells.
    async fn after_refused_lines(
        &self,
        lines: &[Line],
        ticket: &TicketStatus,
        floor: u64,
        error: &ItopError,
    ) -> Result<bool, StoreError> {
        let wanted: Vec<_> = lines
            .iter()
            .map(|line| SearchFor { marker: &line.marker, floor, target: Some(&ticket.key) })
            .collect();
        let search = self.look(&wanted).await;
        let (mut first_changed, mut adopted) = (false, Vec::new());
        for (place, Line { row, event, marker, .. }) in lines.iter().enumerate() {
            let there = search
                .as_ref()
                .map(|search| search.of(marker).into_iter().find(|found| found.key == ticket.key));
            match (there, &search) {
                (Ok(Some(there)), _) => {
                    let ticket = there.key.clone();
                    adopted.push(Adopted { id: row.id, ticket, is_reuse: true, span: row.span() });
                }
                (Ok(None), Ok(Search { trusted: true, .. })) if place == 0 => first_changed = true,
                (Ok(None), Ok(Search { trusted: true, .. })) => {
                    let now = self.inner.clock.moment();
                    let problem = Problem::new(
                        "ticket-changed",
                        "The ticket changed while this line was on its way; what is to be done is \
                         decided anew.",
                    );
                    self.inner.store.wait_until(row.id, now, Duration::ZERO, problem).await?;
                }
                (Ok(None), _) => {
                    let message = format!(
                        "{}; whether the line is there could not be looked up yet.",
                        capitalised(&error.to_string())
                    );
                    self.unknown(row, message).await?;
                }
                (Err(error), _) => self.wait_for_the_way(row, event, error).await?,
            }
            // Whoever waits for the first one waits for what is decided now, and of what is taken
            // is told when that is written down.
            let is_taken = adopted.iter().any(|adopted| adopted.id == row.id);
            if !is_taken && (place > 0 || !first_changed) {
                self.inner.outcomes.tell(row.id);
            }
        }
        if !adopted.is_empty() {
            self.adopt_all(adopted).await?;
        }
        Ok(first_changed)
    }

    /// Writes the words of each line; the priority that the ticket is raised to, if it is.
    async fn write_words(
        &self,
        lines: &mut [Line],
        ticket: &TicketStatus,
    ) -> Result<Option<Priority>, StoreError> {
        let inner = &*self.inner;
        let settings = &inner.settings.ticket;
        let Some(Line { row, event, .. }) = lines.first() else { return Ok(None) };
        let (control, all) = (&event.control.id, Visible::all());
        let known = inner.store.ticket_of_control(&row.instance, control, &all).await?;
        let known = known.filter(|known| {
            known.ticket.status.key == ticket.key && known.mapping.replaced.is_none()
        });
        let mut called = known.as_ref().map(|known| {
            let mapping = &known.mapping;
            (mapping.control_name.clone(), mapping.equipment_name.clone())
        });
        // Of a ticket that was another's so far nothing can have become worse.
        let mut before = known.and_then(|known| {
            let state = known.mapping.control_state.as_deref().and_then(ControlState::parse)?;
            Some((state, ticket.priority))
        });
        let mut raise_to = None;
        for Line { event, words, warnings, .. } in lines {
            let priority = inner.planner.priority(event);
            let mut changes = Vec::new();
            if let Some((control, equipment)) = &mut called {
                changes.extend(Notice::renamed(event, (control, equipment.as_deref())));
                control.clone_from(&event.control.name);
                if let Some(now) = &event.equipment {
                    *equipment = Some(now.name.clone());
                }
            }
            if let Some((state, then)) = &mut before {
                let is_above = then.is_some_and(|then| priority.is_above(then));
                if is_above || event.control.state.severity() > state.severity() {
                    let zone = inner.client.zone().rules();
                    changes.push(Notice::Worse(Worse::of(event, priority, *then, zone)));
                }
                if is_above {
                    *then = Some(priority);
                    raise_to = Some(priority);
                }
                *state = event.control.state;
            }
            *words = line(event, settings.language, &changes);
            let mut notices: Vec<_> = Notice::existing_ended(ticket).into_iter().collect();
            notices.extend(changes);
            *warnings = self.say(&event.with_own_notices(notices));
        }
        Ok(raise_to.filter(|_| settings.on_worse == OnWorse::Raise))
    }
}
