//! HTTP: routes, who may call, and how errors read. Nothing here calls iTop.

mod addresses;
mod api;
mod auth;
mod body;
mod calls;
mod client;
pub(crate) mod console;
mod content;
mod control_answers;
mod control_log;
mod cookies;
mod description;
mod door;
mod entity_tag;
mod form;
mod listing;
mod metrics;
mod origin;
mod parameters;
mod posted;
mod problem;
mod problem_type;
mod protection;
mod rates;
mod request_log;
mod seldom;
mod share;
mod signed;
mod signed_link;
mod state;
mod view;

pub use addresses::Addresses;
pub use auth::{ApiTokens, Peer, Sessions, crowded_instance, hash_token};
pub use calls::{Access, Call, calls};
pub use console::{Templates, callback_of};
pub use control_answers::ControlAnswers;
pub use description::{described, description};
pub use metrics::Looks;
pub use request_log::Logged;
pub use signed_link::Signer;
pub use state::{AppState, Parts, Rooms};

use axum::{
    Router,
    middleware::{from_extractor, from_fn_with_state},
};

use crate::config::Config;
use door::Door;
use parameters::{NoParams, Params};
use problem::ApiError;

const LOOKUP: &str = "/api/v1/tickets/lookup";
/// Behind this stands a token in the address of a post.
const IN_PATH: &str = "/api/v1/acknowledgements/by/";
/// What is answered however often it is asked for: whoever watches the bridge would take a refusal for its end.
const ALWAYS_ANSWERED: [&str; 2] = ["/healthz", "/readyz"];
const STREAM: &str = "/api/v1/tickets/stream";

/// Of calls that take no parameters.
fn no_parameters(routes: Router<AppState>) -> Router<AppState> {
    routes.route_layer(from_extractor::<Params<NoParams>>())
}

/// All routes of the bridge.
#[must_use]
pub fn routes(state: &AppState, config: &Config) -> Logged {
    let routes = Router::new()
        .merge(no_parameters(calls::plain()))
        .merge(calls::lists().layer(listing::packed()))
        .merge(calls::others())
        .merge(
            calls::pages()
                .merge(calls::sign_in())
                .layer(from_fn_with_state(state.clone(), console::page::dress)),
        )
        .merge(no_parameters(calls::assets()).layer(listing::packed()))
        .fallback(async || ApiError::NotFound("There is nothing at this address.".to_owned()))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(state.clone());
    let routes = match door::cors(&config.server.cors_origins) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    let door = Door::of(&config.server, state.tokens.clone());
    Logged::new(door, routes, state.tokens.clone(), state.clock.clone())
}
