//! What a body is held to before it becomes a record.

use serde_json::{Value, json};

use super::{Body, Work};
use crate::{
    ids,
    options::DuplicateSaid,
    refusal::Refusal,
    schema::{Field, Kind, Object},
    store::HELD,
};

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Insert,
    Update,
}

impl Work<'_> {
    /// The values of a body by the names of their fields, as they will be stored. Nothing is
    /// looked up but parents that are named by their external id.
    pub(super) fn taken(
        &self,
        object: &Object,
        body: &Body,
        purpose: Purpose,
    ) -> Result<Body, Refusal> {
        let access = &self.state.access;
        let seen = |field: &&Field| access.sees_field(&object.name, &field.name);
        let mut values = Body::new();
        let mut unwritable = Vec::new();
        for (name, raw) in body {
            if name == "attributes" {
                continue;
            }
            if let Some(field) = object.field(name).filter(seen) {
                let open = match purpose {
                    Purpose::Insert => {
                        field.createable || (field.audit && access.sets_audit_fields)
                    }
                    Purpose::Update => field.updateable,
                };
                if !open || !access.writes_field(&object.name, &field.name) {
                    unwritable.push(field.name.as_str());
                    continue;
                }
                values.insert(field.name.clone(), self.value(object, field, raw)?);
            } else if let (Some(field), Value::Object(parent)) =
                (object.relation(name).filter(seen), raw)
            {
                values.insert(field.name.clone(), self.parent(field, parent)?);
            } else {
                return Err(Refusal::no_such_column(name, &object.name));
            }
        }
        if unwritable.is_empty() {
            return Ok(values);
        }
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field \
             and verify that it is read/write for your profile or permission set.",
            unwritable.join(", ")
        );
        Err(Refusal::bad("INVALID_FIELD_FOR_INSERT_UPDATE", message).on(&unwritable))
    }

    /// The parent that is named by an external id: `{"Itop_Id__c": "42"}`.
    fn parent(&self, field: &Field, named: &Body) -> Result<Value, Refusal> {
        let said = named.get("attributes").and_then(|own| own["type"].as_str());
        let Some((name, value)) = named.iter().find(|(name, _)| *name != "attributes") else {
            return Ok(Value::Null);
        };
        let among = field.reference_to.iter().filter(|name| said.is_none_or(|own| own == *name));
        let parents = among.filter_map(|name| self.state.schema.object(name));
        let keyed: Vec<(&Object, &Field)> = parents
            .filter_map(|parent| parent.field(name).map(|key| (parent, key)))
            .filter(|(_, key)| key.external_id || key.kind == Kind::Id)
            .collect();
        let [(parent, key)] = keyed[..] else {
            let of = field.reference_to.first().map_or("", String::as_str);
            return Err(Refusal::no_such_column(name, of));
        };
        let value = self.value(parent, key, value)?;
        let shown = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let found = self.state.ids_by(parent, key, &value, crate::store::LIVE, 2)?;
        match found.as_slice() {
            [id] => Ok(json!(id)),
            [] => Err(Refusal::bad(
                "INVALID_FIELD",
                format!(
                    "Foreign key external ID: {shown} not found for field {} in entity {}",
                    key.name, parent.name
                ),
            )
            .on(&[])),
            _ => Err(Refusal::bad(
                "INVALID_FIELD",
                format!("More than one record found for external id field: [{}]", found.join(", ")),
            )
            .on(&[])),
        }
    }

    /// Whether all that must be said is said.
    pub(super) fn complete(
        object: &Object,
        values: &Body,
        purpose: Purpose,
    ) -> Result<(), Refusal> {
        let lacks = |field: &&Field| {
            let said = values.get(&field.name);
            match purpose {
                Purpose::Insert => field.is_required() && said.is_none_or(Value::is_null),
                Purpose::Update => {
                    !field.nillable && field.updateable && said.is_some_and(Value::is_null)
                }
            }
        };
        let missing: Vec<&str> =
            object.fields.iter().filter(lacks).map(|field| field.name.as_str()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("Required fields are missing: [{}]", missing.join(", "));
        Err(Refusal::bad("REQUIRED_FIELD_MISSING", message).on(&missing))
    }

    /// Whether all parents are there.
    pub(super) fn parents_exist(&self, object: &Object, values: &Body) -> Result<(), Refusal> {
        for (name, value) in values {
            let (Some(field), Some(id)) = (object.field(name), value.as_str()) else { continue };
            if field.kind != Kind::Reference || is_master(field, id) {
                continue;
            }
            let Some(parent) = self.state.schema.of_id(id) else { continue };
            match self.state.is_deleted(parent, id)? {
                Some(false) => {}
                Some(true) => {
                    return Err(Refusal::bad("ENTITY_IS_DELETED", "entity is deleted").on(&[]));
                }
                None if self.state.row(parent, id)?.is_some() => {
                    let message = format!(
                        "insufficient access rights on cross-reference id: {}",
                        ids::short(id)
                    );
                    let code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY";
                    return Err(Refusal::bad(code, message).on(&[]));
                }
                None => {
                    let code = "INVALID_CROSS_REFERENCE_KEY";
                    return Err(Refusal::bad(code, "invalid cross reference id").on(&[]));
                }
            }
        }
        Ok(())
    }

    /// Whether no other record holds a value that must be unique.
    pub(super) fn unique(
        &self,
        object: &Object,
        values: &Body,
        own: Option<&str>,
    ) -> Result<(), Refusal> {
        let mut held = Vec::new();
        for field in object.fields.iter().filter(|field| field.unique) {
            let Some(value) = values.get(&field.name).filter(|value| !value.is_null()) else {
                continue;
            };
            let others = self.state.ids_by(object, field, value, HELD, 2)?;
            if let Some(other) = others.iter().find(|other| Some(other.as_str()) != own) {
                let (name, id) = match self.options.switches.duplicate {
                    DuplicateSaid::Short => (field.name.as_str(), ids::short(other)),
                    DuplicateSaid::Long => (field.name.as_str(), other.as_str()),
                    DuplicateSaid::Unknown => ("<unknown>", "<unknown>"),
                };
                held.push(format!("{name} duplicates value on record with id: {id}"));
            }
        }
        if held.is_empty() {
            return Ok(());
        }
        let message = format!("duplicate value found: {}", held.join(", "));
        Err(Refusal::bad("DUPLICATE_VALUE", message).on(&[]))
    }
}

/// The record type that every object has without a row of its own.
fn is_master(field: &Field, id: &str) -> bool {
    field.name == "RecordTypeId" && id == "012000000000000AAA"
}
