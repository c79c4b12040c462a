//! Each request has an id, which its answer bears, and a line in the log.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::FutureExt as _;
use tracing::{Instrument as _, Span};

use super::{LOOKUP, problem::ApiError};
use crate::{
    clock::Stopwatch,
    domain::{marker::hex, text::cut_bytes},
};

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
    // A defect in one handler must not become one of all: the others go on.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = answer.await.unwrap_or_else(|_| {
        tracing::error!(request_id = shown, "a handler panicked: this is a defect of the bridge");
        ApiError::Internal.into_response()
    });
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
    let id = hex(&rand::random::<[u8; 8]>());
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware, routing::get};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_and_the_next_request_too() {
        let defect = get(async || -> &'static str { panic!("a defect") });
        let routes = Router::new()
            .route("/defect", defect)
            .route("/fine", get(async || "fine"))
            .layer(middleware::from_fn(logged));
        // A second call finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, routes).into_future());
        for (path, status) in [("/defect", 500), ("/fine", 200), ("/defect", 500)] {
            let answer = reqwest::get(format!("{root}{path}")).await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers()[REQUEST_ID].len(), 16, "{path}");
        }
    }
}
