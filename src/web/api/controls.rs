//! The ticket of a control, for dashboards and for operators' browsers.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acknowledgements::parsed;
use crate::{
    board::Board,
    delivery::Delivery,
    domain::keys::{ControlId, Instance},
    store::Store,
    web::{
        Addresses,
        auth::Reader,
        listing::{Params, Path},
        problem::ApiError,
        view,
    },
};

#[derive(Deserialize)]
pub(in crate::web) struct TicketParams {
    instance: Option<String>,
}

/// `GET /api/v1/controls/{control}/ticket`
pub(in crate::web) async fn ticket(
    Reader(caller): Reader,
    State(store): State<Store>,
    State(board): State<Board>,
    State(delivery): State<Delivery>,
    State(addresses): State<Addresses>,
    Path(control): Path<String>,
    Params(params): Params<TicketParams>,
) -> Result<Json<Value>, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let instance = caller.instance(named.as_ref())?;
    let unknown = || {
        ApiError::NotFound(format!(
            "Nothing was ever received of control '{control}' in instance '{instance}'."
        ))
    };
    let control_id: ControlId = control.parse().map_err(|_| unknown())?;
    let found = board.ticket_of_control(&instance, &control_id).await?;
    // A control can have moved to a company that this token must not see.
    let newest = store
        .newest_of_control(&instance, &control_id)
        .await?
        .filter(|row| caller.sees_stored(&row.instance, row.company_key.as_deref()))
        .map(|row| delivery.with_reason(row));
    let company = match (&found, &newest) {
        (Some(found), _) => Some(found.mapping.company_key.as_str()),
        (None, Some(row)) => row.company_key.as_deref(),
        (None, None) => return Err(unknown()),
    };
    if !caller.sees_stored(instance.as_str(), company) {
        return Err(unknown());
    }
    let mut answer = match (&found, &newest) {
        (Some(found), _) => view::control(found, &board, &addresses),
        (None, Some(row)) => view::control_without_ticket(row, &addresses),
        (None, None) => return Err(unknown()),
    };
    answer["pending"] = json!(newest.as_ref().and_then(view::pending));
    Ok(Json(answer))
}

#[derive(Deserialize)]
pub(in crate::web) struct OpenParams {
    instance: Option<String>,
    signature: Option<String>,
}

/// `GET /controls/{control}/open`: to the ticket in iTop, for browsers without a token.
pub(in crate::web) async fn open(
    State(store): State<Store>,
    State(addresses): State<Addresses>,
    Path(control): Path<String>,
    Params(params): Params<OpenParams>,
) -> Result<Response, ApiError> {
    let instance: Option<Instance> = parsed("instance", params.instance)?;
    let instance = instance.unwrap_or_default();
    let control: Option<ControlId> = parsed("control", Some(control))?;
    let signature = params.signature.unwrap_or_default();
    let Some(control) =
        control.filter(|control| addresses.is_signed(&instance, control, &signature))
    else {
        let sentence = "It is not signed by this bridge, or its key has been changed. Take a new \
                        one from ServiceNav.";
        return Ok(page(StatusCode::FORBIDDEN, "This link is not valid", sentence));
    };
    if let Some(found) = store.ticket_of_control(&instance, &control).await? {
        let url = addresses.ticket(&found.ticket.status.key);
        let location = HeaderValue::from_str(&url).map_err(|_| ApiError::Internal)?;
        let no_store = HeaderValue::from_static("no-store");
        let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)];
        return Ok((StatusCode::FOUND, headers).into_response());
    }
    let newest = store.newest_of_control(&instance, &control).await?;
    let sentence = match newest.as_ref().and_then(view::pending) {
        Some(_) => "Its ticket is on its way. Try again in a moment.",
        None => "It has no ticket.",
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
