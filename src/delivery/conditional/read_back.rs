//! Lines are looked for in the log a moment after they were added, many in one query: that iTop
//! answered with success does not prove that they were kept ([`super::lines`]).

use std::{collections::BTreeMap, time::Duration};

use super::{
    Conditional, PlanError, READ_BACK,
    search::{Search, SearchFor},
    trace::Logged as _,
};
use crate::{
    domain::{keys::TicketKey, notice::Notice, ticket_text::Language},
    itop::{ItopError, NewLines},
    outgoing::in_trace,
    store::{ReadBack, StoreError},
};

/// How many lines are looked for at once.
const AT_ONCE: usize = 50;

/// How often a line is added again that something else has overwritten.
const AGAIN: u32 = 3;

/// How long to wait before lines are looked for again where iTop could not be asked or its answer
/// proves nothing, and how long nothing may happen before they are looked for all the same.
const LATER: Duration = Duration::from_secs(30);

impl Conditional {
    /// Reads lines back as they become due; runs until it is dropped.
    pub(in crate::delivery) async fn keep_reading_back(&self) -> Result<(), StoreError> {
        let mut gate = self.inner.gate.watch();
        loop {
            // The sender of this channel lives in `self`: an error cannot occur.
            let _ = gate.wait_for(|state| super::settle::answers_since(state).is_some()).await;
            let due = self.inner.store.read_backs(AT_ONCE).await?;
            if !due.is_empty() {
                // Each of them is done with, or due later: this ends.
                self.read_back(due).await?;
                continue;
            }
            tokio::select! {
                () = self.inner.clock.sleep(LATER) => {}
                () = self.inner.lines_written.notified() => {
                    self.inner.clock.sleep(READ_BACK).await;
                }
            }
        }
    }

    async fn read_back(&self, due: Vec<ReadBack>) -> Result<(), StoreError> {
        let search = self.look_for(&due.iter().collect::<Vec<_>>()).await;
        let mut absent = BTreeMap::<&TicketKey, Vec<&ReadBack>>::new();
        let (mut there, mut unproven) = (Vec::new(), Vec::new());
        for line in &due {
            match &search {
                Ok(search) if is_there(search, line) => {
                    // What may still be at work on the ticket does not know this line.
                    match self.inner.turns.unsettled(&line.ticket, self.inner.clock.moment()) {
                        Some(next) => {
                            let ids = vec![line.id];
                            self.inner.term.read_back_again(ids, next, false).await?;
                        }
                        None => there.push(line.id),
                    }
                }
                Ok(Search { trusted: true, .. }) => {
                    absent.entry(&line.ticket).or_default().push(line);
                }
                Ok(_) | Err(_) => unproven.push(line.id),
            }
        }
        let term = &self.inner.term;
        term.end_read_back(there, None).await?;
        term.read_back_again(unproven, self.after(LATER), false).await?;
        for (ticket, lines) in absent {
            let (hopeless, again): (Vec<_>, Vec<_>) =
                lines.into_iter().partition(|line| line.again >= AGAIN);
            for line in hopeless {
                self.give_up(line, Notice::LineSwallowed { number: line.number.clone() }).await?;
            }
            if !again.is_empty() {
                self.add_again(ticket, &again).await?;
            }
        }
        Ok(())
    }

    async fn look_for(&self, lines: &[&ReadBack]) -> Result<Search, ItopError> {
        let wanted: Vec<_> = lines
            .iter()
            .map(|line| SearchFor { marker: &line.marker, floor: 0, target: Some(&line.ticket) })
            .collect();
        self.look(&wanted).await
    }

    /// Adds lines once more that an edit of somebody else has overwritten, as long as the ticket
    /// belongs to the company that it belonged to.
    async fn add_again(&self, ticket: &TicketKey, lines: &[&ReadBack]) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let _turn = inner.turns.of(ticket).await;
        let Some(first) = lines.first() else { return Ok(()) };
        match self.is_replaced(ticket).await {
            Ok(false) => {}
            Ok(true) => {
                for line in lines {
                    self.give_up(line, Notice::LineUnread { number: line.number.clone() }).await?;
                }
                return Ok(());
            }
            Err(PlanError::Store(error)) => return Err(error),
            Err(_) => {
                let ids = lines.iter().map(|line| line.id).collect();
                return inner.term.read_back_again(ids, self.after(LATER), false).await;
            }
        }
        let new = NewLines {
            ticket,
            org: &first.org,
            only_if_open: false,
            lines: lines.iter().map(|line| (&line.marker, line.words.as_str())).collect(),
            raise: None,
        };
        let client = inner.client.begun_by(inner.term.claim().await?);
        let added = in_trace(&first.trace, client.add_lines(&new)).await;
        let ids = || lines.iter().map(|line| line.id).collect();
        match added {
            Ok(_) => {
                for line in lines {
                    line.span().in_scope(|| {
                        tracing::info!(
                            acknowledgement = line.id,
                            ticket.key = %ticket,
                            "a line was added once more"
                        );
                    });
                }
                inner.term.read_back_again(ids(), self.after(READ_BACK), true).await?;
                inner.lines_written.notify_one();
            }
            // The ticket has gone or moved, or one of the lines is there after all.
            Err(error) if error.found_no_object() => {
                let search = self.look_for(lines).await;
                for line in lines {
                    match &search {
                        Ok(search) if is_there(search, line) => {
                            inner.term.end_read_back(vec![line.id], None).await?;
                        }
                        Ok(_) if lines.len() == 1 => {
                            let number = line.number.clone();
                            self.give_up(line, Notice::LineUnread { number }).await?;
                        }
                        // Without the one that was there the others may be added.
                        Ok(_) | Err(_) => {
                            let next = self.after(READ_BACK);
                            inner.term.read_back_again(vec![line.id], next, true).await?;
                        }
                    }
                }
                inner.lines_written.notify_one();
            }
            Err(error) => {
                inner.gate.after_failure(&error);
                self.note_unclear(ticket, &error);
                // It may have been added all the same, which the next look sees.
                let sent = !error.had_no_effect();
                inner.term.read_back_again(ids(), self.after(LATER), sent).await?;
            }
        }
        Ok(())
    }

    async fn give_up(&self, line: &ReadBack, notice: Notice) -> Result<(), StoreError> {
        line.span().in_scope(|| {
            tracing::warn!(acknowledgement = line.id, "{}", notice.say(Language::En));
        });
        self.inner.term.end_read_back(vec![line.id], self.say(&[notice]).pop()).await
    }
}

fn is_there(search: &Search, line: &ReadBack) -> bool {
    search.of(&line.marker).iter().any(|found| found.key == line.ticket)
}
