//! What a list would do, before it is sent.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    answers::held_sentence,
    asked::{Whose, company_of},
    of_itop,
    put::{How, change},
};
use crate::{
    domain::{
        equipment::{
            Equipment,
            preview::{Counts, Outcome, Preview, Previewed, changes},
        },
        keys::{Instance, PartyKey},
    },
    store::{EquipmentOutcome, Foreseen, ForeseenRow, OverLimit},
    web::{AppState, auth::Operator, parameters::Params, problem::ApiError},
};

/// Rows of each kind that are told of one by one.
const MOST: usize = 1_000;

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct PreviewParams {
    /// Else the only one of the token.
    company: Option<String>,
    instance: Option<String>,
    /// As `PATCH` would take it: what is not among the rows stays as it is.
    partial: Option<bool>,
    /// Look at an empty list too.
    force: Option<bool>,
}

/// What a list would do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentPreview")]
pub(in crate::web) struct PreviewView {
    instance: Instance,
    company: PartyKey,
    counts: Counts,
    /// Of these nothing would be retired until somebody says so.
    held: Vec<OverLimit>,
    /// Rows with which something would be done, or cannot: up to 1,000 of each kind.
    items: Vec<Previewed>,
    /// Whether there are more.
    cut: bool,
    /// All that it would change, in short: the same list with this as `digest` changes that and nothing else,
    /// or is answered 409.
    digest: String,
    /// What of it would be passed over, and what would be held.
    warnings: Vec<String>,
}

/// `POST /api/v1/equipment/preview`: the body as that of `PUT`. Nothing is stored.
pub(in crate::web) async fn preview(
    Operator(caller): Operator,
    State(state): State<AppState>,
    Params(params): Params<PreviewParams>,
    request: Request,
) -> Result<Json<PreviewView>, ApiError> {
    let PreviewParams { company, instance, partial, force } = params;
    let whose = Whose::of(&caller, &company_of(&caller, company)?, instance)?;
    let how = match partial {
        Some(true) => How::Some,
        _ => How::Whole { force: force == Some(true) },
    };
    let (change, mut warnings) = change(&state, &caller, whose, how, request).await?;
    let (instance, company) = (change.instance.clone(), change.company.clone());
    let foreseen = state.store.for_polls().foresee_equipment(Arc::new(change), MOST).await?;
    let (held, digest) = (foreseen.held.clone(), foreseen.digest.clone());
    // What is stored was written by this program.
    let wanted: Vec<Option<Equipment>> = foreseen
        .rows
        .iter()
        .map(|row| serde_json::from_str(row.after.as_deref().unwrap_or_default()).ok())
        .collect();
    let mut preview = of_store(foreseen);
    warnings.extend(of_itop::turned(&state, (&instance, &company), &wanted, &mut preview).await?);
    let Preview { counts, items, is_cut } = preview;
    warnings.extend(held.iter().map(held_sentence));
    Ok(Json(PreviewView { instance, company, counts, held, items, cut: is_cut, digest, warnings }))
}

/// What the bridge knows by itself.
fn of_store(foreseen: Foreseen) -> Preview {
    let Foreseen { tally, rows, is_cut, .. } = foreseen;
    let mut counts = Counts {
        rows: tally.rows,
        created: tally.new,
        changed: tally.changed,
        back: tally.back,
        retired: tally.gone,
        unchanged: tally.unchanged,
        ..Counts::default()
    };
    counts.failed = tally.failed;
    counts.unchanged = counts.unchanged.saturating_sub(tally.failed);
    let items = rows.into_iter().map(previewed).collect();
    Preview { counts, items, is_cut }
}

fn previewed(row: ForeseenRow) -> Previewed {
    let ForeseenRow { id, outcome, held, before, after, problem } = row;
    // What is stored was written by this program.
    let read =
        |json: Option<String>| json.and_then(|json| serde_json::from_str::<Equipment>(&json).ok());
    let (before, after) = (read(before), read(after));
    let outcome = match outcome {
        EquipmentOutcome::New => Outcome::Created,
        EquipmentOutcome::Changed => Outcome::Changed,
        EquipmentOutcome::Back => Outcome::Back,
        EquipmentOutcome::Gone => Outcome::Retired,
        EquipmentOutcome::Unchanged if problem.is_some() => Outcome::Failed,
        EquipmentOutcome::Unchanged => Outcome::Unchanged,
    };
    let changes = match (&before, &after) {
        (Some(before), Some(after)) => changes(before, after),
        _ => Vec::new(),
    };
    let name = after.or(before).map(|equipment| equipment.name).unwrap_or_default();
    Previewed { id, name, outcome, held, changes, ci: None, problem }
}
