//! Equipment: what of it stands in iTop's CMDB, what does not and why, and what waits for somebody's yes. The
//! page is there only where equipment is kept.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use axum::{extract::State, response::Response};
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{page::Page, templates::value};
use crate::{
    config::Scope,
    domain::{
        equipment::{EquipmentKey, EquipmentState, Held, MEMBERS},
        keys::Instance,
    },
    store::EquipmentCompany,
    web::{
        AppState,
        api::{
            acknowledgements::{list::narrowed, parsed},
            equipment::{
                list::{ListParams, listed},
                view::EquipmentView,
            },
            links::party_key,
        },
        parameters::Params,
        problem::ApiError,
    },
};
use rows::{HeldView, RowView, Shown};

/// Rows on a page.
const ROWS: usize = 50;

/// Questions that are asked in whole; of more there are only how many.
const QUESTIONS: usize = 12;

/// Rows of a question that are told by name.
const NAMED: usize = 20;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct EquipmentParams {
    company: Option<String>,
    instance: Option<String>,
    state: Option<EquipmentState>,
    held: Option<Held>,
    class: Option<String>,
    q: Option<String>,
    cursor: Option<String>,
    /// The one that is shown beside the list: its id,
    one: Option<String>,
    /// its company,
    of: Option<String>,
    /// and its instance.
    at: Option<String>,
}

/// `GET /equipment`
pub(in crate::web) async fn page(
    page: Page,
    State(state): State<AppState>,
    Params(params): Params<EquipmentParams>,
) -> Result<Response, ApiError> {
    let config = state.config.get();
    let Some(cmdb) = &config.cmdb else {
        return Err(ApiError::NotFound("This bridge keeps no equipment in a CMDB.".to_owned()));
    };
    let asked = asked(&params)?;
    let list = listed(&page.caller, &state.store, &asked).await?;
    let whose = narrowed(&page.caller, asked.instance.clone(), None)?;
    let companies = state.store.equipment_companies(&whose).await?;
    let shown = Shown::new(&state.addresses, &companies);
    let chosen = chosen(&page, &params, &state).await?;
    let halts = state.store.equipment_halts().await?;
    let sees_all = page.caller.sees_all();
    let (held, more_held) = held(&page, &state, &companies, &shown).await?;
    let instances: BTreeSet<&str> = companies.iter().map(|one| one.instance.as_str()).collect();
    let mut classes = cmdb.all_classes();
    classes.extend(asked.class.as_deref());
    let company = companies.iter().find(|one| Some(&one.company) == asked.company.as_ref());
    let count = |state| list.counts.as_ref().map_or(0, |counts| counts.of(state));
    let rows: Vec<RowView> = list.items.iter().map(|row| shown.row(row)).collect();
    let values = context! {
        rows => value(&rows),
        tabs => value(&EquipmentState::ALL.map(|state| (state, count(state)))),
        total => EquipmentState::ALL.into_iter().map(count).sum::<u64>(),
        failed => count(EquipmentState::Failed),
        in_itop => count(EquipmentState::Synchronized),
        companies => value(&names(&companies)),
        // The one that is asked for, if there is something of it.
        company => company.map(|one| value(&shown.company(&one.instance, &one.company))),
        listed => company.map(|one| context! {
            at => one.listed_at.map(|at| at.to_string()),
            by => &one.listed_by,
            rows => one.listed_rows,
        }),
        instances => value(&instances),
        classes => value(&classes),
        held => value(&held),
        more_held,
        chosen => chosen.as_ref().map(|row| value(&shown.row(row))),
        state => params.state.map(EquipmentState::as_str),
        only_held => params.held.map(Held::as_str),
        class => &asked.class,
        asked_company => &asked.company,
        asked_instance => &asked.instance,
        q => asked.q.as_deref().unwrap_or_default(),
        is_narrowed => is_narrowed(&asked),
        first => asked.cursor.is_some(),
        next => &list.next,
        is_cut => list.cut,
        // What a run did to all companies is told to those who see all.
        halts => halts.iter().map(|halt| context! {
            class => &halt.class,
            at => halt.at.to_string(),
            reason => sees_all.then_some(&halt.reason),
        }).collect::<Vec<_>>(),
        may_resume => sees_all && page.may(Scope::Operate),
        may_operate => page.may(Scope::Operate),
        // The id is the key of a row, and never another one.
        fields => MEMBERS.into_iter().filter(|member| *member != "id").collect::<Vec<_>>(),
    };
    page.render("equipment/page.html", values).await
}

/// Whether less than all is asked for.
fn is_narrowed(asked: &ListParams) -> bool {
    asked.held.is_some()
        || asked.state.is_some()
        || [&asked.company, &asked.instance, &asked.class, &asked.q]
            .into_iter()
            .any(Option::is_some)
}

/// What the list is asked for; what a form leaves empty is not asked.
fn asked(params: &EquipmentParams) -> Result<ListParams, ApiError> {
    let some = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    // As its key is written, however the address writes it.
    let company = some(&params.company).map(|company| party_key(&company)).transpose()?;
    Ok(ListParams {
        company: company.map(|company| company.to_string()),
        instance: some(&params.instance),
        state: params.state,
        held: params.held,
        class: some(&params.class),
        q: some(&params.q),
        cursor: some(&params.cursor),
        limit: Some(ROWS),
        count: Some(true),
        ..ListParams::default()
    })
}

/// Companies by what they are called, each once, however many instances have it.
fn names(companies: &[EquipmentCompany]) -> BTreeMap<&str, &str> {
    let mut names = BTreeMap::new();
    for one in companies {
        names.insert(one.company.as_str(), one.name.as_deref().unwrap_or(&one.company));
    }
    names
}

/// The one that the address names, if it is there and the caller may see it.
async fn chosen(
    page: &Page,
    params: &EquipmentParams,
    state: &AppState,
) -> Result<Option<EquipmentView>, ApiError> {
    let (Some(id), Some(company)) = (&params.one, &params.of) else { return Ok(None) };
    let named: Option<Instance> =
        parsed("at", params.at.clone().filter(|instance| !instance.is_empty()))?;
    let instance = page.caller.instance(named.as_ref())?;
    let Some(id) = parsed("one", Some(id.clone()))? else { return Ok(None) };
    let key = EquipmentKey { instance, company: party_key(company)?, id };
    let row = state.store.equipment(&key, page.caller.visible()).await?;
    Ok(row.map(EquipmentView::of))
}

/// What somebody is asked, with the first rows that it is about; and how many questions there are beyond these.
async fn held(
    page: &Page,
    state: &AppState,
    companies: &[EquipmentCompany],
    shown: &Shown<'_>,
) -> Result<(Vec<HeldView>, usize), ApiError> {
    let holds = || companies.iter().flat_map(|company| &company.holds);
    let mut held = Vec::new();
    for hold in holds().take(QUESTIONS) {
        let asked = ListParams {
            instance: Some(hold.instance.clone()),
            company: Some(hold.company.clone()),
            held: Some(hold.what),
            class: hold.class.clone(),
            limit: Some(NAMED),
            ..ListParams::default()
        };
        let rows = listed(&page.caller, &state.store, &asked).await?.items;
        let rows = rows.iter().filter(|row| hold.class.is_some() || row.class.is_none());
        held.push(shown.held(hold, rows));
    }
    Ok((held, holds().count().saturating_sub(QUESTIONS)))
}
