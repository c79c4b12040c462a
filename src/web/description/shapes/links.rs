//! Links of companies.

use jiff::Timestamp;
use schemars::JsonSchema;

use super::inbox::CompanyName;
use crate::{
    desk::DeskName,
    domain::{
        company_link::Named,
        keys::{OrgId, PartyKey},
    },
    web::api::links::{LinkChangeView, LinkOutcome},
};

/// A company link.
#[derive(JsonSchema)]
pub(in crate::web) struct Link {
    instance: String,
    company: PartyKey,
    site: Option<PartyKey>,
    /// Of the company or site in ServiceNav.
    name: Option<String>,
    /// Where its tickets go; without it to iTop.
    #[schemars(skip_serializing_if = "Option::is_none")]
    desk: Option<DeskName>,
    /// In iTop.
    organization: Organization,
    /// Whether acknowledgements become tickets.
    tickets: bool,
    /// Taken where an acknowledgement names none.
    team: Option<Named>,
    contact: Option<Named>,
    service: Option<Named>,
    service_element: Option<Named>,
    updated_at: Timestamp,
    /// Who has put it; `null` where it has made itself.
    updated_by: Option<String>,
}

#[derive(JsonSchema)]
struct Organization {
    id: OrgId,
    name: String,
}

/// A link that was put.
#[derive(JsonSchema)]
pub(in crate::web) struct PutLink {
    #[schemars(flatten)]
    link: Link,
    warnings: Vec<String>,
}

/// The link in force.
#[derive(JsonSchema)]
pub(in crate::web) struct EffectiveLink {
    #[schemars(flatten)]
    link: Link,
    /// Whether it is that of the company.
    inherited: bool,
}

/// A company that waits for a link.
#[derive(JsonSchema)]
pub(in crate::web) struct UnlinkedCompany {
    instance: String,
    company: CompanyName,
    /// How many of its acknowledgements wait.
    waiting: u64,
    /// How many were recorded without a ticket.
    recorded: u64,
    since: Timestamp,
    suggestion: Option<Suggestion>,
}

#[derive(JsonSchema)]
struct Suggestion {
    organization: SuggestedOrganization,
}

#[derive(JsonSchema)]
struct SuggestedOrganization {
    id: OrgId,
    name: String,
    code: String,
}

/// What became or would become of one link of many.
#[derive(JsonSchema)]
pub(in crate::web) struct ChangedLink {
    instance: String,
    company: PartyKey,
    site: Option<PartyKey>,
    name: Option<String>,
    outcome: LinkOutcome,
    changes: Vec<LinkChangeView>,
    /// How many acknowledgements it lets go on.
    waiting: u64,
    link: Option<Link>,
    warnings: Vec<String>,
    /// Its place in a list, from 0.
    #[schemars(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// Its line in a table, from 1.
    #[schemars(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}
