//! The lists of a ticket system, and the statuses of its tickets. `[catalog]` says how they are read where
//! that is for administrators to say; each takes of it what it knows.

use super::{CiList, Desk, DeskError, Organization, Person, Service, Team};
use crate::{
    config::{CatalogSection, TeamChoice},
    domain::{
        keys::{ObjectId, OrgId, TicketId},
        ticket_status::TicketStatus,
    },
};

impl Desk {
    /// All companies.
    pub async fn companies(&self, lists: &CatalogSection) -> Result<Vec<Organization>, DeskError> {
        Ok(match self {
            Self::Itop(client) => client.organizations(&lists.queries.companies).await?,
            Self::Salesforce(client) => client.companies().await?,
        })
    }

    /// Whether the account sees a company, active or not.
    pub async fn company_exists(&self, org: &OrgId) -> Result<bool, DeskError> {
        Ok(match self {
            Self::Itop(client) => client.organization_exists(org).await?,
            Self::Salesforce(client) => client.company_exists(org).await?,
        })
    }

    /// Whether each team may take the tickets of any company.
    #[must_use]
    pub fn teams_are_of_all(&self, lists: &CatalogSection) -> bool {
        match self {
            Self::Itop(_) => lists.teams == TeamChoice::All,
            Self::Salesforce(_) => true,
        }
    }

    /// The teams that may take a company's tickets; all of them without one.
    pub async fn teams(
        &self,
        lists: &CatalogSection,
        org: Option<&OrgId>,
    ) -> Result<Vec<Team>, DeskError> {
        Ok(match self {
            Self::Itop(client) => {
                let queries = &lists.queries;
                let query = if org.is_some() { &queries.teams } else { &queries.all_teams };
                client.teams(query, org).await?
            }
            Self::Salesforce(client) => client.teams().await?,
        })
    }

    /// The active contacts of a company.
    pub async fn contacts(
        &self,
        lists: &CatalogSection,
        org: &OrgId,
    ) -> Result<Vec<Person>, DeskError> {
        Ok(match self {
            Self::Itop(client) => client.contacts(&lists.queries.contacts, org).await?,
            Self::Salesforce(client) => client.contacts(org).await?,
        })
    }

    /// The services that a company has, with their elements. Where elements are of one request type or another,
    /// `request_type` finds out that of new tickets.
    pub async fn services(
        &self,
        lists: &CatalogSection,
        org: &OrgId,
        request_type: impl Future<Output = Result<&'static str, DeskError>> + Send,
    ) -> Result<Vec<Service>, DeskError> {
        Ok(match self {
            Self::Itop(client) => client.services(&lists.queries, org, request_type.await?).await?,
            Self::Salesforce(client) => client.services(org).await?,
        })
    }

    /// The CIs of a company.
    pub async fn cis(&self, lists: &CatalogSection, org: &OrgId) -> Result<CiList, DeskError> {
        Ok(match self {
            Self::Itop(client) => client.cis(&lists.queries.cis, org, lists.page_size).await?,
            Self::Salesforce(client) => client.cis(org).await?,
        })
    }

    /// The CIs of a company that have one of the keys or bear one of the names.
    pub async fn cis_called(
        &self,
        lists: &CatalogSection,
        org: &OrgId,
        keys: &[ObjectId],
        names: &[&str],
    ) -> Result<CiList, DeskError> {
        Ok(match self {
            Self::Itop(client) => client.cis_called(&lists.queries.cis, org, keys, names).await?,
            Self::Salesforce(client) => client.cis_called(org, keys, names).await?,
        })
    }

    /// The statuses of tickets of one class; one that is not there is left out.
    pub async fn statuses(
        &self,
        class: &str,
        ids: impl Iterator<Item = &TicketId> + Send,
    ) -> Result<Vec<TicketStatus>, DeskError> {
        Ok(match self {
            Self::Itop(client) => client.statuses(class, ids).await?,
            Self::Salesforce(client) => {
                let ids: Vec<_> = ids.cloned().collect();
                client.statuses(&ids).await?.into_iter().flatten().collect()
            }
        })
    }
}
