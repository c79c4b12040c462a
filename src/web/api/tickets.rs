//! Tickets: by number, and the board.

use axum::{Json, extract::State, response::Response};
use serde_json::{Value, json};

use super::board::{BoardParams, BoardView};
use crate::{
    board::{Board, Hurry},
    desk::{DeskName, Desks},
    domain::hex::{hex, unhex},
    store::{BoardFilter, TicketOfControl},
    web::{
        Addresses,
        auth::Reader,
        entity_tag::{KnownTags, tagged},
        listing::{DEFAULT_LIMIT, MAX_TICKETS, limit},
        parameters::{Params, Path},
        problem::ApiError,
        view,
    },
};

/// Controls that can share one ticket number in an answer.
pub(super) const CONTROLS_A_NUMBER: usize = 100;

/// `GET /api/v1/tickets`: the board.
pub(in crate::web) async fn board(
    Reader(caller): Reader,
    State(view): State<BoardView>,
    known: KnownTags,
    Params(params): Params<BoardParams>,
) -> Result<Response, ApiError> {
    if params.is_search() {
        let mut answer = view.search(&caller, &params, Hurry::No).await?;
        let body = serde_json::to_value(&answer).map_err(|_| ApiError::Internal)?;
        answer.as_of = None;
        for item in &mut answer.items {
            item["as_of"] = Value::Null;
        }
        return Ok(tagged(&known, &body, &answer));
    }
    let visible = params.visible(&caller)?;
    let limit = limit(params.limit, DEFAULT_LIMIT, MAX_TICKETS)?;
    let filter = BoardFilter {
        status: params.status.map(|text| status(text, &view.desks)).transpose()?,
        open: params.open,
        after: params.cursor.as_deref().map(read_cursor).transpose()?,
        ..BoardFilter::of(visible, limit + 1)
    };
    let BoardView { board, addresses, .. } = view;
    let mut tickets = board.page(filter).await?;
    let has_more = tickets.len() > limit;
    tickets.truncate(limit);
    let next = tickets.last().filter(|_| has_more).map(cursor);
    let items: Vec<_> =
        tickets.iter().map(|ticket| view::control(ticket, &board, &addresses)).collect();
    let as_of = tickets.iter().map(|ticket| board.as_of(&ticket.ticket)).min();
    let stale = tickets.iter().any(|ticket| board.is_stale(&ticket.ticket));
    let answer = json!({"items": items, "as_of": as_of, "stale": stale, "next": next});
    let mut content = answer.clone();
    for item in content["items"].as_array_mut().into_iter().flatten() {
        item["as_of"] = Value::Null;
    }
    content["as_of"] = Value::Null;
    Ok(tagged(&known, &answer, &content))
}

/// `GET /api/v1/tickets/{number}`: a number can exist in two classes, and on several controls.
pub(in crate::web) async fn by_number(
    Reader(caller): Reader,
    State(board): State<Board>,
    State(addresses): State<Addresses>,
    Path(number): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let filter = BoardFilter {
        numbers: Some(vec![number.trim().to_owned()]),
        ..BoardFilter::of(caller.visible().clone(), CONTROLS_A_NUMBER)
    };
    let found = board.page(filter).await?;
    if found.is_empty() {
        return Err(ApiError::NotFound(format!("No control has the ticket {number}.")));
    }
    let items: Vec<_> =
        found.iter().map(|ticket| view::control(ticket, &board, &addresses)).collect();
    Ok(Json(json!({"items": items})))
}

/// A status as the ticket systems that are served write them: another text is none, rather than one that no
/// ticket has.
pub(super) fn status(text: String, desks: &Desks) -> Result<String, ApiError> {
    let is_code = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    // An administrator of Salesforce calls them as people do.
    let is_named = desks.of(DeskName::Salesforce).is_some() && !text.trim().is_empty();
    if is_code || is_named {
        return Ok(text);
    }
    let detail =
        "'status' must be a code of iTop, such as new, assigned, pending, resolved or closed.";
    Err(ApiError::BadParameter(detail.to_owned()))
}

/// Where the next page begins: instance and control, in characters that a URL takes as they are.
fn cursor(last: &TicketOfControl) -> String {
    hex(format!("{}\n{}", last.mapping.instance, last.mapping.control_id).as_bytes())
}

fn read_cursor(text: &str) -> Result<(String, String), ApiError> {
    unhex(text)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())))
        .ok_or_else(|| {
            ApiError::BadParameter("'cursor' must be the 'next' of an earlier answer.".to_owned())
        })
}
