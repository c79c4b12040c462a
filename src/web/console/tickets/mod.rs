//! The board: every control with a ticket.

use axum::{extract::State, response::Response};
use minijinja::context;

use super::{page::Page, templates::value};
use crate::{
    board::Board,
    store::BoardFilter,
    web::{
        Addresses,
        listing::{DEFAULT_LIMIT, Params},
        parameters::NoParams,
        problem::ApiError,
        view,
    },
};

/// `GET /`
pub(in crate::web) async fn page(
    page: Page,
    Params(NoParams {}): Params<NoParams>,
    State(board): State<Board>,
    State(addresses): State<Addresses>,
) -> Result<Response, ApiError> {
    let filter = BoardFilter::of(page.caller.visible().clone(), DEFAULT_LIMIT);
    let tickets = board.page(filter).await?;
    let rows: Vec<_> =
        tickets.iter().map(|ticket| view::control(ticket, &board, &addresses)).collect();
    page.render("tickets/page.html", context! { rows => value(&rows) }).await
}
