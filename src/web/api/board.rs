//! Searching the board, and how the answer looks. The page of tickets asks the same.

use std::collections::HashMap;

use axum::extract::FromRef;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub(in crate::web) use super::board_params::BoardParams;
use crate::{
    board::{Board, Hurry},
    delivery::Delivery,
    desk::Desks,
    store::{BoardPage, PendingControl, Place, Store},
    web::{Addresses, AppState, auth::Caller, description::ControlItem, problem::ApiError, view},
};

/// A page of the board, as callers read it.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct BoardAnswer {
    #[schemars(with = "Vec<ControlItem>")]
    pub(in crate::web) items: Vec<Value>,
    /// When the oldest of what is known of these tickets was read.
    pub(in crate::web) as_of: Option<Timestamp>,
    pub(in crate::web) stale: bool,
    /// The `cursor` of the next page.
    pub(in crate::web) next: Option<String>,
    /// Of a search: the `before` of the page before.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) prev: Option<String>,
    /// How many tickets there are on all pages, and which of them the first of this page is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) first: Option<u64>,
}

/// What it takes to show the board.
#[derive(Clone)]
pub(in crate::web) struct BoardView {
    pub(in crate::web) store: Store,
    pub(in crate::web) board: Board,
    pub(in crate::web) delivery: Delivery,
    pub(in crate::web) addresses: Addresses,
    pub(in crate::web) desks: Desks,
}

impl FromRef<AppState> for BoardView {
    fn from_ref(state: &AppState) -> Self {
        Self {
            store: state.store.clone(),
            board: state.board.clone(),
            delivery: state.delivery.clone(),
            addresses: state.addresses.clone(),
            desks: state.desks.clone(),
        }
    }
}

impl BoardView {
    /// A page of what a caller looks for.
    pub(in crate::web) async fn search(
        &self,
        caller: &Caller,
        params: &BoardParams,
        hurry: Hurry,
    ) -> Result<BoardAnswer, ApiError> {
        let search = params.search(caller, &self.desks)?;
        let mut items = Vec::new();
        if let Some(pending) = params.pending(&search) {
            for control in self.store.pending_controls(pending).await? {
                items.push(self.without_ticket(&control, params));
            }
        }
        // Whoever got a ticket meanwhile is in both lists rather than in none.
        let listed = items.len();
        let page = self.board.search(search, hurry).await?;
        items.extend(self.with_tickets(&page, params));
        without_doubles(&mut items, listed);
        let shown = u64::try_from(page.rows.len()).unwrap_or(u64::MAX);
        let cursor = |place: &Place| params.cursor(place);
        let ends = page.ends.as_ref();
        let (is_after, is_before) = (page.before > 0, page.before + shown < page.total);
        let tickets = || page.rows.iter().map(|row| &row.found.ticket);
        Ok(BoardAnswer {
            items,
            as_of: tickets().map(|ticket| self.board.as_of(ticket)).min(),
            stale: tickets().any(|ticket| self.board.is_stale(ticket)),
            next: ends.filter(|_| is_before).and_then(|(_, last)| cursor(last)),
            prev: ends.filter(|_| is_after).and_then(|(first, _)| cursor(first)),
            total: params.count.filter(|asked| *asked).map(|_| page.total),
            first: params.count.filter(|asked| *asked && shown > 0).map(|_| page.before + 1),
        })
    }

    fn without_ticket(&self, control: &PendingControl, params: &BoardParams) -> Value {
        let mut item = view::control_without_ticket(&control.row, &self.addresses);
        item["pending"] =
            view::pending(&self.delivery.with_reason(control.row.clone())).unwrap_or_default();
        if params.details == Some(true) {
            let event = control.event.as_ref();
            view::add_details_of_row(&mut item, &control.row, event);
        }
        item
    }

    fn with_tickets(&self, page: &BoardPage, params: &BoardParams) -> Vec<Value> {
        let with_details = params.details == Some(true);
        let mut rows_of = HashMap::<_, Vec<_>>::new();
        for row in &page.acknowledgements {
            let control = row.control_id.as_deref().unwrap_or_default();
            rows_of.entry((row.instance.as_str(), control)).or_default().push(row);
        }
        let items = page.rows.iter().map(|row| {
            let mapping = &row.found.mapping;
            let mut item = view::control(&row.found, &self.board, &self.addresses);
            let of_it = rows_of.get(&(mapping.instance.as_str(), mapping.control_id.as_str()));
            if let Some(newest) = of_it.and_then(|rows| view::newest_pending(rows)) {
                item["pending"] =
                    view::pending(&self.delivery.with_reason(newest.clone())).unwrap_or_default();
            }
            if with_details {
                view::add_details(&mut item, row);
            }
            item
        });
        items.collect()
    }
}

/// Leaves out of the first so many items what stands among the others too.
fn without_doubles(items: &mut Vec<Value>, listed: usize) {
    let mut kept: Vec<_> = items.drain(..listed).collect();
    kept.retain(|pending| {
        !items.iter().any(|other| {
            other["control"]["id"] == pending["control"]["id"]
                && other["instance"] == pending["instance"]
        })
    });
    items.splice(0..0, kept);
}
