//! Standard duplicate rules, which warn and may be told to let a record through.

use serde_json::{Value, json};

use super::{Body, Work};
use crate::{
    refusal::Refusal,
    schema::Object,
    store::{LIVE, fold},
};

impl Work<'_> {
    /// What the standard duplicate rules find: an Account of the same name; a Contact of the same
    /// address, or of the same name in the same account.
    pub(super) fn duplicates(&self, object: &Object, values: &Body) -> Result<(), Refusal> {
        if !self.options.duplicate_rule || self.asked.allow_save {
            return Ok(());
        }
        let text = |name: &str| values.get(name).and_then(Value::as_str);
        let mut found = Vec::new();
        if let ("Account", Some(name), Some(field)) =
            (object.name.as_str(), text("Name"), object.field("Name"))
        {
            found = self.state.ids_by(object, field, &json!(name), LIVE, 5)?;
        }
        if object.name != "Contact" {
            return if found.is_empty() { Ok(()) } else { Err(self.similar(object, &found)) };
        }
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
        if found.is_empty() { Ok(()) } else { Err(self.similar(object, &found)) }
    }

    fn similar(&self, object: &Object, found: &[String]) -> Refusal {
        let matches: Vec<Value> = found
            .iter()
            .map(|id| {
                json!({
                    "additionalInformation": [],
                    "fieldDiffs": [],
                    "matchConfidence": 100.0,
                    "record": {"attributes": self.attributes(&object.name, id), "Id": id},
                })
            })
            .collect();
        let said = json!({
            "allowSave": true,
            "duplicateRule": format!("Standard_{}_Duplicate_Rule", object.name),
            "duplicateRuleEntityType": object.name,
            "errorMessage": "Use one of these records?",
            "matchResults": [{
                "entityType": object.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matches,
                "rule": format!("Standard_{}_Match_Rule_v1_1", object.name),
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
