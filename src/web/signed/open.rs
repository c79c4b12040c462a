//! To the ticket in its ticket system, for browsers without a token.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use minijinja::context;

use super::MaybeSigned;
use crate::{
    domain::{ticket_status::Presence, ticket_text::Language},
    store::Controls,
    web::{
        AppState,
        console::{language, texts::word},
        problem::ApiError,
        view,
    },
};

/// `GET /controls/open`
pub(in crate::web) async fn open(
    State(state): State<AppState>,
    MaybeSigned(signed): MaybeSigned,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let language = language::of(&headers);
    let page = |status, why| page(&state, language, status, why);
    let Some(signed) = signed else {
        return page(StatusCode::FORBIDDEN, "not_valid");
    };
    let Controls { tickets, rows } = signed.stored(&state).await?;
    if let Some(found) = tickets.first() {
        if found.is_hidden {
            return page(StatusCode::GONE, "moved");
        }
        if found.ticket.presence == Presence::Deleted {
            return page(StatusCode::GONE, "deleted");
        }
        let Some(url) = state.addresses.ticket(&found.ticket.status.key) else {
            return page(StatusCode::GONE, "not_served");
        };
        let location = HeaderValue::from_str(&url).map_err(|_| ApiError::Internal)?;
        let no_store = HeaderValue::from_static("no-store");
        let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)];
        return Ok((StatusCode::FOUND, headers).into_response());
    }
    let rows: Vec<_> = rows.iter().collect();
    let is_on_its_way = view::newest_pending(&rows).is_some();
    page(StatusCode::NOT_FOUND, if is_on_its_way { "on_its_way" } else { "without" })
}

/// What a person reads in a browser; nothing in it comes from a sender.
fn page(
    state: &AppState,
    language: Language,
    status: StatusCode,
    why: &str,
) -> Result<Response, ApiError> {
    let values = context! {
        title => word(language, &format!("signed.open.{why}.title")),
        sentence => word(language, &format!("signed.open.{why}.says")),
        frame => context! { active => "" },
    };
    let page = state.templates.fill(language, "signed/page.html", values)?;
    Ok((status, page).into_response())
}
