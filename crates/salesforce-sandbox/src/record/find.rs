//! Records by id and by external id.

use serde_json::json;

use super::Work;
use crate::{
    ids,
    options::MissingSaid,
    refusal::Refusal,
    schema::{Field, Kind, Object},
    store::LIVE,
};

/// How many records have a value.
#[derive(Debug)]
pub(crate) enum Matches {
    None,
    One(String),
    Several(Vec<String>),
}

impl Work<'_> {
    /// The 18 characters of an id of this object that this user can find.
    pub(crate) fn existing(&self, object: &Object, id: &str) -> Result<String, Refusal> {
        let Some(id) = ids::long(id).filter(|id| ids::prefix(id) == object.prefix) else {
            return Err(Refusal::not_found());
        };
        match self.state.is_deleted(object, &id)? {
            Some(false) => Ok(id),
            Some(true) => Err(Refusal::deleted()),
            None => Err(Refusal::not_found()),
        }
    }

    /// The field of this name that records can be found by.
    pub(crate) fn key<'o>(&self, object: &'o Object, name: &str) -> Result<&'o Field, Refusal> {
        let seen = |field: &&Field| {
            self.state.access.sees_field(&object.name, &field.name)
                && (field.external_id || field.kind == Kind::Id)
        };
        object.field(name).filter(seen).ok_or_else(|| {
            let message =
                format!("Provided external ID field does not exist or is not accessible: {name}");
            Refusal::new(404, "NOT_FOUND", message)
        })
    }

    /// Which records have this value of an external id.
    pub(crate) fn by_external_id(
        &self,
        object: &Object,
        field: &str,
        value: &str,
    ) -> Result<Matches, Refusal> {
        let field = self.key(object, field)?;
        let value = self.value(object, field, &json!(value))?;
        let mut found = self.state.ids_by(object, field, &value, LIVE, 10)?;
        Ok(match (found.len(), found.pop()) {
            (1, Some(id)) => Matches::One(id),
            (_, Some(last)) => Matches::Several(found.into_iter().chain([last]).collect()),
            _ => Matches::None,
        })
    }

    /// 404 for a value that no record has.
    pub(crate) fn none_has(&self, field: &str) -> Refusal {
        match self.options.switches.missing {
            MissingSaid::Resource => Refusal::not_found(),
            MissingSaid::ExternalId => {
                let message = format!(
                    "Provided external ID field does not exist or is not accessible: {field}"
                );
                Refusal::new(404, "NOT_FOUND", message)
            }
        }
    }
}
