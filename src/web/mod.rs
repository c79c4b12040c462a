//! HTTP: routes, who may call, and how errors read. Nothing here calls iTop.

mod api;
mod auth;
mod body;
mod control_answers;
mod listing;
mod problem;
mod signed_link;
mod state;
mod view;

pub use auth::{ApiTokens, hash_token};
pub use control_answers::ControlAnswers;
pub use signed_link::Signer;
pub use state::{Addresses, AppState, Parts};

use std::time::Duration;

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    response::Response,
    routing::{get, post},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};
use tracing::Span;

use problem::ApiError;

/// The span of a call that changes nothing.
const READ: &str = "read";

const LOOKUP: &str = "/api/v1/tickets/lookup";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes of the bridge.
pub fn router(state: AppState) -> Router {
    use api::{
        acknowledgements as inbox, companies, controls, health, links, preview, stream, tickets,
    };
    let links_of = "/api/v1/links/{company}";
    let site_of = "/api/v1/links/{company}/sites/{site}";
    let lists = Router::new()
        .route("/api/v1/tickets", get(tickets::board))
        .route("/api/v1/companies", get(companies::companies))
        .route("/api/v1/teams", get(companies::all_teams))
        .route("/api/v1/companies/{org}/contacts", get(companies::contacts))
        .route("/api/v1/companies/{org}/teams", get(companies::teams))
        .route("/api/v1/companies/{org}/services", get(companies::services))
        .route("/api/v1/companies/{org}/cis", get(companies::cis))
        .layer(listing::packed());
    Router::new()
        .merge(lists)
        .route("/api/v1/acknowledgements", post(inbox::receive::receive).get(inbox::list))
        .route("/api/v1/acknowledgements/preview", post(preview::preview))
        .route("/api/v1/acknowledgements/{id}", get(inbox::one))
        .route("/api/v1/acknowledgements/{id}/retry", post(inbox::retry))
        .route("/api/v1/acknowledgements/{id}/discard", post(inbox::discard))
        .route("/api/v1/controls/{control}/ticket", get(controls::ticket))
        .route("/controls/{control}/open", get(controls::open))
        .route(LOOKUP, post(tickets::lookup))
        .route("/api/v1/tickets/stream", get(stream::changes))
        .route("/api/v1/tickets/{number}", get(tickets::by_number))
        .route("/api/v1/links", get(links::list))
        .route("/api/v1/links/unlinked", get(links::unlinked))
        .route(links_of, get(links::get).put(links::put).delete(links::delete))
        .route(&format!("{links_of}/effective"), get(links::effective))
        .route(site_of, get(links::get).put(links::put).delete(links::delete))
        .route(&format!("{site_of}/effective"), get(links::effective))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(async || ApiError::NotFound("There is nothing at this address.".to_owned()))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(state)
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(REQUEST_ID, NewRequestId))
                .layer(
                    TraceLayer::new_for_http()
                        .make_span_with(span)
                        .on_response(log_answer)
                        .on_failure(()),
                )
                .layer(PropagateRequestIdLayer::new(REQUEST_ID))
                .layer(CatchPanicLayer::custom(|_| problem::after_panic())),
        )
}

/// Sixteen random hexadecimal digits, unless the caller brings an id of its own.
#[derive(Clone, Copy)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = format!("{:016x}", rand::random::<u64>());
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}

/// The path alone: a query can hold a signature.
fn span(request: &Request) -> Span {
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-");
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let request_id = id.get(..id.len().min(64)).unwrap_or("-");
    if request.method().is_safe() || route == LOOKUP {
        tracing::info_span!(READ, request_id, method = %request.method(), route)
    } else {
        tracing::info_span!("request", request_id, method = %request.method(), route)
    }
}

/// Dashboards poll: what they read without trouble would bury everything else.
fn log_answer<B>(response: &Response<B>, latency: Duration, span: &Span) {
    let latency = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    let is_read = span.metadata().is_some_and(|span| span.name() == READ);
    if is_read && status < 400 {
        tracing::debug!(status, latency.us = latency, "answered");
    } else {
        tracing::info!(status, latency.us = latency, "answered");
    }
}
