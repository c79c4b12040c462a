//! The lists of iTop: companies, teams, and each company's contacts, teams, services and CIs.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use axum::{
    extract::{Path, State},
    response::Response,
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, Freshness, Reading},
    clock::Clock,
    desk::{DeskName, Desks, Organization, Served},
    domain::keys::OrgId,
    store::Store,
    web::{
        auth::{Caller, Reader},
        entity_tag::KnownTags,
        listing::{MAX_LIMIT, Page, limit},
        parameters::Params,
        problem::ApiError,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct ListParams {
    /// Has the list read anew.
    #[serde(default)]
    refresh: bool,
    /// Of which ticket system, where there is more than one; without it of the one that has the companies
    /// that are not linked.
    desk: Option<DeskName>,
    /// Of CIs: words in their names.
    search: Option<String>,
    cursor: Option<usize>,
    /// At most 1,000, and so many unless it says otherwise.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<usize>,
}

impl ListParams {
    fn served<'d>(&self, desks: &'d Desks) -> Result<&'d Served, ApiError> {
        let Some(desk) = self.desk else { return Ok(desks.default()) };
        let missing =
            || ApiError::BadParameter(format!("{} is not configured here.", desk.title()));
        desks.of(desk).ok_or_else(missing)
    }

    fn freshness(&self) -> Freshness {
        if self.refresh { Freshness::Insisted } else { Freshness::Cached }
    }

    /// A page of a list. The cursor is a position: lists are read as a whole and seldom change.
    fn page<T: Serialize, L>(
        &self,
        known: &KnownTags,
        reading: &Reading<L>,
        items: impl Iterator<Item = T>,
    ) -> Result<Response, ApiError> {
        self.page_of(known, reading.as_of, reading.stale, items)
    }

    fn page_of<T: Serialize>(
        &self,
        known: &KnownTags,
        as_of: Timestamp,
        stale: bool,
        items: impl Iterator<Item = T>,
    ) -> Result<Response, ApiError> {
        let limit = limit(self.limit, MAX_LIMIT, MAX_LIMIT)?;
        let start = self.cursor.unwrap_or(0);
        let mut items: Vec<_> = items.skip(start).take(limit + 1).collect();
        let next = (items.len() > limit).then(|| (start + limit).to_string());
        items.truncate(limit);
        let page = Page { as_of, stale, next };
        Ok(page.of(known, &items))
    }
}

/// `GET /api/v1/companies`
pub(in crate::web) async fn companies(
    Reader(caller): Reader,
    State(desks): State<Desks>,
    State(store): State<Store>,
    known: KnownTags,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let served = params.served(&desks)?;
    let (catalog, visible) = (&served.catalog, visible(&caller, &store, served.name()).await?);
    let reading = catalog.companies().get(params.freshness()).await?;
    let is_seen = |org: &OrgId| visible.as_ref().is_none_or(|seen| seen.contains(org));
    let items = reading.listed.items.iter().filter(|org| is_seen(&org.id)).map(|org| {
        // The company above one is another company.
        match &org.parent {
            Some(parent) if !is_seen(parent) => {
                Cow::Owned(Organization { parent: None, parent_name: None, ..org.clone() })
            }
            _ => Cow::Borrowed(org),
        }
    });
    params.page(&known, &reading, items)
}

/// `GET /api/v1/teams`: all, or those that may take the tickets of the companies that are seen.
pub(in crate::web) async fn all_teams(
    Reader(caller): Reader,
    State(desks): State<Desks>,
    State(store): State<Store>,
    State(clock): State<Clock>,
    known: KnownTags,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let served = params.served(&desks)?;
    let catalog = &served.catalog;
    let Some(seen) = visible(&caller, &store, served.name()).await? else {
        let reading = catalog.all_teams().get(params.freshness()).await?;
        return params.page(&known, &reading, reading.listed.items.iter());
    };
    let lists = seen.iter().map(|org| catalog.teams(org).get(params.freshness()));
    let lists = try_join_all(lists).await?;
    let items = lists.iter().flat_map(|reading| &reading.listed.items);
    let items: BTreeMap<_, _> = items.map(|team| (&team.id, team)).collect();
    // Of lists that were read at several times the oldest tells the age of all.
    let as_of = lists.iter().map(|reading| reading.as_of).min();
    let as_of = as_of.unwrap_or_else(|| clock.now());
    let stale = lists.iter().any(|reading| reading.stale);
    params.page_of(&known, as_of, stale, items.into_values())
}

/// `GET /api/v1/companies/{org}/contacts`
pub(in crate::web) async fn contacts(
    company: Company,
    known: KnownTags,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let reading = company.catalog.contacts(&company.org).get(params.freshness()).await?;
    params.page(&known, &reading, reading.listed.items.iter())
}

/// `GET /api/v1/companies/{org}/teams`
pub(in crate::web) async fn teams(
    company: Company,
    known: KnownTags,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let reading = company.catalog.teams(&company.org).get(params.freshness()).await?;
    params.page(&known, &reading, reading.listed.items.iter())
}

/// `GET /api/v1/companies/{org}/services`
pub(in crate::web) async fn services(
    company: Company,
    known: KnownTags,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let reading = company.catalog.services(&company.org).get(params.freshness()).await?;
    params.page(&known, &reading, reading.listed.items.iter())
}

/// `GET /api/v1/companies/{org}/cis?search=`
pub(in crate::web) async fn cis(
    company: Company,
    known: KnownTags,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let reading = company.catalog.cis(&company.org).get(params.freshness()).await?;
    let wanted = params.search.as_deref().unwrap_or_default().trim();
    params.page(&known, &reading, reading.listed.items.search(wanted))
}

/// The company of the address, if it is there and the caller may see it.
pub(in crate::web) struct Company {
    org: OrgId,
    catalog: Catalog,
}

impl axum::extract::FromRequestParts<crate::web::AppState> for Company {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &crate::web::AppState,
    ) -> Result<Self, ApiError> {
        let Reader(caller) = Reader::from_request_parts(parts, state).await?;
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = path.map_err(|error| ApiError::BadParameter(error.body_text()))?;
        let missing = |title| {
            ApiError::NotFound(format!("{title} has no active company with the key '{text}'."))
        };
        let org = OrgId::new(text.as_str());
        let Params(params) = Params::<ListParams>::from_request_parts(parts, state).await?;
        let served = params.served(&state.desks)?;
        let visible = visible(&caller, &state.store, served.name()).await?;
        if visible.is_some_and(|seen| !seen.contains(&org)) {
            return Err(missing(served.name().title()));
        }
        let companies = served.catalog.companies().get(Freshness::Cached).await?;
        if !companies.listed.items.iter().any(|company| company.id == org) {
            return Err(missing(served.name().title()));
        }
        Ok(Self { org, catalog: served.catalog.clone() })
    }
}

/// The organizations that a limited token may see: those to which its companies are linked.
async fn visible(
    caller: &Caller,
    store: &Store,
    desk: DeskName,
) -> Result<Option<HashSet<OrgId>>, ApiError> {
    if !caller.is_limited_to_companies() {
        return Ok(None);
    }
    let links = store.links(caller.visible()).await?;
    let there = links.into_iter().filter(|link| link.desk == desk);
    Ok(Some(there.map(|link| link.org).collect()))
}
