//! HTTP: routes, who may call, and how errors read. Nothing here calls iTop.

mod api;
mod auth;
mod body;
mod charset;
mod control_answers;
mod door;
mod listing;
mod problem;
mod request_log;
mod share;
mod signed_link;
mod state;
mod unauthorized;
mod view;

pub use auth::{ApiTokens, hash_token};
pub use control_answers::ControlAnswers;
pub use request_log::Logged;
pub use signed_link::Signer;
pub use state::{Addresses, AppState, Parts, Rooms};

use axum::{
    Router,
    routing::{get, post},
};

use crate::config::Config;
use door::Door;
use problem::ApiError;

const LOOKUP: &str = "/api/v1/tickets/lookup";
const STREAM: &str = "/api/v1/tickets/stream";

/// All routes of the bridge.
pub fn routes(state: AppState, config: &Config) -> Logged {
    use api::{
        acknowledgements as inbox, companies, controls, health, links, lookup, preview, stream,
        stream_address, tickets,
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
    let routes = Router::new()
        .merge(lists)
        .route("/api/v1/acknowledgements", post(inbox::receive::receive).get(inbox::list))
        .route("/api/v1/acknowledgements/preview", post(preview::preview))
        .route("/api/v1/acknowledgements/{id}", get(inbox::one))
        .route("/api/v1/acknowledgements/{id}/retry", post(inbox::retry))
        .route("/api/v1/acknowledgements/{id}/discard", post(inbox::discard))
        .route("/api/v1/controls/{control}/ticket", get(controls::ticket))
        .route("/api/v1/controls/ticket", get(controls::ticket_of_any))
        .route("/controls/open", get(controls::open))
        .route(LOOKUP, post(lookup::lookup))
        .route(STREAM, get(stream::changes))
        .route("/api/v1/tickets/stream/address", post(stream_address::address))
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
        .with_state(state.clone());
    let routes = match door::cors(&config.server.cors_origins) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    let door = Door::of(&config.server, state.tokens.clone());
    Logged::new(door, routes, state.clock.clone())
}
