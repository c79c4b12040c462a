//! Receiving acknowledgements: stored durably, then answered.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    delivery::Delivery,
    domain::{
        acknowledgement::{Acknowledgement, Receipt, Wants, read},
        body::FieldError,
        delivery_state::{Problem, State as RowState},
        keys::Instance,
        trace::Trace,
    },
    lifecycle::to_its_end,
    store::{Accepted, InboxRow, NewAcknowledgement, Noted, Store},
    web::{
        Addresses, AppState, Rooms,
        auth::Caller,
        body::{BadBody, JsonBody, MAX_BODY},
        posted::{Message, Posted},
        problem::ApiError,
        request_log::{RequestId, Traced},
        share::Share,
        state::PlaceToWait,
        view::{self, AcknowledgementView},
    },
};

/// How long the answer waits for the outcome unless `Prefer: wait` says otherwise.
const DEFAULT_WAIT: Duration = Duration::from_secs(3);

/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Acknowledgements in one list at most.
const MAX_ITEMS: usize = 1_000;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// `POST /api/v1/acknowledgements`: one event or a list. `…/by/{token}` is the same.
pub(in crate::web) async fn receive(
    State(state): State<AppState>,
    RequestId(request_id): RequestId,
    Traced(trace): Traced,
    Wait(wait): Wait,
    posted: Posted,
) -> Result<Response, ApiError> {
    let Posted { caller, share, body, message } = posted;
    let patience = Patience::of(wait, &state.rooms, &caller);
    let mut inbox = Inbox {
        receipt: Receipt { at: state.clock.now(), instance: caller.instance(None)? },
        caller,
        store: state.store.for_posts(),
        delivery: state.delivery.clone(),
        addresses: state.addresses.clone(),
        request_id,
        trace,
    };
    // Whoever has sent all of it may hang up: it is stored and sets off a delivery all the same.
    to_its_end(async move {
        if let Some(message) = message {
            Box::pin(inbox.admit(message, &body)).await?;
        }
        inbox.receive(body, patience, share).await
    })
    .await
}

/// `Prefer: wait=S` of RFC 7240, bounded.
pub(in crate::web) struct Wait(pub(in crate::web) Option<Duration>);

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

/// How long an answer waits for the outcome.
struct Patience {
    wait: Duration,
    /// What the sender wished, if it is done.
    applied: Option<Duration>,
    _place: Option<PlaceToWait>,
}

impl Patience {
    /// As the sender wishes. Where too many wait already, it is answered at once: the wish is one, and each
    /// that waits takes a connection from others.
    fn of(wish: Option<Duration>, rooms: &Rooms, caller: &Caller) -> Self {
        let wait = wish.unwrap_or(DEFAULT_WAIT);
        if wait.is_zero() {
            return Self { wait, applied: wish, _place: None };
        }
        match rooms.place_to_wait(&caller.receiving) {
            Some(place) => Self { wait, applied: wish, _place: Some(place) },
            None => Self { wait: Duration::ZERO, applied: None, _place: None },
        }
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

/// What it takes to receive for one caller.
pub(super) struct Inbox {
    pub(super) caller: Arc<Caller>,
    pub(super) store: Store,
    delivery: Delivery,
    addresses: Addresses,
    request_id: Option<String>,
    trace: Option<Trace>,
    pub(super) receipt: Receipt,
}

impl Inbox {
    /// Takes a signed message, or refuses it. One that is known is read as of when it first came, so that
    /// whatever is made of that time is the same again.
    async fn admit(
        &mut self,
        message: Message,
        body: &Result<JsonBody, BadBody>,
    ) -> Result<(), ApiError> {
        let text = match body {
            Ok(body) => &body.text,
            Err(bad) => &bad.text,
        };
        let Message { id, digest, .. } = &message;
        let sender = self.caller.name.clone();
        let known = self.store.note_message(sender, id.clone(), *digest, self.receipt.at).await?;
        match (message.wrong_time(), known) {
            // It lies where it was kept the first time.
            (Some(error), Noted::Same(_)) => Err(error),
            (Some(error), Noted::New | Noted::OtherBody) => self.refused(text, error).await,
            (None, Noted::OtherBody) => {
                let detail = format!(
                    "The webhook-id '{id}' came before with another body: a new message needs an id of \
                     its own."
                );
                self.refused(text, ApiError::Conflict(detail, serde_json::Value::Null)).await
            }
            (None, Noted::Same(first)) => {
                self.receipt.at = first;
                Ok(())
            }
            (None, Noted::New) => Ok(()),
        }
    }

    async fn receive(
        self,
        body: Result<JsonBody, BadBody>,
        patience: Patience,
        share: Share,
    ) -> Result<Response, ApiError> {
        let body = match body {
            Ok(body) => body,
            Err(BadBody { error, text }) => return self.refused(&text, error).await,
        };
        match body.items() {
            Ok(Some(events)) => {
                return Box::pin(self.receive_list(&body.text, &events, share)).await;
            }
            Ok(None) => {}
            Err(error) => return self.refused(&body.text, error).await,
        }
        let mut response = self.receive_one(body.text, patience.wait, share).await?;
        if let Some(wait) = patience.applied {
            let applied = format!("wait={}", wait.as_secs());
            if let Ok(applied) = HeaderValue::from_str(&applied) {
                response.headers_mut().insert(PREFERENCE_APPLIED, applied);
            }
        }
        Ok(response)
    }

    async fn receive_one(
        &self,
        text: String,
        wait: Duration,
        share: Share,
    ) -> Result<Response, ApiError> {
        let new = match self.checked(&text) {
            Ok((instance, event)) => self.to_store(instance, event, text),
            Err(error) => return self.refused(&text, error).await,
        };
        let Some((accepted, mut row)) = self.store.accept(vec![new]).await?.pop() else {
            return Err(ApiError::Internal);
        };
        if let Accepted::Conflict(sent) = accepted {
            let conflict = self.conflict(&self.delivery.with_reason(row));
            return self.refused(&sent.body, conflict).await;
        }
        // Waiting for iTop takes nothing from anybody.
        drop(share);
        if !row.state.is_ended() && !wait.is_zero() {
            self.delivery.outcome(row.id, wait).await;
            // Only a purge of ended rows can have come between.
            let now = self.store.acknowledgement(row.id, self.caller.visible()).await?;
            row = now.ok_or(ApiError::StoreUnavailable)?;
        }
        let is_new = matches!(accepted, Accepted::New);
        Ok(self.answered(&self.delivery.with_reason(row), is_new))
    }

    async fn receive_list(
        &self,
        text: &str,
        events: &[&str],
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
            return self.refused(text, ApiError::Invalid(errors)).await;
        }
        let (mut right, mut refused) = (Vec::with_capacity(events.len()), Vec::new());
        let mut rejected = Vec::new();
        for (place, text) in events.iter().enumerate() {
            match self.checked(text) {
                Ok((instance, event)) => {
                    right.push(self.to_store(instance, event, (*text).to_owned()));
                }
                Err(error) => {
                    rejected.push(self.rejected(text, &error));
                    refused.push((place, error.document()));
                }
            }
        }
        let accepted = self.store.accept(right).await?;
        let accepted: Vec<_> = accepted
            .into_iter()
            .map(|(accepted, row)| (accepted, self.delivery.with_reason(row)))
            .collect();
        let mut items = Vec::with_capacity(events.len());
        for (accepted, row) in &accepted {
            items.push(match accepted {
                Accepted::Conflict(sent) => {
                    let conflict = self.conflict(row);
                    rejected.push(self.rejected(&sent.body, &conflict));
                    Item::Problem(conflict.document())
                }
                Accepted::New | Accepted::Same => {
                    let mut view = view::acknowledgement(row, &self.addresses);
                    view.status = Some(status(row, matches!(accepted, Accepted::New)).as_u16());
                    Item::Row(Box::new(view))
                }
            });
        }
        for (place, document) in refused {
            items.insert(place, Item::Problem(document));
        }
        self.keep(rejected).await?;
        Ok(answer(StatusCode::OK, &Items { items }))
    }

    /// The event, if body and token allow it.
    fn checked(&self, text: &str) -> Result<(Instance, Acknowledgement), ApiError> {
        if text.len() > MAX_BODY {
            return Err(ApiError::TooLarge(MAX_BODY));
        }
        let event = read(text, &self.receipt)?;
        let instance = self.caller.instance(event.instance.as_ref())?;
        self.caller.may_post(&instance, &event.company)?;
        Ok((instance, event))
    }

    /// What is stored of an event.
    fn to_store(
        &self,
        instance: Instance,
        event: Acknowledgement,
        body: String,
    ) -> NewAcknowledgement {
        let (state, problem) = match event.wants() {
            Wants::Ticket | Wants::Rehearsal => (RowState::Accepted, None),
            Wants::Record(why) => (RowState::Recorded, Some(Problem::new("no-ticket-wanted", why))),
        };
        NewAcknowledgement {
            instance,
            warnings: self.delivery.say(&event.notices),
            event,
            body,
            received_at: self.receipt.at,
            request_id: self.request_id.clone(),
            trace: self.trace.clone(),
            trusted_names: !self.caller.is_limited_to_companies(),
            state,
            problem,
        }
    }

    fn conflict(&self, row: &InboxRow) -> ApiError {
        // The other event may be of a company that this token must not see.
        let (which, known) = if row.is_among(self.caller.visible()) {
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
            && let Ok(location) = HeaderValue::from_str(&self.addresses.acknowledgement(row.id))
        {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
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
