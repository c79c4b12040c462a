//! What an earlier write has made, where its answer was lost, or the database that knew of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::Mutex;

use super::UniqueKey;
use crate::{
    desk::{DeskError, NotesSince},
    domain::{
        acknowledgement::Acknowledgement,
        delivery_state::{Problem, State},
        keys::TicketKey,
        marker::Marker,
        ticket_status::TicketStatus,
    },
    store::{Restored, StoreError, Waiting},
};

/// The notes that a restored backup does not know, by marker; read once.
pub(super) type RestoredNotes = Mutex<Option<Arc<HashMap<Marker, TicketKey>>>>;

impl UniqueKey {
    /// Looks for the note of an earlier attempt, which has no key, and where a backup was restored for
    /// whatever was made after it; true if it was there and has been taken, or if that cannot be told yet.
    /// Else a ticket is not looked for: the same create is sent again.
    pub(in crate::delivery) async fn was_found_again(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        Ok(self.its_note_was_found(row, event).await?
            || self.was_found_after_restore(row, event).await?)
    }

    /// The same for a row whose company is linked to another ticket system by now: there its ticket has no
    /// key of here.
    pub(in crate::delivery) async fn was_found_before_it_left(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        Ok(self.its_note_was_found(row, event).await?
            || self.its_ticket_was_found(row, event).await?)
    }

    /// The same of a database that was restored, which knows neither what was made after its backup nor
    /// where its company was linked then: a ticket of its own, or a note on any.
    pub(in crate::delivery) async fn was_found_after_restore(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        let Some(restored) = self.restored_lately().await? else { return Ok(false) };
        if self.its_ticket_was_found(row, event).await? {
            return Ok(true);
        }
        let settle = self.settings.delivery.settle.duration();
        let settled = self.began.later(settle);
        if restored.ran < settle && self.clock.moment() < settled {
            let message = "A backup was restored; whether this acknowledgement became a ticket after it \
                           is looked up when what was under way then has ended.";
            let problem = Problem::new("restored", message);
            self.term.wait_until(row.id, settled, Duration::ZERO, problem).await?;
            return Ok(true);
        }
        let notes = self.notes_since(restored).await;
        self.gate.after_read(&notes);
        let marker = Marker::new(&row.instance, &event.event_id);
        match notes {
            Ok(notes) => match notes.get(&marker) {
                Some(ticket) => self.take_noted(row, event, ticket).await,
                None => Ok(false),
            },
            Err(error) => {
                self.wait_for_the_way(row, event, &error).await?;
                Ok(true)
            }
        }
    }

    /// The notes of all Cases since the backup. What is written after the first look this database knows.
    async fn notes_since(
        &self,
        restored: Restored,
    ) -> Result<Arc<HashMap<Marker, TicketKey>>, DeskError> {
        let mut known = self.inner.restored_notes.lock().await;
        if let Some(notes) = &*known {
            return Ok(notes.clone());
        }
        let since =
            restored.newest_case.map_or(NotesSince::MonthBefore(restored.at), NotesSince::Moment);
        let notes = Arc::new(self.inner.keyed.noted_since(since).await?);
        *known = Some(notes.clone());
        Ok(notes)
    }

    /// The ticket that bears its key.
    async fn its_ticket_was_found(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        let marker = Marker::new(&row.instance, &event.event_id);
        let found = self.inner.keyed.by_marker(&marker).await;
        self.take_found(row, event, State::Created, found).await
    }

    /// The note that was sent for it, on the ticket where it was to stand.
    async fn its_note_was_found(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        let Some(target) = row.target.as_ref().filter(|_| row.was_sent) else { return Ok(false) };
        let marker = Marker::new(&row.instance, &event.event_id);
        let noted = self.inner.keyed.is_noted(target, &marker).await;
        self.gate.after_read(&noted);
        match noted {
            Ok(false) => Ok(false),
            Ok(true) => self.take_noted(row, event, target).await,
            Err(error) => {
                self.wait_for_the_way(row, event, &error).await?;
                Ok(true)
            }
        }
    }

    /// Takes the ticket on which its note stands, unless that is gone.
    async fn take_noted(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        ticket: &TicketKey,
    ) -> Result<bool, StoreError> {
        let status = self.inner.keyed.current(&ticket.id).await;
        self.take_found(row, event, State::Reused, status).await
    }

    async fn take_found(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        state: State,
        found: Result<Option<TicketStatus>, DeskError>,
    ) -> Result<bool, StoreError> {
        self.gate.after_read(&found);
        match found {
            Ok(Some(status)) => self.take(row, state, status, None).await,
            Ok(None) => return Ok(false),
            Err(error) => self.wait_for_the_way(row, event, &error).await?,
        }
        Ok(true)
    }
}
