//! The reference of the API: its description, as people read it. It is the same for everyone, and tells
//! nothing of anybody, so that no token is needed.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use minijinja::context;

use super::{language, templates::value};
use crate::web::{
    AppState,
    addresses::encoded,
    description::{KEPT, reference},
    entity_tag::{KnownTags, tag_of},
    parameters::{NoParams, Params},
    problem::ApiError,
};

/// `GET /api`
pub(in crate::web) async fn page(
    State(state): State<AppState>,
    headers: HeaderMap,
    known: KnownTags,
    _: Params<NoParams>,
) -> Result<Response, ApiError> {
    let language = language::of(&headers);
    let page = state.templates.reference(language, || {
        let here = encoded(&state.addresses.path("/api")).to_string();
        let values = context! {
            reference => value(&reference()),
            frame => context! { active => "", next => here },
        };
        state.templates.fill(language, "reference/page.html", values)
    })?;
    let tag = tag_of(&page);
    let mut response = if known.contains(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        ([(header::CONTENT_TYPE, html)], page).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    Ok(response)
}
