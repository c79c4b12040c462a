//! A note on a ticket that is there already. It has no key: after a lost answer it is looked for by its
//! marker when the write has surely ended, before it is sent again.

use std::time::Duration;

use super::{Line, NO_FLOOR, REFUSALS, UniqueKey, Written};
use crate::{
    desk::{DeskError, NewNotes, Noted, Refused},
    domain::{
        acknowledgement::Acknowledgement, delivery_state::Problem, text::capitalised,
        ticket_status::TicketStatus,
    },
    store::{StoreError, Waiting},
};

impl UniqueKey {
    /// Takes an existing ticket: a note with the row's own marker, no new ticket. What else waits of this
    /// control goes with it. `None` where the ticket has changed meanwhile, so that what is to be done
    /// must be decided anew.
    pub(super) async fn note(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        ticket: TicketStatus,
    ) -> Result<Option<Written>, StoreError> {
        let inner = &*self.inner;
        let _turn = inner.turns.of(&ticket.key).await;
        let mut lines = vec![Line::new(row.clone(), event.clone())];
        // One that was sent before is looked for first, by itself.
        let companions = self.companions(row, event, &ticket.key).await?.into_iter();
        lines.extend(companions.take_while(|line| !line.row.was_sent));
        let raise_to = self.write_words(&mut lines, &ticket).await?;
        let new = lines.iter().map(Line::as_stored).collect();
        let (begun, by) =
            self.term.begin_lines(new, NO_FLOOR, ticket.key.clone(), ticket.org.clone()).await?;
        lines.retain(|line| begun.contains(&line.row.id));
        if lines.is_empty() {
            return Ok(Some(Written::Nothing));
        }
        let new = NewNotes {
            ticket: &ticket.key,
            org: &ticket.org,
            // One that the sender names may have ended.
            only_if_open: event.ticket.existing_ref.is_none(),
            lines: lines.iter().map(|line| (&line.marker, line.words.as_str())).collect(),
        };
        let noted = inner.keyed.begun_by(by).note(&new).await;
        match noted {
            Ok(Noted::Added(status)) => {
                if let Some(priority) = raise_to
                    && let Err(error) = inner.keyed.raise(&ticket.key, priority).await
                {
                    tracing::warn!(%error, ticket.key = %ticket.key, "its priority was not raised");
                }
                // Each is a record of its own: nothing can overwrite it.
                self.lines_taken(lines, &status, None).await;
                Ok(Some(Written::Yes))
            }
            Ok(Noted::Closed(_) | Noted::Foreign | Noted::Gone) => {
                self.decide_anew(&lines).await?;
                Ok(None)
            }
            Err(error) => {
                self.gate.after_failure(&error);
                for line in &lines {
                    self.after_failed_note(line, &ticket, &error).await?;
                    self.outcomes.tell(line.row.id);
                }
                Ok(Some(if error.failure().is_passing() {
                    Written::InVain
                } else {
                    Written::Nothing
                }))
            }
        }
    }

    /// The ticket has ended or moved, and nothing was written: those behind the first decide anew when
    /// their turn comes.
    async fn decide_anew(&self, lines: &[Line]) -> Result<(), StoreError> {
        for line in lines.iter().skip(1) {
            let problem = Problem::new(
                "ticket-changed",
                "The ticket changed while this note was on its way; what is to be done is decided \
                 anew.",
            );
            let now = self.clock.moment();
            self.term.wait_until(line.row.id, now, Duration::ZERO, problem).await?;
            self.outcomes.tell(line.row.id);
        }
        Ok(())
    }

    async fn after_failed_note(
        &self,
        Line { row, event, .. }: &Line,
        ticket: &TicketStatus,
        error: &DeskError,
    ) -> Result<(), StoreError> {
        let sentence = capitalised(&error.to_string());
        match error.failure().refused() {
            Some(Refused::ForGood(_)) if row.attempts + 1 >= REFUSALS => {
                let Problem { code, .. } = self.refused(error);
                let message = format!("{sentence}, for ticket {}.", ticket.number);
                self.fail(row, event, Problem::new(&code, message)).await
            }
            _ if error.failure().had_no_effect() => self.wait_for_the_way(row, event, error).await,
            _ => {
                let message = format!(
                    "{sentence}. The note may be there or may still come; it is looked for before it \
                     is sent again."
                );
                let settle = self.settings.delivery.settle.duration();
                let (next, problem) = (self.after(settle), Problem::new("note-unclear", message));
                self.term.wait_until(row.id, next, settle, problem).await
            }
        }
    }
}
