//! Reading a JSON body: bounded, and refused in words.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json_borrow::Value;

use super::problem::ApiError;

/// The largest body with one acknowledgement, or of any other call, in bytes.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// The largest body with a list, in bytes.
pub(super) const MAX_BATCH: usize = 8 * 1024 * 1024;

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

    async fn receive(request: Request, max_object: usize) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        let bytes = to_bytes(request.into_body(), MAX_BATCH)
            .await
            .map_err(|_| ApiError::TooLarge(MAX_BATCH))?;
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

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        Self::receive(request, MAX_BODY).await
    }
}

/// An object that holds a list: it may be as large as a list.
pub(super) struct ListBody(pub(super) JsonBody);

impl<S: Send + Sync> FromRequest<S> for ListBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        JsonBody::receive(request, MAX_BATCH).await.map(Self)
    }
}

/// Reads JSON without copying what it says.
pub(super) fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ApiError> {
    serde_json::from_str(text)
        .map_err(|error| ApiError::Unreadable(format!("It is not JSON: {error}.")))
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let found = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no content type");
    let essence = found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json { Ok(()) } else { Err(ApiError::UnsupportedMediaType(found.to_owned())) }
}
