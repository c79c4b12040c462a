//! Company or site → organization: what an administrator says once for all its acknowledgements.

use jiff::Timestamp;
use serde::Serialize;

use super::keys::{Instance, ObjectId, OrgId, PartyKey};

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkKey {
    /// The instance.
    pub instance: Instance,
    /// The company.
    pub company: PartyKey,
    /// The site; `None` for the company itself.
    pub site: Option<PartyKey>,
}

/// An object of the ticket system with the name it had when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its key.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
}

/// What is taken where an acknowledgement says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkDefaults {
    /// The team; also where the named one does not resolve.
    pub team: Option<Named>,
    /// The contact.
    pub contact: Option<Named>,
    /// The service.
    pub service: Option<Named>,
    /// The service element.
    pub service_element: Option<Named>,
}

/// A company link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyLink {
    /// What it is for.
    pub key: LinkKey,
    /// The name of the company or site in ServiceNav.
    pub name: Option<String>,
    /// The organization in iTop.
    pub org: OrgId,
    /// The name of the organization.
    pub org_name: String,
    /// Whether acknowledgements become tickets.
    pub tickets: bool,
    /// What is taken where an acknowledgement says nothing.
    pub defaults: LinkDefaults,
    /// When it was last set.
    pub updated_at: Timestamp,
}
