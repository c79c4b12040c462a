//! From names and ids to keys of iTop, with the checks that iTop does not make: it accepts a
//! contact, team, service, element or CI of any company (ITOP.md, "Tickets"); this does not.

mod ci;
mod find;
mod people;
mod services;

pub use find::{Found, Item, by_name, candidates, find};

use crate::{
    catalog::{Catalog, Freshness, Reading},
    domain::{
        acknowledgement::{Acknowledgement, Ref},
        delivery_state::Problem,
        keys::OrgId,
    },
    itop::ItopError,
    store::{CompanyLink, Named},
};

/// Everything that a ticket refers to, checked against its company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The organization.
    pub org: OrgId,
    /// The name of the organization.
    pub org_name: String,
    /// The team.
    pub team: Named,
    /// The contact.
    pub contact: Option<Named>,
    /// The service.
    pub service: Option<Named>,
    /// The service element.
    pub service_element: Option<Named>,
    /// The CI.
    pub ci: Option<Named>,
    /// What was left out or taken otherwise than asked, a sentence each.
    pub warnings: Vec<String>,
}

/// A resolution that did not come about.
#[derive(Debug)]
pub enum ResolveError {
    /// An administrator must mend something first.
    Blocked {
        /// What.
        problem: Problem,
        /// What else was noticed.
        warnings: Vec<String>,
    },
    /// The way to iTop failed; nothing is known.
    Way(ItopError),
}

/// Resolves an event against the organization of its link.
pub async fn resolve(
    catalog: &Catalog,
    event: &Acknowledgement,
    link: &CompanyLink,
    configured_team: Option<&str>,
) -> Result<Resolution, ResolveError> {
    let mut resolver = Resolver { catalog, org: link.org, warnings: Vec::new() };
    let org_name = resolver.organization(event, link).await?;
    let team = resolver.team(event, link, configured_team).await?;
    let contact = resolver.contact(event, link).await?;
    let (service, service_element) = resolver.service(event, link).await?;
    let ci = resolver.ci(event).await?;
    Ok(Resolution {
        org: link.org,
        org_name,
        team,
        contact,
        service,
        service_element,
        ci,
        warnings: resolver.warnings,
    })
}

struct Resolver<'a> {
    catalog: &'a Catalog,
    org: OrgId,
    warnings: Vec<String>,
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
            && known != sent
        {
            self.warnings.push(format!(
                "Company {id} is called '{sent}' by ServiceNav and '{known}' in its link; the id \
                 decides."
            ));
        }
        let mut reading = self.catalog.companies(Freshness::Cached).await;
        let missing = |reading: &Reading<Vec<crate::itop::Organization>>| {
            !reading.listed.items.iter().any(|org| org.id == link.org)
        };
        if reading.as_ref().is_ok_and(missing) {
            reading = self.catalog.companies(self.catalog.on_miss()).await;
        }
        let reading = reading.map_err(|error| self.required(error, "companies"))?;
        match reading.listed.items.iter().find(|org| org.id == link.org) {
            Some(org) => Ok(org.name.clone()),
            None => Err(self.blocked(
                "organization-missing",
                format!(
                    "Company '{}' is linked to organization '{}' (key {}), which iTop no longer \
                     shows: link it to another one, or let the account of the bridge see it.",
                    event.company.label(),
                    link.org_name,
                    link.org
                ),
            )),
        }
    }

    fn blocked(&mut self, code: &str, message: String) -> ResolveError {
        let warnings = std::mem::take(&mut self.warnings);
        ResolveError::Blocked { problem: Problem::new(code, message), warnings }
    }

    /// A list without which there can be no ticket could not be read.
    fn required(&mut self, error: ItopError, list: &str) -> ResolveError {
        if concerns_the_list(&error) {
            let message = format!(
                "The list of {list} cannot be read from iTop: {error}. Check the account's \
                 rights and catalog.queries."
            );
            return self.blocked("list-unreadable", message);
        }
        ResolveError::Way(error)
    }

    /// A list of optional things could not be read: the ticket matters more.
    fn optional(&mut self, error: ItopError, list: &str) -> Result<(), ResolveError> {
        if concerns_the_list(&error) {
            self.warnings.push(format!("The list of {list} cannot be read from iTop: {error}."));
            return Ok(());
        }
        Err(ResolveError::Way(error))
    }
}

/// Whether asking again in a moment would give the same answer.
fn concerns_the_list(error: &ItopError) -> bool {
    matches!(error, ItopError::Refused { .. } | ItopError::NotAllowed { .. })
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

pub(crate) fn named(item: &impl Item) -> Named {
    Named { id: item.key(), name: item.name().to_owned() }
}
