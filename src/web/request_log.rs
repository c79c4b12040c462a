//! Each request has an id, which its answer bears, and a line in the log.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument as _, Span};

use super::LOOKUP;
use crate::{clock::Stopwatch, domain::text::cut_bytes};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How much of a caller's own id the log shows, in bytes.
const SHOWN_OF_ID: usize = 64;

/// Passes a request on and logs its answer. What changes something has a span, so that the lines
/// that it causes bear its id. Reads have none: dashboards poll, and the span would be a tenth of
/// what such an answer costs.
pub(super) async fn logged(mut request: Request, next: Next) -> Response {
    let id = request.headers_mut().entry(REQUEST_ID).or_insert_with(new_id).clone();
    let shown = id.to_str().map_or("-", |id| cut_bytes(id, SHOWN_OF_ID));
    let method = request.method().clone();
    // The route, not the address: a query can hold a signature.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let is_read = method.is_safe() || route == LOOKUP;
    let span = if is_read {
        Span::none()
    } else {
        tracing::info_span!("request", request_id = shown, %method, route)
    };
    let watch = Stopwatch::start();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, latency) = (response.status().as_u16(), watch.micros());
    if !is_read {
        span.in_scope(|| tracing::info!(status, latency.us = latency, "answered"));
    } else if status < 400 {
        // What is read without trouble would bury everything else.
        tracing::debug!(
            request_id = shown, %method, route, status, latency.us = latency, "read"
        );
    } else {
        tracing::info!(
            request_id = shown, %method, route, status, latency.us = latency, "not read"
        );
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Sixteen random hexadecimal digits.
fn new_id() -> HeaderValue {
    let id = format!("{:016x}", rand::random::<u64>());
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
}
