//! What a request says that its body is.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};

use super::problem::ApiError;
use crate::domain::equipment::list::Format;

/// A header, where it is there and a text.
pub(super) fn named(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a body is JSON by its content type.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let essence = essence(headers);
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The content type without its parameters, in small letters.
pub(super) fn essence(headers: &HeaderMap) -> String {
    let essence = named(headers, header::CONTENT_TYPE).split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Why a body is not taken that is no JSON by its content type.
pub(super) fn unsupported(headers: &HeaderMap) -> ApiError {
    let found = named(headers, header::CONTENT_TYPE);
    let found = if found.is_empty() { "no content type" } else { found };
    ApiError::UnsupportedMediaType(found.to_owned())
}

/// Refuses what a page of any origin can have a browser send without being asked whether it may: a form,
/// or nothing at all. The calls take JSON and tables alone, also where they need no body.
pub(super) fn refuse_forms(headers: &HeaderMap) -> Result<(), ApiError> {
    if Format::of_content_type(&essence(headers)).is_some() {
        return Ok(());
    }
    Err(unsupported(headers))
}

/// Of a call that needs no body: one that is sent along is JSON, or it was meant for something else.
pub(super) struct NoBody;

impl<S: Send + Sync> FromRequestParts<S> for NoBody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let headers = &parts.headers;
        let is_empty = |length: &HeaderValue| length == "0";
        let has_body = headers.contains_key(header::TRANSFER_ENCODING)
            || headers.get(header::CONTENT_LENGTH).is_some_and(|length| !is_empty(length));
        if has_body && !is_json(headers) {
            return Err(unsupported(headers));
        }
        Ok(Self)
    }
}
