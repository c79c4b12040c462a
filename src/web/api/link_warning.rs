//! Whoever writes a name where an id is meant links nobody: `PUT /api/v1/links/Demo` is for the
//! company whose id is `Demo`, and those that ServiceNav sends by that name go on waiting.

use crate::{
    catalog::Freshness,
    domain::{
        company_link::LinkKey,
        keys::{Instance, PartyKey},
        names,
        visible::Visible,
    },
    store::Unlinked,
    web::{AppState, problem::ApiError, state::encoded},
};

/// What to write instead, if the id of a link is the name of a company that waits, or of one in
/// iTop. Ids of digits are meant as such, whatever else bears them as its name.
pub(super) async fn of(state: &AppState, key: &LinkKey) -> Result<Vec<String>, ApiError> {
    let PartyKey::Id(id) = &key.company else { return Ok(Vec::new()) };
    let Ok(by_name) = PartyKey::name(id) else { return Ok(Vec::new()) };
    if id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Vec::new());
    }
    let by_name = by_name.to_string();
    // Whoever links sees all companies of the instance.
    let unlinked = state.store.unlinked(&Visible::of_instance(key.instance.clone())).await?;
    let unlinked = unlinked.iter().find(|company| company.company_key == by_name);
    let is_in_itop = async || {
        // The link has just been checked against this list. Without it nothing is lost but this.
        let companies = state.catalog.companies().get(Freshness::Cached).await;
        let is_called_so = |org: &crate::itop::Organization| names::same(&org.name, id);
        companies.is_ok_and(|reading| reading.listed.items.iter().any(is_called_so))
    };
    if unlinked.is_none() && !is_in_itop().await {
        return Ok(Vec::new());
    }
    let instead = state.addresses.path(address_by_name(key, id));
    Ok(vec![sentence(id, &instead, unlinked)])
}

fn sentence(id: &str, instead: &str, unlinked: Option<&Unlinked>) -> String {
    let whose = match unlinked {
        Some(_) => "a company without a link",
        None => "an organization in iTop",
    };
    let waiting = match unlinked.map_or(0, |company| company.waiting) {
        0 => "no acknowledgement waits".to_owned(),
        1 => "1 acknowledgement waits".to_owned(),
        several => format!("{several} acknowledgements wait"),
    };
    format!(
        "This is the link of the company whose id in ServiceNav is '{id}'. That is also the name \
         of {whose}, and {waiting} under this name. If ServiceNav sends the company by name \
         without an id, write {instead} instead, and delete this link."
    )
}

fn address_by_name(key: &LinkKey, name: &str) -> String {
    let site = match &key.site {
        Some(PartyKey::Id(id)) => format!("/sites/id:{}", encoded(id)),
        Some(PartyKey::Name(name)) => format!("/sites/name:{}", encoded(name)),
        None => String::new(),
    };
    let instance = if key.instance == Instance::default() {
        String::new()
    } else {
        format!("?instance={}", encoded(key.instance.as_str()))
    };
    format!("/api/v1/links/name:{}{site}{instance}", encoded(name))
}
