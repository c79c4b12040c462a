//! The ticket of a control, for dashboards and for operators' browsers.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use serde::Deserialize;

use super::acknowledgements::parsed;
use crate::{
    domain::{
        keys::{ControlId, Instance, PartyKey},
        ticket_status::Presence,
        visible::Visible,
    },
    store::{Controls, Store},
    web::{
        Addresses, ControlAnswers,
        auth::{Caller, Reader},
        listing::{KnownTags, Params, Path, unless_known},
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
    State(answers): State<ControlAnswers>,
    Path(control): Path<String>,
    known: KnownTags,
    Params(params): Params<TicketParams>,
) -> Result<Response, ApiError> {
    answer(&caller, &answers, control, &known, params).await
}

#[derive(Deserialize)]
pub(in crate::web) struct AnyParams {
    control: String,
    instance: Option<String>,
}

/// `GET /api/v1/controls/ticket?control=`: the same for a control whose id no proxy lets through in a
/// path, such as `web1/HTTP`.
pub(in crate::web) async fn ticket_of_any(
    Reader(caller): Reader,
    State(answers): State<ControlAnswers>,
    known: KnownTags,
    Params(AnyParams { control, instance }): Params<AnyParams>,
) -> Result<Response, ApiError> {
    answer(&caller, &answers, control, &known, TicketParams { instance }).await
}

async fn answer(
    caller: &Caller,
    answers: &ControlAnswers,
    control: String,
    known: &KnownTags,
    params: TicketParams,
) -> Result<Response, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let instance = caller.instance(named.as_ref())?;
    let unknown = || {
        ApiError::NotFound(format!(
            "Nothing was ever received of control '{control}' in instance '{instance}'."
        ))
    };
    let id: ControlId = control.parse().map_err(|_| unknown())?;
    let answer = answers.of(caller.visible(), &instance, &[id]).await?.pop().flatten();
    let answer = answer.ok_or_else(unknown)?;
    Ok(unless_known(known, &answer.tag, answer.body.clone()))
}

#[derive(Deserialize)]
pub(in crate::web) struct OpenParams {
    control: Option<String>,
    instance: Option<String>,
    company: Option<String>,
    signature: Option<String>,
}

/// `GET /controls/open`: to the ticket in iTop, for browsers without a token.
pub(in crate::web) async fn open(
    State(store): State<Store>,
    State(addresses): State<Addresses>,
    Params(params): Params<OpenParams>,
) -> Result<Response, ApiError> {
    let instance: Option<Instance> = parsed("instance", params.instance)?;
    let instance = instance.unwrap_or_default();
    let control: Option<ControlId> = parsed("control", params.control)?;
    let company: Option<PartyKey> = parsed("company", params.company)?;
    let signature = params.signature.unwrap_or_default();
    let signed = control
        .zip(company)
        .filter(|(control, company)| addresses.is_signed(&instance, company, control, &signature));
    let Some((control, company)) = signed else {
        let sentence = "It is not signed by this bridge, or its key has been changed. Take a new \
                        one from ServiceNav.";
        return Ok(page(StatusCode::FORBIDDEN, "This link is not valid", sentence));
    };
    // A control that has moved to another company takes nobody along.
    let visible = Visible::of_companies(instance.clone(), [&company]);
    let Controls { tickets, rows } = store.controls(&instance, &[control], &visible).await?;
    if let Some(found) = tickets.first() {
        if found.ticket.presence == Presence::Deleted {
            let sentence = "Its ticket has been deleted in iTop.";
            return Ok(page(StatusCode::GONE, "No ticket any more", sentence));
        }
        let url = addresses.ticket(&found.ticket.status.key);
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
