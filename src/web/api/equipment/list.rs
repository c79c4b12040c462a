//! Looking at equipment: page by page, one, and by company.

use axum::{Json, extract::State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    asked::{CompanyParams, Whose},
    put::key,
    view::{EquipmentView, missing},
};
use crate::{
    domain::{
        equipment::{EquipmentState, Held},
        hex::{hex, unhex},
        keys::EquipmentId,
        wanted_words::WantedWords,
    },
    store::{
        EquipmentAction, EquipmentCompany, EquipmentCounts, EquipmentFilter, EquipmentPage, Hold,
        Store,
    },
    web::{
        api::{
            acknowledgements::{list::narrowed, parsed},
            links::party_key,
        },
        auth::{Caller, Reader},
        listing::{DEFAULT_LIMIT, MAX_LIMIT, limit},
        parameters::{Params, Path},
        problem::ApiError,
    },
};

/// The longest text that is searched for, in characters.
const MAX_WORDS: usize = 200;

/// What was done, in an answer at most.
const MAX_ACTIONS: usize = 200;

/// What a list is asked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(in crate::web) struct ListParams {
    pub(in crate::web) company: Option<String>,
    pub(in crate::web) instance: Option<String>,
    /// Only this id.
    pub(in crate::web) id: Option<String>,
    /// A state of rows.
    pub(in crate::web) state: Option<EquipmentState>,
    /// What somebody must say yes to first.
    pub(in crate::web) held: Option<Held>,
    /// A class of iTop.
    pub(in crate::web) class: Option<String>,
    /// The code of a problem.
    pub(in crate::web) problem: Option<String>,
    /// Words to search for.
    #[schemars(length(max = 200))]
    pub(in crate::web) q: Option<String>,
    pub(in crate::web) cursor: Option<String>,
    /// At most 1,000; 100 unless it says otherwise.
    #[schemars(range(min = 1, max = 1_000))]
    pub(in crate::web) limit: Option<usize>,
    /// Whether rows are counted, too.
    pub(in crate::web) count: Option<bool>,
}

/// A page of equipment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentPage")]
pub(in crate::web) struct Listed {
    pub(in crate::web) items: Vec<EquipmentView>,
    /// The `cursor` of the next page.
    pub(in crate::web) next: Option<String>,
    /// Whether only a part of the rows was looked at: `next` goes on.
    pub(in crate::web) cut: bool,
    /// How many there are of instance and company, whatever else was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) counts: Option<StateCounts>,
}

/// How many rows are in each state.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentCounts")]
pub(in crate::web) struct StateCounts {
    new: u64,
    changed: u64,
    synchronized: u64,
    failed: u64,
    retiring: u64,
    retired: u64,
}

impl StateCounts {
    /// How many are in a state.
    pub(in crate::web) fn of(&self, state: EquipmentState) -> u64 {
        match state {
            EquipmentState::New => self.new,
            EquipmentState::Changed => self.changed,
            EquipmentState::Synchronized => self.synchronized,
            EquipmentState::Failed => self.failed,
            EquipmentState::Retiring => self.retiring,
            EquipmentState::Retired => self.retired,
        }
    }
}

impl From<EquipmentCounts> for StateCounts {
    fn from(counts: EquipmentCounts) -> Self {
        Self {
            new: counts.of(EquipmentState::New),
            changed: counts.of(EquipmentState::Changed),
            synchronized: counts.of(EquipmentState::Synchronized),
            failed: counts.of(EquipmentState::Failed),
            retiring: counts.of(EquipmentState::Retiring),
            retired: counts.of(EquipmentState::Retired),
        }
    }
}

/// `GET /api/v1/equipment`
pub(in crate::web) async fn list(
    Reader(caller): Reader,
    State(store): State<Store>,
    Params(params): Params<ListParams>,
) -> Result<Json<Listed>, ApiError> {
    Ok(Json(listed(&caller, &store.for_polls(), &params).await?))
}

/// A page of what the caller sees.
pub(in crate::web) async fn listed(
    caller: &Caller,
    store: &Store,
    params: &ListParams,
) -> Result<Listed, ApiError> {
    let filter = filter(caller, params)?;
    let counts = match params.count {
        Some(true) => Some(store.equipment_counts(&filter.visible).await?.into()),
        _ => None,
    };
    let EquipmentPage { rows, next, is_cut } = store.equipment_page(filter).await?;
    let items = rows.into_iter().map(EquipmentView::of).collect();
    let next = next.map(|place| hex(place.join("\n").as_bytes()));
    Ok(Listed { items, next, cut: is_cut, counts })
}

fn filter(caller: &Caller, params: &ListParams) -> Result<EquipmentFilter, ApiError> {
    let company = params.company.as_deref().map(party_key).transpose()?;
    let visible = narrowed(caller, params.instance.clone(), company.as_ref())?;
    let id: Option<EquipmentId> = parsed("id", params.id.clone())?;
    let typed = params.q.as_deref().unwrap_or_default();
    if typed.chars().count() > MAX_WORDS {
        let detail = format!("'q' may have at most {MAX_WORDS} characters.");
        return Err(ApiError::BadParameter(detail));
    }
    Ok(EquipmentFilter {
        id,
        state: params.state,
        held: params.held,
        class: params.class.clone(),
        problem: params.problem.clone(),
        words: WantedWords::of(typed),
        after: params.cursor.as_deref().map(read_cursor).transpose()?,
        ..EquipmentFilter::of(visible, limit(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?)
    })
}

/// Instance, company and id, none of which has a line break.
fn read_cursor(text: &str) -> Result<[String; 3], ApiError> {
    let parts = unhex(text).and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| {
        let parts: Vec<_> = text.split('\n').map(str::to_owned).collect();
        parts.try_into().ok()
    });
    parts.ok_or_else(|| {
        ApiError::BadParameter("'cursor' must be the 'next' of an earlier answer.".to_owned())
    })
}

/// `GET /api/v1/equipment/{equipment}`
pub(in crate::web) async fn one(
    Reader(caller): Reader,
    State(store): State<Store>,
    Path(id): Path<String>,
    Params(params): Params<CompanyParams>,
) -> Result<Json<EquipmentView>, ApiError> {
    let key = key(&caller, &id, params)?;
    let row = store.equipment(&key, caller.visible()).await?.ok_or_else(missing)?;
    Ok(Json(EquipmentView::of(row)))
}

/// A company of which there is equipment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentCompany")]
pub(in crate::web) struct CompanyView {
    instance: String,
    company: String,
    name: Option<String>,
    /// When its last whole list came, to the hour where it changed nothing; `None`: none ever did.
    listed_at: Option<Timestamp>,
    /// Who sent that.
    listed_by: Option<String>,
    /// How many rows that had.
    listed_rows: Option<u64>,
    counts: StateCounts,
    /// What somebody is asked about its rows.
    holds: Vec<Hold>,
}

impl From<EquipmentCompany> for CompanyView {
    fn from(company: EquipmentCompany) -> Self {
        let EquipmentCompany {
            instance,
            company,
            name,
            listed_at,
            listed_by,
            listed_rows,
            counts,
            holds,
        } = company;
        let counts = counts.into();
        Self { instance, company, name, listed_at, listed_by, listed_rows, counts, holds }
    }
}

/// Companies of which there is equipment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentCompanies")]
pub(in crate::web) struct Companies {
    pub(in crate::web) items: Vec<CompanyView>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(in crate::web) struct CompaniesParams {
    company: Option<String>,
    instance: Option<String>,
}

/// `GET /api/v1/equipment/companies`
pub(in crate::web) async fn companies(
    Reader(caller): Reader,
    State(store): State<Store>,
    Params(params): Params<CompaniesParams>,
) -> Result<Json<Companies>, ApiError> {
    let company = params.company.as_deref().map(party_key).transpose()?;
    let visible = narrowed(&caller, params.instance, company.as_ref())?;
    let companies = store.for_polls().equipment_companies(&visible).await?;
    Ok(Json(Companies { items: companies.into_iter().map(CompanyView::from).collect() }))
}

/// What was done to the equipment of a company.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentActions")]
pub(in crate::web) struct Actions {
    items: Vec<EquipmentAction>,
}

/// `GET /api/v1/equipment/actions`: who did what, newest first.
pub(in crate::web) async fn actions(
    Reader(caller): Reader,
    State(store): State<Store>,
    Params(params): Params<CompanyParams>,
) -> Result<Json<Actions>, ApiError> {
    let Whose { instance, company, .. } = Whose::of(&caller, &params.company, params.instance)?;
    let visible = caller.visible();
    let items = store.equipment_actions(&instance, &company, visible, MAX_ACTIONS).await?;
    Ok(Json(Actions { items }))
}
