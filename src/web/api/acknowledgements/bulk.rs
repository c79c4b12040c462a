//! The operator's levers on many rows: some by their ids, or all that have one cause.

use axum::{Json, extract::State};
use serde_json::{Value, json};
use serde_json_borrow::Value as Sent;

use super::list::narrowed;
use crate::{
    delivery::Delivery,
    domain::{
        body::{FieldError, member},
        inbox_group::Cause,
        text::one_line,
        visible::Visible,
    },
    lifecycle::to_its_end,
    store::{Left, Operation, Store, Which},
    web::{
        api::links::party_key,
        auth::{Caller, Operator},
        body::JsonBody,
        problem::ApiError,
    },
};

/// The longest reason for a discard, in characters.
const MAX_REASON: usize = 1_000;

/// Rows that can be named one by one.
const MAX_IDS: usize = 1_000;

/// `POST /api/v1/acknowledgements/retry`: failed and blocked rows are tried at once.
pub(in crate::web) async fn retry(
    Operator(caller): Operator,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    body: JsonBody,
) -> Result<Json<Value>, ApiError> {
    let (which, visible) = asked(&caller, &body.value()?)?;
    let bulk = Bulk { operation: Operation::Retry, which, visible, by: caller.name.clone() };
    to_its_end(bulk.run(store, delivery)).await
}

/// `POST /api/v1/acknowledgements/discard`: rows are given up, with one reason.
pub(in crate::web) async fn discard(
    Operator(caller): Operator,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    body: JsonBody,
) -> Result<Json<Value>, ApiError> {
    let body = body.value()?;
    let (which, visible) = asked(&caller, &body)?;
    let operation = Operation::Discard { reason: reason(&body)? };
    let bulk = Bulk { operation, which, visible, by: caller.name.clone() };
    to_its_end(bulk.run(store, delivery)).await
}

/// What is to be done, and for whom.
struct Bulk {
    operation: Operation,
    which: Which,
    visible: Visible,
    /// Who asked for it.
    by: String,
}

impl Bulk {
    async fn run(self, store: Store, delivery: Delivery) -> Result<Json<Value>, ApiError> {
        let Self { operation, which, visible, by } = self;
        let what = what(&operation);
        let is_end = operation != Operation::Retry;
        let (done, left) = store.do_to_many(operation, which, &visible, &by).await?;
        if is_end {
            for id in &done {
                delivery.tell_outcome(*id);
            }
        }
        tracing::info!(
            rows = done.len(),
            left = left.len(),
            token = by,
            "{} by an operator",
            what.done
        );
        let left: Vec<_> = left.iter().map(|left| told(left, what.only)).collect();
        Ok(Json(json!({"done": done.len(), "left": left})))
    }
}

/// How an operation is spoken of.
struct What {
    done: &'static str,
    /// To which rows it can be done.
    only: &'static str,
}

fn what(operation: &Operation) -> What {
    match operation {
        Operation::Retry => {
            What { done: "rows retried", only: "only a failed or blocked one can be tried again" }
        }
        Operation::Discard { .. } => What {
            done: "rows discarded",
            only: "only one that waits, is blocked, has failed or was refused can be discarded",
        },
    }
}

fn told(left: &Left, only: &str) -> Value {
    let why = match left.state {
        Some(state) => format!("It is {}; {only}.", state.as_str()),
        None => format!("There is no acknowledgement {}.", left.id),
    };
    json!({"id": left.id, "state": left.state, "why": why})
}

/// Which rows a body asks for, and what the caller sees of them.
fn asked(caller: &Caller, body: &Sent<'_>) -> Result<(Which, Visible), ApiError> {
    match (member(body, "ids"), member(body, "cause")) {
        (Some(ids), None) => Ok((Which::Ids(read_ids(ids)?), caller.visible().clone())),
        (None, Some(cause)) => {
            let (cause, visible) = read_cause(caller, cause)?;
            Ok((Which::Cause(cause), visible))
        }
        (None, None) | (Some(_), Some(_)) => {
            Err(wrong("", "required", "say which by 'ids' or by a 'cause': one of the two"))
        }
    }
}

fn read_ids(ids: &Sent<'_>) -> Result<Vec<i64>, ApiError> {
    let is_fine = |ids: &&[Sent<'_>]| (1..=MAX_IDS).contains(&ids.len());
    let ids = match ids {
        Sent::Array(ids) => Some(ids.as_slice()).filter(is_fine),
        _ => None,
    };
    let ids = ids.ok_or_else(|| {
        wrong("/ids", "value", &format!("must be a list of 1 to {MAX_IDS} numbers"))
    })?;
    let number = |(place, id): (usize, &Sent<'_>)| {
        let pointer = format!("/ids/{place}");
        id.as_i64().ok_or_else(|| wrong(&pointer, "type", "must be the number of a row"))
    };
    ids.iter().enumerate().map(number).collect()
}

/// A cause as `causes` gives it; company and instance narrow it.
fn read_cause(caller: &Caller, cause: &Sent<'_>) -> Result<(Cause, Visible), ApiError> {
    let text = |name: &str| match member(cause, name) {
        None | Some(Sent::Null) => Ok(None),
        Some(Sent::Str(text)) => Ok(Some(text.to_string())),
        Some(_) => Err(wrong(&format!("/cause/{name}"), "type", "must be a text")),
    };
    let code = text("code")?
        .filter(|code| !code.is_empty())
        .ok_or_else(|| wrong("/cause/code", "required", "say the code of the problem"))?;
    let company = text("company")?.as_deref().map(party_key).transpose()?;
    let visible = narrowed(caller, text("instance")?, company.as_ref())?;
    Ok((Cause { code, message: text("message")? }, visible))
}

/// The reason for a discard.
pub(super) fn reason(body: &Sent<'_>) -> Result<String, ApiError> {
    let reason = member(body, "reason").and_then(|reason| reason.as_str());
    reason
        .map(one_line)
        .filter(|reason| !reason.is_empty() && reason.chars().count() <= MAX_REASON)
        .ok_or_else(|| {
            let message = format!("say why, in at most {MAX_REASON} characters");
            wrong("/reason", "required", &message)
        })
}

fn wrong(pointer: &str, code: &'static str, message: &str) -> ApiError {
    ApiError::Invalid(vec![FieldError {
        pointer: pointer.to_owned(),
        code,
        message: message.to_owned(),
    }])
}
