//! What an object has, for the user of the bridge: what that user may not see is absent.

use serde::Deserialize;

use super::{Client, Error, call::Call, soql};
use crate::outgoing::Use;

/// An object.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    /// Whether the user may create such records.
    #[serde(default)]
    pub createable: bool,
    /// Whether the user may change such records.
    #[serde(default)]
    pub updateable: bool,
    /// Its fields, as far as the user sees them.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// Its record types.
    #[serde(default, rename = "recordTypeInfos")]
    pub record_types: Vec<RecordType>,
    /// What refers to its records.
    #[serde(default, rename = "childRelationships")]
    pub children: Vec<Child>,
}

/// A field of another object that refers to this one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Child {
    /// The other object.
    #[serde(rename = "childSObject")]
    pub object: String,
    /// Its field.
    #[serde(default)]
    pub field: String,
    /// Whether its records go with the one that they refer to.
    #[serde(default)]
    pub cascade_delete: bool,
}

/// A field.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "as Salesforce describes it")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type, such as `string`, `picklist`, `reference`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many characters it takes.
    #[serde(default)]
    pub length: usize,
    /// Whether it may be empty.
    #[serde(default)]
    pub nillable: bool,
    /// Whether the user may set it on create.
    #[serde(default)]
    pub createable: bool,
    /// Whether the org fills it in.
    #[serde(default)]
    pub defaulted_on_create: bool,
    /// Whether it is an external id.
    #[serde(default)]
    pub external_id: bool,
    /// Whether no two records have one value.
    #[serde(default)]
    pub unique: bool,
    /// Whether capitals are told from small letters; absent where the type has none.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Whether it refuses what is not in its list.
    #[serde(default)]
    pub restricted_picklist: bool,
    /// The values of its list.
    #[serde(default)]
    pub picklist_values: Vec<PicklistValue>,
    /// The objects that it refers to.
    #[serde(default)]
    pub reference_to: Vec<String>,
}

/// A value of a picklist.
#[derive(Clone, Debug, Deserialize)]
pub struct PicklistValue {
    /// As records hold it.
    pub value: String,
    /// Whether it is offered.
    #[serde(default)]
    pub active: bool,
}

/// A record type.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordType {
    /// Its id.
    #[serde(rename = "recordTypeId")]
    pub id: String,
    /// Its name for programs.
    #[serde(default)]
    pub developer_name: String,
    /// Whether it is in use.
    #[serde(default)]
    pub active: bool,
    /// Whether the user may use it.
    #[serde(default)]
    pub available: bool,
}

impl RecordType {
    /// Whether the bridge can make records of it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.active && self.available
    }
}

impl Described {
    /// A field, if the user sees it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields that a create must have, and that nothing fills in by itself.
    pub fn mandatory(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.is_mandatory())
    }
}

impl Field {
    /// A field that may be set and has nothing special.
    #[must_use]
    pub fn new(name: &str, kind: &str, length: usize) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            length,
            nillable: false,
            createable: true,
            defaulted_on_create: false,
            external_id: false,
            unique: false,
            case_sensitive: false,
            restricted_picklist: false,
            picklist_values: Vec::new(),
            reference_to: Vec::new(),
        }
    }

    /// Whether a create must have it.
    #[must_use]
    pub fn is_mandatory(&self) -> bool {
        !self.nillable && self.createable && !self.defaulted_on_create && self.kind != "boolean"
    }

    /// Whether its list has a value, whatever the case of its letters, and offers it.
    #[must_use]
    pub fn offers(&self, value: &str) -> bool {
        self.values().any(|offered| offered.eq_ignore_ascii_case(value))
    }

    /// The values that are offered.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.picklist_values.iter().filter(|value| value.active).map(|value| value.value.as_str())
    }
}

impl Client {
    /// Describes an object.
    ///
    /// # Errors
    /// [`Error::is_missing`] where it does not exist, or not for the user of the bridge.
    pub async fn describe(&self, object: &str) -> Result<Described, Error> {
        self.described(Use::Read, object).await
    }

    pub(super) async fn described(&self, purpose: Use, object: &str) -> Result<Described, Error> {
        let path = format!("/sobjects/{}/describe", soql::in_path(object));
        let json = self.call(purpose, Call::get(path)).await?;
        Described::deserialize(json).map_err(|error| Error::NotSalesforce {
            reason: format!("the description of {object} has another form: {error}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::{answer, examples::example};

    #[test]
    fn an_object_is_read_as_it_is_described() {
        let json =
            answer::read(&example("55-describe-case-cut"), answer::Known::default()).unwrap();
        let case = Described::deserialize(json).unwrap();
        assert!(case.createable);
        let ack = case.field("Bridge_Ack__c").unwrap();
        assert!(ack.external_id && ack.unique && ack.case_sensitive && ack.length == 255);
        let priority = case.field("Priority").unwrap();
        assert!(priority.offers("high") && !priority.offers("Critical"));
        assert_eq!(case.record_types[0].developer_name, "Master");
        assert!(case.record_types[0].is_usable());
        assert_eq!(case.mandatory().count(), 0, "OwnerId is filled in by the org");
        assert!(case.field("EntitlementId").is_none());
    }
}
