//! Reading a JSON body: bounded, and refused in words.

use std::error::Error as _;

use axum::{
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::{FromRef, FromRequest, Request},
    http::{HeaderMap, header},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json_borrow::Value;

use super::{Rooms, problem::ApiError};

/// The largest body with one acknowledgement, or of any other call, in bytes.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// The largest body with a list, in bytes.
pub(super) const MAX_BATCH: usize = 8 * 1024 * 1024;

/// Bodies up to this length, in bytes, are read however many come at once; each has no more than this
/// of the memory, and most acknowledgements are far below.
const SHORT: u64 = 64 * 1024;

/// A body that is a text, and JSON by its content type.
pub(super) struct JsonBody {
    pub(super) text: String,
    is_list: bool,
}

impl JsonBody {
    /// What it says.
    pub(super) fn value(&self) -> Result<Value<'_>, ApiError> {
        read(&self.text)
    }

    /// The texts of its items, if it is a list.
    pub(super) fn items(&self) -> Result<Option<Vec<&RawValue>>, ApiError> {
        self.is_list.then(|| read(&self.text)).transpose()
    }

    async fn receive(request: Request, rooms: &Rooms, max_object: usize) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        let bytes = collected(request.into_body(), rooms).await?;
        let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if !is_list && bytes.len() > max_object {
            return Err(ApiError::TooLarge(max_object));
        }
        let text = String::from_utf8(bytes.into()).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            ApiError::Unreadable(format!("It is not UTF-8: byte {at} begins no character."))
        })?;
        Ok(Self { text, is_list })
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody
where
    Rooms: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Self::receive(request, &Rooms::from_ref(state), MAX_BODY).await
    }
}

/// An object that holds a list: it may be as large as a list.
pub(super) struct ListBody(pub(super) JsonBody);

impl<S: Send + Sync> FromRequest<S> for ListBody
where
    Rooms: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        JsonBody::receive(request, &Rooms::from_ref(state), MAX_BATCH).await.map(Self)
    }
}

/// All of a body. A long one has a place of its own while it comes, so that those that come slowly
/// cannot take the memory; it waits for that before anything of it is read.
async fn collected(body: Body, rooms: &Rooms) -> Result<Bytes, ApiError> {
    let is_short = body.size_hint().upper().is_some_and(|length| length <= SHORT);
    let _place = if is_short { None } else { rooms.long_bodies.acquire().await.ok() };
    to_bytes(body, MAX_BATCH).await.map_err(|error| {
        // The limit has an error of its own; any other one is the connection's.
        if error.source().is_some_and(<dyn std::error::Error>::is::<axum::Error>) {
            ApiError::Unreadable("It broke off before its end.".to_owned())
        } else {
            ApiError::TooLarge(MAX_BATCH)
        }
    })
}

/// Reads JSON without copying what it says.
pub(super) fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ApiError> {
    serde_json::from_str(text)
        .map_err(|error| ApiError::Unreadable(format!("It is not JSON: {error}.")))
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    if is_json(headers) {
        return Ok(());
    }
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Err(ApiError::UnsupportedMediaType(found.unwrap_or("no content type").to_owned()))
}

/// Whether a body is JSON by its content type.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = found.and_then(|found| found.split(';').next()).unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
