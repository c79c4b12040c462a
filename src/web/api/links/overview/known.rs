//! All that is known of companies and sites: what came of them, what links them, what waits.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::view::{
    CompanyView, Group, LinkInForce, OverviewCounts, PlacedOrganization, count, fits, is_of,
};
use crate::{
    catalog::Reading,
    desk::{DeskName, Desks, Organization},
    domain::{
        company_link::CompanyLink,
        keys::{Instance, OrgId},
        names,
        visible::Visible,
    },
    link_check::Directory,
    store::{CompanyWaits, SeenCompany, Store},
    web::{auth::Caller, problem::ApiError},
};

/// How long a list of companies is waited for that iTop does not give: without it there are only no
/// trees and no suggestions.
const PATIENCE: Duration = Duration::from_secs(2);

/// All that is known of companies and sites.
pub(in crate::web::api::links) struct Known {
    companies: BTreeMap<(String, String), Entry>,
    /// Of each ticket system that gives them, that of companies without a link first.
    organizations: Vec<(DeskName, Reading<Vec<Organization>>)>,
    default_desk: DeskName,
    /// Those that the caller may be told of; `None` for all.
    seen_organizations: Option<HashSet<OrgId>>,
    /// When iTop gave the organizations.
    pub(super) as_of: Option<Timestamp>,
    suggests: bool,
}

/// The organizations of each ticket system.
struct Directories<'o>(BTreeMap<DeskName, Directory<'o>>);

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
    pub(in crate::web::api::links) async fn read(
        caller: &Caller,
        store: &Store,
        desks: &Desks,
        named: Option<&Instance>,
    ) -> Result<Self, ApiError> {
        let visible = caller.narrowed_to(named)?;
        let links = store.links(&visible).await?;
        let is_limited = caller.is_limited_to_companies();
        let seen_organizations =
            is_limited.then(|| links.iter().map(|link| link.org.clone()).collect());
        let reads = desks.iter().map(|served| async {
            let reading = served.catalog.companies().within(PATIENCE).await?;
            Some((served.name(), reading))
        });
        let organizations: Vec<_> = join_all(reads).await.into_iter().flatten().collect();
        let mut known = Self {
            companies: BTreeMap::new(),
            organizations,
            default_desk: desks.default().name(),
            seen_organizations,
            as_of: None,
            // Whoever chooses the name of its company would be told by them which others there are.
            suggests: !is_limited,
        };
        known.as_of = known.organizations_of(known.default_desk).map(|reading| reading.as_of);
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

    fn organizations_of(&self, desk: DeskName) -> Option<&Reading<Vec<Organization>>> {
        let of_desk = self.organizations.iter().find(|(name, _)| *name == desk);
        of_desk.map(|(_, reading)| reading)
    }

    /// The organizations to be looked up, of each ticket system; suggestions are made of the default one.
    fn directories<'o>(&'o self) -> Directories<'o> {
        let lacks_link = |entry: &Entry| entry.seen.link.is_none();
        let suggests = self.suggests && self.companies.values().any(lacks_link);
        let directory = |(desk, reading): &'o (DeskName, Reading<Vec<Organization>>)| {
            let all = &reading.listed.items;
            let by_name = suggests && *desk == self.default_desk;
            (*desk, if by_name { Directory::new(all) } else { Directory::of_keys(all) })
        };
        Directories(self.organizations.iter().map(directory).collect())
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
    pub(in crate::web::api::links) fn found(
        &self,
        q: Option<&str>,
        group: Group,
    ) -> (Vec<CompanyView>, OverviewCounts) {
        let directories = self.directories();
        let views = self.companies.iter().map(|(key, entry)| self.views(key, entry, &directories));
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
        directories: &Directories<'_>,
    ) -> Vec<CompanyView> {
        let name = entry.seen.name();
        let link = entry.seen.link.as_ref();
        let (waiting, since) = match &entry.waits {
            Some(waits) if link.is_none() => (waits.waiting, waits.since),
            _ => (0, None),
        };
        let suggested = name.as_deref().filter(|_| link.is_none() && self.suggests);
        let default = directories.0.get(&self.default_desk);
        let suggestion = suggested.and_then(|name| default?.suggestion(name));
        let in_force = |link: &CompanyLink| self.in_force(link, directories.0.get(&link.desk));
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
            suggestion: suggestion.map(|org| self.placed(&org.id, &org.name, default)),
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

    fn in_force(&self, link: &CompanyLink, directory: Option<&Directory<'_>>) -> LinkInForce {
        let defaults = link.defaults.clone();
        LinkInForce {
            desk: link.desk.unless_itop(),
            organization: self.placed(&link.org, &link.org_name, directory),
            tickets: link.tickets,
            team: defaults.team,
            contact: defaults.contact,
            service: defaults.service,
            service_element: defaults.service_element,
            updated_at: link.updated_at,
            updated_by: link.updated_by.clone(),
            version: link.version(),
        }
    }

    fn placed(
        &self,
        id: &OrgId,
        name: &str,
        directory: Option<&Directory<'_>>,
    ) -> PlacedOrganization {
        // The company above one is another company.
        let is_seen =
            |id: &OrgId| self.seen_organizations.as_ref().is_none_or(|all| all.contains(id));
        let above = |directory: &Directory<'_>| {
            let above = directory.above(directory.of_key(id.as_str())?, is_seen);
            Some(above.into_iter().map(str::to_owned).collect())
        };
        let path = directory.and_then(above).unwrap_or_default();
        PlacedOrganization { id: id.clone(), name: name.to_owned(), path }
    }
}
