//! Objects and fields, declared as data: those of the standard, and what was deployed.

mod build;
mod describe;
mod standard;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::{
    describe::{describe, describe_all},
    standard::standard,
};

/// One object, such as Case.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of describe by that name")]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) prefix: String,
    pub(crate) custom: bool,
    pub(crate) createable: bool,
    pub(crate) updateable: bool,
    pub(crate) deletable: bool,
    pub(crate) fields: Vec<Field>,
}

/// One field of an object.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of describe by that name")]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) kind: Kind,
    /// In characters; 0 where the kind has none.
    pub(crate) length: u32,
    pub(crate) nillable: bool,
    pub(crate) createable: bool,
    pub(crate) updateable: bool,
    pub(crate) defaulted_on_create: bool,
    pub(crate) external_id: bool,
    pub(crate) unique: bool,
    pub(crate) case_sensitive: bool,
    pub(crate) filterable: bool,
    pub(crate) custom: bool,
    /// Rich text.
    pub(crate) html: bool,
    /// Bytes are counted, not characters.
    pub(crate) length_in_bytes: bool,
    /// What a new record has where nothing is said.
    pub(crate) default: Option<Value>,
    /// The format of an automatic number, such as `{00000000}`.
    pub(crate) auto_number: Option<String>,
    pub(crate) values: Vec<Entry>,
    /// Other values are refused; else they are accepted and grow an inactive value.
    pub(crate) restricted: bool,
    pub(crate) reference_to: Vec<String>,
    /// The name by which queries go to the parent.
    pub(crate) relationship: Option<String>,
    /// The name by which the parent knows its children.
    pub(crate) children: Option<String>,
    pub(crate) on_parent_delete: OnDelete,
    /// Writable on insert with the permission to set audit fields.
    pub(crate) audit: bool,
}

/// What becomes of a record whose parent is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum OnDelete {
    /// It loses its parent.
    #[default]
    SetNull,
    /// It keeps its parent from being deleted.
    Restrict,
    /// It is deleted as well.
    Cascade,
}

/// One value of a picklist.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) value: String,
    pub(crate) active: bool,
    pub(crate) default: bool,
    /// Of Case.Status: whether the Case is closed then.
    pub(crate) closed: bool,
}

/// The type of a field, in the words of describe.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Id,
    String,
    TextArea,
    Picklist,
    Boolean,
    Int,
    Double,
    Date,
    DateTime,
    Email,
    Phone,
    Url,
    Reference,
    Base64,
}

impl Kind {
    /// As describe says it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::String => "string",
            Self::TextArea => "textarea",
            Self::Picklist => "picklist",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Reference => "reference",
            Self::Base64 => "base64",
        }
    }
}

impl Field {
    /// Whether nobody else fills it in and it may not be empty.
    pub(crate) fn is_required(&self) -> bool {
        !self.nillable && self.createable && !self.defaulted_on_create && self.kind != Kind::Boolean
    }
}

impl Object {
    /// The field of this name in any case, as names in requests are taken.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The field by whose relationship name a parent is reached.
    pub(crate) fn relation(&self, name: &str) -> Option<&Field> {
        let called = |field: &&Field| {
            field.relationship.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        self.fields.iter().find(called)
    }

    /// The field that names a record for people.
    pub(crate) fn name_field(&self) -> Option<&Field> {
        let candidates = ["Name", "CaseNumber", "Title", "MasterLabel"];
        candidates.iter().find_map(|name| self.field(name))
    }
}

/// All objects of an org.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) objects: Vec<Object>,
}

impl Schema {
    /// The object of this name in any case.
    pub(crate) fn object(&self, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn object_mut(&mut self, name: &str) -> Option<&mut Object> {
        self.objects.iter_mut().find(|object| object.name.eq_ignore_ascii_case(name))
    }

    /// The object whose records have ids like this one.
    pub(crate) fn of_id(&self, id: &str) -> Option<&Object> {
        let prefix = crate::ids::prefix(id);
        self.objects.iter().find(|object| !prefix.is_empty() && object.prefix == prefix)
    }

    /// Each field that points to `parent`, with its object.
    pub(crate) fn children(&self, parent: &str) -> impl Iterator<Item = (&Object, &Field)> {
        let parent = parent.to_owned();
        self.objects
            .iter()
            .flat_map(|object| object.fields.iter().map(move |field| (object, field)))
            .filter(move |(_, field)| field.reference_to.contains(&parent))
    }
}
