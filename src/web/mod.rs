//! HTTP: routes, who may call, and how errors read. Nothing here calls iTop.

mod api;
mod auth;
mod body;
mod calls;
mod charset;
mod control_answers;
mod listing;
mod problem;
mod request_log;
mod share;
mod signed_link;
mod state;
mod unauthorized;
mod view;

pub use auth::{ApiTokens, crowded_instance, hash_token};
pub use calls::{Access, Call, calls};
pub use control_answers::ControlAnswers;
pub use request_log::Logged;
pub use signed_link::Signer;
pub use state::{Addresses, AppState, Parts};

use axum::Router;

use problem::ApiError;

const LOOKUP: &str = "/api/v1/tickets/lookup";

/// All routes of the bridge.
pub fn routes(state: AppState) -> Logged {
    let clock = state.clock.clone();
    let routes = Router::new()
        .merge(calls::lists().layer(listing::packed()))
        .merge(calls::others())
        .fallback(async || ApiError::NotFound("There is nothing at this address.".to_owned()))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(state);
    Logged::new(routes, clock)
}
