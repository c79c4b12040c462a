//! Whether the bridge lives, whether it is ready, and how it is.

pub(in crate::web) mod check;
pub(in crate::web) mod configuration;
pub(in crate::web) mod report;

use axum::{Json, extract::State};
use serde_json::{Map, Value, json};

use crate::{
    clock::elapsed,
    delivery::Delivery,
    desk::{Desk, Served},
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
    if let Some(desks) = desks(&state, is_told_all) {
        ready["desks"] = desks;
    }
    if is_told_all {
        ready["slow_creates"] = slow_creates(delivery);
        ready["ticket_of_probe"] = json!(delivery.ticket_of_probe());
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

/// The state of the way to iTop. Messages quote what answers in iTop's place: not for everybody.
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

/// Each ticket system, where there is another one than iTop: the one of companies without a link first.
fn desks(state: &AppState, is_told_all: bool) -> Option<Value> {
    let told = |served: &Served| {
        let mut told =
            json!({"desk": served.name(), "gate": gate(served.gate.state(), is_told_all)});
        if let Some((used, most)) = requests_of_day(served).filter(|_| is_told_all) {
            told["requests"] = json!({"used": used, "limit": most});
        }
        told
    };
    state.desks.are_told().then(|| state.desks.iter().map(told).collect())
}

/// How many requests of the day were used, of how many, as far as a ticket system tells.
fn requests_of_day(served: &Served) -> Option<(u64, u64)> {
    match served.catalog.desk() {
        Desk::Itop(_) => None,
        Desk::Salesforce(client) => client.usage(),
    }
}

/// The creates that iTop has been at for longer than usual.
fn slow_creates(delivery: &Delivery) -> Value {
    let slow = delivery.slow_creates().into_iter();
    slow.map(|(id, age)| json!({"acknowledgement": id, "seconds": age.as_secs()})).collect()
}

/// How many rows have not ended well, by state.
fn inbox(counts: &Counts) -> Map<String, Value> {
    let is_shown = |state: &RowState| !state.is_ended() || *state == RowState::Rejected;
    let shown = RowState::ALL.into_iter().filter(is_shown);
    shown.map(|state| (state.as_str().to_owned(), json!(counts.of(state)))).collect()
}
