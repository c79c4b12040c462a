//! Records as they are read.

use serde_json::{Value, json};

use super::{Body, Work};
use crate::{
    refusal::Refusal,
    schema::{Field, Kind, Object},
    store::Record,
};

impl Work<'_> {
    /// `attributes` of a record.
    pub(crate) fn attributes(&self, object: &str, id: &str) -> Value {
        json!({
            "type": object,
            "url": format!("/services/data/v{}/sobjects/{object}/{id}", self.version),
        })
    }

    /// The fields that were asked for, each once; all that this user may see where none was.
    pub(crate) fn columns<'o>(
        &self,
        object: &'o Object,
        asked: Option<&[String]>,
    ) -> Result<Vec<&'o Field>, Refusal> {
        let seen = |field: &&Field| {
            self.state.access.sees_field(&object.name, &field.name) && field.name != "Comments"
        };
        let Some(asked) = asked else { return Ok(object.fields.iter().filter(seen).collect()) };
        let mut columns: Vec<&Field> = Vec::new();
        for name in asked {
            let field = object.field(name).filter(seen).ok_or_else(|| {
                let message = format!("No such column '{name}' on sobject of type {}", object.name);
                Refusal::bad("INVALID_FIELD", message)
            })?;
            if !columns.iter().any(|column| column.name == field.name) {
                columns.push(field);
            }
        }
        Ok(columns)
    }

    /// A record with these fields, and the id, which is always there.
    pub(crate) fn show(&self, object: &Object, record: &Record, columns: &[&Field]) -> Value {
        let id = record["Id"].as_str().unwrap_or_default();
        let mut shown = Body::new();
        shown.insert("attributes".to_owned(), self.attributes(&object.name, id));
        for field in columns {
            let value = match field.kind {
                // Bytes are read by an address of their own.
                Kind::Base64 if !record[&field.name].is_null() => json!(format!(
                    "/services/data/v{}/sobjects/{}/{id}/{}",
                    self.version, object.name, field.name
                )),
                _ => record[&field.name].clone(),
            };
            shown.insert(field.name.clone(), value);
        }
        shown.entry("Id").or_insert_with(|| json!(id));
        Value::Object(shown)
    }

    /// The records of these ids in their order; null for what cannot be seen.
    pub(crate) fn retrieve(
        &self,
        object: &str,
        ids: &[String],
        fields: &[String],
    ) -> Result<Value, Refusal> {
        let object = self.object(object)?;
        let columns = self.columns(object, Some(fields))?;
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(id) = crate::ids::long(id) else {
                return Err(Refusal::bad("MALFORMED_ID", format!("malformed id {id}")).on(&[]));
            };
            let live = self.state.is_deleted(object, &id)? == Some(false);
            let record = if live { self.state.row(object, &id)? } else { None };
            let shown = record.map(|record| self.show(object, &record, &columns));
            records.push(shown.unwrap_or(Value::Null));
        }
        Ok(Value::Array(records))
    }
}
