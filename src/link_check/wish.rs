//! What somebody wants a link to be, and what of it there is in iTop.

use jiff::Timestamp;
use serde_json_borrow::Value;

use super::{
    DESK,
    lists::{Needs, OrgLists},
};
use crate::{
    catalog::Reading,
    desk::{DeskName, Desks, Organization, Served},
    domain::{
        acknowledgement::{Ref, reference},
        body::{Errors, FieldError, Object},
        company_link::{CompanyLink, LinkDefaults, LinkKey},
        keys::{MAX_NAME_CHARS, OrgId},
        text::cut_chars,
    },
    resolve::{Found, Item, by_name, candidates, find, named, shown},
};

/// What is taken where an acknowledgement says nothing.
const DEFAULTS: [&str; 4] = ["team", "contact", "service", "service_element"];

/// How much of a word that is none is told.
const MOST_SHOWN: usize = 40;

/// Which of the two counts where both are given and do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameOrKey {
    /// The key: the name beside it is for people.
    Key,
    /// The name: in a table somebody has written another one and left the key, which tells only which
    /// of several with that name is meant.
    Name,
}

/// A link as somebody wants it.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The word for its ticket system.
    desk: Option<String>,
    organization: Ref,
    tickets: bool,
    /// Of the company or site in ServiceNav.
    pub(crate) name: Option<String>,
    team: Option<Ref>,
    contact: Option<Ref>,
    service: Option<Ref>,
    element: Option<Ref>,
    counts: NameOrKey,
}

impl Wish {
    /// Reads the members of an object; `None` if something is wrong.
    pub(crate) fn read(body: &Object<'_>, counts: NameOrKey, errors: &mut Errors) -> Option<Self> {
        let desk = body.line(DESK, MAX_NAME_CHARS, errors);
        let organization = reference(body, "organization", errors);
        let organization = body.require(organization, "organization", errors);
        let tickets = body.flag("tickets", errors).unwrap_or(true);
        let name = body.text("name", MAX_NAME_CHARS, errors);
        // A default that is told by neither key nor name, such as a contact by its e-mail address,
        // would silently be dropped.
        let mut wish = |member| match reference(body, member, errors) {
            None if body.member(member).is_some_and(Value::is_object) => {
                body.require(None, member, errors)
            }
            found => found,
        };
        let (team, contact) = (wish("team"), wish("contact"));
        let (service, element) = (wish("service"), wish("service_element"));
        let organization = organization?;
        Some(Self { desk, organization, tickets, name, team, contact, service, element, counts })
    }

    /// The link of a company with an organization and nothing else.
    pub(crate) fn of_organization(org: &OrgId, name: Option<String>) -> Self {
        Self {
            desk: None,
            organization: Ref { id: Some(org.to_string()), name: None },
            tickets: true,
            name,
            team: None,
            contact: None,
            service: None,
            element: None,
            counts: NameOrKey::Key,
        }
    }

    /// The ticket system that is meant: the default one where none is named.
    pub(super) fn served<'d>(&self, desks: &'d Desks, errors: &mut Errors) -> Option<&'d Served> {
        let Some(desk) = &self.desk else { return Some(desks.default()) };
        let served = DeskName::parse(desk).and_then(|desk| desks.of(desk));
        if served.is_none() {
            let names: Vec<_> = desks.iter().map(|served| served.name().code()).collect();
            let (desk, names) = (cut_chars(desk, MOST_SHOWN), names.join(" or "));
            let message = format!("'desk' must be {names}, which is served here, not '{desk}'");
            errors.push("/desk", "value", message);
        }
        served
    }

    /// Whether it is of this ticket system, if it names one.
    pub(super) fn may_be_of(&self, desk: DeskName) -> bool {
        self.desk.as_deref().is_none_or(|named| named == desk.code())
    }

    /// Leaves out what these errors say is not there; false, and all stays as it is, where one of them is not about
    /// what is taken where an acknowledgement says nothing.
    pub(crate) fn leaves_out(&mut self, errors: &[FieldError]) -> bool {
        let members: Vec<_> = errors
            .iter()
            .map(|error| error.pointer.split('/').nth(1).unwrap_or_default())
            .collect();
        let may_be = |member: &&str| DEFAULTS.contains(member);
        if members.is_empty() || !members.iter().all(may_be) {
            return false;
        }
        for member in members {
            match member {
                "team" => self.team = None,
                "contact" => self.contact = None,
                // An element without its service is none.
                "service" => (self.service, self.element) = (None, None),
                _ => self.element = None,
            }
        }
        true
    }

    /// Which organization is wanted.
    pub(super) fn organization(&self) -> (&Ref, NameOrKey) {
        (&self.organization, self.counts)
    }

    pub(super) fn organization_among<'o>(
        &self,
        organizations: &'o [Organization],
    ) -> Found<&'o Organization> {
        find_wanted(organizations, &self.organization, self.counts)
    }

    pub(super) fn judged_organization<'o>(
        &self,
        found: Found<&'o Organization>,
        desk: DeskName,
        errors: &mut Errors,
    ) -> Option<&'o Organization> {
        judge(found, &self.organization, "/organization", ("organization", desk), errors)
    }

    /// Which lists of its organization tell whether it can be had.
    pub(super) fn needs(&self) -> Needs {
        Needs {
            teams: self.team.is_some(),
            contacts: self.contact.is_some(),
            services: self.service.is_some(),
        }
    }

    /// The link, if all that it refers to is there; `lists` has what it needs.
    pub(super) fn link(
        &self,
        key: LinkKey,
        (desk, org): (DeskName, &Organization),
        lists: &OrgLists,
        now: Timestamp,
        errors: &mut Errors,
    ) -> Option<CompanyLink> {
        let before = errors.found.len();
        let of = format!("of organization '{}'", org.name);
        let mut defaults = LinkDefaults::default();
        if let (Some(team), Some(teams)) = (&self.team, &lists.teams) {
            let found = self.one(teams, team, "/team", (&format!("team {of}"), desk), errors);
            defaults.team = found.map(named);
        }
        if let (Some(contact), Some(contacts)) = (&self.contact, &lists.contacts) {
            let what = format!("active contact {of}");
            defaults.contact =
                self.one(contacts, contact, "/contact", (&what, desk), errors).map(named);
        }
        if self.service.is_none() && self.element.is_some() {
            let message = "a default service element needs its service beside it";
            errors.push("/service", "required", message);
        }
        if let (Some(service), Some(services)) = (&self.service, &lists.services) {
            let what = format!("service in a contract {of}");
            let service = self.one(services, service, "/service", (&what, desk), errors);
            if let (Some(service), Some(element)) = (service, &self.element) {
                let found = find_wanted(&service.elements, element, self.counts);
                let what = "element of that service for such tickets";
                defaults.service_element =
                    judge(found, element, "/service_element", (what, desk), errors).map(named);
            }
            defaults.service = service.map(named);
        }
        (errors.found.len() == before).then(|| CompanyLink {
            key,
            name: self.name.clone(),
            desk,
            org: org.id.clone(),
            org_name: org.name.clone(),
            tickets: self.tickets,
            defaults,
            updated_at: now,
            updated_by: None,
        })
    }

    fn one<'r, T: Item>(
        &self,
        reading: &'r Reading<Vec<T>>,
        wanted: &Ref,
        pointer: &str,
        what: (&str, DeskName),
        errors: &mut Errors,
    ) -> Option<&'r T>
    where
        &'r T: Item,
    {
        let found = find_wanted(&reading.listed.items, wanted, self.counts);
        judge(found, wanted, pointer, what, errors)
    }
}

/// Finds an item by key and name, whichever counts.
fn find_wanted<'i, T: Item>(items: &'i [T], wanted: &Ref, counts: NameOrKey) -> Found<&'i T>
where
    &'i T: Item,
{
    match (find(items, wanted), &wanted.name, counts) {
        (Found::One { renamed: true, .. }, Some(name), NameOrKey::Name) => by_name(items, name),
        (found, ..) => found,
    }
}

fn judge<'i, T: Item>(
    found: Found<&'i T>,
    wanted: &Ref,
    pointer: &str,
    (what, desk): (&str, DeskName),
    errors: &mut Errors,
) -> Option<&'i T>
where
    &'i T: Item,
{
    match found {
        Found::One { item, .. } => return Some(item),
        Found::Nothing => {
            let who = shown(wanted);
            // Without a name it is 'with key 7', which stands behind what it is.
            let who = who.strip_prefix("with ").unwrap_or(&who);
            let message = format!("{who} is no {what} in {}", desk.title());
            errors.push(pointer, "unknown", message);
        }
        Found::Several(several) => {
            let message = format!("{} is ambiguous: {}", shown(wanted), candidates(&several));
            errors.push(pointer, "ambiguous", message);
        }
    }
    None
}
