//! Deleting, and what becomes of the children.

use serde_json::{Value, json};

use super::{Body, Work};
use crate::{
    fault::Operation,
    ids,
    refusal::Refusal,
    schema::{Object, OnDelete},
};

/// Children of a record: of which object, by which field, and their ids.
type Children<'a> = (&'a Object, String, Vec<String>);

impl Work<'_> {
    /// Deletes a record with all that goes with it, or nothing.
    pub(crate) fn delete(&self, object: &str, id: &str) -> Result<(), Refusal> {
        let object = self.object(object)?;
        let id = self.existing(object, id)?;
        if !object.deletable || !self.state.access.of(&object.name).delete {
            let message = "insufficient access rights on object id";
            return Err(Refusal::bad("INSUFFICIENT_ACCESS_OR_READONLY", message).on(&[]));
        }
        self.may_delete_article(object, &id)?;
        self.faults.refuse(Operation::Delete, &object.name, &id)?;
        self.state.atomically(|| self.remove(object, &id))
    }

    /// Deletes the record of any id.
    pub(crate) fn delete_any(&self, id: &str) -> Result<String, Refusal> {
        let malformed = || Refusal::bad("MALFORMED_ID", format!("malformed id {id}")).on(&[]);
        let long = ids::long(id).ok_or_else(malformed)?;
        let object = self.state.schema.of_id(&long).ok_or_else(malformed)?;
        self.delete(&object.name, &long).map_err(row_words)?;
        Ok(long)
    }

    pub(super) fn remove(&self, object: &Object, id: &str) -> Result<(), Refusal> {
        let restricting = self.children(object, id, OnDelete::Restrict)?;
        for (child, _, found) in &restricting {
            if !found.is_empty() {
                return Err(self.kept(object, id, child, found)?);
            }
        }
        for (child, _, found) in self.children(object, id, OnDelete::Cascade)? {
            for id in found {
                self.remove(child, &id)?;
            }
        }
        for (child, field, found) in self.children(object, id, OnDelete::SetNull)? {
            for id in found {
                let mut changes = Body::new();
                changes.insert(field.clone(), Value::Null);
                self.state.change(child, &id, &changes)?;
            }
        }
        let mut changes = Body::new();
        changes.insert("IsDeleted".to_owned(), json!(true));
        for name in ["LastModifiedDate", "SystemModstamp"] {
            changes.insert(name.to_owned(), json!(self.now));
        }
        changes.insert("LastModifiedById".to_owned(), json!(self.user));
        self.state.change(object, id, &changes)?;
        Ok(())
    }

    /// The children of a record by the fields that do so when it is deleted.
    fn children(
        &self,
        object: &Object,
        id: &str,
        which: OnDelete,
    ) -> Result<Vec<Children<'_>>, Refusal> {
        let mut children = Vec::new();
        for (child, field) in self.state.schema.children(&object.name) {
            let system = matches!(
                field.name.as_str(),
                "CreatedById" | "LastModifiedById" | "LatestPublishedVersionId"
            );
            if field.on_parent_delete != which || system {
                continue;
            }
            let found =
                self.state.ids_by(child, field, &json!(id), "\"IsDeleted\" = 0", u32::MAX)?;
            if !found.is_empty() {
                children.push((child, field.name.clone(), found));
            }
        }
        Ok(children)
    }

    fn kept(
        &self,
        object: &Object,
        id: &str,
        child: &Object,
        found: &[String],
    ) -> Result<Refusal, Refusal> {
        let name = |object: &Object, id: &str| -> Result<String, Refusal> {
            let record = self.state.row(object, id)?.unwrap_or_default();
            let field = object.name_field().and_then(|field| record.get(&field.name));
            Ok(field.and_then(Value::as_str).unwrap_or(id).to_owned())
        };
        let mut names = Vec::new();
        for id in found.iter().take(5) {
            names.push(name(child, id)?);
        }
        let message = format!(
            "Your attempt to delete {} could not be completed because it is associated with the \
             following {}s.: {}\n",
            name(object, id)?,
            child.label.to_lowercase(),
            names.join(", ")
        );
        Ok(Refusal::bad("DELETE_FAILED", message).on(&[]))
    }
}

/// What a row says where a single resource would be 404.
pub(crate) fn row_words(refusal: Refusal) -> Refusal {
    if refusal.errors.iter().any(|problem| problem.code == "NOT_FOUND") {
        return Refusal::bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").on(&[]);
    }
    refusal
}
