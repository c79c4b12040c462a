//! `mapping.toml`: what becomes of what stands in iTop. People write it; `migrate map` proposes it.
//!
//! [`read()`] reads it, [`apply()`] makes a record of an object.

mod apply;
pub mod check;
mod html;
pub mod propose;
mod read;
mod rule;
mod template;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use apply::{
    Around, Code, Record, Resolve, RowProblem, Turn, apply, examine, is_published, is_taken, key,
    record_type,
};
pub use html::sanitized;
pub use read::{MappingError, read};
pub use rule::{As, FieldRule, Form, Words};
pub use template::Template;

/// The name of the file in the folder of a migration.
pub const FILE: &str = "mapping.toml";

/// The word for a class that is not moved.
const NONE: &str = "none";

/// What becomes of everything.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The iTop that is left.
    pub source: Source,
    /// Whose the records are.
    #[serde(default)]
    pub people: People,
    /// What becomes of each class. Their order says nothing.
    #[serde(default)]
    pub classes: Vec<ClassMapping>,
    /// The logs that become comments.
    #[serde(default)]
    pub logs: Vec<Logs>,
    /// What becomes of files.
    #[serde(default)]
    pub files: Files,
}

/// The iTop that is left.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its address.
    pub url: String,
    /// The time zone in which it writes dates, such as `Europe/Paris`.
    pub zone: String,
}

/// Whose the records are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// The queue or user, by id, name or user name, that owns what nobody else does. Without it the user who
    /// loads does.
    #[serde(default)]
    pub owner: Option<String>,
    /// Whether an agent is the active user with the same e-mail address.
    #[serde(default)]
    pub by_email: bool,
    /// What people have to say of it before anything is loaded.
    #[serde(default)]
    pub decide: Option<String>,
}

/// What becomes of the objects of a class.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassMapping {
    /// iTop's code of the class.
    pub class: String,
    /// The object of Salesforce, or `none`; [`ClassMapping::target`] tells them apart.
    object: String,
    /// Why it is not moved.
    #[serde(default)]
    pub leave: Option<String>,
    /// The unique, case-sensitive external id by which a record is known again. Empty for a class that is not
    /// moved, never for another.
    #[serde(default)]
    pub key: String,
    /// The name for programs of the record type of its records.
    #[serde(default)]
    pub record_type: Option<String>,
    /// Whether the fields of [`AUDIT_FIELDS`] are set; else their rules count for nothing.
    #[serde(default)]
    pub audit: bool,
    /// Only objects whose attributes have one of these values are moved.
    #[serde(default, rename = "where")]
    pub only: Values,
    /// Which articles are published when all is there; the others stay drafts.
    #[serde(default)]
    pub publish: Publish,
    /// Each field of the record, and how it is made.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldRule>,
    /// What people have to say of the class before it can be loaded.
    #[serde(default)]
    pub decide: Option<String>,
}

/// Attributes, each with the values of which it has one.
pub type Values = BTreeMap<String, Vec<String>>;

/// Which articles are published.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "true, false, or attributes with their values were expected")]
pub enum Publish {
    /// All, or none.
    All(bool),
    /// Those whose attributes have one of these values.
    Where(Values),
}

impl Default for Publish {
    fn default() -> Self {
        Self::All(false)
    }
}

/// Whether the records of an object are articles of Knowledge: an org can call it otherwise, but for its end.
#[must_use]
pub fn is_article(object: &str) -> bool {
    object.ends_with("__kav")
}

/// The fields that the org fills in by itself, and that may be set on insert alone, by whoever has the
/// permission (SALESFORCE: system fields).
pub const AUDIT_FIELDS: [&str; 4] =
    ["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"];

impl ClassMapping {
    /// The object that it becomes; `None` for a class that is not moved.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        (self.object != NONE).then_some(self.object.as_str())
    }

    /// The rules that count, with their fields.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &FieldRule)> {
        let counts = |field: &str| self.audit || !AUDIT_FIELDS.contains(&field);
        let all = self.fields.iter().map(|(field, rule)| (field.as_str(), rule));
        all.filter(move |(field, _)| counts(field))
    }

    /// Whether some of its fields are set in a second pass, when all records are there.
    #[must_use]
    pub fn has_later(&self) -> bool {
        self.rules().any(|(_, rule)| rule.later)
    }

    /// Whether some of its articles are published.
    #[must_use]
    pub fn publishes(&self) -> bool {
        self.publish != Publish::All(false)
    }

    /// The classes that its references lead to in the first pass: what must stand before it.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let first = self.rules().filter(|(_, rule)| !rule.later);
        first.flat_map(|(_, rule)| rule.refers_to()).map(String::as_str)
    }
}

/// A log whose entries become comments of the record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// The class.
    pub class: String,
    /// The attribute.
    pub log: String,
    /// Whether customers may read them.
    #[serde(default)]
    pub public: bool,
}

/// What becomes of files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Whether attachments are moved, each to the record of what it hangs on.
    #[serde(default)]
    pub attachments: bool,
}

impl Mapping {
    /// What becomes of a class, if the mapping says so.
    #[must_use]
    pub fn class(&self, class: &str) -> Option<&ClassMapping> {
        self.classes.iter().find(|mapping| mapping.class == class)
    }

    /// The classes that are moved.
    pub fn moved(&self) -> impl Iterator<Item = (&ClassMapping, &str)> {
        self.classes.iter().filter_map(|class| Some((class, class.target()?)))
    }
}
