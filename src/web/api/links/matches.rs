//! `POST /api/v1/links/matches`: links each company that is called as one organization alone.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{
    apply,
    apply::{Asked, Place},
    many::ManyParams,
    overview::{Group, Known},
};
use crate::{
    domain::keys::Instance,
    link_check::{LinkItem, Wish},
    web::{
        AppState, api::acknowledgements::parsed, auth::Linker, content::NoBody, parameters::Params,
        problem::ApiError,
    },
};

pub(in crate::web) async fn matches(
    Linker(caller): Linker,
    State(state): State<AppState>,
    Params(params): Params<ManyParams>,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance.clone())?;
    // Only now it matters that iTop answers.
    state.catalog.companies().get(crate::catalog::Freshness::Cached).await?;
    let known = Known::read(&caller, &state.store, &state.desks, named.as_ref()).await?;
    let (unlinked, _) = known.found(None, Group::Unlinked);
    let items = unlinked.iter().filter_map(|view| {
        let organization = view.suggestion.as_ref()?;
        let wish = Wish::of_organization(&organization.id, view.name.clone());
        let item = LinkItem { key: view.key()?, wish: Some(wish) };
        Some(Asked { place: Place::Match, item: Ok(item) })
    });
    let items: Vec<_> = items.collect();
    apply::all(&state, &caller, items, params.run(false)).await.map(|report| Json(json!(report)))
}
