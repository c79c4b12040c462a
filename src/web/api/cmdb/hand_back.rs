//! Sources that are halted go on, and CIs are given back to the users of iTop.

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    cmdb::Federation,
    domain::keys::{EquipmentId, Instance},
    store::Release,
    web::{
        AppState,
        api::{acknowledgements::parsed, links::party_key},
        auth::{Overseer, Steward},
        body::{JsonBody, read},
        problem::ApiError,
    },
};

/// CIs that one answer tells of.
const AT_ONCE: usize = 1_000;

/// Which source goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CmdbResume")]
pub(in crate::web) struct Resume {
    /// The class of its CIs.
    class: String,
}

/// What came of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CmdbResumed")]
pub(in crate::web) struct Resumed {
    /// Whether it was halted.
    was_halted: bool,
}

/// Whose CIs are given back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CmdbRelease")]
pub(in crate::web) struct Asked {
    /// The ServiceNav, where it is not the default one.
    instance: Option<String>,
    /// `42`, `id:42` or `name:demo`.
    company: String,
    /// Only of this equipment; all of the company without it.
    ids: Option<Vec<String>>,
    /// Only of equipment after this id: the `next` of the last answer.
    after: Option<String>,
}

/// CIs that are given back.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CmdbReleased")]
pub(in crate::web) struct Released {
    items: Vec<ReleasedCi>,
    /// Where the rest begins, if there is more.
    next: Option<String>,
}

/// A CI that is given back. Its replica in iTop is still to be removed.
#[derive(Serialize, JsonSchema)]
struct ReleasedCi {
    /// Of the equipment.
    id: String,
    /// Of the equipment.
    name: String,
    /// Of the CI.
    class: String,
    /// Its key in iTop.
    ci: String,
}

/// `POST /api/v1/cmdb/resume`
pub(in crate::web) async fn resume(
    Steward: Steward,
    State(state): State<AppState>,
    body: JsonBody,
) -> Result<Json<Resumed>, ApiError> {
    let Resume { class } = read(body.text())?;
    let was_halted = federation(&state)?.resume(&class).await?;
    Ok(Json(Resumed { was_halted }))
}

/// `POST /api/v1/cmdb/release`
pub(in crate::web) async fn release(
    Overseer: Overseer,
    State(state): State<AppState>,
    body: JsonBody,
) -> Result<Json<Released>, ApiError> {
    let Asked { instance, company, ids, after } = read(body.text())?;
    let instance: Option<Instance> = parsed("instance", instance)?;
    let id = |id: String| -> Result<EquipmentId, ApiError> {
        id.parse().map_err(|error| ApiError::BadParameter(format!("'ids' {error}.")))
    };
    let release = Release {
        instance: instance.unwrap_or_default(),
        company: party_key(&company)?,
        ids: ids.map(|ids| ids.into_iter().map(id).collect::<Result<_, _>>()).transpose()?,
        after: after.unwrap_or_default(),
        limit: AT_ONCE,
    };
    let rows = federation(&state)?.release(release).await?;
    let next = (rows.len() == AT_ONCE).then(|| rows.last().map(|row| row.key.id.to_string()));
    let item = |row: crate::domain::equipment::EquipmentRow| {
        let (class, ci) = row.ci?;
        Some(ReleasedCi { id: row.key.id.into(), name: row.wanted.name, class, ci })
    };
    let items = rows.into_iter().filter_map(item).collect();
    Ok(Json(Released { items, next: next.flatten() }))
}

fn federation(state: &AppState) -> Result<&Federation, ApiError> {
    state.federation.as_ref().ok_or_else(|| {
        let detail = "This bridge keeps no equipment in iTop's CMDB: it has no section [cmdb].";
        ApiError::NotFound(detail.to_owned())
    })
}
