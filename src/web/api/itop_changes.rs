//! iTop tells that tickets have changed.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, FromRequest, Request, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use crate::{
    board::Board,
    clock::Clock,
    config::Scope,
    desk::Desks,
    domain::body::FieldError,
    store::AskedTicket,
    web::{ApiTokens, Rooms, auth::Caller, posted::Posted, problem::ApiError},
};

/// Tickets in one call at most.
const MOST: usize = 1_000;

/// The longest name of a class, in bytes.
const LONGEST_CLASS: usize = 100;

/// `POST /api/v1/itop/changes`: these tickets are read again soon, of those that the board knows and the
/// caller sees. The answer does not tell which these are.
///
/// # Errors
/// Where no iTop is served.
pub(in crate::web) async fn changes(
    State(board): State<Board>,
    State(desks): State<Desks>,
    Changes { caller, tickets }: Changes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if desks.itop().is_none() {
        return Err(ApiError::ItopOff);
    }
    let taken = tickets.len();
    board.changed(&caller.name, caller.visible(), tickets);
    Ok((StatusCode::ACCEPTED, Json(json!({"taken": taken}))))
}

/// Who tells, by a token or a signature, and of which tickets. Nobody keeps the ids of signed messages: one
/// that is told again has its tickets read once more.
pub(in crate::web) struct Changes {
    caller: Arc<Caller>,
    tickets: Vec<AskedTicket>,
}

impl<S: Send + Sync> FromRequest<S> for Changes
where
    ApiTokens: FromRef<S>,
    Rooms: FromRef<S>,
    Clock: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let posted = Posted::by_whoever_may(Scope::Changes, request, state).await?;
        if let Some(error) = posted.message.and_then(|message| message.wrong_time()) {
            return Err(error);
        }
        let body = posted.body.map_err(|bad| bad.error)?;
        let body: Value = serde_json::from_str(body.text())
            .map_err(|error| ApiError::not_json(&error.to_string()))?;
        Ok(Self { caller: posted.caller, tickets: tickets(&body)? })
    }
}

/// The tickets of a body: one, or a list; a form has one.
fn tickets(body: &Value) -> Result<Vec<AskedTicket>, ApiError> {
    let (items, above) = match body {
        Value::Array(items) => (items, ""),
        Value::Object(members) => match members.get("items") {
            Some(Value::Array(items)) => (items, "/items"),
            _ => return ticket(body, "").map(|ticket| vec![ticket]),
        },
        _ => return Err(wrong("", "type", "write {\"class\": …, \"id\": …}, or a list of them")),
    };
    if items.len() > MOST {
        return Err(wrong(above, "length", &format!("at most {MOST} tickets at once")));
    }
    let tickets = items.iter().enumerate();
    tickets.map(|(at, item)| ticket(item, &format!("{above}/{at}"))).collect()
}

/// A ticket as iTop's actions write it: whatever the id is called there, and whether it is a text.
fn ticket(item: &Value, at: &str) -> Result<AskedTicket, ApiError> {
    let (name, id) = ["id", "key"]
        .into_iter()
        .find_map(|name| item.get(name).map(|id| (name, id)))
        .ok_or_else(|| wrong(&format!("{at}/id"), "required", "the id of the ticket is needed"))?;
    let id = match id {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let is_id = id.bytes().all(|byte| byte.is_ascii_digit()) && id.parse::<i64>().is_ok();
    if !is_id {
        let message = "an id of iTop is a number; '$this->id$' is written in iTop's action";
        return Err(wrong(&format!("{at}/{name}"), "format", message));
    }
    let class = item.get("class").and_then(Value::as_str).map(str::trim);
    let class = class.filter(|class| (1..=LONGEST_CLASS).contains(&class.len()));
    Ok(AskedTicket { class: class.map(str::to_owned), id })
}

fn wrong(pointer: &str, code: &'static str, message: &str) -> ApiError {
    let (pointer, message) = (pointer.to_owned(), message.to_owned());
    ApiError::Invalid(vec![FieldError { pointer, code, message }])
}
