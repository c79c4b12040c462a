//! Changes, by id and by external id.

use serde_json::json;

use super::{Body, Matches, Work, check::Purpose};
use crate::{fault::Operation, refusal::Refusal, schema::Object};

/// What an upsert came to.
#[derive(Debug)]
pub(crate) enum Upserted {
    /// A new record, or a changed one.
    Done { id: String, created: bool },
    /// Nothing: the value names several records.
    Several(Vec<String>),
}

impl Work<'_> {
    /// Changes a record by its id.
    pub(crate) fn update(&self, object: &str, id: &str, body: &Body) -> Result<(), Refusal> {
        let object = self.object(object)?;
        let id = self.existing(object, id)?;
        if !object.updateable || !self.state.access.of(&object.name).update {
            let message = "insufficient access rights on object id";
            return Err(Refusal::bad("INSUFFICIENT_ACCESS_OR_READONLY", message).on(&[]));
        }
        let body: Body = body
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("Id"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let values = self.taken(object, &body, Purpose::Update)?;
        self.state.atomically(|| self.change(object, &id, values, Operation::Update))
    }

    /// Changes a record as somebody does who may write every field.
    pub(crate) fn amend(&self, object: &str, id: &str, body: &Body) -> Result<(), Refusal> {
        let object = self.state.schema.object(object).ok_or_else(Refusal::not_found)?;
        let mut values = Body::new();
        for (name, raw) in body {
            let field =
                object.field(name).ok_or_else(|| Refusal::no_such_column(name, &object.name))?;
            values.insert(field.name.clone(), self.value(object, field, raw)?);
        }
        let id = crate::ids::long(id).ok_or_else(Refusal::not_found)?;
        self.state.atomically(|| self.change(object, &id, values, Operation::Update))
    }

    fn change(
        &self,
        object: &Object,
        id: &str,
        mut values: Body,
        operation: Operation,
    ) -> Result<(), Refusal> {
        let Some(old) = self.state.row(object, id)? else { return Err(Refusal::not_found()) };
        self.before_update(object, &old, &mut values)?;
        Self::complete(object, &values, Purpose::Update)?;
        self.parents_exist(object, &values)?;
        self.faults.refuse(operation, &object.name, id)?;
        self.unique(object, &values, Some(id))?;
        for (name, value) in [
            ("LastModifiedDate", &self.now),
            ("SystemModstamp", &self.now),
            ("LastModifiedById", &self.user.to_owned()),
        ] {
            values.insert(name.to_owned(), json!(value));
        }
        self.state.change(object, id, &values)?;
        Ok(())
    }

    /// Makes or changes the record with this value of an external id.
    pub(crate) fn upsert(
        &self,
        object: &str,
        field: &str,
        value: &str,
        body: &Body,
        update_only: bool,
    ) -> Result<Upserted, Refusal> {
        let name = object;
        let object = self.object(object)?;
        let id = match self.by_external_id(object, field, value)? {
            Matches::Several(ids) => return Ok(Upserted::Several(ids)),
            Matches::One(id) => id,
            Matches::None if update_only => return Err(Refusal::not_found()),
            Matches::None => {
                let mut body = body.clone();
                if let Some(key) = object.field(field) {
                    self.faults.refuse(Operation::Upsert, &object.name, "")?;
                    body.insert(key.name.clone(), json!(value));
                }
                return Ok(Upserted::Done { id: self.create(name, &body)?, created: true });
            }
        };
        let values = self.taken(object, body, Purpose::Update)?;
        self.state.atomically(|| self.change(object, &id, values, Operation::Upsert))?;
        Ok(Upserted::Done { id, created: false })
    }
}
