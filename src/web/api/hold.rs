//! `/api/v1/hold`: deliveries are held, and go on.

use axum::{Json, extract::State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    lifecycle::to_its_end,
    web::{
        AppState,
        auth::{Known, Overseer},
        content::NoBody,
        problem::ApiError,
    },
};

/// Whether deliveries are held.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Hold")]
pub(in crate::web) struct View {
    is_held: bool,
    since: Option<Timestamp>,
    by: Option<String>,
    /// How many rows have no clear outcome yet: writes without an answer, lines that are to be read back.
    unsettled: u64,
    /// They are held, none is under way, and each that was has a clear outcome.
    is_settled: bool,
}

impl View {
    async fn of(state: &AppState) -> Result<Self, ApiError> {
        let held = state.store.held().await?;
        let is_quiet = state.delivery.quiet().is_some();
        // Asked after that: nothing has begun in between.
        let unsettled = state.store.unsettled().await?;
        Ok(Self {
            is_held: held.is_some(),
            since: held.as_ref().map(|held| held.since),
            by: held.map(|held| held.by),
            unsettled,
            is_settled: is_quiet && unsettled == 0,
        })
    }
}

/// `GET /api/v1/hold`
pub(in crate::web) async fn get(
    Overseer: Overseer,
    State(state): State<AppState>,
) -> Result<Json<View>, ApiError> {
    View::of(&state).await.map(Json)
}

/// `PUT /api/v1/hold`: from now on.
pub(in crate::web) async fn put(
    Overseer: Overseer,
    Known { caller, .. }: Known,
    State(state): State<AppState>,
    _: NoBody,
) -> Result<Json<View>, ApiError> {
    to_its_end(async move {
        state.delivery.hold(&caller.name).await?;
        View::of(&state).await.map(Json)
    })
    .await
}

/// `DELETE /api/v1/hold`: they go on.
pub(in crate::web) async fn delete(
    Overseer: Overseer,
    Known { caller, .. }: Known,
    State(state): State<AppState>,
    _: NoBody,
) -> Result<Json<View>, ApiError> {
    to_its_end(async move {
        state.delivery.end_hold(&caller.name).await?;
        View::of(&state).await.map(Json)
    })
    .await
}
