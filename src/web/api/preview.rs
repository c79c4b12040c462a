//! What would be sent, without sending it.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    delivery::{Delivery, Plan, PlanError, Preview},
    domain::{
        acknowledgement::{Acknowledgement, Receipt, read},
        desk_name::DeskName,
        keys::Instance,
        notice::Notice,
        ticket_status::TicketStatus,
    },
    web::{Addresses, AppState, auth::Caller, posted::Posted, problem::ApiError},
};

/// `POST /api/v1/acknowledgements/preview`: the exact request and every resolution; nothing is
/// stored or sent.
pub(in crate::web) async fn preview(
    State(state): State<AppState>,
    posted: Posted,
) -> Result<Json<Value>, ApiError> {
    let Posted { caller, body, message, .. } = posted;
    if let Some(error) = message.and_then(|message| message.wrong_time()) {
        return Err(error);
    }
    let body = body.map_err(|bad| bad.error)?;
    let receipt = Receipt { at: state.clock.now(), instance: caller.instance(None)? };
    let event = read(&body.text, &receipt)?;
    let instance = caller.instance(event.instance.as_ref())?;
    caller.may_post(&instance, &event.company)?;
    look(&state, &caller, instance, event).await.map(Json)
}

/// What would become of an event now, as an answer.
pub(super) async fn look(
    state: &AppState,
    caller: &Caller,
    instance: Instance,
    event: Acknowledgement,
) -> Result<Value, ApiError> {
    let (delivery, addresses) = (&state.delivery, &state.addresses);
    let trusted_names = !caller.is_limited_to_companies();
    outcome(delivery, addresses, instance, event, trusted_names).await
}

/// What would become of an event now, as callers read it.
pub(in crate::web) async fn outcome(
    delivery: &Delivery,
    addresses: &Addresses,
    instance: Instance,
    event: Acknowledgement,
    trusted_names: bool,
) -> Result<Value, ApiError> {
    let (desk, preview) = delivery.preview(instance, event.clone(), trusted_names).await?;
    let said = |notices| delivery.say_of(&event.with_own_notices(notices), desk);
    let mut told = match preview {
        Ok(Preview::Create(plan, request)) => {
            planned(&plan, &delivery.say_of(&plan.resolution.warnings, desk), &request)
        }
        Ok(Preview::Reuse(ticket)) => json!({
            "outcome": "reused",
            "ticket": ticket_name(&ticket, addresses),
            "warnings": said(Notice::existing_ended(&ticket).into_iter().collect()),
        }),
        Err(PlanError::Blocked(blocked)) => json!({
            "outcome": blocked.state, "problem": blocked.problem,
            "warnings": said(blocked.warnings),
        }),
        Err(PlanError::Way(error)) => return Err(error.into()),
        Err(PlanError::Store(error)) => return Err(error.into()),
    };
    if let Some(desk) = desk.unless_itop() {
        told["desk"] = json!(desk);
    }
    Ok(told)
}

fn planned(plan: &Plan, warnings: &[String], request: &Value) -> Value {
    let resolution = &plan.resolution;
    json!({
        "outcome": "created",
        "resolution": {
            "company": {"id": resolution.org, "name": resolution.org_name},
            "team": resolution.refs.team,
            "contact": resolution.refs.contact,
            "service": resolution.refs.service,
            "service_element": resolution.refs.service_element,
            "ci": resolution.refs.ci,
        },
        "priority": u8::from(plan.ticket.priority),
        "warnings": warnings,
        "request": request,
    })
}

fn ticket_name(ticket: &TicketStatus, addresses: &Addresses) -> Value {
    let key = &ticket.key;
    let mut name = json!({
        "ref": ticket.number, "class": key.class, "id": key.id, "url": addresses.ticket(key),
    });
    if let Some(desk) = DeskName::of_class(&key.class).unless_itop() {
        name["desk"] = json!(desk);
    }
    name
}
