//! What would be sent, without sending it.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    delivery::{Delivery, Plan, PlanError, Preview},
    domain::{acknowledgement::decode, notice::Notice},
    web::{Addresses, auth::Ingest, body::JsonBody, problem::ApiError},
};

/// `POST /api/v1/acknowledgements/preview`: the exact request and every resolution; nothing is
/// stored or sent.
pub(in crate::web) async fn preview(
    Ingest(caller): Ingest,
    State(delivery): State<Delivery>,
    State(addresses): State<Addresses>,
    body: JsonBody,
) -> Result<Json<Value>, ApiError> {
    let event = decode(&body.value()?).map_err(ApiError::Invalid)?;
    let instance = caller.instance(event.instance.as_ref())?;
    if !caller.sees(&event.company.key) {
        return Err(ApiError::Forbidden("The token is not for this company.".to_owned()));
    }
    let answer = match delivery.preview(instance, event, caller.company_keys().is_none()).await {
        Ok(Preview::Create(plan, request)) => {
            planned(&plan, &delivery.say(&plan.resolution.warnings), &request)
        }
        Ok(Preview::Reuse(ticket)) => json!({
            "outcome": "reused",
            "ticket": {
                "ref": ticket.number, "class": ticket.key.class, "id": ticket.key.id,
                "url": addresses.ticket(&ticket.key),
            },
            "warnings": delivery.say(Notice::existing_ended(&ticket).as_slice()),
        }),
        Err(PlanError::Blocked(blocked)) => json!({
            "outcome": blocked.state, "problem": blocked.problem,
            "warnings": delivery.say(&blocked.warnings),
        }),
        Err(PlanError::Way(error)) => return Err(error.into()),
        Err(PlanError::Store(error)) => return Err(error.into()),
    };
    Ok(Json(answer))
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
