//! `GET /api/openapi.json`.

use std::sync::LazyLock;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use serde_json::json;

use super::description;
use crate::web::{
    Addresses,
    entity_tag::{KnownTags, tag_of, unless_known},
    parameters::{NoParams, Params},
};

/// It is the same for everyone, and changes with the program.
pub(in crate::web) const KEPT: &str = "max-age=300";

/// The description as a text, made once, without its opening brace.
static TEXT: LazyLock<String> = LazyLock::new(|| description().to_string().split_off(1));

/// The description, with the address of the bridge below the host that was asked.
pub(in crate::web) async fn given(
    State(addresses): State<Addresses>,
    known: KnownTags,
    _: Params<NoParams>,
) -> Response {
    let root = addresses.path("");
    let server = json!([{"url": if root.is_empty() { "/" } else { &root }}]);
    let body = format!("{{\"servers\":{server},{}", *TEXT);
    let tag = tag_of(&body);
    let mut response = unless_known(&known, &tag, Bytes::from(body));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    response
}
