//! Lines for a ticket that is there already: which acknowledgements share an entry, what is said of
//! each, and whose turn it is to write into which ticket.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use super::{core::Core, trace::Logged as _};
use crate::{
    clock::Moment,
    config::OnWorse,
    domain::{
        acknowledgement::{Acknowledgement, ControlState, Wants},
        delivery_state::State,
        keys::TicketKey,
        marker::Marker,
        notice::Notice,
        priority::Priority,
        ticket_status::TicketStatus,
        ticket_text::{Worse, line},
        visible::Visible,
    },
    store::{Delivered, NewLine, StoreError, Waiting},
};

/// How many acknowledgements share an entry at most; 49 took a tenth of a second (ITOP.md).
const LINES_AN_ENTRY: usize = 50;

/// When a line is looked for in the log.
pub(super) const READ_BACK: Duration = Duration::from_millis(1_500);

/// An acknowledgement and its line.
pub(super) struct Line {
    pub(super) row: Waiting,
    pub(super) event: Acknowledgement,
    pub(super) marker: Marker,
    /// What stands behind the marker.
    pub(super) words: String,
    /// What is said of it to whoever sent the event.
    pub(super) warnings: Vec<String>,
}

impl Line {
    pub(super) fn new(row: Waiting, event: Acknowledgement) -> Self {
        let marker = Marker::new(&row.instance, &event.event_id);
        Self { row, event, marker, words: String::new(), warnings: Vec::new() }
    }

    pub(super) fn as_stored(&self) -> NewLine {
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

impl Core {
    /// Further rows of the same control that want the same: a line in this ticket.
    pub(super) async fn companions(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        ticket: &TicketKey,
    ) -> Result<Vec<Line>, StoreError> {
        // Where a backup was restored, each must be looked for by itself first.
        if self.restored_lately().await?.is_some() {
            return Ok(Vec::new());
        }
        let waiting = self.store.companions(row, ticket, LINES_AN_ENTRY - 1).await?;
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

    /// Writes down that lines were added to a ticket, which are looked for in it at that moment.
    pub(super) async fn lines_taken(
        &self,
        lines: Vec<Line>,
        ticket: &TicketStatus,
        read_back_at: Option<Moment>,
    ) {
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
    }

    /// Writes the words of each line; the priority that the ticket is raised to, if it is.
    pub(super) async fn write_words(
        &self,
        lines: &mut [Line],
        ticket: &TicketStatus,
    ) -> Result<Option<Priority>, StoreError> {
        let inner = self;
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
            let priority = self.planner.priority(event);
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
                    let zone = inner.desk.zone();
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
