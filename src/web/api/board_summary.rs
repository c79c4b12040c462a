//! The board in figures.

use std::time::Duration;

use axum::{extract::State, response::Response};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{board::BoardView, board_params::narrowed};
use crate::{
    domain::{delivery_state::State as RowState, visible::Visible},
    store::BoardSummary,
    web::{
        auth::Reader,
        entity_tag::{KnownTags, tagged},
        parameters::Params,
        problem::ApiError,
    },
};

const HOUR_MILLIS: i64 = 3_600_000;

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct SummaryParams {
    instance: Option<String>,
    company: Option<String>,
}

/// The figures, as callers read them.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct SummaryAnswer {
    /// Controls that have a ticket.
    pub(in crate::web) controls: u64,
    /// Those whose ticket is open.
    pub(in crate::web) open: u64,
    /// Those by priority, 1 to 4.
    pub(in crate::web) open_by_priority: [u64; 4],
    /// Acknowledgements that wait for something, or for their turn.
    pub(in crate::web) waiting: u64,
    /// Acknowledgements that iTop has refused for good.
    pub(in crate::web) failed: u64,
    /// Tickets that were made within 24 hours.
    pub(in crate::web) made: u64,
    /// From their acknowledgements to them, in seconds; `None` where none was made.
    pub(in crate::web) seconds: Option<Seconds>,
    /// Tickets that were made in each of 24 hours; the last one still runs.
    pub(in crate::web) hours: Vec<Hour>,
}

#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Seconds {
    pub(in crate::web) median: f64,
    pub(in crate::web) p95: f64,
}

#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Hour {
    /// When it began.
    pub(in crate::web) at: Timestamp,
    pub(in crate::web) tickets: u64,
}

/// `GET /api/v1/tickets/summary`: what is open, what waits, and how the last day went.
pub(in crate::web) async fn summary(
    Reader(caller): Reader,
    State(view): State<BoardView>,
    known: KnownTags,
    Params(SummaryParams { instance, company }): Params<SummaryParams>,
) -> Result<Response, ApiError> {
    let visible = narrowed(&caller, instance.as_deref(), company.as_deref())?;
    let answer = view.summary(&visible).await?;
    Ok(tagged(&known, &answer, &answer))
}

impl BoardView {
    /// The figures of what is seen.
    pub(in crate::web) async fn summary(
        &self,
        visible: &Visible,
    ) -> Result<SummaryAnswer, ApiError> {
        let summary = self.board.summary(visible).await?;
        let BoardSummary { controls, open, open_by_priority, made, hours, .. } = *summary;
        let seconds = |millis: Option<u64>| Some(Duration::from_millis(millis?).as_secs_f64());
        let counts = self.store.counts(visible);
        let hour = |(place, tickets): (i64, u64)| Hour {
            at: Timestamp::from_millisecond(summary.hours_since + place * HOUR_MILLIS)
                .unwrap_or_default(),
            tickets,
        };
        Ok(SummaryAnswer {
            controls,
            open,
            open_by_priority,
            waiting: counts.waiting(),
            failed: counts.of(RowState::Failed),
            made,
            seconds: seconds(summary.median_millis)
                .zip(seconds(summary.p95_millis))
                .map(|(median, p95)| Seconds { median, p95 }),
            hours: (0..).zip(hours).map(hour).collect(),
        })
    }
}
