//! From names and ids to keys of iTop, with the checks that iTop does not make: it accepts a
//! contact, team, service, element or CI of any company (ITOP.md, "Tickets"); this does not.

mod ci;
mod doubts;
mod find;
mod people;
mod services;

pub use doubts::Doubts;
pub use find::{Found, Item, by_name, candidates, find, only};

use crate::{
    catalog::{Asked, Catalog, Freshness, List, Reading},
    desk::{DeskError, DeskName, Organization},
    domain::{
        acknowledgement::{Acknowledgement, Ref},
        company_link::{CompanyLink, Named},
        delivery_state::Problem,
        keys::{ObjectId, OrgId},
        names,
        new_ticket::{Chosen, RefKind, Refs},
        notice::{Candidates, Notice},
        ticket_text::Language,
    },
};

/// Everything that a ticket refers to, checked against its company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The organization.
    pub org: OrgId,
    /// The name of the organization.
    pub org_name: String,
    /// What else the ticket refers to.
    pub refs: Refs,
    /// What was left out or taken otherwise than asked.
    pub warnings: Vec<Notice>,
}

/// A resolution that did not come about.
#[derive(Debug)]
pub enum ResolveError {
    /// An administrator must mend something first.
    Blocked {
        /// What.
        problem: Problem,
        /// What else was noticed.
        warnings: Vec<Notice>,
    },
    /// The way to iTop failed; nothing is known.
    Way(DeskError),
}

/// Resolves an event against the organization of its link. `federated` is the CI that its equipment has in the
/// federation, in that organization.
pub async fn resolve(
    catalog: &Catalog,
    event: &Acknowledgement,
    link: &CompanyLink,
    configured_team: Option<&str>,
    federated: Option<&ObjectId>,
    doubts: &Doubts,
) -> Result<Resolution, ResolveError> {
    let warnings = event.notices.clone();
    let mut resolver = Resolver { catalog, org: &link.org, federated, doubts, warnings };
    if !doubts.is_written() {
        // All these reads together are large, and seldom needed.
        Box::pin(resolver.read_lists(event, link)).await;
    }
    let org_name = resolver.organization(event, link).await?;
    let team = resolver.team(event, link, configured_team).await?;
    let contact = resolver.contact(event, link).await?;
    let (service, service_element) = resolver.service(event, link).await?;
    let ci = resolver.ci(event).await?;
    Ok(Resolution {
        org: link.org.clone(),
        org_name,
        refs: Refs { team, contact, service, service_element, ci },
        warnings: resolver.warnings,
    })
}

struct Resolver<'a> {
    catalog: &'a Catalog,
    org: &'a OrgId,
    federated: Option<&'a ObjectId>,
    doubts: &'a Doubts,
    warnings: Vec<Notice>,
}

impl Resolver<'_> {
    /// The name of the organization, which must still be there.
    async fn organization(
        &mut self,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<String, ResolveError> {
        let company = &event.company;
        if let (Some(id), Some(sent), Some(known)) = (&company.id, &company.name, &link.name)
            && link.key.site.is_none()
            && !names::same(known, sent)
        {
            self.warnings.push(Notice::CompanyCalledOtherwise {
                id: id.clone(),
                product: event.product().to_owned(),
                sent: sent.clone(),
                known: known.clone(),
            });
        }
        if self.doubts.is_written()
            && !self.doubts.of(RefKind::Company)
            && self.catalog.companies().if_known().await.is_none()
        {
            // iTop will tell whether it is there.
            return Ok(link.org_name.clone());
        }
        let mut reading = self.catalog.companies().get(self.freshness(RefKind::Company)).await;
        let missing = |reading: &Reading<Vec<Organization>>| {
            !reading.listed.items.iter().any(|org| org.id == link.org)
        };
        if reading.as_ref().is_ok_and(missing) {
            reading = self.catalog.companies().get(self.catalog.on_miss()).await;
        }
        let reading = reading.map_err(|error| self.required(error, RefKind::Company))?;
        if let Some(org) = reading.listed.items.iter().find(|org| org.id == link.org) {
            return Ok(org.name.clone());
        }
        let exists =
            self.catalog.organization_exists(&link.org).await.map_err(ResolveError::Way)?;
        let (organization, why) = match self.catalog.desk().name() {
            DeskName::Itop if exists => (
                "organization",
                "is no longer active in iTop (or no longer one of catalog.queries.companies): activate \
                 it there, or link the company to another one.",
            ),
            DeskName::Itop => (
                "organization",
                "iTop no longer shows: link it to another one, or let the account of the bridge see it.",
            ),
            DeskName::Salesforce => (
                "Account",
                "Salesforce no longer shows: link it to another one, or let the user of the bridge see it.",
            ),
        };
        let message = format!(
            "Company '{}' is linked to {organization} '{}' (key {}), which {why}",
            event.company.label(),
            link.org_name,
            link.org
        );
        Err(self.blocked("organization-missing", message))
    }

    /// All lists that this event needs, read together: one after another would take as long as all.
    async fn read_lists(&self, event: &Acknowledgement, link: &CompanyLink) {
        let cached = Freshness::Cached;
        let contacts = async {
            if event.contact.is_some() || link.defaults.contact.is_some() {
                let _ = self.catalog.contacts(self.org).get(cached).await;
            }
        };
        let services = async {
            if services::are_named(event, link) {
                let _ = self.catalog.services(self.org).get(cached).await;
            }
        };
        let cis = async {
            if ci::is_named(event) {
                let _ = self.catalog.cis(self.org).get(cached).await;
            }
        };
        // A failure is told by whoever needs the list, which asks for it again.
        let _ = tokio::join!(
            self.catalog.companies().get(cached),
            self.catalog.teams(self.org).get(cached),
            contacts,
            services,
            cis,
        );
    }

    /// How old the list of a reference may be.
    fn freshness(&self, kind: RefKind) -> Freshness {
        if self.doubts.of(kind) {
            Freshness::Now
        } else if self.doubts.is_written() {
            Freshness::Known
        } else {
            Freshness::Cached
        }
    }

    /// The list of a reference; `None` where it was never read, and is not needed because iTop
    /// itself will look: it is then read for those who come later.
    async fn list<L: List>(
        &self,
        kind: RefKind,
        asked: Asked<'_, L>,
    ) -> Result<Option<Reading<L>>, DeskError> {
        if self.doubts.is_written() && !self.doubts.of(kind) {
            return Ok(asked.if_known().await);
        }
        asked.get(self.freshness(kind)).await.map(Some)
    }

    /// An object that was found in a list, unless iTop has refused it twice.
    fn unless_refused(&self, kind: RefKind, named: Named) -> Result<Named, Notice> {
        let name = named.name.clone();
        match kind {
            _ if !self.doubts.excludes(kind, &named.id) => Ok(named),
            RefKind::Team => Err(Notice::TeamRefusedByItop { name }),
            _ => Err(Notice::RefusedByItop { kind, name }),
        }
    }

    fn blocked(&mut self, code: &str, message: String) -> ResolveError {
        let warnings = std::mem::take(&mut self.warnings);
        ResolveError::Blocked { problem: Problem::new(code, message), warnings }
    }

    /// A list without which there can be no ticket could not be read.
    fn required(&mut self, error: DeskError, kind: RefKind) -> ResolveError {
        let mend = error.failure().mend();
        match error.about_a_list(kind) {
            Ok(notice) => {
                let notice = notice.say_of(self.catalog.desk().name(), Language::En);
                let mend = mend.unwrap_or("Check the account's rights and catalog.queries.");
                self.blocked("list-unreadable", format!("{notice} {mend}"))
            }
            Err(error) => ResolveError::Way(error),
        }
    }

    /// A list of optional things could not be read: the ticket matters more.
    fn optional(&mut self, error: DeskError, kind: RefKind) -> Result<(), ResolveError> {
        self.warnings.push(error.about_a_list(kind).map_err(ResolveError::Way)?);
        Ok(())
    }
}

/// How a write to iTop, which alone is made without its lists, can name what is wanted without a look into one; `None` where a list is needed.
fn at_once(wanted: &Ref) -> Option<Chosen> {
    match (&wanted.id, &wanted.name) {
        (Some(id), name) => {
            let id = crate::itop::is_key(id).then(|| ObjectId::new(id.as_str()))?;
            Some(Chosen::Key { id, name: name.clone().unwrap_or_default() })
        }
        (None, Some(name)) => names::is_plain(name).then(|| Chosen::Name(name.clone())),
        (None, None) => None,
    }
}

/// What of a ticket was named without a look into a list, and bears a name that others bear too,
/// but for white space: iTop took the one that was written exactly so. The lists are waited for.
pub async fn ambiguous(catalog: &Catalog, org: &OrgId, refs: &Refs) -> Vec<Notice> {
    let mut notices = Vec::new();
    let cached = Freshness::Cached;
    for kind in [RefKind::Team, RefKind::Contact, RefKind::Service, RefKind::Ci] {
        let Some(Chosen::Name(name)) = refs.get(kind) else { continue };
        let alike = match kind {
            RefKind::Team => alike(catalog.teams(org).get(cached).await, name),
            RefKind::Contact => alike(catalog.contacts(org).get(cached).await, name),
            RefKind::Service => alike(catalog.services(org).get(cached).await, name),
            RefKind::Ci => match catalog.cis(org).get(cached).await {
                Ok(reading) => by_name(reading.listed.items.iter(), name).is_several(),
                Err(_) => false,
            },
            RefKind::Company | RefKind::ServiceElement => false,
        };
        if alike {
            notices.push(Notice::AmbiguousWhenFolded { kind, name: name.clone() });
        }
    }
    notices
}

fn alike<T: Item>(reading: Result<Reading<Vec<T>>, DeskError>, name: &str) -> bool {
    reading.is_ok_and(|reading| by_name(&reading.listed.items, name).is_several())
}

/// What a reference looks like in a sentence.
pub(crate) fn shown(wanted: &Ref) -> String {
    match (&wanted.name, &wanted.id) {
        (Some(name), Some(id)) => format!("'{name}' (key {id})"),
        (Some(name), None) => format!("'{name}'"),
        (None, Some(id)) => format!("with key {id}"),
        (None, None) => String::new(),
    }
}

/// The items of an ambiguous name.
fn several<T: Item>(items: &[T]) -> Candidates {
    Candidates::new(items.iter().map(named))
}

pub(crate) fn named(item: &impl Item) -> Named {
    Named { id: ObjectId::new(item.key()), name: item.name().to_owned() }
}
