//! Company or site → organization: what an administrator says once for all its acknowledgements.

#![expect(missing_docs, reason = "fields are called what they are; the others say it")]

use jiff::Timestamp;
use serde::Serialize;

use super::keys::{Instance, ObjectId, OrgId, PartyKey};

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkKey {
    pub instance: Instance,
    pub company: PartyKey,
    /// The site; `None` for the company itself.
    pub site: Option<PartyKey>,
}

/// An object of the ticket system with the name it had when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    pub id: ObjectId,
    pub name: String,
}

/// What is taken where an acknowledgement says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkDefaults {
    /// The team; also where the named one does not resolve.
    pub team: Option<Named>,
    pub contact: Option<Named>,
    pub service: Option<Named>,
    pub service_element: Option<Named>,
}

/// A company link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyLink {
    pub key: LinkKey,
    /// The name of the company or site in ServiceNav.
    pub name: Option<String>,
    pub org: OrgId,
    pub org_name: String,
    /// Whether acknowledgements become tickets.
    pub tickets: bool,
    pub defaults: LinkDefaults,
    pub updated_at: Timestamp,
    /// Who has put it; `None` where it has made itself.
    pub updated_by: Option<String>,
}

impl CompanyLink {
    /// Whether another one says the same, whenever and by whomever it was said.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let Self { key, name, org, org_name, tickets, defaults, .. } = self;
        (key, name, org, org_name, tickets, defaults)
            == (
                &other.key,
                &other.name,
                &other.org,
                &other.org_name,
                &other.tickets,
                &other.defaults,
            )
    }
}
