//! What is answered about controls: serialised once, and kept while nothing about the control has
//! changed and its ticket's status is young enough.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{body::Bytes, http::HeaderValue};
use jiff::Timestamp;
use moka::future::Cache;
use serde_json::{Value, json};

use super::{Addresses, entity_tag::tag_of, view};
use crate::{
    board::Board,
    clock::Clock,
    delivery::Delivery,
    domain::{
        keys::{ControlId, Instance},
        visible::Visible,
    },
    store::{AgedTicket, Controls, InboxRow, Store, StoreError, TicketOfControl},
};

/// How much is kept, in bytes: some eleven thousand controls.
const KEPT_BYTES: u64 = 18 * 1024 * 1024;

/// What keeping an answer costs beside its body and its key, in bytes.
const OVERHEAD: usize = 400;

/// The answers. Cheap to clone.
#[derive(Clone)]
pub struct ControlAnswers {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    board: Board,
    delivery: Delivery,
    addresses: Addresses,
    clock: Clock,
    kept: Cache<String, Arc<ControlAnswer>>,
}

impl std::fmt::Debug for ControlAnswers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ControlAnswers")
    }
}

/// What is known of one control.
pub(super) struct ControlAnswer {
    company: Option<String>,
    /// JSON.
    pub(super) body: Bytes,
    /// Of the body without its age.
    pub(super) tag: HeaderValue,
    /// What the control was like when this was read, see [`Store::version_of`].
    version: u64,
    /// Until when it can be given again; `None` for what may be different the next time.
    good_until: Option<Timestamp>,
    /// From when on the ticket should be read again, ahead of the time when somebody must wait.
    refresh_from: Timestamp,
    ticket: Option<AgedTicket>,
    /// Whether that was asked for.
    asked: AtomicBool,
}

impl ControlAnswer {
    /// The company that the control belongs to, `id:…` or `name:…`.
    pub(super) fn company(&self) -> Option<&str> {
        self.company.as_deref()
    }
}

impl ControlAnswers {
    /// Nothing is kept yet.
    #[must_use]
    pub fn new(
        store: Store,
        board: Board,
        delivery: Delivery,
        addresses: Addresses,
        clock: Clock,
    ) -> Self {
        let weigh = |key: &String, answer: &Arc<ControlAnswer>| {
            u32::try_from(key.len() + answer.body.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder().max_capacity(KEPT_BYTES).weigher(weigh).build();
        let inner = Inner { store, board, delivery, addresses, clock, kept };
        Self { inner: Arc::new(inner) }
    }

    /// Keeps nothing of what was answered so far.
    pub fn forget(&self) {
        self.inner.kept.invalidate_all();
    }

    /// The answer about each of these controls, in order, with what is seen of it: `None` where
    /// nothing was ever received of that.
    pub(super) async fn of(
        &self,
        visible: &Visible,
        instance: &Instance,
        controls: &[ControlId],
    ) -> Result<Vec<Option<Arc<ControlAnswer>>>, StoreError> {
        let inner = &*self.inner;
        let now = inner.clock.at_latest();
        let visible = &visible.in_instance(instance);
        let mut answers = Vec::with_capacity(controls.len());
        let (mut missing, mut places) = (Vec::new(), Vec::new());
        let mut soon_old = Vec::new();
        for (place, control) in controls.iter().enumerate() {
            let kept = inner.kept.get(&key(visible, instance, control)).await;
            let kept = kept.filter(|answer| inner.is_good(answer, instance, control, now));
            if let Some(answer) = &kept {
                if now >= answer.refresh_from && !answer.asked.swap(true, Ordering::Relaxed) {
                    soon_old.extend(answer.ticket.clone());
                }
            } else {
                missing.push(control.clone());
                places.push(place);
            }
            answers.push(kept);
        }
        if !soon_old.is_empty() {
            inner.board.refresh_ahead(soon_old);
        }
        if !missing.is_empty() {
            let read = inner.read(visible, instance, &missing).await?;
            for (place, answer) in places.into_iter().zip(read) {
                answers[place] = answer;
            }
        }
        Ok(answers)
    }
}

impl Inner {
    fn is_good(
        &self,
        answer: &ControlAnswer,
        instance: &Instance,
        control: &ControlId,
        now: Timestamp,
    ) -> bool {
        answer.version == self.store.version_of(instance, control)
            && answer.good_until.is_some_and(|until| now <= until)
    }

    async fn read(
        &self,
        visible: &Visible,
        instance: &Instance,
        controls: &[ControlId],
    ) -> Result<Vec<Option<Arc<ControlAnswer>>>, StoreError> {
        // Asked for before anything is read: what changes meanwhile makes the answer old at once.
        let versions: Vec<_> =
            controls.iter().map(|control| self.store.version_of(instance, control)).collect();
        let Controls { tickets, rows } = self.board.controls(instance, controls, visible).await?;
        let tickets: HashMap<_, _> =
            tickets.iter().map(|found| (found.mapping.control_id.as_str(), found)).collect();
        let mut rows_of = HashMap::<_, Vec<_>>::new();
        for row in &rows {
            rows_of.entry(row.control_id.as_deref().unwrap_or_default()).or_default().push(row);
        }
        let mut answers = Vec::with_capacity(controls.len());
        for (control, version) in controls.iter().zip(versions) {
            let ticket = tickets.get(control.as_str()).copied();
            let rows = rows_of.get(control.as_str()).map_or(&[][..], Vec::as_slice);
            let answer = self.answer(ticket, rows, version);
            let answer = answer.map(Arc::new);
            if let Some(answer) = answer.iter().find(|answer| answer.good_until.is_some()) {
                self.kept.insert(key(visible, instance, control), answer.clone()).await;
            }
            answers.push(answer);
        }
        Ok(answers)
    }

    fn answer(
        &self,
        found: Option<&TicketOfControl>,
        rows: &[&InboxRow],
        version: u64,
    ) -> Option<ControlAnswer> {
        let newest = rows.iter().max_by_key(|row| row.id).copied();
        let (mut view, company) = match (found, newest) {
            (Some(found), _) => (
                view::control(found, &self.board, &self.addresses),
                Some(found.mapping.company_key.clone()),
            ),
            (None, Some(row)) => {
                (view::control_without_ticket(row, &self.addresses), row.company_key.clone())
            }
            (None, None) => return None,
        };
        let newest = view::newest_pending(rows);
        let pending = newest.and_then(|row| view::pending(&self.delivery.with_reason(row.clone())));
        view["pending"] = json!(pending);
        let body = Bytes::from(view.to_string());
        view["as_of"] = Value::Null;
        let tag = tag_of(view.to_string().as_bytes());
        let ticket = found.map(|found| &found.ticket);
        // What is pending can look different without a change of its own.
        let good_until =
            ticket.filter(|_| newest.is_none()).map(|ticket| self.board.fresh_until(ticket));
        Some(ControlAnswer {
            company,
            body,
            tag,
            version,
            good_until: good_until.filter(|until| self.clock.at_latest() <= *until),
            refresh_from: ticket.map_or(Timestamp::MAX, |ticket| self.board.refresh_from(ticket)),
            ticket: ticket.map(crate::store::KnownTicket::aged),
            asked: AtomicBool::new(false),
        })
    }
}

/// What is kept is given to those alone who see the same: a control can have been of several companies.
/// None of the parts has a control character, so the line breaks make them unambiguous.
fn key(visible: &Visible, instance: &Instance, control: &ControlId) -> String {
    let mut key = [instance.as_str(), "\n", control.as_str()].concat();
    if let Some(companies) = visible.companies() {
        key.push('\n');
        key.push_str(&companies.join("\n"));
    }
    key
}
