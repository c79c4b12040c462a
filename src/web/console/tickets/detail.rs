//! All of one control: what its ticket is, what the sender said, and how it went.

use axum::{extract::State, response::Response};
use minijinja::context;

use crate::{
    board::Hurry,
    web::{
        api::{board::BoardView, control_detail::DetailParams},
        console::{page::Page, templates::value},
        parameters::Params,
        problem::ApiError,
    },
};

/// `GET /tickets/detail?instance=&control=`
pub(in crate::web) async fn page(
    page: Page,
    State(view): State<BoardView>,
    Params(params): Params<DetailParams>,
) -> Result<Response, ApiError> {
    let told = view.detail(&page.caller, params, Hurry::Yes).await?;
    page.render("tickets/detail.html", context! { told => value(&told) }).await
}
