//! Who leads, where several instances may serve one database.

use schemars::JsonSchema;
use serde::Serialize;

use crate::store::{Standing, Store};

/// What an instance does beside answering.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum Role {
    /// It delivers, and whatever else is done at one place at a time.
    Leading,
    /// It waits until it may.
    Following,
}

/// Who leads; nothing of a file, which one instance alone serves.
#[derive(Default, Serialize, JsonSchema)]
pub(in crate::web) struct Leads {
    /// Where several instances may serve the database: what this one does beside answering.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// The number of the Term for which it leads: it grows each time that another instance does.
    #[serde(skip_serializing_if = "Option::is_none")]
    term: Option<i64>,
}

impl Leads {
    pub(super) fn of(store: &Store) -> Self {
        match store.standing() {
            None => Self::default(),
            Some(Standing::Following) => Self { role: Some(Role::Following), term: None },
            Some(Standing::Leading(term)) => Self { role: Some(Role::Leading), term: Some(term) },
        }
    }
}
