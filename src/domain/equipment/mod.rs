//! What ServiceNav monitors, as it is kept in iTop's CMDB: one row an equipment of a company.

mod fields;
mod limit;
pub mod list;
pub mod preview;
mod row;

pub use fields::MEMBERS;
pub use limit::RetireLimit;
pub use row::{EquipmentRow, EquipmentState, Held, PROBLEM_CODES, Problem};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    hex::hex,
    keys::{EquipmentId, Instance, KeyError, PartyKey},
    priority::Criticality,
};

/// Which equipment: the same id in two companies is two of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EquipmentKey {
    /// The ServiceNav that it is of.
    pub instance: Instance,
    /// The company.
    pub company: PartyKey,
    /// Its id there.
    pub id: EquipmentId,
}

impl EquipmentKey {
    /// The key of its row in iTop's tables of data synchronization: 32 lower-case hexadecimal digits,
    /// because iTop's database takes texts for one that are not.
    #[must_use]
    pub fn primary_key(&self) -> String {
        let mut digest = Sha256::new();
        let company = self.company.to_string();
        for part in [self.instance.as_str(), &company, self.id.as_str()] {
            // With the length before it, so that no two keys are one text.
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        hex(&digest.finalize()[..16])
    }
}

/// What is told of an equipment: what iTop is wanted to hold. Its id is its key, and stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WantedEquipment")]
pub struct Equipment {
    /// Its name.
    pub name: String,
    /// Its network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// ServiceNav's category, which decides its class in iTop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Its key in iTop, where an inventory tool has written it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub itsm_id: Option<String>,
    /// The name of its site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// ServiceNav's id of its site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_id: Option<String>,
    /// How much it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<Criticality>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// What its maker calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// The family of its operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The version of its operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// When it was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_date: Option<Date>,
    /// When its warranty ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_warranty: Option<Date>,
    /// What else is said of it; may have several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Equipment {
    /// An equipment of which nothing but the name is known.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            address: None,
            category: None,
            itsm_id: None,
            site: None,
            site_id: None,
            criticality: None,
            manufacturer: None,
            model: None,
            serial_number: None,
            os: None,
            os_version: None,
            purchase_date: None,
            end_of_warranty: None,
            description: None,
        }
    }

    /// How it is stored. What is absent is left out, so that a member that a later version knows changes
    /// nothing of what has none.
    #[must_use]
    pub fn json(&self) -> String {
        // Texts and dates can always be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What is told of it, member by member, in the order in which it is stored; each as a text.
    #[must_use]
    pub fn members(&self) -> Vec<(String, String)> {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => {
                members.into_iter().map(|(name, value)| (name, text(value))).collect()
            }
            // Texts and dates can always be written as JSON.
            _ => Vec::new(),
        }
    }

    /// What is equal for two exactly if all that is told of them is; 32 bytes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.json()).into()
    }

    /// The key of its site, by which a link is looked for: by its id where it has one, else by its name.
    ///
    /// # Errors
    /// Those of the key; what [`Equipment`]s are read from never has them.
    pub fn site_key(&self) -> Option<Result<PartyKey, KeyError>> {
        let by_id = self.site_id.as_deref().map(PartyKey::id);
        by_id.or_else(|| self.site.as_deref().map(PartyKey::name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(instance: &str, company: &str, id: &str) -> EquipmentKey {
        EquipmentKey {
            instance: instance.parse().unwrap(),
            company: company.parse().unwrap(),
            id: id.parse().unwrap(),
        }
    }

    #[test]
    fn the_key_in_itop_is_of_all_three_parts() {
        let known = key("default", "id:42", "1207").primary_key();
        assert_eq!(known.len(), 32);
        assert!(known.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{known}");
        assert_eq!(known, key("default", "id:42", "1207").primary_key());
        for other in [
            key("default", "id:4", "21207"),
            key("default", "name:42", "1207"),
            key("defaul", "id:42", "1207"),
            key("default", "id:42", "1207 x"),
            key("default", "id:42", "é"),
            key("default", "id:42", "e"),
        ] {
            assert_ne!(other.primary_key(), known, "{other:?}");
        }
    }

    #[test]
    fn what_is_stored_is_read_again_and_absent_members_are_left_out() {
        let plain = Equipment::named("srv-sql-01");
        assert_eq!(plain.json(), r#"{"name":"srv-sql-01"}"#);
        let full = Equipment {
            criticality: Some(Criticality::High),
            purchase_date: Some(jiff::civil::date(2024, 2, 29)),
            description: Some("two\nlines".to_owned()),
            ..plain.clone()
        };
        assert_eq!(serde_json::from_str::<Equipment>(&full.json()).unwrap(), full);
        assert_ne!(full.hash(), plain.hash());
        assert_eq!(full.hash(), full.clone().hash());
    }
}
