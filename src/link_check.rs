//! Checking a company link before it is kept: the organization and each default must exist and
//! belong together.

use jiff::Timestamp;
use serde_json_borrow::Value;

use crate::{
    catalog::{Catalog, Reading},
    domain::{
        acknowledgement::{Ref, reference},
        body::{Errors, FieldError, Object, expected},
        company_link::{CompanyLink, LinkDefaults, LinkKey},
        keys::MAX_NAME_CHARS,
    },
    itop::ItopError,
    resolve::{Found, Item, candidates, find, named, shown},
};

/// What an administrator can say of a link; anything else is a slip that would go unnoticed.
const MEMBERS: [&str; 7] =
    ["organization", "tickets", "name", "team", "contact", "service", "service_element"];

/// A link that is not kept.
#[derive(Debug)]
pub(crate) enum LinkCheckError {
    /// Something in the body does not fit.
    Invalid(Vec<FieldError>),
    /// iTop could not be asked.
    Way(ItopError),
}

impl From<ItopError> for LinkCheckError {
    fn from(error: ItopError) -> Self {
        Self::Way(error)
    }
}

/// Reads `{organization, tickets, name, team, contact, service, service_element}`.
pub(crate) async fn check(
    catalog: &Catalog,
    key: LinkKey,
    body: &Value<'_>,
    now: Timestamp,
) -> Result<CompanyLink, LinkCheckError> {
    let mut errors = Errors::default();
    let Value::Object(members) = body else {
        errors.push("", "type", expected("an object: a company link", body));
        return Err(LinkCheckError::Invalid(errors.found));
    };
    for name in members.keys().filter(|name| !MEMBERS.contains(name)) {
        let message = format!("'{name}' is no member of a link; known are {}", MEMBERS.join(", "));
        errors.push(&format!("/{name}"), "unknown", message);
    }
    let body = Object::root(members);
    let organization = reference(&body, "organization", &mut errors);
    let organization = body.require(organization, "organization", &mut errors);
    let tickets = body.flag("tickets", &mut errors).unwrap_or(true);
    let name = body.text("name", MAX_NAME_CHARS, &mut errors);
    // A default that is told by neither key nor name, such as a contact by its e-mail address,
    // would silently be dropped.
    let mut wish = |member| match reference(&body, member, &mut errors) {
        None if body.member(member).is_some_and(Value::is_object) => {
            body.require(None, member, &mut errors)
        }
        found => found,
    };
    let (team, contact) = (wish("team"), wish("contact"));
    let (service, element) = (wish("service"), wish("service_element"));
    let Some(organization) = organization.filter(|_| errors.found.is_empty()) else {
        return Err(LinkCheckError::Invalid(errors.found));
    };

    let freshness = catalog.on_miss();
    let companies = catalog.companies().get(freshness).await?;
    let Some(org) = one(&companies, &organization, "/organization", "organization", &mut errors)
    else {
        return Err(LinkCheckError::Invalid(errors.found));
    };
    let (org_id, org_name) = (org.id.clone(), org.name.clone());
    let mut defaults = LinkDefaults::default();
    if let Some(team) = team {
        let teams = catalog.teams(&org_id).get(freshness).await?;
        defaults.team =
            one(&teams, &team, "/team", &format!("team of organization '{org_name}'"), &mut errors)
                .map(named);
    }
    if let Some(contact) = contact {
        let contacts = catalog.contacts(&org_id).get(freshness).await?;
        defaults.contact = one(
            &contacts,
            &contact,
            "/contact",
            &format!("active contact of organization '{org_name}'"),
            &mut errors,
        )
        .map(named);
    }
    if service.is_none() && element.is_some() {
        let message = "a default service element needs its service beside it";
        errors.push("/service", "required", message);
    }
    if let Some(service) = service {
        let services = catalog.services(&org_id).get(freshness).await?;
        let service = one(
            &services,
            &service,
            "/service",
            &format!("service in a contract of organization '{org_name}'"),
            &mut errors,
        );
        if let (Some(service), Some(element)) = (service, &element) {
            let found = find(&service.elements, element);
            let what = "element of that service for such tickets";
            defaults.service_element =
                judge(found, element, "/service_element", what, &mut errors).map(named);
        }
        defaults.service = service.map(named);
    }
    if !errors.found.is_empty() {
        return Err(LinkCheckError::Invalid(errors.found));
    }
    Ok(CompanyLink {
        key,
        name,
        org: org_id,
        org_name,
        tickets,
        defaults,
        updated_at: now,
        updated_by: None,
    })
}

fn one<'r, T: Item>(
    reading: &'r Reading<Vec<T>>,
    wanted: &Ref,
    pointer: &str,
    what: &str,
    errors: &mut Errors,
) -> Option<&'r T> {
    judge(find(&reading.listed.items, wanted), wanted, pointer, what, errors)
}

fn judge<'i, T: Item>(
    found: Found<&'i T>,
    wanted: &Ref,
    pointer: &str,
    what: &str,
    errors: &mut Errors,
) -> Option<&'i T> {
    match found {
        Found::One { item, .. } => return Some(item),
        Found::Nothing => {
            let message = format!("{} is no {what} in iTop", shown(wanted));
            errors.push(pointer, "unknown", message);
        }
        Found::Several(several) => {
            let message = format!("{} is ambiguous: {}", shown(wanted), candidates(&several));
            errors.push(pointer, "ambiguous", message);
        }
    }
    None
}
