//! `GET /api/v1/links/companies`: every company and site of which something came or which is linked,
//! those without a link first.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    catalog::{Catalog, Freshness, Reading},
    domain::{
        company_link::{CompanyLink, LinkKey, Named},
        keys::{Instance, OrgId, PartyKey},
        names,
        visible::Visible,
    },
    itop::Organization,
    link_check::Directory,
    store::{CompanyWaits, SeenCompany, Store},
    web::{
        api::acknowledgements::parsed,
        auth::{Caller, Reader},
        listing::{DEFAULT_LIMIT, MAX_LIMIT, Params, limit},
        problem::ApiError,
    },
};

/// How long a list of companies is waited for that iTop does not give: without it there are only no
/// trees and no suggestions.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which companies to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum Group {
    /// All.
    #[default]
    All,
    /// Those without a link.
    Unlinked,
    /// Companies and sites that get no tickets.
    Off,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::web) struct OverviewParams {
    pub(in crate::web) instance: Option<String>,
    pub(in crate::web) q: Option<String>,
    pub(in crate::web) group: Option<Group>,
    /// How many to pass over. The list is put together anew each time and seldom changes.
    pub(in crate::web) cursor: Option<usize>,
    pub(in crate::web) limit: Option<usize>,
}

/// An organization and where it stands in iTop's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::web) struct PlacedOrganization {
    pub(in crate::web) id: OrgId,
    pub(in crate::web) name: String,
    /// The names of those above it, the highest first; empty where they are not known.
    pub(in crate::web) path: Vec<String>,
}

/// A link in force.
#[derive(Clone, Debug, Serialize)]
pub(in crate::web) struct LinkInForce {
    pub(in crate::web) organization: PlacedOrganization,
    pub(in crate::web) tickets: bool,
    pub(in crate::web) team: Option<Named>,
    pub(in crate::web) contact: Option<Named>,
    pub(in crate::web) service: Option<Named>,
    pub(in crate::web) service_element: Option<Named>,
    pub(in crate::web) updated_at: Timestamp,
    /// Who has put it; `None` where it has made itself.
    pub(in crate::web) updated_by: Option<String>,
}

/// A company, or a site of one.
#[derive(Clone, Debug, Serialize)]
pub(in crate::web) struct CompanyView {
    pub(in crate::web) instance: String,
    /// `id:…` or `name:…`.
    pub(in crate::web) company: String,
    pub(in crate::web) site: Option<String>,
    /// What ServiceNav calls it, if that is known.
    pub(in crate::web) name: Option<String>,
    /// What the company of a site is called.
    pub(in crate::web) company_name: Option<String>,
    /// When something of it was last received, to the day.
    pub(in crate::web) seen_at: Option<Timestamp>,
    /// How many of its acknowledgements wait for a link.
    pub(in crate::web) waiting: u64,
    /// Since when.
    pub(in crate::web) since: Option<Timestamp>,
    /// What applies to it, its own or its company's.
    pub(in crate::web) link: Option<LinkInForce>,
    /// Whether that is its company's.
    pub(in crate::web) inherited: bool,
    /// How many of its sites were seen or are linked, and how many have a link of their own.
    pub(in crate::web) sites: usize,
    pub(in crate::web) linked_sites: usize,
    /// The one organization whose name or code is its name.
    pub(in crate::web) suggestion: Option<PlacedOrganization>,
}

/// How many there are, whatever is searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::web) struct OverviewCounts {
    pub(in crate::web) companies: usize,
    pub(in crate::web) linked: usize,
    pub(in crate::web) unlinked: usize,
    /// Companies and sites with a link of their own that has tickets off.
    pub(in crate::web) off: usize,
    /// Acknowledgements that wait for a link.
    pub(in crate::web) waiting: u64,
    /// Companies without a link for which there is one exact match.
    pub(in crate::web) matches: usize,
}

/// A page of the overview.
#[derive(Clone, Debug, Serialize)]
pub(in crate::web) struct Overview {
    pub(in crate::web) items: Vec<CompanyView>,
    pub(in crate::web) counts: OverviewCounts,
    /// Where the next page begins.
    pub(in crate::web) next: Option<usize>,
    /// How many fit what is searched for.
    pub(in crate::web) found: usize,
    /// When iTop gave the organizations that are suggested; `None` where it has given none.
    pub(in crate::web) as_of: Option<Timestamp>,
}

pub(in crate::web) async fn companies(
    Reader(caller): Reader,
    State(store): State<Store>,
    State(catalog): State<Catalog>,
    Params(params): Params<OverviewParams>,
) -> Result<Json<Value>, ApiError> {
    let overview = page(&caller, &store, &catalog, &params).await?;
    serde_json::to_value(overview).map(Json).map_err(|_| ApiError::Internal)
}

/// A page of what the caller sees, for API and console.
pub(in crate::web) async fn page(
    caller: &Caller,
    store: &Store,
    catalog: &Catalog,
    params: &OverviewParams,
) -> Result<Overview, ApiError> {
    let limit = limit(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let start = params.cursor.unwrap_or(0);
    let named: Option<Instance> = parsed("instance", params.instance.clone())?;
    let known = Known::read(caller, store, catalog, named.as_ref()).await?;
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
    catalog: &Catalog,
    key: &LinkKey,
) -> Result<CompanyView, ApiError> {
    let known = Known::read(caller, store, catalog, Some(&key.instance)).await?;
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

impl CompanyView {
    /// Whose link it would be.
    pub(super) fn key(&self) -> Option<LinkKey> {
        let site = self.site.as_deref().map(str::parse::<PartyKey>).transpose().ok()?;
        let (instance, company) = (self.instance.parse().ok()?, self.company.parse().ok()?);
        Some(LinkKey { instance, company, site })
    }

    fn has_own_link(&self) -> bool {
        self.link.is_some() && !self.inherited
    }
}

/// All that is known of companies and sites.
pub(super) struct Known {
    companies: BTreeMap<(String, String), Entry>,
    organizations: Option<Reading<Vec<Organization>>>,
    /// Those that the caller may be told of; `None` for all.
    seen_organizations: Option<HashSet<OrgId>>,
    /// When iTop gave the organizations.
    as_of: Option<Timestamp>,
    suggests: bool,
}

#[derive(Default)]
struct Entry {
    seen: Party,
    waits: Option<CompanyWaits>,
    sites: BTreeMap<String, Party>,
}

#[derive(Default)]
struct Party {
    name: Option<String>,
    seen_at: Option<Timestamp>,
    link: Option<CompanyLink>,
}

impl Party {
    /// What it is called: by what it sent last, else by whoever linked it.
    fn name(&self) -> Option<String> {
        self.name.clone().or_else(|| self.link.as_ref().and_then(|link| link.name.clone()))
    }
}

impl Known {
    /// What the caller sees.
    pub(super) async fn read(
        caller: &Caller,
        store: &Store,
        catalog: &Catalog,
        named: Option<&Instance>,
    ) -> Result<Self, ApiError> {
        let visible = caller.narrowed_to(named)?;
        let links = store.links(&visible).await?;
        let is_limited = caller.is_limited_to_companies();
        let seen_organizations =
            is_limited.then(|| links.iter().map(|link| link.org.clone()).collect());
        let mut known = Self {
            companies: BTreeMap::new(),
            organizations: organizations(catalog).await,
            seen_organizations,
            as_of: None,
            // Whoever chooses the name of its company would be told by them which others there are.
            suggests: !is_limited,
        };
        known.as_of = known.organizations.as_ref().map(|reading| reading.as_of);
        for seen in store.seen_companies(&visible).await? {
            known.take_seen(seen);
        }
        for link in links {
            let entry = known.entry(link.key.instance.as_str(), &link.key.company.to_string());
            let party = match &link.key.site {
                Some(site) => entry.sites.entry(site.to_string()).or_default(),
                None => &mut entry.seen,
            };
            party.link = Some(link);
        }
        known.take_waits(store, &visible);
        Ok(known)
    }

    fn take_seen(&mut self, seen: SeenCompany) {
        let SeenCompany { instance, company_key, site_key, name, seen_at } = seen;
        let entry = self.entry(&instance, &company_key);
        // What was sent by its id alone is called by it.
        let without = |key: &str| name.filter(|name| key.strip_prefix("id:") != Some(name));
        let (party, name) = match site_key {
            Some(key) => {
                let name = without(&key);
                (entry.sites.entry(key).or_default(), name)
            }
            None => (&mut entry.seen, without(&company_key)),
        };
        (party.name, party.seen_at) = (name, seen_at);
    }

    fn take_waits(&mut self, store: &Store, visible: &Visible) {
        for waits in store.company_waits(visible) {
            let key = (waits.instance.clone(), waits.company_key.clone());
            if let Some(entry) = self.companies.get_mut(&key) {
                entry.waits = Some(waits);
            }
        }
    }

    fn entry(&mut self, instance: &str, company: &str) -> &mut Entry {
        self.companies.entry((instance.to_owned(), company.to_owned())).or_default()
    }

    /// Those that fit, in their order, each site behind its company; and how many there are of all.
    pub(super) fn found(
        &self,
        q: Option<&str>,
        group: Group,
    ) -> (Vec<CompanyView>, OverviewCounts) {
        let all = self.organizations.as_ref().map_or(&[][..], |reading| &reading.listed.items);
        let lacks_link = |entry: &Entry| entry.seen.link.is_none();
        let directory = if self.suggests && self.companies.values().any(lacks_link) {
            Directory::new(all)
        } else {
            Directory::of_keys(all)
        };
        let views = self.companies.iter().map(|(key, entry)| self.views(key, entry, &directory));
        let mut companies: Vec<Vec<CompanyView>> = views.collect();
        let counts = count(&companies);
        let wanted = q.map(str::trim).filter(|q| !q.is_empty()).map(names::spelling);
        for views in &mut companies {
            let company_fits = wanted.as_ref().is_none_or(|wanted| fits(&views[0], wanted));
            let mut keeps: Vec<bool> = views
                .iter()
                .map(|view| {
                    is_of(view, group)
                        && (company_fits || wanted.as_ref().is_none_or(|wanted| fits(view, wanted)))
                })
                .collect();
            // A site alone would not tell whose it is.
            keeps[0] |= keeps.contains(&true);
            let mut keeps = keeps.into_iter();
            views.retain(|_| keeps.next().unwrap_or_default());
        }
        companies.retain(|views| !views.is_empty());
        companies.sort_by_cached_key(|views| {
            let company = &views[0];
            let name = company.name.as_deref().unwrap_or(&company.company);
            let is_linked = company.link.is_some();
            (is_linked, Reverse(company.waiting), names::fold(name), company.company.clone())
        });
        (companies.into_iter().flatten().collect(), counts)
    }

    /// A company, and its sites behind it.
    fn views(
        &self,
        (instance, company): &(String, String),
        entry: &Entry,
        directory: &Directory<'_>,
    ) -> Vec<CompanyView> {
        let name = entry.seen.name();
        let link = entry.seen.link.as_ref();
        let (waiting, since) = match &entry.waits {
            Some(waits) if link.is_none() => (waits.waiting, waits.since),
            _ => (0, None),
        };
        let suggested = name.as_deref().filter(|_| link.is_none() && self.suggests);
        let suggestion = suggested.and_then(|name| directory.suggestion(name));
        let in_force = |link: &CompanyLink| self.in_force(link, directory);
        let of_company = CompanyView {
            instance: instance.clone(),
            company: company.clone(),
            site: None,
            name: name.clone(),
            company_name: None,
            seen_at: entry.seen.seen_at,
            waiting,
            since,
            link: link.map(in_force),
            inherited: false,
            sites: entry.sites.len(),
            linked_sites: entry.sites.values().filter(|site| site.link.is_some()).count(),
            suggestion: suggestion.map(|org| self.placed(&org.id, &org.name, directory)),
        };
        let site = |(key, party): (&String, &Party)| CompanyView {
            instance: instance.clone(),
            company: company.clone(),
            site: Some(key.clone()),
            name: party.name(),
            company_name: name.clone(),
            seen_at: party.seen_at,
            waiting: 0,
            since: None,
            link: party.link.as_ref().or(link).map(in_force),
            inherited: party.link.is_none() && link.is_some(),
            sites: 0,
            linked_sites: 0,
            suggestion: None,
        };
        let sites: Vec<_> = entry.sites.iter().map(site).collect();
        std::iter::once(of_company).chain(sites).collect()
    }

    fn in_force(&self, link: &CompanyLink, directory: &Directory<'_>) -> LinkInForce {
        let defaults = link.defaults.clone();
        LinkInForce {
            organization: self.placed(&link.org, &link.org_name, directory),
            tickets: link.tickets,
            team: defaults.team,
            contact: defaults.contact,
            service: defaults.service,
            service_element: defaults.service_element,
            updated_at: link.updated_at,
            updated_by: link.updated_by.clone(),
        }
    }

    fn placed(&self, id: &OrgId, name: &str, directory: &Directory<'_>) -> PlacedOrganization {
        let org = directory.of_key(id.as_str());
        // The company above one is another company.
        let is_seen =
            |id: &OrgId| self.seen_organizations.as_ref().is_none_or(|all| all.contains(id));
        let path = org.map(|org| directory.above(org, is_seen)).unwrap_or_default();
        let path = path.into_iter().map(str::to_owned).collect();
        PlacedOrganization { id: id.clone(), name: name.to_owned(), path }
    }
}

/// The organizations, if iTop gives them soon or has given them before.
async fn organizations(catalog: &Catalog) -> Option<Reading<Vec<Organization>>> {
    let fresh = catalog.companies().get(Freshness::Cached);
    match tokio::time::timeout(PATIENCE, fresh).await {
        Ok(reading) => reading.ok(),
        Err(_) => catalog.companies().if_known().await,
    }
}

fn count(companies: &[Vec<CompanyView>]) -> OverviewCounts {
    let mut counts = OverviewCounts { companies: companies.len(), ..OverviewCounts::default() };
    for views in companies {
        let company = &views[0];
        if company.link.is_some() {
            counts.linked += 1;
        } else {
            counts.unlinked += 1;
        }
        counts.waiting += company.waiting;
        counts.matches += usize::from(company.suggestion.is_some());
        let is_off = |view: &&CompanyView| view.has_own_link() && is_of(view, Group::Off);
        counts.off += views.iter().filter(is_off).count();
    }
    counts
}

fn is_of(view: &CompanyView, group: Group) -> bool {
    match group {
        Group::All => true,
        Group::Unlinked => view.link.is_none(),
        Group::Off => view.link.as_ref().is_some_and(|link| !link.tickets),
    }
}

/// Whether what somebody has typed stands in a name or key; `wanted` is its one spelling.
fn fits(view: &CompanyView, wanted: &str) -> bool {
    let link = view.link.as_ref().filter(|_| !view.inherited);
    let texts = [
        view.name.as_deref(),
        Some(view.site.as_deref().unwrap_or(&view.company)),
        link.map(|link| link.organization.name.as_str()),
        link.and_then(|link| link.team.as_ref()).map(|team| team.name.as_str()),
    ];
    texts.into_iter().flatten().any(|text| names::spelling(text).contains(wanted))
}
