//! To the ticket in iTop, for browsers without a token.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};

use super::MaybeSigned;
use crate::{
    domain::ticket_status::Presence,
    store::Controls,
    web::{AppState, problem::ApiError, view},
};

/// `GET /controls/open`
pub(in crate::web) async fn open(
    State(state): State<AppState>,
    MaybeSigned(signed): MaybeSigned,
) -> Result<Response, ApiError> {
    let Some(signed) = signed else {
        let sentence = "It is not signed by this bridge, or its key has been changed. Take a new \
                        one from ServiceNav.";
        return Ok(page(StatusCode::FORBIDDEN, "This link is not valid", sentence));
    };
    let Controls { tickets, rows } = signed.stored(&state).await?;
    if let Some(found) = tickets.first() {
        if found.ticket.presence == Presence::Deleted {
            let sentence = "Its ticket has been deleted in iTop.";
            return Ok(page(StatusCode::GONE, "No ticket any more", sentence));
        }
        let url = state.addresses.ticket(&found.ticket.status.key);
        let location = HeaderValue::from_str(&url).map_err(|_| ApiError::Internal)?;
        let no_store = HeaderValue::from_static("no-store");
        let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)];
        return Ok((StatusCode::FOUND, headers).into_response());
    }
    let rows: Vec<_> = rows.iter().collect();
    let sentence = if view::newest_pending(&rows).is_some() {
        "Its ticket is on its way. Try again in a moment."
    } else {
        "It has no ticket."
    };
    Ok(page(StatusCode::NOT_FOUND, "No ticket yet", sentence))
}

/// What a person reads in a browser; nothing in it comes from a sender.
fn page(status: StatusCode, title: &str, sentence: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <body style=\"font: 1.1rem system-ui; margin: 3rem auto; max-width: 36rem\">\
         <h1>{title}</h1><p>{sentence}</p></body></html>"
    );
    (status, Html(html)).into_response()
}
