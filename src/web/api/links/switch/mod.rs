//! `/api/v1/switch`: companies move to Salesforce with the tickets of their controls, and come back.

pub(in crate::web) mod back;
pub(in crate::web) mod forth;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    delivery::Quiet,
    desk::DeskName,
    store::{Moving, Standing, TicketElsewhere},
    web::{
        AppState,
        auth::Overseer,
        parameters::{NoParams, Params},
        problem::ApiError,
    },
};

/// Where companies can move to.
const TO: DeskName = DeskName::Salesforce;

/// The tickets that could move.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchTickets")]
pub(in crate::web) struct Tickets {
    items: Vec<Ticket>,
}

/// The ticket of a control.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchTicket")]
struct Ticket {
    instance: String,
    control: String,
    /// `id:42` or `name:demo`.
    company: String,
    class: String,
    /// In iTop.
    id: String,
    number: String,
    /// The organization that it had when the control got it.
    organization: String,
}

impl From<TicketElsewhere> for Ticket {
    fn from(of: TicketElsewhere) -> Self {
        Self {
            instance: of.instance,
            control: of.control,
            company: of.company,
            class: of.ticket.class,
            id: of.ticket.id.to_string(),
            number: of.number,
            organization: of.org.to_string(),
        }
    }
}

/// `GET /api/v1/switch`: the controls whose tickets are not in Salesforce.
pub(in crate::web) async fn tickets(
    Overseer: Overseer,
    State(state): State<AppState>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Tickets>, ApiError> {
    let tickets = state.store.tickets_elsewhere(TO).await?;
    Ok(Json(Tickets { items: tickets.into_iter().map(Ticket::from).collect() }))
}

/// That nothing is delivered while companies move; a dry run needs nothing.
async fn quiet(state: &AppState, dry_run: bool) -> Result<Option<Quiet>, ApiError> {
    if dry_run {
        return Ok(None);
    }
    match state.delivery.quiet() {
        Some(quiet) => Ok(Some(quiet)),
        None if state.store.standing() == Some(Standing::Following) => Err(ApiError::NotLeading),
        None if state.store.held().await?.is_some() => Err(ApiError::NotSettled),
        None => Err(ApiError::NotHeld),
    }
}

fn made<T>(moving: Moving<T>) -> Result<T, ApiError> {
    match moving {
        Moving::Made(made) => Ok(made),
        Moving::NotHeld => Err(ApiError::NotHeld),
        Moving::Unsettled(_) => Err(ApiError::NotSettled),
    }
}
