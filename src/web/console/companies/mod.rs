//! Companies: whose tickets are whose in iTop, those without a link first.

use std::collections::BTreeSet;

use axum::{extract::State, response::Response};
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{page::Page, templates::value};
use crate::{
    config::Scope,
    domain::{
        company_link::LinkKey,
        keys::{Instance, PartyKey},
    },
    web::{
        AppState,
        api::links::overview::{self, CompanyView, Group, OverviewParams},
        auth::Linker,
        parameters::Params,
        problem::ApiError,
    },
};

/// Companies and sites on a page.
const ROWS: usize = 100;

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct CompaniesParams {
    q: Option<String>,
    group: Option<Group>,
    cursor: Option<usize>,
    /// The one that is shown beside the list: `id:…` or `name:…`.
    company: Option<String>,
    site: Option<String>,
    /// Its instance.
    instance: Option<String>,
    /// Whether one that is not in the list is entered.
    new: Option<String>,
}

/// `GET /companies`
pub(in crate::web) async fn page(
    page: Page,
    Params(params): Params<CompaniesParams>,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let group = params.group.unwrap_or_default();
    let asked = OverviewParams {
        instance: None,
        q: params.q.clone().filter(|q| !q.trim().is_empty()),
        group: Some(group),
        cursor: params.cursor,
        limit: Some(ROWS),
    };
    let overview = overview::page(&page.caller, &state.store, &state.desks, &asked).await?;
    let chosen = chosen(&page, &params, &state).await?;
    let may_link = Linker::of(page.caller.clone()).is_ok();
    let instances = if may_link { instances(&page, &state).await? } else { Vec::new() };
    let values = context! {
        instances,
        rows => value(&overview.items),
        counts => value(&overview.counts),
        found => overview.found,
        next => overview.next,
        is_searched => asked.q.is_some(),
        q => params.q,
        group => value(&group),
        cursor => params.cursor.filter(|cursor| *cursor > 0),
        shows_instances => overview.items.iter().any(|view| view.instance != Instance::default().as_str()),
        // What the script fills the form with.
        chosen_text => chosen.as_ref().map(|view| json!(view).to_string()),
        chosen => chosen.as_ref().map(value),
        is_new => params.new.is_some_and(|new| !new.is_empty()) && may_link,
        may_link,
        may_try => page.may(Scope::Operate),
        may_search => may_link,
    };
    page.render("companies/page.html", values).await
}

/// The instances for which the caller can make a link: those of the tokens, and those of which there is
/// something. The one that is meant where none is named comes first.
async fn instances(page: &Page, state: &AppState) -> Result<Vec<String>, ApiError> {
    let own = page.caller.instance(None)?.to_string();
    if page.caller.visible().instance().is_some() {
        return Ok(vec![own]);
    }
    let mut all: BTreeSet<String> = state.store.instances().await?.into_iter().collect();
    all.extend(state.config.get().auth.tokens.iter().filter_map(|token| token.instance.clone()));
    all.remove(&own);
    Ok(std::iter::once(own).chain(all).collect())
}

/// The company or site that the address names, if the caller may see it.
async fn chosen(
    page: &Page,
    params: &CompaniesParams,
    state: &AppState,
) -> Result<Option<CompanyView>, ApiError> {
    let Some(company) = params.company.as_deref().filter(|key| !key.is_empty()) else {
        return Ok(None);
    };
    let party = |key: &str| {
        key.parse::<PartyKey>().map_err(|error| {
            ApiError::BadParameter(format!("The company or site '{key}' {error}."))
        })
    };
    let named = params.instance.as_deref().filter(|name| !name.is_empty());
    let named = named.map(str::parse::<Instance>).transpose();
    let named = named.map_err(|error| ApiError::BadParameter(format!("'instance' {error}.")))?;
    let instance = page.caller.instance(named.as_ref())?;
    let company = party(company)?;
    if !page.caller.visible().has_company(&company) {
        return Err(ApiError::NotFound("There is no such company.".to_owned()));
    }
    let site = params.site.as_deref().filter(|key| !key.is_empty()).map(party).transpose()?;
    let key = LinkKey { instance, company, site };
    overview::one(&page.caller, &state.store, &state.desks, &key).await.map(Some)
}
