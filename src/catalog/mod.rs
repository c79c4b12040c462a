//! The lists of iTop, cached: one load per list however many ask, read anew before it is too old,
//! the last known value with its age while iTop fails, errors never cached.

mod cached;

pub use cached::{Freshness, Listed, Reading};

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::{CatalogSection, TeamChoice, TicketClass},
    domain::keys::OrgId,
    gate::Gate,
    itop::{
        CiList, Client, INCIDENT, ItopError, Organization, Person, Service, Team, USER_REQUEST,
    },
};
use cached::Cached;

/// How many companies' lists of each kind are kept.
const COMPANIES: u64 = 1_000;

/// How many CIs are kept over all companies; some forty bytes each.
const CIS: u64 = 1_000_000;

/// Which tickets are made, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketModel {
    /// The class of new tickets.
    pub class: &'static str,
    /// All classes that tickets can have here.
    pub classes: Vec<&'static str>,
    /// The request type of the service elements that fit: `incident` or `service_request`.
    pub request_type: &'static str,
    /// Whether the class has the attribute `request_type` with the value `incident`.
    pub sets_request_type: bool,
    /// Whether the class has the origin `monitoring`.
    pub sets_origin: bool,
}

/// The lists. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    settings: CatalogSection,
    class: TicketClass,
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
        client: Client,
        gate: &Gate,
        clock: &Clock,
        settings: CatalogSection,
        class: TicketClass,
    ) -> Self {
        fn cached<L: cached::List>(
            gate: &Gate,
            clock: &Clock,
            settings: &CatalogSection,
            capacity: u64,
        ) -> Cached<L> {
            Cached::new(gate.clone(), clock.clone(), settings.ttl.duration(), capacity)
        }
        let inner = Inner {
            // An item weighs two: with less room it would not be kept.
            model: cached(gate, clock, &settings, 2),
            companies: cached(gate, clock, &settings, CIS),
            all_teams: cached(gate, clock, &settings, CIS),
            teams: cached(gate, clock, &settings, COMPANIES * 100),
            contacts: cached(gate, clock, &settings, COMPANIES * 100),
            services: cached(gate, clock, &settings, COMPANIES * 100),
            cis: cached(gate, clock, &settings, CIS),
            client,
            settings,
            class,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Which tickets are made here: configured, or found out by asking for the class.
    pub async fn ticket_model(&self) -> Result<TicketModel, ItopError> {
        let inner = self.inner.clone();
        let load = async move {
            let has_incidents = inner.client.has_class(INCIDENT).await?;
            Ok(vec![TicketModel::new(inner.class, has_incidents)])
        };
        let reading = self.inner.model.get(None, Freshness::Cached, load).await?;
        reading.listed.items.first().cloned().ok_or_else(|| ItopError::NotItop {
            reason: "the class of tickets could not be found out".to_owned(),
        })
    }

    /// All companies of iTop.
    pub async fn companies(
        &self,
        freshness: Freshness,
    ) -> Result<Reading<Vec<Organization>>, ItopError> {
        let inner = self.inner.clone();
        let load =
            async move { inner.client.organizations(&inner.settings.queries.companies).await };
        self.inner.companies.get(None, freshness, load).await
    }

    /// All teams of iTop.
    pub async fn all_teams(&self, freshness: Freshness) -> Result<Reading<Vec<Team>>, ItopError> {
        let inner = self.inner.clone();
        let load = async move { inner.client.teams(&inner.settings.queries.all_teams, None).await };
        self.inner.all_teams.get(None, freshness, load).await
    }

    /// The teams that may take a company's tickets.
    pub async fn teams(
        &self,
        org: OrgId,
        freshness: Freshness,
    ) -> Result<Reading<Vec<Team>>, ItopError> {
        if self.inner.settings.teams == TeamChoice::All {
            return self.all_teams(freshness).await;
        }
        let inner = self.inner.clone();
        let load =
            async move { inner.client.teams(&inner.settings.queries.teams, Some(org)).await };
        self.inner.teams.get(Some(org), freshness, load).await
    }

    /// The active contacts of a company.
    pub async fn contacts(
        &self,
        org: OrgId,
        freshness: Freshness,
    ) -> Result<Reading<Vec<Person>>, ItopError> {
        let inner = self.inner.clone();
        let load =
            async move { inner.client.contacts(&inner.settings.queries.contacts, org).await };
        self.inner.contacts.get(Some(org), freshness, load).await
    }

    /// The services that a company's contracts include, with the elements that fit the class of
    /// new tickets.
    pub async fn services(
        &self,
        org: OrgId,
        freshness: Freshness,
    ) -> Result<Reading<Vec<Service>>, ItopError> {
        let catalog = self.clone();
        let load = async move {
            let request_type = catalog.ticket_model().await?.request_type;
            let Inner { client, settings, .. } = &*catalog.inner;
            client.services(&settings.queries, org, request_type).await
        };
        self.inner.services.get(Some(org), freshness, load).await
    }

    /// The CIs of a company.
    pub async fn cis(
        &self,
        org: OrgId,
        freshness: Freshness,
    ) -> Result<Reading<CiList>, ItopError> {
        let inner = self.inner.clone();
        let load = async move {
            let settings = &inner.settings;
            inner.client.cis(&settings.queries.cis, org, settings.page_size).await
        };
        self.inner.cis.get(Some(org), freshness, load).await
    }

    /// How a list is read again because something was not found in it.
    #[must_use]
    pub fn on_miss(&self) -> Freshness {
        Freshness::YoungerThan(self.inner.settings.refresh_on_miss.duration())
    }
}

impl TicketModel {
    fn new(class: TicketClass, has_incidents: bool) -> Self {
        let classes = if has_incidents { vec![INCIDENT, USER_REQUEST] } else { vec![USER_REQUEST] };
        // With ITIL tickets a user request is never an incident, and cannot come from monitoring
        // (seen on 3.2.0: neither value is in its lists).
        let (class, fits_incident) = match (class, has_incidents) {
            (TicketClass::Auto, true) | (TicketClass::Incident, _) => (INCIDENT, true),
            (TicketClass::Auto | TicketClass::UserRequest, false) => (USER_REQUEST, true),
            (TicketClass::UserRequest, true) => (USER_REQUEST, false),
        };
        Self {
            class,
            classes,
            request_type: if fits_incident { "incident" } else { "service_request" },
            sets_request_type: class == USER_REQUEST && fits_incident,
            sets_origin: fits_incident,
        }
    }
}
