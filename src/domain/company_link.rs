//! Company or site → organization: what an administrator says once for all its acknowledgements.

#![expect(missing_docs, reason = "fields are called what they are; the others say it")]

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    desk_name::DeskName,
    hex::hex,
    keys::{Instance, ObjectId, OrgId, PartyKey},
};

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkKey {
    pub instance: Instance,
    pub company: PartyKey,
    /// The site; `None` for the company itself.
    pub site: Option<PartyKey>,
}

/// An object of the ticket system with the name it had when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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
    /// Where its tickets go: what it names below are objects there.
    pub desk: DeskName,
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
        let Self { key, name, desk, org, org_name, tickets, defaults, .. } = self;
        (key, name, desk, org, org_name, tickets, defaults)
            == (
                &other.key,
                &other.name,
                &other.desk,
                &other.org,
                &other.org_name,
                &other.tickets,
                &other.defaults,
            )
    }

    /// What it says, in short: two of one version say the same, by the keys of what they name.
    #[must_use]
    pub fn version(&self) -> String {
        let LinkDefaults { team, contact, service, service_element } = &self.defaults;
        let id = |named: &Option<Named>| named.as_ref().map(|named| named.id.clone());
        let defaults = [team, contact, service, service_element].map(id);
        let mut says =
            vec![json!(self.name), json!(self.org), json!(self.tickets), json!(defaults)];
        // A link to iTop keeps the version that it had before there was another ticket system.
        if self.desk != DeskName::Itop {
            says.push(json!(self.desk));
        }
        short(&json!(says).to_string())
    }
}

/// What somebody knows of a link who changes it: if that is no longer so, it stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    #[default]
    Anything,
    /// There is none.
    Nothing,
    /// There is one.
    Something,
    /// It has one of these versions.
    OneOf(Vec<String>),
}

impl Expected {
    /// Whether it is so.
    #[must_use]
    pub fn is(&self, present: Option<&CompanyLink>) -> bool {
        match (self, present) {
            (Self::Anything, _) | (Self::Nothing, None) | (Self::Something, Some(_)) => true,
            (Self::OneOf(versions), Some(link)) => versions.contains(&link.version()),
            (Self::Nothing, Some(_)) | (Self::Something | Self::OneOf(_), None) => false,
        }
    }
}

/// A text in 16 digits.
pub(crate) fn short(text: &str) -> String {
    hex(&Sha256::digest(text)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str) -> CompanyLink {
        CompanyLink {
            key: LinkKey {
                instance: Instance::default(),
                company: PartyKey::name("acme").unwrap(),
                site: None,
            },
            name: Some(name.to_owned()),
            desk: DeskName::Itop,
            org: OrgId::new("3"),
            org_name: "Demo".to_owned(),
            tickets: true,
            defaults: LinkDefaults::default(),
            updated_at: Timestamp::UNIX_EPOCH,
            updated_by: None,
        }
    }

    #[test]
    fn what_is_expected_is_what_it_says() {
        let known = link("ACME");
        // Who says the same again changes nothing.
        let again = CompanyLink { updated_by: Some("jean".to_owned()), ..known.clone() };
        let version = Expected::OneOf(vec!["0".to_owned(), known.version()]);
        assert!(version.is(Some(&again)));
        for other in [
            link("ACME 2"),
            CompanyLink { tickets: false, ..known.clone() },
            CompanyLink { org: OrgId::new("4"), ..known.clone() },
            CompanyLink { desk: DeskName::Salesforce, ..known.clone() },
        ] {
            assert!(!version.is(Some(&other)), "{other:?}");
        }
        assert!(!version.is(None));
        assert!(Expected::Anything.is(None) && Expected::Anything.is(Some(&known)));
        assert!(Expected::Nothing.is(None) && !Expected::Nothing.is(Some(&known)));
        assert!(!Expected::Something.is(None) && Expected::Something.is(Some(&known)));
    }
}
