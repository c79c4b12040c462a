//! A new record.

use serde_json::{Value, json};

use super::{Body, Work, check::Purpose};
use crate::{fault::Operation, refusal::Refusal, schema::Object, store};

impl Work<'_> {
    /// Makes a record and says its id, or makes nothing.
    pub(crate) fn create(&self, object: &str, body: &Body) -> Result<String, Refusal> {
        let object = self.object(object)?;
        if !object.createable || !self.state.access.of(&object.name).create {
            let message = format!("entity type {} cannot be inserted", object.label);
            return Err(Refusal::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message).on(&[]));
        }
        let values = self.taken(object, body, Purpose::Insert)?;
        self.state.atomically(|| self.insert(object, values))
    }

    /// Makes a record as an administrator does who may write every field.
    pub(crate) fn plant(&self, object: &str, body: &Body) -> Result<String, Refusal> {
        let object = self.state.schema.object(object).ok_or_else(Refusal::not_found)?;
        let mut values = Body::new();
        for (name, raw) in body {
            let field =
                object.field(name).ok_or_else(|| Refusal::no_such_column(name, &object.name))?;
            values.insert(field.name.clone(), self.value(object, field, raw)?);
        }
        self.state.atomically(|| self.insert(object, values))
    }

    pub(super) fn insert(&self, object: &Object, mut values: Body) -> Result<String, Refusal> {
        self.before_insert(object, &mut values)?;
        Self::complete(object, &values, Purpose::Insert)?;
        self.parents_exist(object, &values)?;
        let locked = first_parent(object, &values);
        self.faults.refuse(Operation::Create, &object.name, &locked)?;
        self.duplicates(object, &values)?;
        self.unique(object, &values, None)?;
        let mut record = Body::new();
        for field in &object.fields {
            let value = match values.remove(&field.name) {
                Some(value) if !value.is_null() || !field.defaulted_on_create => value,
                said => match (&field.auto_number, &field.default) {
                    (Some(format), _) => json!(self.state.next_number(&object.name, format)?),
                    (None, Some(default)) if said.is_none() || !field.nillable => default.clone(),
                    _ => store::empty(field),
                },
            };
            record.insert(field.name.clone(), value);
        }
        let id = self.state.next_id(&object.prefix)?;
        record.insert("Id".to_owned(), json!(id));
        // The name of an object of one's own is its id where nobody says another.
        let named = object.field("Name").filter(|name| object.custom && name.defaulted_on_create);
        if let Some(name) = named.and_then(|name| record.get_mut(&name.name))
            && name.is_null()
        {
            *name = json!(id);
        }
        for (name, value) in [
            ("CreatedDate", &self.now),
            ("LastModifiedDate", &self.now),
            ("SystemModstamp", &self.now),
            ("CreatedById", &self.user.to_owned()),
            ("LastModifiedById", &self.user.to_owned()),
        ] {
            let slot = record.entry(name).or_insert(Value::Null);
            if slot.is_null() {
                *slot = json!(value);
            }
        }
        self.state.insert(object, &record)?;
        self.after_insert(object, &id, &record)?;
        Ok(id)
    }
}

/// The record that a lock would be on: the first parent that is named.
fn first_parent(object: &Object, values: &Body) -> String {
    let parents = ["AccountId", "ContactId", "ParentId"];
    let named = parents.iter().find_map(|name| values.get(*name).and_then(Value::as_str));
    named.map_or_else(|| format!("{}xx0000000001AAA", object.prefix), ToOwned::to_owned)
}
