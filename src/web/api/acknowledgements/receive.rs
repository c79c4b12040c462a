//! Receiving acknowledgements: stored durably, then answered.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    delivery::Delivery,
    domain::{
        acknowledgement::{Acknowledgement, EventType, decode},
        body::FieldError,
        delivery_state::{Problem, State as RowState},
        keys::{EventId, MAX_ID_CHARS},
        text::{clean, cut_bytes},
    },
    store::{Accepted, InboxRow, NewAcknowledgement, Rejected, Store},
    web::{
        Addresses,
        auth::{Caller, Ingest},
        body::{JsonBody, MAX_BODY},
        problem::{ApiError, sentence},
        request_log::REQUEST_ID,
        view::{self, AcknowledgementView},
    },
};

/// How long the answer waits for the outcome unless `Prefer: wait` says otherwise.
const DEFAULT_WAIT: Duration = Duration::from_secs(3);

/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Acknowledgements in one list at most.
const MAX_ITEMS: usize = 1_000;

/// How much of a refused body is kept, in bytes.
const KEPT_OF_REJECTED: usize = 16 * 1024;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// `POST /api/v1/acknowledgements`: one event or a list.
pub(in crate::web) async fn receive(
    Ingest(caller): Ingest,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    State(addresses): State<Addresses>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let request_id = request_id.map(|id| cut_bytes(id, MAX_ID_CHARS).to_owned());
    let inbox = Inbox { caller, store, delivery, addresses, request_id };
    match body.value {
        Value::Array(events) => inbox.receive_list(events).await,
        event => {
            let wait = wait(&headers);
            let mut response =
                inbox.receive_one(&event, body.text, wait.unwrap_or(DEFAULT_WAIT)).await?;
            if let Some(wait) = wait {
                let applied = format!("wait={}", wait.as_secs());
                if let Ok(applied) = HeaderValue::from_str(&applied) {
                    response.headers_mut().insert(PREFERENCE_APPLIED, applied);
                }
            }
            Ok(response)
        }
    }
}

/// `wait=S` of RFC 7240, bounded.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|preference| {
            let (name, seconds) = preference.split_once('=')?;
            (name.trim().eq_ignore_ascii_case("wait")).then_some(seconds.trim())?.parse().ok()
        })
        .map(|seconds| Duration::from_secs(seconds).min(MAX_WAIT))
}

/// The answer to a list.
#[derive(Serialize)]
struct Items<'r> {
    items: Vec<Item<'r>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'r> {
    Row(Box<AcknowledgementView<'r>>),
    Problem(Value),
}

struct Inbox {
    caller: Arc<Caller>,
    store: Store,
    delivery: Delivery,
    addresses: Addresses,
    request_id: Option<String>,
}

impl Inbox {
    async fn receive_one(
        &self,
        event: &Value,
        text: String,
        wait: Duration,
    ) -> Result<Response, ApiError> {
        let new = match self.checked(event, text) {
            Ok(new) => new,
            Err(error) => {
                self.keep_rejected(vec![(event, &error)]).await?;
                return Err(error);
            }
        };
        let Some((accepted, mut row)) = self.store.accept(vec![new]).await?.pop() else {
            return Err(ApiError::Internal);
        };
        if accepted == Accepted::Conflict {
            return Err(self.conflict(&self.delivery.with_reason(row)));
        }
        self.delivery.wake();
        if !row.state.is_ended() && !wait.is_zero() {
            self.delivery.outcome(row.id, wait).await;
            // Only a purge of ended rows can have come between.
            let now = self.store.acknowledgement(row.id).await?;
            row = now.ok_or(ApiError::StoreUnavailable)?;
        }
        Ok(self.answer(&self.delivery.with_reason(row), accepted == Accepted::New))
    }

    async fn receive_list(&self, events: Vec<Value>) -> Result<Response, ApiError> {
        if events.len() > MAX_ITEMS {
            let error = ApiError::Invalid(vec![FieldError {
                pointer: String::new(),
                code: "length",
                message: format!(
                    "a list may have at most {MAX_ITEMS} acknowledgements, and has {}",
                    events.len()
                ),
            }]);
            self.keep_rejected(vec![(&Value::Array(events), &error)]).await?;
            return Err(error);
        }
        let checked: Vec<_> =
            events.iter().map(|event| self.checked(event, event.to_string())).collect();
        let wrong = events.iter().zip(&checked);
        let wrong = wrong.filter_map(|(event, checked)| Some((event, checked.as_ref().err()?)));
        self.keep_rejected(wrong.collect()).await?;
        let (mut right, mut errors) = (Vec::with_capacity(checked.len()), Vec::new());
        for (place, checked) in checked.into_iter().enumerate() {
            match checked {
                Ok(new) => right.push(new),
                Err(error) => errors.push((place, error.document())),
            }
        }
        let accepted = self.store.accept(right).await?;
        self.delivery.wake();
        let accepted: Vec<_> = accepted
            .into_iter()
            .map(|(accepted, row)| (accepted, self.delivery.with_reason(row)))
            .collect();
        let mut items: Vec<_> = accepted
            .iter()
            .map(|(accepted, row)| match accepted {
                Accepted::Conflict => Item::Problem(self.conflict(row).document()),
                Accepted::New | Accepted::Same => {
                    let mut view = view::acknowledgement(row, &self.addresses);
                    view.status = Some(status(row, *accepted == Accepted::New).as_u16());
                    Item::Row(Box::new(view))
                }
            })
            .collect();
        for (place, document) in errors {
            items.insert(place, Item::Problem(document));
        }
        Ok(axum::Json(Items { items }).into_response())
    }

    /// The event, if body and token allow it.
    fn checked(&self, body: &Value, text: String) -> Result<NewAcknowledgement, ApiError> {
        if text.len() > MAX_BODY {
            return Err(ApiError::TooLarge(MAX_BODY));
        }
        let event = decode(body).map_err(ApiError::Invalid)?;
        let instance = self.caller.instance(event.instance.as_ref())?;
        if !self.caller.sees(&event.company.key) {
            return Err(ApiError::Forbidden(format!(
                "The token '{}' is not for company '{}' ({}).",
                self.caller.name,
                event.company.label(),
                event.company.key
            )));
        }
        let problem = no_ticket_wanted(&event);
        let state = if problem.is_some() { RowState::Recorded } else { RowState::Accepted };
        let request_id = self.request_id.clone();
        let trusted_names = self.caller.company_keys().is_none();
        let warnings = Vec::new();
        Ok(NewAcknowledgement {
            instance,
            event,
            body: text,
            request_id,
            trusted_names,
            state,
            problem,
            warnings,
        })
    }

    /// Keeps what was refused for its content, because many senders ignore answers.
    async fn keep_rejected(&self, wrong: Vec<(&Value, &ApiError)>) -> Result<(), ApiError> {
        let kept: Vec<_> = wrong
            .into_iter()
            .filter_map(|(body, error)| {
                let ApiError::Invalid(errors) = error else { return None };
                let named = body.pointer("/source/instance").and_then(Value::as_str);
                let named = named.and_then(|instance| instance.parse().ok());
                let event_id = body.get("event_id").and_then(Value::as_str);
                Some(Rejected {
                    instance: self.caller.instance(named.as_ref()).unwrap_or_default(),
                    event_id: event_id.and_then(|id| id.parse().ok()),
                    body: cut_bytes(&clean(&body.to_string()), KEPT_OF_REJECTED).to_owned(),
                    problem: Problem::new("invalid", sentence(errors)),
                })
            })
            .collect();
        if kept.is_empty() {
            return Ok(());
        }
        for rejected in &kept {
            tracing::warn!(
                token = self.caller.name,
                event_id = rejected.event_id.as_ref().map(EventId::as_str),
                "a body was refused: {}",
                rejected.problem.message
            );
        }
        Ok(self.store.keep_rejected(kept).await?)
    }

    fn conflict(&self, row: &InboxRow) -> ApiError {
        // The other event may be of a company that this token must not see.
        let visible = self.caller.sees_stored(&row.instance, row.company_key.as_deref());
        let (which, known) = if visible {
            let which = format!(" (acknowledgement {})", row.id);
            (which, json!(view::acknowledgement(row, &self.addresses)))
        } else {
            (String::new(), Value::Null)
        };
        let detail = format!(
            "The event_id '{}' was received before{which} with another event_type, \
             company, control, status_changed_at or ticket option: a new event needs an event_id \
             of its own.",
            row.event_id.as_deref().unwrap_or_default(),
        );
        ApiError::Conflict(detail, known)
    }

    fn answer(&self, row: &InboxRow, is_new: bool) -> Response {
        let status = status(row, is_new);
        let body = axum::Json(view::acknowledgement(row, &self.addresses));
        let mut response = (status, body).into_response();
        if status != StatusCode::OK
            && let Ok(location) =
                HeaderValue::from_str(&format!("/api/v1/acknowledgements/{}", row.id))
        {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// 201: a ticket was created by this post. 200: known already, reused, or nothing to create.
/// 202: on its way, or it waits for somebody.
fn status(row: &InboxRow, is_new: bool) -> StatusCode {
    match row.state {
        RowState::Created if is_new => StatusCode::CREATED,
        RowState::Created | RowState::Reused | RowState::Recorded | RowState::Discarded => {
            StatusCode::OK
        }
        RowState::Accepted
        | RowState::Creating
        | RowState::Unknown
        | RowState::Blocked
        | RowState::Failed
        | RowState::Rejected => StatusCode::ACCEPTED,
    }
}

/// Why an event needs no ticket, by itself.
fn no_ticket_wanted(event: &Acknowledgement) -> Option<Problem> {
    let message = match event.event_type {
        EventType::Recovery => "The control is well again; its ticket goes on in iTop.",
        EventType::AcknowledgementRemoved => {
            "The acknowledgement was taken back; the control's ticket goes on in iTop."
        }
        EventType::Acknowledgement if !event.ticket.requested => {
            "The sender wants no ticket (ticket.requested is false)."
        }
        EventType::Acknowledgement | EventType::Test => return None,
    };
    Some(Problem::new("no-ticket-wanted", message))
}
