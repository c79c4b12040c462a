//! Lines are looked for in the log a moment after they were added, many in one query: that iTop
//! answered with success does not prove that they were kept ([`super::lines`]).

use std::{collections::BTreeMap, time::Duration};

use super::{Delivery, lines::READ_BACK, search::SearchFor};
use crate::{
    domain::{
        acknowledgement::decode,
        keys::TicketKey,
        notice::Notice,
        ticket_text::{self, Language},
    },
    itop::NewLines,
    store::{ReadBack, StoreError},
};

/// How many lines are looked for at once.
const AT_ONCE: usize = 50;

/// How often a line is added again that something else has overwritten.
const AGAIN: u32 = 3;

/// How long to wait before lines are looked for again after iTop could not be asked, and how long
/// nothing may happen before they are looked for all the same.
const LATER: Duration = Duration::from_secs(10);

impl Delivery {
    /// Reads lines back as they become due; runs until it is dropped.
    pub(super) async fn keep_reading_back(&self) -> Result<(), StoreError> {
        let mut gate = self.inner.gate.watch();
        loop {
            // The sender of this channel lives in `self`: an error cannot occur.
            let _ = gate.wait_for(|state| super::settle::answers_since(state).is_some()).await;
            let due = self.inner.store.read_backs(AT_ONCE).await?;
            let full = due.len() == AT_ONCE;
            if self.read_back(due).await? && full {
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

    /// Looks for lines; false if iTop could not be asked, or not finding them means nothing.
    async fn read_back(&self, due: Vec<ReadBack>) -> Result<bool, StoreError> {
        if due.is_empty() {
            return Ok(true);
        }
        let wanted: Vec<_> = due
            .iter()
            .map(|line| SearchFor { marker: &line.marker, floor: 0, target: Some(&line.ticket) })
            .collect();
        let Ok(search) = self.look(&wanted).await else { return Ok(false) };
        let (there, lost): (Vec<_>, Vec<_>) = due
            .iter()
            .partition(|line| search.of(&line.marker).iter().any(|found| found.key == line.ticket));
        let mut ended = Vec::new();
        for line in there {
            // What may still be at work on the ticket does not know this line.
            match self.inner.turns.unsettled(&line.ticket, self.inner.clock.now()) {
                Some(next) => {
                    self.inner.store.read_back_again(vec![line.id], next, false).await?;
                }
                None => ended.push(line.id),
            }
        }
        self.inner.store.end_read_back(ended, None).await?;
        if !search.trusted {
            return Ok(lost.is_empty());
        }
        let mut by_ticket = BTreeMap::<&TicketKey, Vec<&ReadBack>>::new();
        for line in lost {
            by_ticket.entry(&line.ticket).or_default().push(line);
        }
        for (ticket, lines) in by_ticket {
            let (hopeless, again): (Vec<_>, Vec<_>) =
                lines.into_iter().partition(|line| line.lost >= AGAIN);
            if !hopeless.is_empty() {
                self.give_up_lines(&hopeless).await?;
            }
            self.add_again(ticket, &again).await?;
        }
        Ok(true)
    }

    /// Adds lines once more that an edit of somebody else has overwritten.
    async fn add_again(&self, ticket: &TicketKey, lines: &[&ReadBack]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        let inner = &*self.inner;
        let _turn = inner.turns.of(ticket).await;
        let ids = || lines.iter().map(|line| line.id).collect();
        let live = inner.client.statuses(&ticket.class, [ticket.id]).await;
        inner.gate.after_read(&live);
        let Ok(live) = live else { return Ok(()) };
        // A ticket that is gone has no log.
        let Some(live) = live.into_iter().next() else {
            return inner.store.end_read_back(ids(), None).await;
        };
        let words = |line: &ReadBack| {
            let event = serde_json::from_str(&line.body).ok();
            let event = event.and_then(|body| decode(&body).ok());
            let language = inner.settings.ticket.language;
            event.map(|event| ticket_text::line(&event, language, None)).unwrap_or_default()
        };
        let new = NewLines {
            ticket,
            org: live.org,
            only_if_open: false,
            lines: lines.iter().map(|line| (&line.marker, words(line))).collect(),
            raise_to: None,
        };
        match inner.client.add_lines(&new).await {
            Ok(_) => {
                tracing::info!(ticket.key = %ticket, lines = lines.len(), "lines added once more");
                let next = self.after(READ_BACK);
                inner.store.read_back_again(ids(), next, true).await?;
                inner.lines_written.notify_one();
            }
            // One of them is there after all: they are looked for again.
            Err(error) if error.found_no_object() => {
                inner.store.read_back_again(ids(), self.after(READ_BACK), true).await?;
            }
            Err(error) => {
                inner.gate.after_failure(&error);
                self.note_unclear(ticket, &error);
                // The write may have happened; what it leaves is seen by the next look.
                let lost = error.is_answer();
                inner.store.read_back_again(ids(), self.after(LATER), lost).await?;
            }
        }
        Ok(())
    }

    async fn give_up_lines(&self, lines: &[&ReadBack]) -> Result<(), StoreError> {
        for line in lines {
            let notice = Notice::LineSwallowed { number: line.number.clone() };
            tracing::warn!(acknowledgement = line.id, "{}", notice.say(Language::En));
            let warning = self.say(&[notice]).pop();
            self.inner.store.end_read_back(vec![line.id], warning).await?;
        }
        Ok(())
    }
}
