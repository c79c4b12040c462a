//! The priority that a ticket gets unless its acknowledgement names one.

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    config::Current,
    domain::priority::{Criticality, ElementType, Matrix, Priority},
    web::{auth::Ingest, parameters::Params},
};

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct PriorityParams {
    /// What the control is.
    element_type: Option<ElementType>,
    /// How much it matters; `medium` unless it says otherwise.
    criticality: Option<Criticality>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PriorityAnswer")]
pub(in crate::web) struct Answer {
    /// None where no element type was named.
    priority: Option<Priority>,
    /// `ticket.priority` of the configuration.
    matrix: Matrix,
}

/// `GET /api/v1/priority?element_type=&criticality=`: what the matrix says of a control, and all of
/// it. Without a criticality the control has the one that an acknowledgement has without it.
pub(in crate::web) async fn of(
    _: Ingest,
    State(config): State<Current>,
    Params(params): Params<PriorityParams>,
) -> Json<Answer> {
    let matrix = config.get().ticket.priority;
    let criticality = params.criticality.unwrap_or_default();
    let priority = params.element_type.map(|element| matrix.priority(element, criticality));
    Json(Answer { priority, matrix })
}
