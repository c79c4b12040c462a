//! Whether the bridge lives, whether it is ready, and how it is.

pub(in crate::web) mod check;
pub(in crate::web) mod configuration;
pub(in crate::web) mod report;
pub(in crate::web) mod role;

use axum::{Json, extract::State};
use serde_json::{Map, Value, json};

use role::Leads;

use crate::{
    clock::elapsed,
    delivery::Figures,
    desk::{Desks, Served},
    domain::{delivery_state::State as RowState, visible::Visible},
    gate::GateState,
    store::Counts,
    web::{AppState, auth::MaybeReader, problem::ApiError},
};

/// `GET /healthz`: the process answers.
pub(in crate::web) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// `GET /readyz`: acknowledgements can be stored. The gate to iTop may be closed all the same:
/// they then wait, so that a load balancer has no reason to turn senders away. Who has no token is
/// told codes and numbers alone: messages quote what answers in iTop's place. Who has one that is
/// limited is told the numbers of what it sees.
pub(in crate::web) async fn ready(
    MaybeReader(caller): MaybeReader,
    State(state): State<AppState>,
) -> Result<Json<Value>, ApiError> {
    let (store, delivery) = (&state.store, &state.delivery);
    if store.is_damaged() {
        return Err(ApiError::StoreDamaged);
    }
    if !store.for_posts().is_readable().await || !store.takes_writes().await {
        return Err(ApiError::StoreUnavailable);
    }
    let visible = caller.as_ref().map_or_else(Visible::all, |caller| caller.visible().clone());
    let counts = store.counts(&visible);
    let now = state.clock.now();
    let oldest_waiting = counts.oldest_waiting().map(|received| elapsed(received, now).as_secs());
    let is_told_all = caller.is_some_and(|caller| caller.sees_all());
    let mut ready = json!({
        "status": "ready", "gate": null, "inbox": inbox(&counts), "waiting": counts.waiting(),
        "oldest_waiting_seconds": oldest_waiting,
    });
    ready["gate"] = gate(delivery.gate(), is_told_all);
    if let Ok(Value::Object(leads)) = serde_json::to_value(Leads::of(store)) {
        ready.as_object_mut().expect("it is one").extend(leads);
    }
    if let Some(desks) = desks(&state.desks, is_told_all) {
        ready["desks"] = json!(desks);
    }
    if is_told_all {
        let deliveries = delivery.figures();
        ready["slow_creates"] = slow_creates(&deliveries);
        ready["ticket_of_probe"] = json!(deliveries.ticket_of_probe);
        if let Some(federation) = &state.federation {
            let now = federation.figures();
            ready["equipment"] = json!({
                "held": now.held.iter().map(|of| of.rows).sum::<u64>(),
                "obstacle": now.obstacle, "halts": now.halts,
            });
        }
    }
    Ok(Json(ready))
}

/// The ticket systems, unless iTop is all there is. How much of its requests of the day one has used is not
/// for everybody.
fn desks(desks: &Desks, is_told_all: bool) -> Option<Vec<Value>> {
    let told = |served: &Served| {
        let mut told =
            json!({"desk": served.name(), "gate": gate(served.gate.state(), is_told_all)});
        let usage = served.catalog.desk().usage().filter(|_| is_told_all);
        if let Some((used, limit)) = usage {
            told["requests"] = json!({"used": used, "limit": limit});
        }
        told
    };
    (!desks.are_itop_alone()).then(|| desks.iter().map(told).collect())
}

/// The state of the way to a ticket system. Messages quote what answers in its place: not for everybody.
fn gate(state: GateState, is_told_all: bool) -> Value {
    match state {
        GateState::Open { since } => json!({"state": "open", "since": since.at}),
        GateState::Closed { reason, message, mend, since } if is_told_all => json!({
            "state": "closed", "reason": reason.code(), "message": message, "mend": mend,
            "since": since.at,
        }),
        GateState::Closed { reason, since, .. } => {
            json!({"state": "closed", "reason": reason.code(), "since": since.at})
        }
    }
}

/// The creates that iTop has been at for longer than usual.
fn slow_creates(deliveries: &Figures) -> Value {
    let slow = deliveries.slow_creates.iter();
    slow.map(|(id, age)| json!({"acknowledgement": id, "seconds": age.as_secs()})).collect()
}

/// How many rows have not ended well, by state.
fn inbox(counts: &Counts) -> Map<String, Value> {
    let is_shown = |state: &RowState| !state.is_ended() || *state == RowState::Rejected;
    let shown = RowState::ALL.into_iter().filter(is_shown);
    shown.map(|state| (state.as_str().to_owned(), json!(counts.of(state)))).collect()
}
