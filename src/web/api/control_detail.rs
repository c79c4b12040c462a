//! All that is known of one control.

use std::slice;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    acknowledgements::{WholeView, parsed},
    board::BoardView,
};
use crate::{
    board::Hurry,
    domain::{
        acknowledgement::{Acknowledgement, Receipt, read},
        keys::{ControlId, Instance},
    },
    store::{ControlHistory, InboxRow, KnownTicket, PastAcknowledgement},
    web::{
        auth::{Caller, Reader},
        control_log::{self, Entry},
        description::{ControlItem, EarlierRow},
        parameters::Params,
        problem::ApiError,
        view,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct DetailParams {
    pub(in crate::web) control: String,
    pub(in crate::web) instance: Option<String>,
}

/// A control as callers read it.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct ControlDetail {
    /// The control and its ticket, as on the board.
    #[serde(flatten)]
    #[schemars(with = "ControlItem")]
    pub(in crate::web) item: Value,
    /// The row of the inbox that brought the ticket, or that waits to bring one, with the history of its
    /// attempts and its body; `None` where it is not kept any more.
    #[schemars(with = "Option<WholeView<'static>>")]
    pub(in crate::web) acknowledgement: Option<Value>,
    /// What it says, as it was understood.
    #[schemars(with = "Option<Acknowledgement>")]
    pub(in crate::web) event: Option<Value>,
    /// What happened, newest first.
    pub(in crate::web) log: Vec<Entry>,
    /// Rows of the inbox that have to do with other tickets of this control, newest first.
    #[schemars(with = "Vec<EarlierRow>")]
    pub(in crate::web) earlier: Vec<Value>,
    /// Whether there are more of them than are shown.
    pub(in crate::web) has_more: bool,
}

/// `GET /api/v1/controls/detail?control=`
pub(in crate::web) async fn detail(
    Reader(caller): Reader,
    State(view): State<BoardView>,
    Params(params): Params<DetailParams>,
) -> Result<Json<ControlDetail>, ApiError> {
    view.detail(&caller, params, Hurry::No).await.map(Json)
}

impl BoardView {
    /// All that a caller may know of a control.
    pub(in crate::web) async fn detail(
        &self,
        caller: &Caller,
        DetailParams { control, instance }: DetailParams,
        hurry: Hurry,
    ) -> Result<ControlDetail, ApiError> {
        let named: Option<Instance> = parsed("instance", instance)?;
        let instance = caller.instance(named.as_ref())?;
        let unknown = || {
            ApiError::NotFound(format!(
                "Nothing was ever received of control '{control}' in instance '{instance}'."
            ))
        };
        let id: ControlId = control.parse().map_err(|_| unknown())?;
        let visible = caller.visible();
        if hurry == Hurry::No {
            // Its ticket is read anew if what is known of it is old.
            self.board.controls(&instance, slice::from_ref(&id), visible).await?;
        }
        let history = self.store.history_of_control(&instance, &id, visible).await?;
        if hurry == Hurry::Yes {
            let ticket = history.row.iter().map(|row| &row.found.ticket);
            self.board.refresh_ahead(ticket.map(KnownTicket::aged));
        }
        self.shown(&history).ok_or_else(unknown)
    }

    fn shown(&self, history: &ControlHistory) -> Option<ControlDetail> {
        let events: Vec<_> = history.acknowledgements.iter().map(event).collect();
        let past = || history.acknowledgements.iter().zip(events.iter().map(Option::as_ref));
        let rows: Vec<_> = history.acknowledgements.iter().map(|past| &past.row).collect();
        let pending = view::newest_pending(&rows);
        let ticket = history.row.as_ref().map(|row| &row.found);
        let main = match ticket {
            Some(ticket) => {
                past().find(|(past, _)| past.row.id == ticket.mapping.acknowledgement_id)
            }
            None => past()
                .find(|(past, _)| pending.is_some_and(|pending| pending.id == past.row.id))
                .or_else(|| past().next()),
        };
        let mut item = match (&history.row, main) {
            (Some(row), _) => {
                let mut item = view::control(&row.found, &self.board, &self.addresses);
                view::add_details(&mut item, row);
                item
            }
            (None, Some((past, event))) => {
                let mut item = view::control_without_ticket(&past.row, &self.addresses);
                view::add_details_of_row(&mut item, &past.row, event);
                item
            }
            (None, None) => return None,
        };
        // Of a ticket that is hidden its acknowledgement does not tell either.
        let with_reason = |mut row: InboxRow| {
            if ticket.is_some_and(|ticket| ticket.is_hidden && ticket.is_that_of(&row)) {
                row.ticket = None;
            }
            self.delivery.with_reason(row)
        };
        item["pending"] =
            pending.and_then(|row| view::pending(&with_reason(row.clone()))).unwrap_or_default();
        let is_of_it = |past: &PastAcknowledgement| {
            let is_newer = main.is_none_or(|(main, _)| past.row.id >= main.row.id);
            is_newer || ticket.is_some_and(|ticket| ticket.is_that_of(&past.row))
        };
        let earlier = past().filter(|(past, _)| !is_of_it(past)).map(|(past, event)| {
            let row = with_reason(past.row.clone());
            let mut shown = json!(view::acknowledgement(&row, &self.addresses));
            shown["by"] = json!(event.map(Acknowledgement::author).filter(|by| !by.is_empty()));
            shown
        });
        Some(ControlDetail {
            acknowledgement: main.map(|(past, _)| {
                let row = with_reason(past.row.clone());
                json!(WholeView {
                    row: view::acknowledgement(&row, &self.addresses),
                    history: &past.attempts,
                    actions: &past.actions,
                    body: past.body.as_str().into(),
                })
            }),
            event: main.and_then(|(_, event)| event).map(|event| json!(event)),
            log: control_log::log(ticket, past().filter(|(past, _)| is_of_it(past))),
            earlier: earlier.collect(),
            has_more: history.has_more,
            item,
        })
    }
}

/// What an acknowledgement says.
fn event(past: &PastAcknowledgement) -> Option<Acknowledgement> {
    let row = &past.row;
    let instance = row.instance.parse().unwrap_or_default();
    read(&past.body, &Receipt { at: row.received_at, instance }).ok()
}
