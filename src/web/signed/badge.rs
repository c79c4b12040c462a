//! A control's ticket as a picture: `<img src="…/controls/badge.svg?…">`.
//!
//! Its letters are drawn as strokes instead of being written: a picture in a page gets no font of
//! that page, and each system has others, or none at all.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    Is, MaybeSigned, Shown,
    svg::{Tone, badge as drawn},
};
use crate::web::{
    AppState,
    entity_tag::{KnownTags, tag_of},
    problem::ApiError,
};

/// How long a browser may show it without asking again, in seconds; nobody else keeps it.
const MAX_AGE: &str = "private, max-age=20";

/// A picture loads nothing and runs nothing, also where somebody opens it by itself.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// `GET /controls/badge.svg`
pub(in crate::web) async fn badge(
    State(state): State<AppState>,
    MaybeSigned(signed): MaybeSigned,
    known: KnownTags,
) -> Result<Response, ApiError> {
    let Some(signed) = signed else {
        let picture = drawn("LINK", "NOT VALID", Tone::Faint, "This link is not valid");
        return Ok((StatusCode::FORBIDDEN, headers("no-store"), picture).into_response());
    };
    let picture = picture(&signed.shown(&state).await?);
    let tag = tag_of(&picture);
    let mut response = if known.contains(&tag) {
        (StatusCode::NOT_MODIFIED, headers(MAX_AGE)).into_response()
    } else {
        (headers(MAX_AGE), Bytes::from(picture)).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

fn headers(cache: &'static str) -> HeaderMap {
    let own = HeaderName::from_static;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Pages of others show it: that is what it is for.
        (own("cross-origin-resource-policy"), "cross-origin"),
    ];
    headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

fn picture(shown: &Shown) -> String {
    let whose = shown.name.as_deref().unwrap_or("Control");
    let (label, value, tone) = match &shown.is {
        Is::Ticket(ticket) => {
            let tone = Tone::of(&ticket.status, &ticket.operational_status);
            (ticket.number.as_str(), ticket.status.replace('_', " "), tone)
        }
        Is::NotVisible(number) => (number.as_str(), "not visible".to_owned(), Tone::Faint),
        Is::Deleted(number) => (number.as_str(), "deleted".to_owned(), Tone::Faint),
        Is::Moved => ("ticket", "moved away".to_owned(), Tone::Faint),
        Is::OnItsWay => ("ticket", "on its way".to_owned(), Tone::Pending),
        Is::Without => ("ticket", "none".to_owned(), Tone::Faint),
    };
    drawn(label, &value, tone, &format!("{whose}: {label} {value}"))
}
