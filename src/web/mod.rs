//! HTTP: routes, who may call, and how errors read. Nothing here calls iTop.

mod api;
mod auth;
mod body;
mod control_answers;
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
pub use state::{Addresses, AppState, Parts};

use axum::{
    Router,
    routing::{get, post},
};

use problem::ApiError;

const LOOKUP: &str = "/api/v1/tickets/lookup";

/// All routes of the bridge.
pub fn routes(state: AppState) -> Logged {
    use api::{
        acknowledgements as inbox, companies, controls, health, links, preview, stream, tickets,
    };
    let clock = state.clock.clone();
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
        .with_state(state);
    Logged::new(routes, clock)
}
