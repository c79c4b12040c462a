//! Whether a mapping is decided, and fits the org.

use crate::{
    migrate::{
        mapping::{ClassMapping, Mapping, record_type},
        schema::PERMISSION_SET,
        target::order::Cycle,
    },
    salesforce::{Described, Error},
};

/// The mapping does not fit the org.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Classes refer to one another.
    #[error(transparent)]
    Cycle(#[from] Cycle),
    /// People have not decided.
    #[error("not decided yet: {}; see mapping.toml and 'migrate map --check'", .0.join(", "))]
    Undecided(Vec<String>),
    /// The org lacks something.
    #[error(
        "{object} has no field {field} for the user of the bridge: 'migrate schema --deploy' makes it, and the \
         permission set {set}, assigned to that user, shows it",
        set = PERMISSION_SET
    )]
    NoField {
        /// The object.
        object: String,
        /// Its field.
        field: String,
    },
    /// The field of keys does not keep records apart.
    #[error("{object}.{field} is no unique external id, so that records could be made twice")]
    NoKey {
        /// The object.
        object: String,
        /// Its field.
        field: String,
    },
    /// A record type is missing.
    #[error("{class}: there is no record type {name} that the user of the bridge can use")]
    NoRecordType {
        /// The class.
        class: String,
        /// The record type.
        name: String,
    },
    /// The owner of what has none is missing.
    #[error("people.owner: there is no queue and no active user called {0}")]
    NoOwner(String),
    /// The time zone is none.
    #[error("source.zone: {0}")]
    Zone(String),
    /// The org does not answer.
    #[error("the org cannot be asked")]
    Org(#[from] Error),
}

/// What people still have to say.
pub(super) fn undecided(mapping: &Mapping) -> Vec<String> {
    let people = mapping.people.decide.iter().map(|_| "people.owner".to_owned());
    let classes = mapping.classes.iter().filter(|class| class.decide.is_some());
    let classes = classes.map(|class| class.class.clone());
    let fields = mapping.moved().flat_map(|(class, _)| {
        let open = class.rules().filter(|(_, rule)| rule.decide.is_some());
        open.map(move |(name, _)| format!("{}.{name}", class.class))
    });
    people.chain(classes).chain(fields).collect()
}

/// Whether the rules of a class fit its object.
pub(super) fn class(
    class: &ClassMapping,
    object: &str,
    described: &Described,
) -> Result<(), PlanError> {
    key(object, &class.key, described)?;
    for (name, _) in class.rules() {
        if described.field(name).is_none() {
            return Err(PlanError::NoField { object: object.to_owned(), field: name.to_owned() });
        }
    }
    if let Some(name) = &class.record_type
        && record_type(class, described).is_none()
    {
        let (class, name) = (class.class.clone(), name.clone());
        return Err(PlanError::NoRecordType { class, name });
    }
    Ok(())
}

/// Whether a field keeps records apart.
pub(super) fn key(object: &str, field: &str, described: &Described) -> Result<(), PlanError> {
    let named = || (object.to_owned(), field.to_owned());
    match described.field(field) {
        None => {
            let (object, field) = named();
            Err(PlanError::NoField { object, field })
        }
        Some(known) if !(known.external_id && known.unique && known.case_sensitive) => {
            let (object, field) = named();
            Err(PlanError::NoKey { object, field })
        }
        Some(_) => Ok(()),
    }
}
