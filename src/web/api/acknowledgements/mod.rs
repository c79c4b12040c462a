//! The inbox: posting to it, looking into it, and the operator's levers.

pub(in crate::web) mod bulk;
pub(in crate::web) mod causes;
pub(in crate::web) mod list;
pub(in crate::web) mod receive;
mod refused;
pub(in crate::web) mod request;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    delivery::Delivery,
    store::{Action, Attempt, InboxRow, Levered, Store, WholeRow},
    web::{
        Addresses,
        auth::{Caller, Operator, Reader},
        body::{JsonBody, read},
        content::NoBody,
        parameters::Path,
        problem::ApiError,
        view::{self, AcknowledgementView},
    },
};

/// A row with what came of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WholeAcknowledgement")]
pub(in crate::web) struct WholeView<'r> {
    #[serde(flatten)]
    pub(super) row: AcknowledgementView<'r>,
    pub(super) history: &'r [Attempt],
    pub(super) actions: &'r [Action],
    pub(super) body: Body<'r>,
}

/// A body as it was received. A refused one may have been cut: it is then shown as a text.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::web) enum Body<'r> {
    Json(#[schemars(with = "Value")] &'r RawValue),
    Text(&'r str),
}

impl<'r> From<&'r str> for Body<'r> {
    fn from(text: &'r str) -> Self {
        match (read::<serde_json_borrow::Value<'_>>(text), read(text)) {
            (Ok(_), Ok(json)) => Self::Json(json),
            _ => Self::Text(text),
        }
    }
}

/// `GET /api/v1/acknowledgements/{id}`: one row with its body.
pub(in crate::web) async fn one(
    Reader(caller): Reader,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    State(addresses): State<Addresses>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let whole = whole(&store, &caller, &id).await?;
    let row = delivery.with_reason(whole.row);
    let row = view::acknowledgement(&row, &addresses);
    let body = whole.body.as_str().into();
    let whole = WholeView { row, history: &whole.history, actions: &whole.actions, body };
    Ok(Json(whole).into_response())
}

/// A row with all that there is of it, if the caller sees it.
pub(in crate::web) async fn whole(
    store: &Store,
    caller: &Caller,
    id: &str,
) -> Result<WholeRow, ApiError> {
    let whole = match id.parse() {
        Ok(id) => store.whole_acknowledgement(id, caller.visible()).await?,
        Err(_) => None,
    };
    whole.ok_or_else(|| no_acknowledgement(id))
}

/// `POST /api/v1/acknowledgements/{id}/retry`: a failed or blocked row is tried at once.
pub(in crate::web) async fn retry(
    Operator(caller): Operator,
    State(store): State<Store>,
    State(addresses): State<Addresses>,
    Path(id): Path<String>,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let row = visible(&store, &caller, &id).await?;
    match store.retry(row.id, caller.visible(), &caller.name).await? {
        Levered::Done => {}
        Levered::OtherState => {
            let detail = format!(
                "Acknowledgement {} is {}; only a failed or blocked one can be tried again.",
                row.id,
                row.state.as_str()
            );
            return Err(ApiError::Conflict(detail, json!(view::acknowledgement(&row, &addresses))));
        }
        Levered::Missing => return Err(no_acknowledgement(&id)),
    }
    tracing::info!(acknowledgement = row.id, by = caller.name, "retried by an operator");
    let row = visible(&store, &caller, &id).await?;
    Ok(Json(json!(view::acknowledgement(&row, &addresses))))
}

/// `POST /api/v1/acknowledgements/{id}/discard`: given up, with a reason.
pub(in crate::web) async fn discard(
    Operator(caller): Operator,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    State(addresses): State<Addresses>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Value>, ApiError> {
    let row = visible(&store, &caller, &id).await?;
    let body = body.value()?;
    let reason = bulk::reason(&body)?;
    match store.discard(row.id, caller.visible(), &caller.name, reason).await? {
        Levered::Done => {}
        Levered::OtherState => {
            let detail = format!(
                "Acknowledgement {} is {}; only one that waits, is blocked, has failed or was \
                 refused can be discarded.",
                row.id,
                row.state.as_str()
            );
            return Err(ApiError::Conflict(detail, json!(view::acknowledgement(&row, &addresses))));
        }
        Levered::Missing => return Err(no_acknowledgement(&id)),
    }
    delivery.tell_outcome(row.id);
    tracing::info!(acknowledgement = row.id, by = caller.name, "discarded by an operator");
    let row = visible(&store, &caller, &id).await?;
    Ok(Json(json!(view::acknowledgement(&row, &addresses))))
}

async fn visible(store: &Store, caller: &Caller, id: &str) -> Result<InboxRow, ApiError> {
    let row = match id.parse() {
        Ok(id) => store.acknowledgement(id, caller.visible()).await?,
        Err(_) => None,
    };
    row.ok_or_else(|| no_acknowledgement(id))
}

fn no_acknowledgement(id: &str) -> ApiError {
    ApiError::NotFound(format!("There is no acknowledgement {id}."))
}

/// A parameter with the rules of its type.
pub(in crate::web) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<String>,
) -> Result<Option<T>, ApiError> {
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error| ApiError::BadParameter(format!("'{name}' {error}.")))
}
