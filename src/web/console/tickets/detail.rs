//! All of one control: what its ticket is, what the sender said, and how it went.

use axum::{extract::State, response::Response};
use minijinja::context;

use crate::{
    board::Hurry,
    desk::DeskName,
    domain::delivery_state::State as RowState,
    web::{
        api::{board::BoardView, control_detail::DetailParams},
        console::{inbox::says::said, page::Page, templates::value},
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
    let pending = &told.item["pending"];
    let said = pending["state"].as_str().and_then(RowState::parse).map(|state| {
        let said = said(state, pending["problem"]["code"].as_str().unwrap_or_default());
        let desk = page.desk_of_texts();
        context! { why => said.why, has_more => said.has_more, desk }
    });
    let desk =
        told.item["ticket"]["desk"].as_str().and_then(DeskName::parse).unwrap_or(DeskName::Itop);
    let desk = context! { code => desk.code(), title => desk.title() };
    page.render("tickets/detail.html", context! { told => value(&told), said, desk }).await
}
