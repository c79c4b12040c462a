//! What rows need somebody for, and how many.

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::list::narrowed;
use crate::{
    store::{CauseGroup, Store},
    web::{
        api::links::party_key,
        auth::Reader,
        listing::{DEFAULT_LIMIT, MAX_LIMIT, limit},
        parameters::Params,
        problem::ApiError,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct CausesParams {
    instance: Option<String>,
    company: Option<String>,
    /// At most 1,000; 100 unless it says otherwise.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<usize>,
}

/// `GET /api/v1/acknowledgements/causes`: those with most rows first. What `cause` has is what bulk
/// calls take.
pub(in crate::web) async fn causes(
    Reader(caller): Reader,
    State(store): State<Store>,
    Params(params): Params<CausesParams>,
) -> Result<Json<Value>, ApiError> {
    let limit = limit(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let company = params.company.as_deref().map(party_key).transpose()?;
    let visible = narrowed(&caller, params.instance, company.as_ref())?;
    let causes = store.causes(&visible).await?;
    let items: Vec<_> = causes.iter().take(limit).map(view).collect();
    Ok(Json(json!({"items": items, "total": causes.len()})))
}

/// A cause as calls give and take it, and what is known of its rows.
fn view(group: &CauseGroup) -> Value {
    let mut cause = json!({"code": group.cause.code});
    if let Some(message) = &group.cause.message {
        cause["message"] = json!(message);
    }
    let mut company = Value::Null;
    if let Some((instance, key, name)) = &group.company {
        cause["instance"] = json!(instance);
        cause["company"] = json!(key);
        company = json!({"key": key, "name": name});
    }
    json!({
        "cause": cause,
        "company": company,
        "count": group.count,
        "can_be_retried": group.can_be_retried,
        "oldest": group.oldest,
        "sample": {"acknowledgement": group.first, "message": group.sample},
    })
}
