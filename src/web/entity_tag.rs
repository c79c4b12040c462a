//! Entity tags: what a caller has already is not sent again.

use std::{
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher as _},
};

use axum::{
    body::Bytes,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::problem::ApiError;

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
