//! Each request has an id, which its answer bears, and a line in the log.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use futures_util::{FutureExt as _, future::Either};
use tower_http::normalize_path::NormalizePath;
use tower_service::Service;
use tracing::{Instrument as _, Span};

use super::{
    ApiTokens, LOOKUP, body, client::Client, door::Door, problem::ApiError, protection,
    seldom::Seldom,
};
use crate::{
    clock::{Clock, Stopwatch},
    domain::{hex::hex, keys::MAX_ID_CHARS, text::cut_bytes, trace::Trace},
};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How much of a caller's own id the log shows, in bytes.
const SHOWN_OF_ID: usize = 64;

/// How much of an address it shows, in bytes.
const SHOWN_OF_PATH: usize = 256;

/// The id of a request, as it is kept with what the request brings.
pub(super) struct RequestId(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = parts.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        Ok(Self(id.map(|id| cut_bytes(id, MAX_ID_CHARS).to_owned())))
    }
}

/// The trace that a request belongs to, if it says so.
pub(super) struct Traced(pub(super) Option<Trace>);

impl<S: Send + Sync> FromRequestParts<S> for Traced {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(trace_of(&parts.headers)))
    }
}

/// One that stands there twice is ignored, as one that is malformed (Trace Context, 3.2.1).
fn trace_of(headers: &HeaderMap) -> Option<Trace> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let header = values.next().filter(|_| values.next().is_none())?;
    Trace::parse(header.to_str().ok()?)
}

/// The routes behind their door, with a line in the log for each answer. It stands around all of them
/// rather than around each, which would make a cached answer a tenth dearer.
#[derive(Clone)]
pub struct Logged {
    door: Arc<Door>,
    routes: NormalizePath<Router>,
    tokens: ApiTokens,
    unauthorized: Seldom,
}

impl Logged {
    /// Takes each address with or without a slash at its end.
    pub(super) fn new(door: Door, routes: Router, tokens: ApiTokens, clock: Clock) -> Self {
        Self {
            door: Arc::new(door),
            routes: NormalizePath::trim_trailing_slash(routes),
            tokens,
            unauthorized: Seldom::new(clock, "further requests had no valid token"),
        }
    }
}

impl Service<Request> for Logged {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = request.headers_mut().entry(REQUEST_ID).or_insert_with(new_id).clone();
        let trace = trace_of(request.headers());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let is_of_person = self.tokens.may_be_of_person(request.headers());
        // Programs have none, and lose no time by it.
        let has_cookie = request.headers().contains_key(header::COOKIE);
        let renewed =
            if has_cookie { self.tokens.renewed(&method, request.headers()) } else { None };
        let client = self.door.client(&mut request);
        let answer = match self.door.admits(request, client) {
            Err((refused, body)) => Either::Left(async {
                body::passed(body).await;
                Ok(refused.into_response())
            }),
            Ok(request) => Either::Right(self.routes.call(request)),
        };
        let unauthorized = self.unauthorized.clone();
        let is_https = self.door.is_https();
        Box::pin(async move {
            let mut response =
                logged((id, trace, client), &method, &uri, answer, &unauthorized).await;
            protection::of_page(&mut response, is_https);
            if is_of_person {
                protection::of_person(response.headers_mut());
            }
            if let Some(cookie) = renewed {
                give(&mut response, cookie);
            }
            Ok(response)
        })
    }
}

/// Gives the new cookie of a session along with an answer, unless that gives or takes one, or may be
/// kept by what stands between: it would be somebody else's then.
fn give(response: &mut Response, cookie: HeaderValue) {
    let headers = response.headers_mut();
    let kept = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let may_be_kept = kept.is_some_and(|kept| kept.contains("max-age") || kept.contains("public"));
    if !may_be_kept && !headers.contains_key(header::SET_COOKIE) {
        headers.insert(header::SET_COOKIE, cookie);
    }
}

/// Waits for an answer and logs it. What changes something has a span, so that the lines that it
/// causes bear its id. Reads have none: dashboards poll, and the span would be a tenth of what such
/// an answer costs.
async fn logged(
    (id, trace, Client(client)): (HeaderValue, Option<Trace>, Client),
    method: &Method,
    uri: &Uri,
    answer: impl Future<Output = Result<Response, Infallible>>,
    unauthorized: &Seldom,
) -> Response {
    let shown = id.to_str().map_or("-", |id| cut_bytes(id, SHOWN_OF_ID));
    let trace_id = trace.as_ref().map(Trace::id);
    let path = shown_path(uri);
    let is_read = method.is_safe() || path == LOOKUP;
    let span = if is_read {
        Span::none()
    } else {
        tracing::info_span!("request", request_id = shown, trace_id, %method, path)
    };
    let watch = Stopwatch::start();
    // A defect in one handler must not become one of all: the others go on.
    let answer = AssertUnwindSafe(answer).catch_unwind().instrument(span.clone());
    let mut response = if let Ok(Ok(response)) = answer.await {
        response
    } else {
        tracing::error!(
            request_id = shown,
            trace_id,
            "a handler panicked: this is a defect of the bridge"
        );
        ApiError::Internal.into_response()
    };
    let (status, latency) = (response.status().as_u16(), watch.micros());
    if status == 401 && !unauthorized.is_told() {
        tracing::debug!(request_id = shown, trace_id, %client, %method, path, "had no valid token");
    } else if status == 429 {
        // Whose rate it was is told once a minute: a line for each would be a storm of its own.
        tracing::debug!(request_id = shown, trace_id, %client, %method, path, "came too soon");
    } else if !is_read {
        span.in_scope(|| tracing::info!(%client, status, latency.us = latency, "answered"));
    } else if status < 400 || status == 404 {
        // What is read without trouble would bury everything else, and dashboards ask about controls
        // of which nothing has been received yet.
        tracing::debug!(request_id = shown, trace_id, %method, path, status, latency.us = latency, "read");
    } else {
        tracing::info!(
            request_id = shown,
            trace_id,
            %client,
            %method,
            path,
            status,
            latency.us = latency,
            "not read"
        );
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// What is not shown, nor what follows: the query, which can hold a signature, also where some client has
/// taken its question mark for a part of the path; a token in the address; and what looks like one, in an
/// address that was mistyped. In small letters.
const NOT_SHOWN: [&str; 3] = ["%3f", "/by/", "snb_"];

/// The beginning of the path.
fn shown_path(uri: &Uri) -> &str {
    let path = uri.path();
    let small = path.to_ascii_lowercase();
    let end = NOT_SHOWN.iter().filter_map(|mark| small.find(mark)).min();
    cut_bytes(&path[..end.unwrap_or(path.len())], SHOWN_OF_PATH)
}

/// Sixteen random hexadecimal digits.
fn new_id() -> HeaderValue {
    let id = hex(&rand::random::<[u8; 8]>());
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use std::{
        mem,
        sync::{Arc, Mutex},
    };

    use axum::{ServiceExt as _, body::Body, http::StatusCode, routing::get};
    use tokio::net::TcpListener;
    use tracing::Level;

    use super::*;
    use crate::{
        config::{Auth, Server},
        secret::Secret,
        web::{ApiTokens, Sessions, Signer},
    };

    fn logged_around(routes: Router) -> Logged {
        let clock = Clock::system();
        let signer = Signer::new(&Secret::new("key".to_owned()));
        let sessions = Sessions::new(&Server::default(), signer, clock.clone());
        let tokens = ApiTokens::new(&Auth::default(), sessions);
        let door = Door::of(&Server::default(), tokens.clone());
        Logged::new(door, routes, tokens, clock)
    }

    #[test]
    fn a_path_is_shown_without_a_signature() {
        let long = format!("/{}", "a".repeat(1_000));
        for (uri, shown) in [
            ("/controls/open?control=svc%3A1&signature=b", "/controls/open"),
            ("/controls/open%3Fcontrol=a&signature=b", "/controls/open"),
            ("/controls/open%3fcontrol=a%3Fsignature=b", "/controls/open"),
            ("/api/v1/acknowledgements/by/s3cret", "/api/v1/acknowledgements"),
            ("/bridge/API/v1/acknowledgements/By/s3cret", "/bridge/API/v1/acknowledgements"),
            ("/api/v1/acknowledgements/for/SNB_s3cret", "/api/v1/acknowledgements/for/"),
            (long.as_str(), &long[..SHOWN_OF_PATH]),
        ] {
            assert_eq!(shown_path(&uri.parse().unwrap()), shown);
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_the_next_request_too() {
        let defect = get(async || -> &'static str { panic!("a defect") });
        let routes = Router::new().route("/defect", defect).route("/fine", get(async || "fine"));
        // A second call finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let logged = logged_around(routes);
        tokio::spawn(axum::serve(listener, logged.into_make_service()).into_future());
        for (path, status) in [("/defect", 500), ("/fine", 200), ("/defect", 500)] {
            let answer = reqwest::get(format!("{root}{path}")).await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers()[REQUEST_ID].len(), 16, "{path}");
        }
    }

    /// A log that can be read.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn polling_what_is_unknown_is_no_news() {
        let written = Written::default();
        let log = tracing_subscriber::fmt().with_writer({
            let written = written.clone();
            move || written.clone()
        });
        let _log = tracing::subscriber::set_default(log.with_max_level(Level::INFO).finish());
        let routes = Router::new().route("/refused", get(async || StatusCode::FORBIDDEN));
        let mut logged = logged_around(routes);
        for (path, is_told) in [("/controls/unknown", false), ("/refused", true)] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            logged.call(request).await.unwrap();
            let text = String::from_utf8(mem::take(&mut *written.0.lock().unwrap())).unwrap();
            assert_eq!(text.contains(path), is_told, "{path}: {text}");
        }
    }
}
