//! The ticket of a control, for dashboards.

use axum::{extract::State, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;

use super::acknowledgements::parsed;
use crate::{
    domain::keys::{ControlId, Instance},
    web::{
        ControlAnswers,
        auth::{Caller, Reader},
        entity_tag::{KnownTags, unless_known},
        parameters::{Params, Path},
        problem::ApiError,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct TicketParams {
    instance: Option<String>,
}

/// `GET /api/v1/controls/{control}/ticket`
pub(in crate::web) async fn ticket(
    Reader(caller): Reader,
    State(answers): State<ControlAnswers>,
    Path(control): Path<String>,
    known: KnownTags,
    Params(params): Params<TicketParams>,
) -> Result<Response, ApiError> {
    answer(&caller, &answers, control, &known, params).await
}

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct AnyParams {
    control: String,
    instance: Option<String>,
}

/// `GET /api/v1/controls/ticket?control=`: the same for a control whose id no proxy lets through in a
/// path, such as `web1/HTTP`.
pub(in crate::web) async fn ticket_of_any(
    Reader(caller): Reader,
    State(answers): State<ControlAnswers>,
    known: KnownTags,
    Params(AnyParams { control, instance }): Params<AnyParams>,
) -> Result<Response, ApiError> {
    answer(&caller, &answers, control, &known, TicketParams { instance }).await
}

async fn answer(
    caller: &Caller,
    answers: &ControlAnswers,
    control: String,
    known: &KnownTags,
    params: TicketParams,
) -> Result<Response, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let instance = caller.instance(named.as_ref())?;
    let unknown = || {
        ApiError::NotFound(format!(
            "Nothing was ever received of control '{control}' in instance '{instance}'."
        ))
    };
    let id: ControlId = control.parse().map_err(|_| unknown())?;
    let answer = answers.of(caller.visible(), &instance, &[id]).await?.pop().flatten();
    let answer = answer.ok_or_else(unknown)?;
    Ok(unless_known(known, &answer.tag, answer.body.clone()))
}
