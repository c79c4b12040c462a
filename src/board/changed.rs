//! Tickets of which iTop itself says that they have changed: they are read at once, so that nobody has
//! to ask again and again. Whatever is said, iTop sees one request for each class and pause: what is
//! said of one ticket meanwhile is merged, and what is beyond the bound is left to polling.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::Board;
use crate::{domain::visible::Visible, store::AskedTicket};

/// How long changes are gathered: iTop tells of one piece of work several times.
const GATHER: Duration = Duration::from_millis(200);

/// The least time between two readings.
const PAUSE: Duration = Duration::from_secs(1);

/// Tickets that one caller can have waiting; more are read when they are old.
const MOST: usize = 2_000;

/// What was said and not yet looked at. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Changed(Arc<Inner>);

#[derive(Default)]
struct Inner {
    said: Mutex<BTreeMap<String, Said>>,
    woken: Notify,
}

/// What one caller has said.
struct Said {
    visible: Visible,
    tickets: BTreeSet<AskedTicket>,
}

impl Board {
    /// Has tickets read soon, of those that the board knows and the caller `by` sees. Tells nothing of
    /// which these are.
    pub fn changed(
        &self,
        by: &str,
        visible: &Visible,
        tickets: impl IntoIterator<Item = AskedTicket>,
    ) {
        {
            let mut said = self.changed.lock();
            let said = said
                .entry(by.to_owned())
                .or_insert_with(|| Said { visible: visible.clone(), tickets: BTreeSet::new() });
            // A token that was replaced by another of its name sees what that one sees.
            said.visible = visible.clone();
            for ticket in tickets {
                if said.tickets.len() < MOST || said.tickets.contains(&ticket) {
                    said.tickets.insert(ticket);
                }
            }
        }
        self.changed.0.woken.notify_one();
    }

    /// Reads what is said to have changed; runs until it is dropped.
    pub(super) async fn read_changed(self) {
        loop {
            self.changed.0.woken.notified().await;
            self.clock.sleep(GATHER).await;
            let said = mem::take(&mut *self.changed.lock());
            let mut tickets = Vec::new();
            for (_, Said { visible, tickets: asked }) in said {
                match self.store.known_tickets(asked.into_iter().collect(), &visible).await {
                    Ok(known) => tickets.extend(known),
                    Err(error) => tracing::error!(%error, "changed tickets could not be looked up"),
                }
            }
            tickets.retain(|ticket| self.may_ask(&ticket.key));
            if tickets.is_empty() {
                continue;
            }
            // What was read before this was read too early.
            let now = self.clock.at_latest();
            for ticket in &mut tickets {
                ticket.as_of = now;
            }
            self.ask(tickets.into_iter()).await;
            self.clock.sleep(PAUSE).await;
        }
    }
}

impl Changed {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Said>> {
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
