//! Whoever writes a name where an id is meant links nobody: `PUT /api/v1/links/Demo` is for the
//! company whose id is `Demo`, and those that ServiceNav sends by that name go on waiting.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{
    catalog::Freshness,
    domain::{
        company_link::LinkKey,
        keys::{Instance, PartyKey},
        names::{self, FoldedName},
        visible::Visible,
    },
    store::Unlinked,
    web::{AppState, addresses::encoded, problem::ApiError},
};

/// What it takes to tell of many links whether one is such a slip.
pub(super) struct Warnings<'s> {
    state: &'s AppState,
    /// By instance; empty where no link can be one.
    unlinked: BTreeMap<String, HashMap<String, Unlinked>>,
    /// The names of iTop's organizations.
    organizations: HashSet<FoldedName>,
}

impl<'s> Warnings<'s> {
    /// Of these links, which have just been checked: without iTop's list nothing is lost but a warning.
    pub(super) async fn of(
        state: &'s AppState,
        keys: impl IntoIterator<Item = &LinkKey>,
    ) -> Result<Self, ApiError> {
        let mut warnings = Self { state, unlinked: BTreeMap::new(), organizations: HashSet::new() };
        let instances: BTreeSet<&Instance> = keys
            .into_iter()
            .filter(|key| may_be_a_name(key).is_some())
            .map(|key| &key.instance)
            .collect();
        if instances.is_empty() {
            return Ok(warnings);
        }
        for instance in instances {
            // Whoever links sees all companies of the instance.
            let visible = Visible::of_instance(instance.clone());
            let unlinked = state.store.unlinked(&visible).await?.into_iter();
            let by_key = unlinked.map(|company| (company.company_key.clone(), company)).collect();
            warnings.unlinked.insert(instance.to_string(), by_key);
        }
        if let Ok(reading) = state.catalog.companies().get(Freshness::Cached).await {
            let names = reading.listed.items.iter().map(|org| names::fold(&org.name));
            warnings.organizations = names.collect();
        }
        Ok(warnings)
    }

    /// What to write instead, if the id of a link is the name of a company that waits, or of one in
    /// iTop.
    pub(super) fn about(&self, key: &LinkKey) -> Vec<String> {
        let Some((id, by_name)) = may_be_a_name(key) else { return Vec::new() };
        let unlinked = self.unlinked.get(key.instance.as_str());
        let unlinked = unlinked.and_then(|companies| companies.get(&by_name.to_string()));
        if unlinked.is_none() && !self.organizations.contains(&names::fold(id)) {
            return Vec::new();
        }
        let instead = self.state.addresses.path(address_by_name(key, id));
        vec![sentence(id, &instead, unlinked)]
    }
}

/// The id of a company that may be a name, and the key that the name has. Ids of digits are meant as
/// such, whatever else bears them as its name.
fn may_be_a_name(key: &LinkKey) -> Option<(&str, PartyKey)> {
    let PartyKey::Id(id) = &key.company else { return None };
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
    PartyKey::name(id).ok().filter(|_| !is_number).map(|by_name| (id.as_str(), by_name))
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
