//! The request of a row: what would be sent now, and what iTop has refused.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    domain::delivery_state::State as RowState,
    store::InboxRow,
    web::{
        AppState,
        api::preview,
        auth::{Caller, Reader},
        parameters::Path,
        problem::ApiError,
    },
};

/// `GET /api/v1/acknowledgements/{id}/request`. Of a request that iTop took nothing is kept: to make it
/// again from what is known today would tell another one.
pub(in crate::web) async fn request(
    Reader(caller): Reader,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let row = super::visible(&state.store, &caller, &id).await?;
    let (now, why) = match now(&state, &caller, &row).await {
        Ok(now) => (Some(now), None),
        Err(why) => (None, Some(why)),
    };
    // It names the highest ticket id that was seen, which says how many others there are.
    let refused = if caller.is_limited_to_companies() {
        None
    } else {
        state.store.refused_request(row.id).await?
    };
    let refused = refused.map(|refused| {
        // What was kept was JSON.
        let request: Option<Value> = serde_json::from_str(&refused.request).ok();
        json!({"at": refused.refused_at, "request": request})
    });
    Ok(Json(json!({
        "acknowledgement": row.id, "state": row.state, "now": now, "why_not_now": why,
        "refused": refused,
    })))
}

/// What would come of an attempt now; else why that cannot be told.
async fn now(state: &AppState, caller: &Caller, row: &InboxRow) -> Result<Value, String> {
    match row.state {
        RowState::Accepted | RowState::Blocked | RowState::Failed => {}
        RowState::Creating | RowState::Unknown => {
            return Err("A request was sent, and how it ended is not known yet. Nothing else is \
                        sent before that is."
                .to_owned());
        }
        RowState::Created | RowState::Reused => {
            return Err("It was sent and taken; the ticket says what came of it.".to_owned());
        }
        RowState::Recorded | RowState::Discarded | RowState::Rejected => {
            return Err(format!("Nothing is sent for it: it is {}.", row.state.as_str()));
        }
    }
    // Trouble is logged where it is turned into an answer.
    let untold = |error: ApiError| error.problem().message;
    let stored = state.store.undelivered(row.id).await.map_err(|error| untold(error.into()))?;
    let Some(stored) = stored else {
        return Err("It has just changed: look at it again.".to_owned());
    };
    let Some(event) = stored.event() else {
        return Err("The stored acknowledgement can no longer be read.".to_owned());
    };
    let trusted_names = stored.trusted_names && !caller.is_limited_to_companies();
    preview::outcome(&state.delivery, &state.addresses, stored.instance, event, trusted_names)
        .await
        .map_err(untold)
}
