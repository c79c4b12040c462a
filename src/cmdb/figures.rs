//! What the federation has done, as metrics and pages of health tell it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::equipment::{EquipmentState, Held};

/// What was counted; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Figures(Arc<Mutex<Federated>>);

/// How the federation is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Federated {
    /// Equipment by state.
    pub states: Vec<OfState>,
    /// Equipment that waits for a person, by what for.
    pub held: Vec<OfHold>,
    /// Chunks of rows that were loaded.
    pub loads: u64,
    /// Rows that were loaded.
    pub rows: u64,
    /// Times that iTop was told to synchronize, and did.
    pub runs: u64,
    /// Loads and synchronizations that did not come to a clear end.
    pub failures: u64,
    /// When iTop has last synchronized.
    pub last_run_at: Option<Timestamp>,
    /// What keeps equipment from going on now.
    pub obstacle: Option<String>,
    /// Sources of which nothing is loaded until somebody says so.
    pub halts: Vec<Halt>,
}

/// How much equipment is in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OfState {
    /// The state.
    pub state: EquipmentState,
    /// How much.
    pub rows: u64,
}

/// How much equipment waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OfHold {
    /// For what.
    pub held: Held,
    /// How much.
    pub rows: u64,
}

/// A source that is halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Halt {
    /// The class of its CIs.
    pub class: String,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Figures {
    /// As they are now.
    #[must_use]
    pub fn now(&self) -> Federated {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Something was done.
    pub(super) fn note(&self, change: impl FnOnce(&mut Federated)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
