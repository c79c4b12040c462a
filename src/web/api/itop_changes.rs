//! iTop tells that tickets have changed.

use axum::{
    Form, Json,
    extract::{FromRef, FromRequest, Request, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use crate::{
    board::Board,
    domain::body::FieldError,
    store::AskedTicket,
    web::{Rooms, auth::ChangeTeller, body::JsonBody, content::essence, problem::ApiError},
};

/// Tickets in one call at most.
const MOST: usize = 1_000;

/// The longest name of a class, in bytes.
const LONGEST_CLASS: usize = 100;

/// `POST /api/v1/itop/changes`: these tickets are read again soon, of those that the board knows and the
/// caller sees. The answer does not tell which these are.
pub(in crate::web) async fn changes(
    ChangeTeller(caller): ChangeTeller,
    State(board): State<Board>,
    Changes(tickets): Changes,
) -> (StatusCode, Json<Value>) {
    let taken = tickets.len();
    board.changed(&caller.name, caller.visible(), tickets);
    (StatusCode::ACCEPTED, Json(json!({"taken": taken})))
}

/// The tickets of a body: JSON with one, or a list; or a form with one.
pub(in crate::web) struct Changes(Vec<AskedTicket>);

impl<S: Send + Sync> FromRequest<S> for Changes
where
    Rooms: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if essence(request.headers()) == "application/x-www-form-urlencoded" {
            // A page of any origin can have a browser send one: whoever calls with a token is no browser,
            // and all others are refused before this.
            let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, state)
                .await
                .map_err(|error| ApiError::Unreadable(format!("{}.", error.body_text())))?;
            let form = pairs.into_iter().map(|(name, value)| (name, value.into())).collect();
            return ticket(&Value::Object(form), "").map(|ticket| Self(vec![ticket]));
        }
        let body = JsonBody::from_request(request, state).await.map_err(|bad| bad.error)?;
        let body: Value = serde_json::from_str(body.text())
            .map_err(|error| ApiError::not_json(&error.to_string()))?;
        let (items, above) = match &body {
            Value::Array(items) => (items, ""),
            Value::Object(members) => match members.get("items") {
                Some(Value::Array(items)) => (items, "/items"),
                _ => return ticket(&body, "").map(|ticket| Self(vec![ticket])),
            },
            _ => {
                return Err(wrong(
                    "",
                    "type",
                    "write {\"class\": …, \"id\": …}, or a list of them",
                ));
            }
        };
        if items.len() > MOST {
            return Err(wrong(above, "length", &format!("at most {MOST} tickets at once")));
        }
        let tickets = items.iter().enumerate();
        let tickets = tickets.map(|(at, item)| ticket(item, &format!("{above}/{at}")));
        tickets.collect::<Result<_, _>>().map(Self)
    }
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
