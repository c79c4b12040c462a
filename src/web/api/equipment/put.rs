//! Lists come in, and what operators say about them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    answers::{Done, Taken, held_sentence},
    asked::{AnswerBody, CompanyParams, RetryBody, Whose, cmdb, company_of, read_ids},
    incoming::incoming,
    view::{EquipmentView, missing},
};
use crate::{
    domain::{body::FieldError, equipment::EquipmentKey},
    lifecycle::to_its_end,
    store::{Answer, EquipmentChange, EquipmentReport, HoldDone, RetryWhich, Store},
    web::{
        AppState,
        auth::{Caller, Operator},
        body::{JsonBody, read},
        content::NoBody,
        parameters::{Params, Path},
        problem::ApiError,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct PutParams {
    /// Else the only one of the token.
    pub(super) company: Option<String>,
    pub(super) instance: Option<String>,
    /// Take an empty list too. What would be retired is held by the limit even so.
    pub(super) force: Option<bool>,
    /// What the preview said that was looked at before.
    pub(super) digest: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct PatchParams {
    /// Else the only one of the token.
    pub(super) company: Option<String>,
    pub(super) instance: Option<String>,
    /// What the preview said that was looked at before.
    pub(super) digest: Option<String>,
}

/// `PUT /api/v1/equipment`: the whole list of a company.
pub(in crate::web) async fn put(
    Operator(caller): Operator,
    State(state): State<AppState>,
    Params(params): Params<PutParams>,
    request: Request,
) -> Result<Json<Taken>, ApiError> {
    let PutParams { company, instance, force, digest } = params;
    let whose = Whose::of(&caller, &company_of(&caller, company)?, instance)?;
    let force = force == Some(true);
    take(&state, &caller, whose, How::Whole { force }, digest, request).await
}

/// `PATCH /api/v1/equipment`: some rows of it, each as a whole.
pub(in crate::web) async fn patch(
    Operator(caller): Operator,
    State(state): State<AppState>,
    Params(params): Params<PatchParams>,
    request: Request,
) -> Result<Json<Taken>, ApiError> {
    let PatchParams { company, instance, digest } = params;
    let whose = Whose::of(&caller, &company_of(&caller, company)?, instance)?;
    take(&state, &caller, whose, How::Some, digest, request).await
}

/// How a list is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It is all that there is: an empty one only where that is said.
    Whole { force: bool },
    /// The rest stays as it is.
    Some,
}

/// What a request brings, as the store takes it; and what is told of it beside.
pub(super) async fn change(
    state: &AppState,
    caller: &Caller,
    whose: Whose,
    how: How,
    request: Request,
) -> Result<(EquipmentChange, Vec<String>), ApiError> {
    let config = state.config.get();
    let limit = cmdb(&config)?.retire_limit;
    let list = incoming(request, &state.rooms).await?;
    if list.rows.is_empty() && how == (How::Whole { force: false }) {
        let message = "the list is empty, which would retire all: send it with 'force=true' (the command: --force) if that is so";
        return Err(ApiError::Invalid(vec![FieldError {
            pointer: String::new(),
            code: "empty",
            message: message.to_owned(),
        }]));
    }
    let warnings = list.warnings();
    let Whose { instance, company, name } = whose;
    let change = EquipmentChange {
        instance,
        company,
        company_name: name,
        rows: list.rows,
        whole: matches!(how, How::Whole { .. }),
        limit,
        by: caller.name.clone(),
    };
    Ok((change, warnings))
}

async fn take(
    state: &AppState,
    caller: &Caller,
    whose: Whose,
    how: How,
    digest: Option<String>,
    request: Request,
) -> Result<Json<Taken>, ApiError> {
    let (change, warnings) = change(state, caller, whose, how, request).await?;
    let (instance, company) = (change.instance.clone(), change.company.clone());
    // A long list is compared where no delivery waits for it.
    let store = state.store.for_polls();
    let put = to_its_end(async move { store.put_equipment(Arc::new(change), digest).await });
    let report = put.await?.ok_or(ApiError::PreviewOutdated)?;
    let counts = report.tally;
    if counts.new + counts.changed + counts.back + counts.gone > 0 {
        let (company, held) = (company.to_string(), report.held.len());
        let (new, changed, back, gone) = (counts.new, counts.changed, counts.back, counts.gone);
        tracing::info!(
            company,
            new,
            changed,
            back,
            gone,
            held,
            by = caller.name,
            "equipment listed"
        );
    }
    for over in &report.held {
        let (company, class) = (company.to_string(), &over.class);
        let (rows, of) = (over.rows, over.of);
        tracing::warn!(
            company,
            class,
            rows,
            of,
            "equipment is gone from a list beyond the limit: held"
        );
    }
    let EquipmentReport { tally, held } = report;
    let warnings = warnings.into_iter().chain(held.iter().map(held_sentence)).collect();
    Ok(Json(Taken { instance, company, counts: tally, held, warnings }))
}

/// `DELETE /api/v1/equipment/{equipment}`: it is gone; its CI is retired, not deleted.
pub(in crate::web) async fn remove(
    Operator(caller): Operator,
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(params): Params<CompanyParams>,
    _: NoBody,
) -> Result<Json<EquipmentView>, ApiError> {
    let key = key(&caller, &id, params)?;
    let config = state.config.get();
    let limit = cmdb(&config)?.retire_limit;
    let (store, by) = (state.store.clone(), caller.name.clone());
    let removed = key.clone();
    let removed = to_its_end(async move { store.remove_equipment(removed, limit, by).await });
    removed.await?.ok_or_else(missing)?;
    let row = state.store.equipment(&key, caller.visible()).await?.ok_or_else(missing)?;
    let (company, id) = (key.company.to_string(), key.id.to_string());
    tracing::info!(company, id, by = caller.name, "equipment removed");
    Ok(Json(EquipmentView::of(row)))
}

/// The key of one equipment, if the caller may see it.
pub(super) fn key(
    caller: &Caller,
    id: &str,
    params: CompanyParams,
) -> Result<EquipmentKey, ApiError> {
    let whose = Whose::of(caller, &params.company, params.instance)?;
    let id = id
        .parse()
        .map_err(|error| ApiError::BadParameter(format!("The id of the equipment {error}.")))?;
    Ok(EquipmentKey { instance: whose.instance, company: whose.company, id })
}

/// `POST /api/v1/equipment/approve`: what is held goes on.
pub(in crate::web) async fn approve(
    Operator(caller): Operator,
    State(store): State<Store>,
    body: JsonBody,
) -> Result<Json<Done>, ApiError> {
    answered(&caller, store, &body, Answer::Yes).await
}

/// `POST /api/v1/equipment/keep`: what is held is not done.
pub(in crate::web) async fn keep(
    Operator(caller): Operator,
    State(store): State<Store>,
    body: JsonBody,
) -> Result<Json<Done>, ApiError> {
    answered(&caller, store, &body, Answer::No).await
}

async fn answered(
    caller: &Caller,
    store: Store,
    body: &JsonBody,
    answer: Answer,
) -> Result<Json<Done>, ApiError> {
    let which = read::<AnswerBody>(body.text())?.which(caller)?;
    let (company, what, by) = (which.company.to_string(), which.what.as_str(), caller.name.clone());
    let done = to_its_end(async move { store.answer_equipment(which, answer, by).await }).await?;
    let HoldDone::Done(done) = done else { return Err(ApiError::PreviewOutdated) };
    let said = match answer {
        Answer::Yes => "what was held of equipment is approved",
        Answer::No => "what was held of equipment is not done",
    };
    tracing::info!(company, what, rows = done, by = caller.name, "{said}");
    Ok(Json(Done { done }))
}

/// `POST /api/v1/equipment/retry`: failed rows are tried again.
pub(in crate::web) async fn retry(
    Operator(caller): Operator,
    State(store): State<Store>,
    body: JsonBody,
) -> Result<Json<Done>, ApiError> {
    let RetryBody { company, instance, ids, problem } = read(body.text())?;
    let Whose { instance, company, .. } = Whose::of(&caller, &company, instance)?;
    let which = RetryWhich { ids: ids.as_deref().map(read_ids).transpose()?, problem };
    let (shown, by) = (company.to_string(), caller.name.clone());
    let retried =
        to_its_end(async move { store.retry_equipment(instance, company, which, by).await });
    let done = retried.await?;
    tracing::info!(company = shown, rows = done, by = caller.name, "equipment retried");
    Ok(Json(Done { done }))
}
