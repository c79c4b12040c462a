//! `POST /api/v1/links/{company}[/sites/{site}]/trial`: what would become of an acknowledgement of this
//! company? Nothing is stored or sent.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{LinkParams, LinkPath, key, overview};
use crate::{
    domain::{
        acknowledgement::{Receipt, read},
        keys::PartyKey,
    },
    secret::random_key,
    web::{
        AppState,
        api::preview::look,
        auth::Operator,
        content::NoBody,
        parameters::{Params, Path},
        problem::ApiError,
    },
};

pub(in crate::web) async fn trial(
    Operator(caller): Operator,
    State(state): State<AppState>,
    Path(path): Path<LinkPath>,
    Params(params): Params<LinkParams>,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let key = key(&caller, &path, params)?;
    let known = overview::one(&caller, &state.store, &state.desks, &key).await?;
    let (company, site) = match &key.site {
        Some(site) => {
            (party(&key.company, known.company_name.as_deref()), party(site, known.name.as_deref()))
        }
        None => (party(&key.company, known.name.as_deref()), Value::Null),
    };
    let now = state.clock.now();
    // A control that nobody has: one that is there may have a ticket.
    let id = format!("trial-{}", random_key());
    let body = json!({
        "event_id": id,
        "created_at": now,
        "company": company,
        "site": site,
        "source": {"instance": key.instance, "product": "trial"},
        "equipment": {"name": "Trial"},
        "control": {
            "id": id, "name": "Trial", "element_type": "service", "state": "CRITICAL",
            "status_changed_at": now, "output": "This is only a trial.",
        },
        "acknowledgement": {"author": caller.name, "comment": "What would become of this?"},
    });
    let receipt = Receipt { at: now, instance: key.instance.clone() };
    let event = read(&body.to_string(), &receipt)?;
    let mut answer = look(&state, &caller, key.instance, event).await?;
    answer["acknowledgement"] = body;
    Ok(Json(answer))
}

/// A company or site as an event names it.
fn party(key: &PartyKey, name: Option<&str>) -> Value {
    match key {
        PartyKey::Id(id) => json!({"id": id, "name": name}),
        // The name as it was written, if that is known.
        PartyKey::Name(spelling) => json!({"name": name.unwrap_or(spelling)}),
    }
}
