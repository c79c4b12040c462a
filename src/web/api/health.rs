//! Whether the bridge lives, and whether it is ready.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    delivery::Delivery,
    gate::GateState,
    store::Store,
    web::{auth::MaybeReader, problem::ApiError},
};

/// `GET /healthz`: the process answers.
pub(in crate::web) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// `GET /readyz`: acknowledgements can be stored. The gate to iTop may be closed all the same:
/// they then wait, so that a load balancer has no reason to turn senders away. Who has no token is
/// told codes and numbers alone: messages quote what answers in iTop's place.
pub(in crate::web) async fn ready(
    MaybeReader(caller): MaybeReader,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
) -> Result<Json<Value>, ApiError> {
    if store.is_damaged() {
        return Err(ApiError::StoreDamaged);
    }
    if !store.takes_writes().await {
        return Err(ApiError::StoreUnavailable);
    }
    let counts = store.count_unended().await?;
    let inbox: serde_json::Map<String, Value> =
        counts.iter().map(|(state, count)| (state.as_str().to_owned(), json!(count))).collect();
    let is_told_all = caller.is_some_and(|caller| caller.sees_all());
    let mut ready = json!({"status": "ready", "gate": null, "inbox": inbox});
    ready["gate"] = match delivery.gate() {
        GateState::Open { since } => json!({"state": "open", "since": since.at}),
        GateState::Closed { reason, message, mend, since } if is_told_all => json!({
            "state": "closed", "reason": reason.code(), "message": message, "mend": mend,
            "since": since.at,
        }),
        GateState::Closed { reason, since, .. } => {
            json!({"state": "closed", "reason": reason.code(), "since": since.at})
        }
    };
    if is_told_all {
        let slow_creates = delivery.slow_creates().into_iter();
        ready["slow_creates"] = slow_creates
            .map(|(id, age)| json!({"acknowledgement": id, "seconds": age.as_secs()}))
            .collect();
        ready["ticket_of_probe"] = json!(delivery.ticket_of_probe());
    }
    Ok(Json(ready))
}
