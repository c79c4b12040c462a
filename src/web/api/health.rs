//! Whether the bridge lives, and whether it is ready.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{delivery::Delivery, gate::GateState, store::Store, web::problem::ApiError};

/// `GET /healthz`: the process answers.
pub(in crate::web) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// `GET /readyz`: acknowledgements can be stored. The gate to iTop may be closed all the same:
/// they then wait, so that a load balancer has no reason to turn senders away.
pub(in crate::web) async fn ready(
    State(store): State<Store>,
    State(delivery): State<Delivery>,
) -> Result<Json<Value>, ApiError> {
    if !store.takes_writes().await {
        return Err(ApiError::StoreUnavailable);
    }
    let counts = store.count_unended().await?;
    let inbox: serde_json::Map<String, Value> =
        counts.iter().map(|(state, count)| (state.as_str().to_owned(), json!(count))).collect();
    let gate = match delivery.gate() {
        GateState::Open { since } => json!({"state": "open", "since": since.at}),
        GateState::Closed { reason, message, mend, since } => json!({
            "state": "closed", "reason": reason.code(), "message": message, "mend": mend,
            "since": since.at,
        }),
    };
    let slow_creates: Vec<_> = delivery
        .slow_creates()
        .into_iter()
        .map(|(id, age)| json!({"acknowledgement": id, "seconds": age.as_secs()}))
        .collect();
    Ok(Json(json!({
        "status": "ready", "gate": gate, "inbox": inbox, "slow_creates": slow_creates,
        "ticket_of_probe": delivery.ticket_of_probe(),
    })))
}
