//! Lists in answers: pages, entity tags, query parameters.

use std::{
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher as _},
};

use axum::{
    body::Bytes,
    extract::{FromRequestParts, Query, path},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, predicate::SizeAbove},
};

use super::{parameters::refuse_unknown, problem::ApiError};

/// Items in an answer unless `limit` says otherwise.
pub(super) const DEFAULT_LIMIT: usize = 100;

/// Items in an answer at most.
pub(super) const MAX_LIMIT: usize = 1_000;

/// Tickets in an answer at most: a dashboard shows the whole board of most providers.
pub(super) const MAX_TICKETS: usize = 10_000;

/// Bodies of more bytes than this are packed: below, the network takes no time worth the work.
const PACKED_ABOVE: u64 = 8 << 10;

/// Packs long lists where the caller takes them so. The lowest level is enough: it packs a
/// thousand CIs, 50 kB, to a tenth in 0.1 ms.
pub(super) fn packed() -> CompressionLayer<SizeAbove> {
    let above = SizeAbove::new(PACKED_ABOVE);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(above)
}

/// Query parameters, refused in words: unknown ones too.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        refuse_unknown::<T>(&parts.uri)?;
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

/// The entity tags of what the caller has already (`If-None-Match`).
pub(super) struct KnownTags(Vec<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for KnownTags {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect()))
    }
}

impl KnownTags {
    /// Whether a tag is among them. The comparison is the weak one (RFC 9110, 8.8.3.2): a proxy that
    /// packs an answer makes its tag a weak one, and `*` is any.
    pub(super) fn contains(&self, tag: &HeaderValue) -> bool {
        let Some(wanted) = tag.to_str().ok().and_then(|tag| tag.split('"').nth(1)) else {
            return false;
        };
        self.0.iter().filter_map(|tags| tags.to_str().ok()).any(|tags| {
            // What stands between quotes is a tag; quotes cannot stand in one.
            tags.trim() == "*" || tags.split('"').skip(1).step_by(2).any(|known| known == wanted)
        })
    }
}

/// `limit`, within its bounds.
pub(super) fn limit(asked: Option<usize>, default: usize, most: usize) -> Result<usize, ApiError> {
    let limit = asked.unwrap_or(default);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::BadParameter(format!("'limit' must be from 1 to {most}, not {limit}.")))
}

/// What an answer says beside the items of a list.
#[derive(Serialize)]
pub(super) struct Page {
    /// When iTop gave the list.
    pub(super) as_of: Timestamp,
    /// Whether iTop could not give a newer one.
    pub(super) stale: bool,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

impl Page {
    /// The answer with these items, each written once.
    pub(super) fn of(&self, known: &KnownTags, items: &[impl Serialize]) -> Response {
        let (Ok(items), Ok(rest)) = (serde_json::to_vec(items), serde_json::to_vec(self)) else {
            return ApiError::Internal.into_response();
        };
        let tag = tag_of((&items, self.stale, &self.next));
        // The items go before the members of `rest`, without its opening brace.
        let body = [b"{\"items\":", items.as_slice(), b",", &rest[1..]].concat();
        unless_known(known, &tag, Bytes::from(body))
    }
}

/// A JSON answer with an entity tag over `content`. What an answer says of its own age is no part
/// of that: a list that was read again and is the same has not changed.
pub(super) fn tagged(
    known: &KnownTags,
    answer: &impl Serialize,
    content: &impl Serialize,
) -> Response {
    let (Ok(body), Ok(content)) = (serde_json::to_vec(answer), serde_json::to_vec(content)) else {
        return ApiError::Internal.into_response();
    };
    unless_known(known, &tag_of(content), Bytes::from(body))
}

/// The entity tag of a content; a weak one, because answers with the same content can differ in
/// their age and in how they are packed.
pub(super) fn tag_of(content: impl Hash) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// A JSON answer, or 304 where the caller has what this tag stands for.
pub(super) fn unless_known(known: &KnownTags, tag: &HeaderValue, body: Bytes) -> Response {
    let mut response = if known.contains(tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (json, body).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag.clone());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let tag = HeaderValue::from_static("W/\"ab\"");
        let contains = |known: &[&'static str]| {
            let known = known.iter().map(|tags| HeaderValue::from_static(tags));
            KnownTags(known.collect()).contains(&tag)
        };
        for known in ["W/\"ab\"", "\"ab\"", "*", "\"x,y\", W/\"ab\"", "\"x\" ,\"ab\""] {
            assert!(contains(&[known]), "{known}");
        }
        assert!(contains(&["\"x\"", "\"ab\""]));
        for other in ["", "ab", "W/\"abc\"", "\"a\", \"b\"", "W/\"\"", "**"] {
            assert!(!contains(&[other]), "{other}");
        }
    }
}
