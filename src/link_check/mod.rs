//! Checking company links before they are kept: the organization and each default must exist and
//! belong together.

mod directory;
mod lists;
mod many;
mod wish;

use jiff::Timestamp;
use serde_json_borrow::Value;

use crate::{
    desk::{DeskError, Desks},
    domain::{
        body::{Errors, FieldError, Object, expected},
        company_link::{CompanyLink, LinkKey},
    },
};
pub(crate) use directory::Directory;
use lists::OrgLists;
pub(crate) use many::{LinkItem, check_many};
pub(crate) use wish::{NameOrKey, Wish};

/// What an administrator can say of a link; anything else is a slip that would go unnoticed.
pub(crate) const MEMBERS: [&str; 7] =
    ["organization", "tickets", "name", "team", "contact", "service", "service_element"];

/// A link that is not kept.
#[derive(Debug)]
pub(crate) enum LinkCheckError {
    /// Something in the body does not fit.
    Invalid(Vec<FieldError>),
    /// iTop could not be asked.
    Way(DeskError),
}

impl From<DeskError> for LinkCheckError {
    fn from(error: DeskError) -> Self {
        Self::Way(error)
    }
}

/// Which of several ticket systems is meant.
pub(crate) const DESK: &str = "desk";

/// Reads `{organization, tickets, name, team, contact, service, service_element}`, and `desk` where
/// there is more than one.
pub(crate) async fn check(
    desks: &Desks,
    key: LinkKey,
    body: &Value<'_>,
    now: Timestamp,
) -> Result<CompanyLink, LinkCheckError> {
    let mut errors = Errors::default();
    let wish = match body {
        Value::Object(members) => {
            for name in members.keys().filter(|name| !MEMBERS.contains(name) && *name != DESK) {
                no_member(name, &MEMBERS, &mut errors);
            }
            Wish::read(&Object::root(members), NameOrKey::Key, &mut errors)
        }
        other => {
            errors.push("", "type", expected("an object: a company link", other));
            None
        }
    };
    let Some(wish) = wish.filter(|_| errors.found.is_empty()) else {
        return Err(LinkCheckError::Invalid(errors.found));
    };
    let Some(served) = wish.served(desks, &mut errors) else {
        return Err(LinkCheckError::Invalid(errors.found));
    };
    let catalog = &served.catalog;
    let freshness = catalog.on_miss();
    let companies = catalog.companies().get(freshness).await?;
    let org = wish.organization_among(&companies.listed.items);
    let link = match wish.judged_organization(org, served.name(), &mut errors) {
        Some(org) => {
            let lists = OrgLists::read(catalog, &org.id, wish.needs(), freshness).await?;
            wish.link(key, (served.name(), org), &lists, now, &mut errors)
        }
        None => None,
    };
    link.ok_or(LinkCheckError::Invalid(errors.found))
}

/// Notes a member that there is not.
pub(crate) fn no_member(name: &str, known: &[&str], errors: &mut Errors) {
    let message = format!("'{name}' is no member of a link; known are {}", known.join(", "));
    errors.push(&format!("/{name}"), "unknown", message);
}
