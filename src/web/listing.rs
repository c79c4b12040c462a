//! Lists in answers: pages, entity tags, query parameters.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::{
    body::Bytes,
    extract::{FromRequestParts, Query, path},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use super::problem::ApiError;

/// Items in an answer unless `limit` says otherwise.
pub(super) const DEFAULT_LIMIT: usize = 100;

/// Items in an answer at most.
pub(super) const MAX_LIMIT: usize = 1_000;

/// Query parameters, refused in words.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                // The framework's own beginning says nothing to a caller.
                let text = rejection.body_text();
                let reason = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, r)| r);
                Err(ApiError::BadParameter(format!("{reason}.")))
            }
        }
    }
}

/// The variable parts of the path, refused in words.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match path::Path::from_request_parts(parts, state).await {
            Ok(path::Path(part)) => Ok(Self(part)),
            Err(rejection) => Err(ApiError::BadParameter(rejection.body_text())),
        }
    }
}

/// `limit`, within its bounds.
pub(super) fn limit(asked: Option<usize>, default: usize) -> Result<usize, ApiError> {
    match asked.unwrap_or(default) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        other => Err(ApiError::BadParameter(format!(
            "'limit' must be from 1 to {MAX_LIMIT}, not {other}."
        ))),
    }
}

/// A JSON answer with an entity tag over `content`; 304 where the caller has that already. What
/// an answer says of its own age is no part of it: a list that was read again and is the same has
/// not changed, so the tag is a weak one.
pub(super) fn tagged(
    headers: &HeaderMap,
    answer: &impl Serialize,
    content: &impl Serialize,
) -> Response {
    let (Ok(body), Ok(content)) = (serde_json::to_vec(answer), serde_json::to_vec(content)) else {
        return ApiError::Internal.into_response();
    };
    unless_known(headers, &tag_of(&content), Bytes::from(body))
}

/// The weak entity tag of a content.
pub(super) fn tag_of(content: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// A JSON answer, or 304 where the caller has what this tag stands for.
pub(super) fn unless_known(headers: &HeaderMap, tag: &HeaderValue, body: Bytes) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let known = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (json, body).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag.clone());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
