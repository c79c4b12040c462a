//! What single objects do by themselves when a record is made or changed.

use serde_json::{Value, json};

use super::{Body, Work};
use crate::{
    refusal::Refusal,
    schema::Object,
    store::{LIVE, Record, fold},
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

    /// What the standard duplicate rule of Contact finds: the same address, or the same name in the
    /// same account.
    pub(super) fn duplicates(&self, object: &Object, values: &Body) -> Result<(), Refusal> {
        if !self.options.duplicate_rule || object.name != "Contact" || self.asked.allow_save {
            return Ok(());
        }
        let text = |name: &str| values.get(name).and_then(Value::as_str);
        let mut found = Vec::new();
        if let (Some(address), Some(field)) = (text("Email"), object.field("Email")) {
            found = self.state.ids_by(object, field, &json!(address), LIVE, 5)?;
        }
        if let (true, Some(name), Some(field)) =
            (found.is_empty(), text("LastName"), object.field("LastName"))
        {
            for id in self.state.ids_by(object, field, &json!(name), LIVE, 50)? {
                let other = self.state.row(object, &id)?.unwrap_or_default();
                let same = |name: &str| {
                    let own = text(name).unwrap_or_default();
                    fold(own) == fold(other[name].as_str().unwrap_or_default())
                };
                if same("FirstName") && same("AccountId") {
                    found.push(id);
                }
            }
        }
        if found.is_empty() { Ok(()) } else { Err(self.similar(&found)) }
    }

    fn similar(&self, found: &[String]) -> Refusal {
        let matches: Vec<Value> = found
            .iter()
            .map(|id| {
                json!({
                    "additionalInformation": [],
                    "fieldDiffs": [],
                    "matchConfidence": 100.0,
                    "record": {"attributes": self.attributes("Contact", id), "Id": id},
                })
            })
            .collect();
        let said = json!({
            "allowSave": true,
            "duplicateRule": "Standard_Contact_Duplicate_Rule",
            "duplicateRuleEntityType": "Contact",
            "errorMessage": "Use one of these records?",
            "matchResults": [{
                "entityType": "Contact",
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matches,
                "rule": "Standard_Contact_Match_Rule_v1_1",
                "size": found.len(),
                "success": true,
            }],
        });
        let member = if self.options.switches.duplicate_result_spelt_right {
            "duplicateResult"
        } else {
            "duplicateResut"
        };
        let mut refusal = Refusal::bad("DUPLICATES_DETECTED", "Use one of these records?");
        for problem in &mut refusal.errors {
            problem.more.insert(member.to_owned(), said.clone());
        }
        refusal
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
