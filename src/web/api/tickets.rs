//! Tickets: by number, the board, and many at once.

use std::{borrow::Cow, collections::HashMap};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use serde_json_borrow::Value as Borrowed;

use super::{acknowledgements::parsed, links::party_key};
use crate::{
    board::Board,
    domain::{
        body::{FieldError, member},
        keys::{ControlId, Instance},
        marker::{hex, unhex},
    },
    store::{BoardFilter, TicketOfControl},
    web::{
        Addresses, ControlAnswers,
        auth::{Caller, Reader},
        body::ListBody,
        listing::{DEFAULT_LIMIT, KnownTags, MAX_TICKETS, Params, Path, limit, tagged},
        problem::ApiError,
        view,
    },
};

/// Items of one lookup at most.
const MAX_LOOKUP: usize = 10_000;

/// Controls that can share one ticket number in an answer.
const CONTROLS_A_NUMBER: usize = 100;

#[derive(Deserialize)]
pub(in crate::web) struct BoardParams {
    instance: Option<String>,
    company: Option<String>,
    status: Option<String>,
    open: Option<bool>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /api/v1/tickets`: the board.
pub(in crate::web) async fn board(
    Reader(caller): Reader,
    State(board): State<Board>,
    State(addresses): State<Addresses>,
    known: KnownTags,
    Params(params): Params<BoardParams>,
) -> Result<Response, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let company = params.company.as_deref().map(party_key).transpose()?;
    let limit = limit(params.limit, DEFAULT_LIMIT, MAX_TICKETS)?;
    let filter = BoardFilter {
        companies: match company {
            Some(company) if caller.sees(&company) => Some(vec![company.to_string()]),
            Some(_) => Some(Vec::new()),
            None => caller.company_keys(),
        },
        status: params.status,
        open: params.open,
        after: params.cursor.as_deref().map(read_cursor).transpose()?,
        limit: limit + 1,
        ..visible_to(&caller, named.as_ref())?
    };
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
    let found = of_numbers(&board, &caller, vec![number.trim().to_owned()]).await?;
    if found.is_empty() {
        return Err(ApiError::NotFound(format!("No control has the ticket {number}.")));
    }
    let items: Vec<_> =
        found.iter().map(|ticket| view::control(ticket, &board, &addresses)).collect();
    Ok(Json(json!({"items": items})))
}

#[derive(Deserialize)]
pub(in crate::web) struct LookupParams {
    instance: Option<String>,
}

/// `POST /api/v1/tickets/lookup`: `{"items": [{"control": …} | {"ref": …}]}`, an answer each, in
/// order; one bad item never spoils the rest.
pub(in crate::web) async fn lookup(
    Reader(caller): Reader,
    State(board): State<Board>,
    State(answers): State<ControlAnswers>,
    State(addresses): State<Addresses>,
    Params(params): Params<LookupParams>,
    ListBody(body): ListBody,
) -> Result<Response, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let instance = caller.instance(named.as_ref())?;
    let body = body.value()?;
    let items = member(&body, "items").and_then(|items| items.as_array());
    let items = items.ok_or_else(|| {
        invalid("/items", "required", "'items' must be a list of {\"control\": …} and {\"ref\": …}")
    })?;
    if items.len() > MAX_LOOKUP {
        let message = format!("at most {MAX_LOOKUP} items, not {}", items.len());
        return Err(invalid("/items", "length", &message));
    }
    let asked: Vec<_> = items.iter().map(Asked::read).collect();
    let (mut controls, mut numbers) = (Vec::new(), Vec::new());
    for asked in asked.iter().flatten() {
        match asked {
            Asked::Control(control) => controls.push(control.clone()),
            Asked::Number(number) => numbers.push(number.clone()),
        }
    }
    let mut of_controls = answers.of(&caller, &instance, &controls).await?.into_iter();
    let mut by_number = HashMap::<_, Vec<_>>::new();
    for ticket in of_numbers(&board, &caller, numbers).await? {
        by_number.entry(ticket.ticket.status.number.clone()).or_default().push(ticket);
    }
    // What is known of a control is serialised already.
    let mut answer = b"{\"items\":[".to_vec();
    for (place, asked) in asked.iter().enumerate() {
        if place > 0 {
            answer.push(b',');
        }
        let item = match asked {
            Err(message) => json!({"error": {"code": "invalid", "message": message}}),
            Ok(Asked::Control(control)) => {
                if let Some(found) = of_controls.next().flatten() {
                    answer.extend_from_slice(&found.body);
                    continue;
                }
                json!({"control": {"id": control}, "ticket": null})
            }
            Ok(Asked::Number(number)) => {
                let tickets = by_number.get(number).map_or(&[][..], Vec::as_slice).iter();
                let tickets: Vec<_> = tickets
                    .take(CONTROLS_A_NUMBER)
                    .map(|ticket| view::control(ticket, &board, &addresses))
                    .collect();
                json!({"ref": number, "items": tickets})
            }
        };
        answer.extend_from_slice(item.to_string().as_bytes());
    }
    answer.extend_from_slice(b"]}");
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((json, answer).into_response())
}

enum Asked {
    Control(ControlId),
    Number(String),
}

impl Asked {
    fn read(item: &Borrowed<'_>) -> Result<Self, String> {
        let text = |name| match member(item, name)? {
            Borrowed::Str(text) => Some(Cow::Borrowed(text.as_ref())),
            Borrowed::Number(number) if !number.is_f64() => Some(number.to_string().into()),
            _ => None,
        };
        match (text("control"), text("ref")) {
            (Some(control), None) => {
                control.parse().map(Self::Control).map_err(|error| format!("'control' {error}"))
            }
            (None, Some(number)) if !number.trim().is_empty() => {
                Ok(Self::Number(number.trim().to_owned()))
            }
            _ => Err("an item needs either 'control' or 'ref'".to_owned()),
        }
    }
}

/// The controls of some numbers, all found and refreshed at once.
async fn of_numbers(
    board: &Board,
    caller: &Caller,
    numbers: Vec<String>,
) -> Result<Vec<TicketOfControl>, ApiError> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let filter = BoardFilter {
        companies: caller.company_keys(),
        limit: CONTROLS_A_NUMBER.saturating_mul(numbers.len()),
        numbers: Some(numbers),
        ..visible_to(caller, None)?
    };
    Ok(board.page(filter).await?)
}

/// A filter with the instance that the caller names or is limited to.
fn visible_to(caller: &Caller, named: Option<&Instance>) -> Result<BoardFilter, ApiError> {
    Ok(BoardFilter { instance: caller.narrowed_to(named)?, ..BoardFilter::default() })
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

fn invalid(pointer: &str, code: &'static str, message: &str) -> ApiError {
    ApiError::Invalid(vec![FieldError {
        pointer: pointer.to_owned(),
        code,
        message: message.to_owned(),
    }])
}
