//! Companies that have moved come back.

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{super::party_key, made, quiet};
use crate::{
    lifecycle::to_its_end,
    store::CaseSince,
    web::{
        AppState,
        auth::{Known, Overseer},
        body::{JsonBody, read},
        problem::ApiError,
    },
};

/// Which companies come back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SwitchBack")]
pub(in crate::web) struct Asked {
    /// `42`, `id:42` or `name:demo`, of any instance; all that have moved without it.
    companies: Option<Vec<String>>,
    /// Only tell what would come back.
    dry_run: Option<bool>,
}

/// What has come back, or would.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchedBack")]
pub(in crate::web) struct Report {
    dry_run: bool,
    /// How many links are what they were before.
    links: u64,
    /// How many controls have the tickets that they had before.
    controls: u64,
    /// Controls that have another ticket since, and keep it.
    controls_kept: Vec<Kept>,
    /// Companies that stay in Salesforce.
    companies_left: Vec<CompanyLeft>,
    /// Cases that were made since; they stay there.
    cases: Vec<MadeSince>,
}

/// A control that keeps its ticket.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchKept")]
struct Kept {
    instance: String,
    control: String,
}

/// A company that stays in Salesforce.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchBackCompanyLeft")]
struct CompanyLeft {
    instance: String,
    company: String,
    why: String,
}

/// A Case that was made since.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchCaseSince")]
struct MadeSince {
    instance: String,
    company: String,
    control: String,
    /// The acknowledgement that it was made of.
    acknowledgement: i64,
    number: String,
    id: String,
}

impl From<CaseSince> for MadeSince {
    fn from(case: CaseSince) -> Self {
        Self {
            instance: case.instance,
            company: case.company,
            control: case.control,
            acknowledgement: case.acknowledgement,
            number: case.number,
            id: case.ticket.id.to_string(),
        }
    }
}

/// `POST /api/v1/switch/back`
pub(in crate::web) async fn back(
    Overseer: Overseer,
    Known { caller, .. }: Known,
    State(state): State<AppState>,
    body: JsonBody,
) -> Result<Json<Report>, ApiError> {
    let Asked { companies, dry_run } = read(body.text())?;
    let dry_run = dry_run.unwrap_or_default();
    let key = |company: String| party_key(&company).map(|key| key.to_string());
    let companies = companies
        .map(|named| named.into_iter().map(key).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    let by = caller.name.clone();
    to_its_end(async move {
        let _quiet = quiet(&state, dry_run).await?;
        let returned = made(state.store.switch_back(companies, dry_run).await?)?;
        if !dry_run {
            let (links, controls) = (returned.links, returned.controls);
            tracing::warn!(by, links, controls, "companies have come back");
        }
        let left = |(instance, company, site): (String, String, String)| {
            let which =
                if site.is_empty() { "a link" } else { &format!("a link of its site {site}") };
            let why = format!("It has {which} that was made since: remove that first.");
            CompanyLeft { instance, company, why }
        };
        let kept = |(instance, control)| Kept { instance, control };
        Ok(Json(Report {
            dry_run,
            links: returned.links,
            controls: returned.controls,
            controls_kept: returned.kept.into_iter().map(kept).collect(),
            companies_left: returned.left.into_iter().map(left).collect(),
            cases: returned.made_since.into_iter().map(MadeSince::from).collect(),
        }))
    })
    .await
}
