//! The examination of the command `check`, for whoever cannot log in to the machine.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};

use crate::{
    check::{Checks, Latest},
    web::{api::acknowledgements::receive::Wait, auth::Overseer, content::NoBody},
};

/// How long the answer waits for the end unless `Prefer: wait` says otherwise: a healthy iTop is
/// examined in a second or two, and one that hangs takes half a minute for each question.
const WAIT: Duration = Duration::from_secs(20);

/// `POST /api/v1/check`: examines configuration and iTop now, writing nothing; an examination that
/// runs is shared by all who ask. 202 where it has not ended in time: it goes on.
pub(in crate::web) async fn run(
    Overseer: Overseer,
    State(checks): State<Checks>,
    Wait(wait): Wait,
    _: NoBody,
) -> (StatusCode, Json<Latest>) {
    let latest = checks.run(wait.unwrap_or(WAIT)).await;
    let has_ended = latest.running.is_none();
    let status = if has_ended { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, Json(latest))
}

/// `GET /api/v1/check`: the last examination, and the one that runs.
pub(in crate::web) async fn latest(
    Overseer: Overseer,
    State(checks): State<Checks>,
) -> Json<Latest> {
    Json(checks.latest())
}
