//! `GET /api/v1/links/companies`: every company and site of which something came or which is linked,
//! those without a link first.

mod known;
mod view;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub(super) use known::Known;
pub(super) use view::LinkInForce;
pub(in crate::web) use view::{CompanyView, Group, Overview};

use crate::{
    desk::Desks,
    domain::{company_link::LinkKey, keys::Instance},
    store::Store,
    web::{
        api::acknowledgements::parsed,
        auth::{Caller, Reader},
        listing::{DEFAULT_LIMIT, MAX_LIMIT, limit},
        parameters::Params,
        problem::ApiError,
    },
};

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(in crate::web) struct OverviewParams {
    pub(in crate::web) instance: Option<String>,
    pub(in crate::web) q: Option<String>,
    /// Which of them.
    pub(in crate::web) group: Option<Group>,
    /// How many to pass over. The list is put together anew each time and seldom changes.
    pub(in crate::web) cursor: Option<usize>,
    /// At most 1,000; 100 unless it says otherwise.
    #[schemars(range(min = 1, max = 1_000))]
    pub(in crate::web) limit: Option<usize>,
}

pub(in crate::web) async fn companies(
    Reader(caller): Reader,
    State(store): State<Store>,
    State(desks): State<Desks>,
    Params(params): Params<OverviewParams>,
) -> Result<Json<Value>, ApiError> {
    let overview = page(&caller, &store, &desks, &params).await?;
    serde_json::to_value(overview).map(Json).map_err(|_| ApiError::Internal)
}

/// A page of what the caller sees, for API and console.
pub(in crate::web) async fn page(
    caller: &Caller,
    store: &Store,
    desks: &Desks,
    params: &OverviewParams,
) -> Result<Overview, ApiError> {
    let limit = limit(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let start = params.cursor.unwrap_or(0);
    let named: Option<Instance> = parsed("instance", params.instance.clone())?;
    let known = Known::read(caller, store, desks, named.as_ref()).await?;
    let (items, counts) = known.found(params.q.as_deref(), params.group.unwrap_or_default());
    let found = items.len();
    let mut items: Vec<_> = items.into_iter().skip(start).take(limit).collect();
    sites_that_wait(store, &mut items).await?;
    let next = (start + items.len() < found).then_some(start + items.len());
    Ok(Overview { items, counts, next, found, as_of: known.as_of })
}

/// One company or site, whether anything is known of it or not.
pub(in crate::web) async fn one(
    caller: &Caller,
    store: &Store,
    desks: &Desks,
    key: &LinkKey,
) -> Result<CompanyView, ApiError> {
    let known = Known::read(caller, store, desks, Some(&key.instance)).await?;
    let (company, site) = (key.company.to_string(), key.site.as_ref().map(ToString::to_string));
    let (all, _) = known.found(None, Group::All);
    let is_it = |view: &&CompanyView| view.company == company && view.site == site;
    if let Some(found) = all.iter().find(is_it) {
        let mut found = vec![found.clone()];
        sites_that_wait(store, &mut found).await?;
        return found.pop().ok_or(ApiError::Internal);
    }
    let above = all.iter().find(|view| view.company == company && view.site.is_none());
    Ok(CompanyView {
        instance: key.instance.to_string(),
        company,
        name: None,
        company_name: above.and_then(|view| view.name.clone()),
        seen_at: None,
        waiting: 0,
        since: None,
        link: above.filter(|_| site.is_some()).and_then(|view| view.link.clone()),
        inherited: site.is_some() && above.is_some_and(|view| view.link.is_some()),
        sites: 0,
        linked_sites: 0,
        suggestion: None,
        site,
    })
}

/// How many acknowledgements of sites without a link wait: a question for each, so only for a page.
async fn sites_that_wait(store: &Store, items: &mut [CompanyView]) -> Result<(), ApiError> {
    let is_asked = |view: &CompanyView| view.site.is_some() && view.link.is_none();
    let keys = items.iter().filter(|view| is_asked(view)).filter_map(CompanyView::key).collect();
    let counts = store.unlinked_sites(keys).await?;
    let asked = items.iter_mut().filter(|view| is_asked(view) && view.key().is_some());
    for (view, (waiting, since)) in asked.zip(counts) {
        (view.waiting, view.since) = (waiting, since);
    }
    Ok(())
}
