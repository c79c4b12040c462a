//! What an event refers to: by id, by name, or both.

use serde_json_borrow::Value;

use super::{ContactRef, Party, Ref};
use crate::domain::{
    body::{Errors, Object},
    keys::{MAX_NAME_CHARS, PartyKey},
};

/// Something in iTop: a name, or `{id, name}`.
pub(crate) fn reference(body: &Object<'_>, name: &str, errors: &mut Errors) -> Option<Ref> {
    match body.id_and_name(name, errors)? {
        (None, None) => None,
        (id, name) => Some(Ref { id, name }),
    }
}

/// A company or a site of ServiceNav.
pub(super) fn party(body: &Object<'_>, member: &str, errors: &mut Errors) -> Option<Party> {
    let (id, name) = body.id_and_name(member, errors)?;
    let key = match (&id, &name) {
        (Some(id), _) => PartyKey::id(id),
        (None, Some(name)) => PartyKey::name(name),
        (None, None) => return None,
    };
    match key {
        Ok(key) => Some(Party { key, id, name }),
        Err(error) => {
            errors.push(&body.pointer(member), "format", format!("'{member}' {error}"));
            None
        }
    }
}

/// A person, who may be told by an e-mail address.
pub(super) fn contact(body: &Object<'_>, errors: &mut Errors) -> Option<ContactRef> {
    let (id, name) = body.id_and_name("contact", errors)?;
    let email = match body.member("contact") {
        Some(Value::Object(_)) => body
            .object("contact", errors)
            .and_then(|part| part.text("email", MAX_NAME_CHARS, errors)),
        _ => None,
    };
    let email = email.map(|email| email.trim().to_owned());
    match (&id, &name, &email) {
        (None, None, None) => None,
        _ => Some(ContactRef { id, name, email }),
    }
}
