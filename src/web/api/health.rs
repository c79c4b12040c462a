//! Whether the bridge lives, and whether it is ready.

use axum::{Json, extract::State};
use serde_json::{Map, Value, json};

use crate::{
    clock::elapsed,
    domain::delivery_state::State as RowState,
    gate::GateState,
    store::Counts,
    web::{AppState, problem::ApiError},
};

/// `GET /healthz`: the process answers.
pub(in crate::web) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// `GET /readyz`: acknowledgements can be stored. The gate to iTop may be closed all the same:
/// they then wait, so that a load balancer has no reason to turn senders away.
pub(in crate::web) async fn ready(State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    let (store, delivery) = (&state.store, &state.delivery);
    if !store.for_posts().is_readable().await || !store.takes_writes().await {
        return Err(ApiError::StoreUnavailable);
    }
    let counts = store.counts(None, None);
    let now = state.clock.now();
    let oldest_waiting = counts.oldest_waiting().map(|received| elapsed(received, now).as_secs());
    let gate = match delivery.gate() {
        GateState::Open { since } => json!({"state": "open", "since": since}),
        GateState::Closed { reason, message, mend, since } => json!({
            "state": "closed", "reason": reason.code(), "message": message, "mend": mend,
            "since": since,
        }),
    };
    let slow_creates: Vec<_> = delivery
        .slow_creates()
        .into_iter()
        .map(|(id, age)| json!({"acknowledgement": id, "seconds": age.as_secs()}))
        .collect();
    Ok(Json(json!({
        "status": "ready", "gate": gate, "inbox": inbox(&counts),
        "waiting": counts.waiting(), "oldest_waiting_seconds": oldest_waiting, "slow_creates": slow_creates, "ticket_of_probe": delivery.ticket_of_probe(),
    })))
}

/// How many rows have not ended well, by state.
fn inbox(counts: &Counts) -> Map<String, Value> {
    let is_shown = |state: &RowState| !state.is_ended() || *state == RowState::Rejected;
    let shown = RowState::ALL.into_iter().filter(is_shown);
    shown.map(|state| (state.as_str().to_owned(), json!(counts.of(state)))).collect()
}
