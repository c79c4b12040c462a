//! Whether the bridge lives, and whether it is ready.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    delivery::Delivery,
    domain::visible::Visible,
    gate::GateState,
    store::Store,
    web::{auth::MaybeReader, problem::ApiError},
};

/// `GET /healthz`: the process answers.
pub(in crate::web) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// `GET /readyz`: acknowledgements can be stored. The gate to iTop may be closed all the same:
/// they then wait, so that a load balancer has no reason to turn senders away. Whose token is limited
/// is told of its own rows, and of the gate what concerns all.
pub(in crate::web) async fn ready(
    MaybeReader(caller): MaybeReader,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
) -> Result<Json<Value>, ApiError> {
    if !store.takes_writes().await {
        return Err(ApiError::StoreUnavailable);
    }
    let visible = caller.map_or(Visible::all(), |caller| caller.visible().clone());
    let is_told_all = visible == Visible::all();
    let counts = store.count_unended(&visible).await?;
    let inbox: serde_json::Map<String, Value> =
        counts.iter().map(|(state, count)| (state.as_str().to_owned(), json!(count))).collect();
    let gate = match delivery.gate() {
        GateState::Open { since } => json!({"state": "open", "since": since}),
        GateState::Closed { reason, message, mend, since } if is_told_all => json!({
            "state": "closed", "reason": reason.code(), "message": message, "mend": mend,
            "since": since,
        }),
        GateState::Closed { reason, since, .. } => {
            json!({"state": "closed", "reason": reason.code(), "since": since})
        }
    };
    let mut ready = json!({"status": "ready", "gate": gate, "inbox": inbox});
    if is_told_all {
        let slow_creates = delivery.slow_creates().into_iter();
        ready["slow_creates"] = slow_creates
            .map(|(id, age)| json!({"acknowledgement": id, "seconds": age.as_secs()}))
            .collect();
        ready["ticket_of_probe"] = json!(delivery.ticket_of_probe());
    }
    Ok(Json(ready))
}
