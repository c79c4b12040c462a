//! Tickets and lines that were found by their markers, after their writes had no clear answer.

use std::collections::{BTreeMap, BTreeSet};

use tracing::Span;

use super::{Conditional, READ_BACK, settle::LOOK};
use crate::{
    domain::{
        delivery_state::{Problem, State},
        keys::{TicketId, TicketKey},
    },
    itop::Marked,
    store::{Delivered, StoreError},
};

impl Conditional {
    /// Takes a ticket that was found by its marker, in the span of its row.
    pub(super) async fn adopt(
        &self,
        id: i64,
        marked: &Marked,
        is_reuse: bool,
    ) -> Result<(), StoreError> {
        self.adopt_all(vec![Adopted {
            id,
            ticket: marked.key.clone(),
            is_reuse,
            span: Span::current(),
        }])
        .await
    }

    /// The same for many: the status of all is one read for each class, and what comes of it one
    /// commit.
    pub(super) async fn adopt_all(&self, adopted: Vec<Adopted>) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let mut ids = BTreeMap::<&str, BTreeSet<&TicketId>>::new();
        for Adopted { ticket, .. } in &adopted {
            ids.entry(&ticket.class).or_default().insert(&ticket.id);
        }
        let mut live = Vec::new();
        for (class, ids) in ids {
            let statuses = inner.client.statuses(class, ids).await;
            inner.gate.after_read(&statuses);
            live.extend(statuses.unwrap_or_default());
        }
        let mut delivered = Vec::new();
        for Adopted { id, ticket, is_reuse, span } in adopted {
            let Some(ticket) = live.iter().find(|status| status.key == ticket) else {
                // It was there a moment ago, and is looked for again.
                let problem = Problem::new("unknown", "The ticket was found and not yet read.");
                inner.term.record_unknown(id, problem, self.after(LOOK)).await?;
                continue;
            };
            span.in_scope(|| {
                tracing::info!(acknowledgement = id, ticket.key = %ticket.key, "ticket found again");
            });
            let (state, has_marker) =
                if is_reuse { (State::Reused, false) } else { (State::Created, true) };
            let ticket = ticket.clone();
            // The next line may swallow one that iTop was still writing.
            let read_back_at = is_reuse.then(|| self.after(READ_BACK));
            let found = Delivered { state, ticket, warnings: None, has_marker, read_back_at };
            inner.recreation.settled(id);
            delivered.push((id, found));
        }
        if !delivered.is_empty() {
            self.record(delivered).await;
            inner.lines_written.notify_one();
        }
        Ok(())
    }
}

/// A row and the ticket that was found for it.
#[derive(Clone, Debug)]
pub(super) struct Adopted {
    pub(super) id: i64,
    pub(super) ticket: TicketKey,
    /// Whether its line was found there, rather than a ticket of its own.
    pub(super) is_reuse: bool,
    /// What its lines in the log stand in.
    pub(super) span: Span,
}
