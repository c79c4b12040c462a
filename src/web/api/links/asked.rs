//! What is asked of one link among many: whose it is and what it is to be.

use serde_json_borrow::Value;

use super::apply::{Asked, Place};
use crate::{
    domain::{
        body::{Errors, FieldError, Object, expected},
        company_link::LinkKey,
        keys::{Instance, MAX_ID_CHARS, MAX_NAME_CHARS, PartyKey},
    },
    link_check::{DESK, LinkItem, MEMBERS, NameOrKey, Wish, no_member},
    web::{api::acknowledgements::parsed, auth::Caller, problem::ApiError},
};

/// What an item has beside what its link is to be.
const OF_ITEM: [&str; 4] = ["instance", "company", "site", "remove"];

/// Reads items for a caller.
pub(super) struct Reader<'c> {
    caller: &'c Caller,
    /// Where an item names none.
    instance: Instance,
}

impl<'c> Reader<'c> {
    /// `instance` is that of the request, if it names one.
    pub(super) fn new(caller: &'c Caller, instance: Option<String>) -> Result<Self, ApiError> {
        let named: Option<Instance> = parsed("instance", instance)?;
        Ok(Self { caller, instance: caller.instance(named.as_ref())? })
    }

    /// An item of a list.
    pub(super) fn item(&self, at: usize, value: &Value<'_>) -> Asked {
        let mut errors = Errors::default();
        let item = self.read(value, NameOrKey::Key, &mut errors);
        Asked { place: Place::Item(at), item: item.ok_or(errors.found) }
    }

    /// What an object asks for; `None` if something is wrong with it.
    pub(super) fn read(
        &self,
        value: &Value<'_>,
        counts: NameOrKey,
        errors: &mut Errors,
    ) -> Option<LinkItem> {
        let Value::Object(members) = value else {
            errors.push("", "type", expected("an object: a company link", value));
            return None;
        };
        let known = [&OF_ITEM[..], &MEMBERS].concat();
        for name in members.keys().filter(|name| !known.contains(name) && *name != DESK) {
            no_member(name, &known, errors);
        }
        let body = Object::root(members);
        let instance = self.instance(&body, errors);
        let company = party(&body, "company", errors);
        let company = body.require(company, "company", errors);
        let site = party(&body, "site", errors);
        let remove = body.flag("remove", errors).unwrap_or_default();
        let mut wish = if remove { None } else { Wish::read(&body, counts, errors) };
        if !errors.found.is_empty() {
            return None;
        }
        let (instance, (company, name)) = (instance?, company?);
        if !self.caller.visible().contains(instance.as_str(), Some(&company.to_string())) {
            let message = format!("this token does not see company {company}");
            errors.push("/company", "value", message);
            return None;
        }
        let (site, name) = match site {
            Some((site, name)) => (Some(site), name),
            None => (None, name),
        };
        if let Some(wish) = &mut wish {
            // The key has the name without capitals and accents.
            wish.name = wish.name.take().or(name);
        }
        Some(LinkItem { key: LinkKey { instance, company, site }, wish })
    }

    fn instance(&self, body: &Object<'_>, errors: &mut Errors) -> Option<Instance> {
        let Some(text) = body.id("instance", MAX_ID_CHARS, errors) else {
            return Some(self.instance.clone());
        };
        let named: Instance = body.parsed("instance", Some(text), errors)?;
        if self.caller.instance(Some(&named)).is_err() {
            let message = format!("this token does not speak for instance '{named}'");
            errors.push(&body.pointer("instance"), "value", message);
            return None;
        }
        Some(named)
    }
}

/// A company or site as answers write it (`id:42`, `name:demo`), as events do (`{id, name}`), or an id
/// of digits alone. A name that is not called one is refused: as an id it would link nobody.
fn party(
    body: &Object<'_>,
    member: &str,
    errors: &mut Errors,
) -> Option<(PartyKey, Option<String>)> {
    let (key, name) = match body.member(member)? {
        Value::Object(_) => {
            let (id, name) = body.id_and_name(member, errors)?;
            let key = match (&id, &name) {
                (Some(id), _) => PartyKey::id(id),
                (None, Some(name)) => PartyKey::name(name),
                (None, None) => return None,
            };
            (key, name)
        }
        Value::Number(_) => (PartyKey::id(&body.id(member, MAX_ID_CHARS, errors)?), None),
        _ => {
            let text = body.line(member, MAX_NAME_CHARS + "name:".len(), errors)?;
            if text.bytes().all(|byte| byte.is_ascii_digit()) {
                (PartyKey::id(&text), None)
            } else {
                (text.parse(), text.strip_prefix("name:").map(|name| name.trim().to_owned()))
            }
        }
    };
    match key {
        Ok(key) => Some((key, name)),
        Err(error) => {
            errors.push(&body.pointer(member), "format", format!("'{member}' {error}"));
            None
        }
    }
}

/// The member at which an error stands, as it is called in a table: `/team/id` is `team_id`.
pub(super) fn column(error: &FieldError) -> Option<String> {
    let pointer = error.pointer.strip_prefix('/')?;
    Some(match pointer.strip_suffix("/id") {
        Some(member) => format!("{member}_id"),
        None => pointer.split('/').next().unwrap_or_default().to_owned(),
    })
}
