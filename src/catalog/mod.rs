//! The lists of a ticket system, cached: one load per list however many ask, read anew before it is too old,
//! the last known value with its age while iTop fails, errors never cached.

mod cached;

pub use cached::{Asked, Freshness, KnownList, List, Listed, Reading};

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    clock::{Clock, elapsed},
    config::{self, CatalogSection, TeamChoice, TicketClass},
    desk::{CiList, Desk, DeskError, Organization, Person, Service, Team},
    domain::keys::{ObjectId, OrgId},
    gate::Gate,
    itop::{Conditions, INCIDENT, ItopError, MARKER_LOG, TicketModel, USER_REQUEST},
};
use cached::Cached;

/// How many companies' lists of each kind are kept.
const COMPANIES: u64 = 1_000;

/// How many CIs are kept over all companies; some forty bytes each.
const CIS: u64 = 1_000_000;

/// The lists. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    desk: Desk,
    gate: Gate,
    clock: Clock,
    settings: CatalogSection,
    ticket: config::Ticket,
    conditions: Conditions,
    told_of_old_itop: AtomicBool,
    model: Cached<Vec<TicketModel>>,
    companies: Cached<Vec<Organization>>,
    all_teams: Cached<Vec<Team>>,
    teams: Cached<Vec<Team>>,
    contacts: Cached<Vec<Person>>,
    services: Cached<Vec<Service>>,
    cis: Cached<CiList>,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Catalog")
    }
}

impl Catalog {
    /// Empty lists: each is read when it is first asked for.
    #[must_use]
    pub fn new(
        desk: Desk,
        gate: &Gate,
        clock: &Clock,
        settings: CatalogSection,
        ticket: config::Ticket,
    ) -> Self {
        fn cached<L: cached::List>(
            desk: &Desk,
            gate: &Gate,
            clock: &Clock,
            settings: &CatalogSection,
            capacity: u64,
        ) -> Cached<L> {
            let (desk, gate, clock) = (desk.clone(), gate.clone(), clock.clone());
            Cached::new(desk, gate, clock, settings.ttl.duration(), capacity)
        }
        let inner = Inner {
            // An item weighs two: with less room it would not be kept.
            model: cached(&desk, gate, clock, &settings, 2),
            companies: cached(&desk, gate, clock, &settings, CIS),
            all_teams: cached(&desk, gate, clock, &settings, CIS),
            teams: cached(&desk, gate, clock, &settings, COMPANIES * 100),
            contacts: cached(&desk, gate, clock, &settings, COMPANIES * 100),
            services: cached(&desk, gate, clock, &settings, COMPANIES * 100),
            cis: cached(&desk, gate, clock, &settings, CIS),
            desk,
            gate: gate.clone(),
            clock: clock.clone(),
            conditions: Conditions::new(
                settings.queries.clone(),
                settings.teams == TeamChoice::All,
            ),
            settings,
            ticket,
            told_of_old_itop: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Which tickets are made here: configured, or found out by asking for the class.
    pub async fn ticket_model(&self) -> Result<TicketModel, DeskError> {
        let inner = self.inner.clone();
        let load = async move {
            let wanted = match inner.ticket.class {
                TicketClass::Auto => None,
                TicketClass::Incident => Some(INCIDENT),
                TicketClass::UserRequest => Some(USER_REQUEST),
            };
            let Some(client) = inner.desk.itop() else {
                let reason = "it is asked for the classes of iTop's tickets".to_owned();
                return Err(ItopError::NotItop { reason }.into());
            };
            let model = client.ticket_model(wanted, &inner.ticket.marker_field).await?;
            if !model.nests_queries && !inner.told_of_old_itop.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "this iTop does not understand queries inside queries (before 2.7): a create \
                     cannot carry the condition that its ticket is not there yet"
                );
            }
            Ok(vec![model])
        };
        let reading = self.inner.model.ask(None, load).get(Freshness::Known).await?;
        reading.listed.items.first().cloned().ok_or_else(|| {
            let reason = "the class of tickets could not be found out".to_owned();
            ItopError::NotItop { reason }.into()
        })
    }

    /// The class of new tickets.
    pub async fn ticket_class(&self) -> Result<&'static str, DeskError> {
        match self.inner.desk.name().class() {
            Some(class) => Ok(class),
            None => Ok(self.ticket_model().await?.class),
        }
    }

    /// The attributes in which a ticket can bear a marker: its own, and those of its lines.
    #[must_use]
    pub fn marker_attributes(&self) -> BTreeSet<&str> {
        BTreeSet::from([self.inner.ticket.marker_field.as_str(), MARKER_LOG])
    }

    /// The lists that were read, whatever their age, by what they list.
    #[must_use]
    pub fn known(&self) -> Vec<KnownList> {
        let inner = &*self.inner;
        let mut known = inner.companies.known("companies");
        known.extend(inner.all_teams.known("teams"));
        for of_a_company in [
            inner.teams.known("teams"),
            inner.contacts.known("contacts"),
            inner.services.known("services"),
            inner.cis.known("cis"),
        ] {
            known.extend(of_a_company);
        }
        known
    }

    /// How often the lists of each kind were read from iTop, and how often that has failed.
    #[must_use]
    pub fn loads(&self) -> [(&'static str, u64, u64); 5] {
        let inner = &*self.inner;
        let with = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
        [
            ("companies", inner.companies.loads()),
            ("teams", with(inner.all_teams.loads(), inner.teams.loads())),
            ("contacts", inner.contacts.loads()),
            ("services", inner.services.loads()),
            ("cis", inner.cis.loads()),
        ]
        .map(|(what, (read, failed))| (what, read, failed))
    }

    /// The queries of the lists, as conditions of a write.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.inner.conditions
    }

    /// All companies.
    pub fn companies(&self) -> Asked<'_, Vec<Organization>> {
        let inner = self.inner.clone();
        self.inner.companies.ask(None, async move { inner.desk.companies(&inner.settings).await })
    }

    /// All teams.
    pub fn all_teams(&self) -> Asked<'_, Vec<Team>> {
        let inner = self.inner.clone();
        self.inner.all_teams.ask(None, async move { inner.desk.teams(&inner.settings, None).await })
    }

    /// The teams that may take a company's tickets.
    pub fn teams(&self, org: &OrgId) -> Asked<'_, Vec<Team>> {
        if self.inner.desk.teams_are_of_all(&self.inner.settings) {
            return self.all_teams();
        }
        let (inner, org) = (self.inner.clone(), org.clone());
        self.inner.teams.ask(Some(org.clone()), async move {
            inner.desk.teams(&inner.settings, Some(&org)).await
        })
    }

    /// The active contacts of a company.
    pub fn contacts(&self, org: &OrgId) -> Asked<'_, Vec<Person>> {
        let (inner, org) = (self.inner.clone(), org.clone());
        self.inner
            .contacts
            .ask(Some(org.clone()), async move { inner.desk.contacts(&inner.settings, &org).await })
    }

    /// The services that a company's contracts include, with the elements that fit the class of
    /// new tickets.
    pub fn services(&self, org: &OrgId) -> Asked<'_, Vec<Service>> {
        let (catalog, org) = (self.clone(), org.clone());
        self.inner.services.ask(Some(org.clone()), async move {
            let Inner { desk, settings, .. } = &*catalog.inner;
            let request_type = async { Ok(catalog.ticket_model().await?.request_type) };
            desk.services(settings, &org, request_type).await
        })
    }

    /// The CIs of a company.
    pub fn cis(&self, org: &OrgId) -> Asked<'_, CiList> {
        let (inner, org) = (self.inner.clone(), org.clone());
        self.inner
            .cis
            .ask(Some(org.clone()), async move { inner.desk.cis(&inner.settings, &org).await })
    }

    /// The CIs of a company that have one of the keys or bear one of the names, asked for by
    /// themselves: what a list that has grown old lacks need not be read with fifty thousand others.
    pub async fn cis_called(
        &self,
        org: &OrgId,
        keys: &[ObjectId],
        names: &[&str],
    ) -> Result<CiList, DeskError> {
        let Inner { desk, settings, gate, .. } = &*self.inner;
        let found = desk.cis_called(settings, org, keys, names).await;
        gate.after_read(&found);
        found
    }

    /// Whether the account sees an organization, active or not.
    pub async fn organization_exists(&self, org: &OrgId) -> Result<bool, DeskError> {
        let exists = self.inner.desk.company_exists(org).await;
        self.inner.gate.after_read(&exists);
        exists
    }

    /// The ticket system whose lists these are.
    #[must_use]
    pub fn desk(&self) -> &Desk {
        &self.inner.desk
    }

    /// Whether a list is so old that what is not found in it may be there by now.
    #[must_use]
    pub fn may_lack<L>(&self, reading: &Reading<L>) -> bool {
        let age = elapsed(reading.listed.as_of, self.inner.clock.at_latest());
        age >= self.inner.settings.refresh_on_miss.duration()
    }

    /// How a list is read again because something was not found in it.
    #[must_use]
    pub fn on_miss(&self) -> Freshness {
        Freshness::YoungerThan(self.inner.settings.refresh_on_miss.duration())
    }
}
