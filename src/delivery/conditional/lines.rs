//! A line in the log of a ticket that is there already.
//!
//! iTop writes the whole log anew for each line, so that of two at the same time it keeps one, with
//! success for both (ITOP.md). So lines are few: what waits of a control becomes one entry, the
//! entries of one ticket go one after another, and each line is read back a moment later. A write
//! without an answer may still be at work, and takes with it what is written meanwhile: so long as it
//! may, the lines of its ticket are read back once more.

use std::time::Duration;

use super::{
    Conditional, Line, READ_BACK,
    adopt::Adopted,
    in_flight::Written,
    search::{Search, SearchFor},
    trace::Logged as _,
    write::Sent,
};
use crate::{
    domain::{
        acknowledgement::Acknowledgement, delivery_state::Problem, keys::TicketKey,
        new_ticket::RefKind, text::capitalised, ticket_status::TicketStatus,
    },
    itop::{ItopError, NewLines},
    store::{StoreError, Waiting},
};

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
        let (begun, by) =
            inner.term.begin_lines(new, floor, ticket.key.clone(), ticket.org.clone()).await?;
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
        match inner.client.begun_by(by).add_lines(&new).await {
            Ok(ticket) => {
                self.lines_taken(lines, &ticket, Some(self.after(READ_BACK))).await;
                inner.lines_written.notify_one();
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

    /// The same for what may have been under way when the last Term ended.
    pub(super) async fn note_interrupted_lines(&self) -> Result<(), StoreError> {
        let settle = self.inner.settings.delivery.settle.duration();
        for ticket in self.inner.store.tickets_being_written().await? {
            self.inner.turns.unclear(ticket, self.after(settle));
        }
        Ok(())
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
                    self.inner.term.wait_until(row.id, now, Duration::ZERO, problem).await?;
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
}
