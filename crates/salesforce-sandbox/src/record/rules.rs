//! What single objects do by themselves when a record is made or changed.

use serde_json::{Value, json};

use super::{Body, Work};
use crate::{
    refusal::Refusal,
    schema::Object,
    store::{LIVE, Record},
};

impl Work<'_> {
    pub(super) fn before_insert(&self, object: &Object, values: &mut Body) -> Result<(), Refusal> {
        let filled =
            |values: &Body, name: &str| values.get(name).is_some_and(|value| !value.is_null());
        if object.field("OwnerId").is_some_and(|field| field.createable)
            && !filled(values, "OwnerId")
        {
            values.insert("OwnerId".to_owned(), json!(self.user));
        }
        match object.name.as_str() {
            "Case" => {
                self.record_type(object, values)?;
                if !filled(values, "Status") {
                    let status = object.field("Status").and_then(|field| field.default.clone());
                    values.insert("Status".to_owned(), status.unwrap_or(Value::Null));
                }
                self.close(values, None)?;
                if let (false, Some(contact)) =
                    (filled(values, "AccountId"), id(values, "ContactId"))
                    && let Some(contacts) = self.state.schema.object("Contact")
                    && let Some(contact) = self.state.row(contacts, &contact)?
                {
                    values.insert("AccountId".to_owned(), contact["AccountId"].clone());
                }
                self.assign(values)?;
            }
            "Contact" | "User" => name(values, None),
            "Asset" if !filled(values, "AccountId") && !filled(values, "ContactId") => {
                let message = "Every asset needs an account, a contact, or both.";
                let code = "FIELD_INTEGRITY_EXCEPTION";
                return Err(Refusal::bad(code, message).on(&["AccountId", "ContactId"]));
            }
            "Entitlement" => self.entitlement(values),
            "ContentVersion" => self.new_version(values)?,
            "Knowledge__kav" => self.new_article(object, values)?,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn before_update(
        &self,
        object: &Object,
        old: &Record,
        values: &mut Body,
    ) -> Result<(), Refusal> {
        match object.name.as_str() {
            "Case" => {
                self.record_type(object, values)?;
                if values.contains_key("Status") {
                    self.close(values, Some(old))?;
                }
            }
            "Contact" | "User" => name(values, Some(old)),
            "Entitlement" => self.entitlement(values),
            "Knowledge__kav" => self.changed_article(object, old, values)?,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn after_insert(
        &self,
        object: &Object,
        id: &str,
        record: &Record,
    ) -> Result<(), Refusal> {
        if object.name == "ContentVersion" {
            self.stored_version(id, record)?;
        }
        if object.name == "Case"
            && let Some(text) = record.get("Comments").and_then(Value::as_str)
        {
            let mut comment = Body::new();
            comment.insert("ParentId".to_owned(), json!(id));
            comment.insert("CommentBody".to_owned(), json!(text));
            self.create("CaseComment", &comment)?;
            let mut gone = Body::new();
            gone.insert("Comments".to_owned(), Value::Null);
            self.state.change(object, id, &gone)?;
        }
        Ok(())
    }

    /// Whether the record type is one of this object that is active.
    fn record_type(&self, object: &Object, values: &Body) -> Result<(), Refusal> {
        let Some(said) = id(values, "RecordTypeId") else { return Ok(()) };
        let known = self.state.record_types(&object.name)?;
        if said == "012000000000000AAA"
            || known.iter().any(|(id, _, _, active)| *id == said && *active)
        {
            return Ok(());
        }
        let message = format!("Record Type ID: this ID value isn't valid for the user: {said}");
        Err(Refusal::bad("INVALID_CROSS_REFERENCE_KEY", message).on(&["RecordTypeId"]))
    }

    /// `IsClosed` follows the status, and `ClosedDate` follows it.
    fn close(&self, values: &mut Body, old: Option<&Record>) -> Result<(), Refusal> {
        let status = values.get("Status").and_then(Value::as_str).unwrap_or_default();
        let closed = self.state.is_closed(status)?;
        let was = old.is_some_and(|old| old["IsClosed"] == json!(true));
        values.insert("IsClosed".to_owned(), json!(closed));
        if closed && !was {
            let date = values.entry("ClosedDate").or_insert(Value::Null);
            if date.is_null() {
                *date = json!(self.now);
            }
        } else if !closed {
            values.insert("ClosedDate".to_owned(), Value::Null);
        }
        Ok(())
    }

    /// The active assignment rule gives the Case to its queue, unless it is told not to.
    fn assign(&self, values: &mut Body) -> Result<(), Refusal> {
        let (Some(queue), true) = (&self.options.assignment_rule, self.asked.auto_assign) else {
            return Ok(());
        };
        let Some(groups) = self.state.schema.object("Group") else { return Ok(()) };
        let Some(field) = groups.field("Name") else { return Ok(()) };
        if let Some(id) = self.state.ids_by(groups, field, &json!(queue), LIVE, 1)?.pop() {
            values.insert("OwnerId".to_owned(), json!(id));
        }
        Ok(())
    }

    fn entitlement(&self, values: &mut Body) {
        let today = self.now.get(..10).unwrap_or_default();
        let date = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
        let (start, end) = (date("StartDate"), date("EndDate"));
        let status = if !start.is_empty() && start > today {
            "Inactive"
        } else if !end.is_empty() && end < today {
            "Expired"
        } else {
            "Active"
        };
        values.insert("Status".to_owned(), json!(status));
    }
}

fn id(values: &Body, name: &str) -> Option<String> {
    values.get(name).and_then(Value::as_str).map(ToOwned::to_owned)
}

/// The name of a person is made of its parts.
fn name(values: &mut Body, old: Option<&Record>) {
    let part = |name: &str| {
        let said = values.get(name).or_else(|| old.and_then(|old| old.get(name)));
        said.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let name = format!("{} {}", part("FirstName"), part("LastName"));
    values.insert("Name".to_owned(), json!(name.trim()));
}
