//! One row of the inbox with all that there is of it.

use axum::{extract::State, response::Response};
use minijinja::context;
use serde_json_borrow::Value;

use super::{
    super::{page::Page, templates::value},
    rows::Shown,
};
use crate::{
    config::Scope,
    domain::acknowledgement::Glance,
    web::{
        AppState,
        api::acknowledgements::whole,
        parameters::{NoParams, Params, Path},
        problem::ApiError,
    },
};

/// `GET /inbox/{id}`
pub(in crate::web) async fn one(
    page: Page,
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, ApiError> {
    let whole = whole(&state.store, &page.caller, &id).await?;
    let event = Glance::of(&whole.body);
    let row = state.delivery.with_reason(whole.row);
    let shown = Shown::of(&page, &state, [&row]).await?;
    let views = shown.rows(std::iter::once((&row, Some(&event))));
    let text = |at: jiff::Timestamp| at.to_string();
    page.render(
        "inbox/one.html",
        context! {
            row => value(&views[0]),
            event => value(&event),
            history => value(&whole.history.iter().rev().collect::<Vec<_>>()),
            actions => value(&whole.actions.iter().rev().collect::<Vec<_>>()),
            warnings => value(&row.warnings),
            company => row.company_name,
            company_key => row.company_key,
            control_id => row.control_id,
            instance => row.instance,
            event_id => row.event_id,
            event_type => row.event_type,
            updated_at => text(row.updated_at),
            ended_at => row.ended_at.map(text),
            body => pretty(&whole.body),
            may_operate => page.may(Scope::Operate),
        },
    )
    .await
}

/// A body with a line for each member, in the order in which it was received; as it is where it is no
/// JSON.
fn pretty(body: &str) -> String {
    let json: Option<Value<'_>> = serde_json::from_str(body).ok();
    json.and_then(|json| serde_json::to_string_pretty(&json).ok())
        .unwrap_or_else(|| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_keeps_its_order() {
        assert_eq!(pretty("{\"b\":1,\"a\":[]}"), "{\n  \"b\": 1,\n  \"a\": []\n}");
        assert_eq!(pretty("{\"b\":"), "{\"b\":");
    }
}
