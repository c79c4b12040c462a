//! The lists of iTop: companies, teams, and each company's contacts, teams, services and CIs.

use std::collections::HashSet;

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, Freshness, Reading},
    domain::keys::OrgId,
    store::Store,
    web::{
        auth::{Caller, Reader},
        listing::{KnownTags, MAX_LIMIT, Page, Params, limit},
        problem::ApiError,
    },
};

#[derive(Deserialize)]
pub(in crate::web) struct ListParams {
    #[serde(default)]
    refresh: bool,
    search: Option<String>,
    cursor: Option<usize>,
    limit: Option<usize>,
}

impl ListParams {
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
        let limit = limit(self.limit, MAX_LIMIT, MAX_LIMIT)?;
        let start = self.cursor.unwrap_or(0);
        let mut items: Vec<_> = items.skip(start).take(limit + 1).collect();
        let next = (items.len() > limit).then(|| (start + limit).to_string());
        items.truncate(limit);
        let page = Page { as_of: reading.as_of, stale: reading.stale, next };
        Ok(page.of(known, &items))
    }
}

/// `GET /api/v1/companies`
pub(in crate::web) async fn companies(
    Reader(caller): Reader,
    State(catalog): State<Catalog>,
    State(store): State<Store>,
    known: KnownTags,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let visible = visible(&caller, &store).await?;
    let reading = catalog.companies().get(params.freshness()).await?;
    let items = reading.listed.items.iter();
    let items = items.filter(|org| visible.as_ref().is_none_or(|seen| seen.contains(&org.id)));
    params.page(&known, &reading, items)
}

/// `GET /api/v1/teams`
pub(in crate::web) async fn all_teams(
    Reader(_): Reader,
    State(catalog): State<Catalog>,
    known: KnownTags,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let reading = catalog.all_teams().get(params.freshness()).await?;
    params.page(&known, &reading, reading.listed.items.iter())
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
        let missing =
            || ApiError::NotFound(format!("iTop has no active company with the key '{text}'."));
        let org = OrgId::new(text.as_str());
        let visible = visible(&caller, &state.store).await?;
        if visible.is_some_and(|seen| !seen.contains(&org)) {
            return Err(missing());
        }
        let companies = state.catalog.companies().get(Freshness::Cached).await?;
        if !companies.listed.items.iter().any(|company| company.id == org) {
            return Err(missing());
        }
        Ok(Self { org, catalog: state.catalog.clone() })
    }
}

/// The organizations that a limited token may see: those to which its companies are linked.
async fn visible(caller: &Caller, store: &Store) -> Result<Option<HashSet<OrgId>>, ApiError> {
    if caller.company_keys().is_none() {
        return Ok(None);
    }
    let links = store.links().await?.into_iter().filter(|link| {
        let key = &link.key;
        caller.sees_stored(key.instance.as_str(), Some(&key.company.to_string()))
    });
    Ok(Some(links.map(|link| link.org).collect()))
}
