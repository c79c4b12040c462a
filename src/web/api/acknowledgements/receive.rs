//! Receiving acknowledgements: stored durably, then answered.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::{json, value::RawValue};
use serde_json_borrow::Value;

use crate::{
    delivery::Delivery,
    domain::{
        acknowledgement::{Wants, decode},
        body::{FieldError, member},
        delivery_state::{Problem, State as RowState},
        keys::EventId,
        text::{clean, cut_bytes},
    },
    store::{Accepted, InboxRow, NewAcknowledgement, Rejected, Store},
    web::{
        Addresses,
        auth::Caller,
        body::{JsonBody, MAX_BODY, read},
        problem::{ApiError, sentence},
        request_log::RequestId,
        share::{Posting, Share},
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
    Posting { caller, share }: Posting,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    State(addresses): State<Addresses>,
    RequestId(request_id): RequestId,
    Wait(wait): Wait,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let inbox = Inbox { caller, store, delivery, addresses, request_id };
    if let Some(events) = body.items()? {
        return inbox.receive_list(&body.text, &events, share).await;
    }
    let mut response = inbox.receive_one(body.text, wait.unwrap_or(DEFAULT_WAIT), share).await?;
    if let Some(wait) = wait {
        let applied = format!("wait={}", wait.as_secs());
        if let Ok(applied) = HeaderValue::from_str(&applied) {
            response.headers_mut().insert(PREFERENCE_APPLIED, applied);
        }
    }
    Ok(response)
}

/// `Prefer: wait=S` of RFC 7240, bounded.
pub(in crate::web) struct Wait(Option<Duration>);

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let preferences =
            parts.headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let seconds = preferences.flat_map(|value| value.split(',')).find_map(|preference| {
            let (name, seconds) = preference.split_once('=')?;
            name.trim().eq_ignore_ascii_case("wait").then_some(seconds.trim())?.parse().ok()
        });
        Ok(Self(seconds.map(|seconds| Duration::from_secs(seconds).min(MAX_WAIT))))
    }
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
    Problem(serde_json::Value),
}

/// An event that is not stored, and what is kept of it.
struct Refused {
    error: ApiError,
    kept: Option<Box<Rejected>>,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { error, kept: None }
    }
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
        text: String,
        wait: Duration,
        share: Share,
    ) -> Result<Response, ApiError> {
        let new = match self.checked(text) {
            Ok(new) => new,
            Err(Refused { error, kept }) => {
                self.keep_rejected(kept.into_iter().map(|kept| *kept).collect()).await?;
                return Err(error);
            }
        };
        let Some((accepted, mut row)) = self.store.accept(vec![new]).await?.pop() else {
            return Err(ApiError::Internal);
        };
        if accepted == Accepted::Conflict {
            return Err(self.conflict(&self.delivery.with_reason(row)));
        }
        // Waiting for iTop takes nothing from anybody.
        drop(share);
        self.delivery.wake();
        if !row.state.is_ended() && !wait.is_zero() {
            self.delivery.outcome(row.id, wait).await;
            // Only a purge of ended rows can have come between.
            let now = self.store.acknowledgement(row.id).await?;
            row = now.ok_or(ApiError::StoreUnavailable)?;
        }
        Ok(self.answered(&self.delivery.with_reason(row), accepted == Accepted::New))
    }

    async fn receive_list(
        &self,
        text: &str,
        events: &[&RawValue],
        _share: Share,
    ) -> Result<Response, ApiError> {
        if events.len() > MAX_ITEMS {
            let errors = vec![FieldError {
                pointer: String::new(),
                code: "length",
                message: format!(
                    "a list may have at most {MAX_ITEMS} acknowledgements, and has {}",
                    events.len()
                ),
            }];
            let kept = self.rejected(&Value::Null, text, invalid(&errors));
            self.keep_rejected(vec![kept]).await?;
            return Err(ApiError::Invalid(errors));
        }
        let (mut right, mut errors) = (Vec::with_capacity(events.len()), Vec::new());
        let mut rejected = Vec::new();
        for (place, event) in events.iter().enumerate() {
            match self.checked(event.get().to_owned()) {
                Ok(new) => right.push(new),
                Err(Refused { error, kept }) => {
                    if let ApiError::Unreadable(detail) = &error {
                        // The answer to the list is 200 all the same: an operator must see this.
                        let problem = Problem::new("unreadable", detail);
                        rejected.push(self.rejected(&Value::Null, event.get(), problem));
                    }
                    errors.push((place, error.document()));
                    rejected.extend(kept.map(|kept| *kept));
                }
            }
        }
        self.keep_rejected(rejected).await?;
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
        Ok(answer(StatusCode::OK, &Items { items }))
    }

    /// The event, if body and token allow it.
    fn checked(&self, text: String) -> Result<NewAcknowledgement, Refused> {
        if text.len() > MAX_BODY {
            return Err(ApiError::TooLarge(MAX_BODY).into());
        }
        let event = {
            let body = read(&text)?;
            decode(&body).map_err(|errors| Refused {
                kept: Some(Box::new(self.rejected(&body, &text, invalid(&errors)))),
                error: ApiError::Invalid(errors),
            })?
        };
        let instance = self.caller.instance(event.instance.as_ref())?;
        if !self.caller.sees(&event.company.key) {
            return Err(ApiError::Forbidden(format!(
                "The token '{}' is not for company '{}' ({}).",
                self.caller.name,
                event.company.label(),
                event.company.key
            ))
            .into());
        }
        let (state, problem) = match event.wants() {
            Wants::Ticket | Wants::Rehearsal => (RowState::Accepted, None),
            Wants::Record(why) => (RowState::Recorded, Some(Problem::new("no-ticket-wanted", why))),
        };
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

    /// What is kept of a body that is wrong, because many senders ignore answers.
    fn rejected(&self, body: &Value<'_>, text: &str, problem: Problem) -> Rejected {
        let named = member(body, "source").and_then(|source| member(source, "instance")?.as_str());
        let named = named.and_then(|instance| instance.parse().ok());
        let event_id = member(body, "event_id").and_then(|id| id.as_str()?.parse().ok());
        Rejected {
            instance: self.caller.instance(named.as_ref()).unwrap_or_default(),
            event_id,
            body: cut_bytes(&clean(text), KEPT_OF_REJECTED).to_owned(),
            problem,
        }
    }

    async fn keep_rejected(&self, kept: Vec<Rejected>) -> Result<(), ApiError> {
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
            (String::new(), serde_json::Value::Null)
        };
        let detail = format!(
            "The event_id '{}' was received before{which} with another event_type, \
             company, control, status_changed_at or ticket option: a new event needs an event_id \
             of its own.",
            row.event_id.as_deref().unwrap_or_default(),
        );
        ApiError::Conflict(detail, known)
    }

    fn answered(&self, row: &InboxRow, is_new: bool) -> Response {
        let status = status(row, is_new);
        let mut response = answer(status, &view::acknowledgement(row, &self.addresses));
        if status != StatusCode::OK
            && let Ok(location) =
                HeaderValue::from_str(&format!("/api/v1/acknowledgements/{}", row.id))
        {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

fn invalid(errors: &[FieldError]) -> Problem {
    Problem::new("invalid", sentence(errors))
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    // A vector takes the many small pieces of it better than the framework's buffer does, and one
    // row seldom takes more.
    let mut bytes = Vec::with_capacity(1_024);
    if serde_json::to_writer(&mut bytes, body).is_err() {
        return ApiError::Internal.into_response();
    }
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (status, json, bytes).into_response()
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
