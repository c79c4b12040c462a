//! A row as it is kept: what is wanted, and how far that has come.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Equipment, EquipmentKey};
pub use crate::domain::delivery_state::Problem;

/// The codes of all problems that equipment can have.
pub const PROBLEM_CODES: [&str; 17] = [
    "adopt",
    "ci-ambiguous",
    "ci-exists",
    "ci-other-class",
    "ci-taken",
    "company-not-linked",
    "left-out",
    "load-refused",
    "move",
    "not-adopted",
    "not-as-sent",
    "not-created",
    "not-kept",
    "not-moved",
    "not-retired",
    "released",
    "retire-limit",
];

/// Where an equipment stands on its way to iTop.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EquipmentState {
    /// Never loaded.
    New,
    /// Something else is wanted than what iTop was given.
    Changed,
    /// iTop holds what is wanted: it was read back.
    Synchronized,
    /// iTop refused it; tried again when it changes, or when somebody says so.
    Failed,
    /// It is gone from its list, and its CI is still to be retired.
    Retiring,
    /// It is gone; its CI, if it had one, is retired.
    Retired,
}

impl EquipmentState {
    /// All states, in the order of a row's life.
    pub const ALL: [Self; 6] =
        [Self::New, Self::Changed, Self::Synchronized, Self::Failed, Self::Retiring, Self::Retired];

    /// The word under which it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Synchronized => "synchronized",
            Self::Failed => "failed",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// For what a person must say yes before it is done.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EquipmentHeld")]
pub enum Held {
    /// A list would retire more than the limit.
    Retire,
    /// A CI of that name exists already, and would be taken over.
    Adopt,
    /// Its CI would move to another organization.
    Move,
}

impl Held {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Retire, Self::Adopt, Self::Move];

    /// The word under which it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retire => "retire",
            Self::Adopt => "adopt",
            Self::Move => "move",
        }
    }

    /// What a word says.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|held| held.as_str() == word)
    }
}

/// A row of the federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquipmentRow {
    /// Which equipment.
    pub key: EquipmentKey,
    /// What is wanted.
    pub wanted: Equipment,
    /// [`Equipment::hash`] of it, as it was stored.
    pub wanted_hash: Vec<u8>,
    /// How far that has come.
    pub state: EquipmentState,
    /// Whether it stands in the list of its company.
    pub listed: bool,
    /// For what a person must say yes first.
    pub held: Option<Held>,
    /// Exactly what is asked, in words of whoever asks.
    pub held_for: Option<String>,
    /// What a person has said yes to: the [`Self::held_for`] of then.
    pub allowed: Option<String>,
    /// The class in whose source it is, or may be: written before a load is sent.
    pub class: Option<String>,
    /// Of class, organization and values that iTop was last given and that were read back.
    pub sent_hash: Option<Vec<u8>>,
    /// The organization that it was loaded for, as iTop numbers it.
    pub org_id: Option<String>,
    /// Class and key of its CI, read back.
    pub ci: Option<(String, String)>,
    /// Why it does not go on.
    pub problem: Option<Problem>,
    /// When the bridge was last told otherwise.
    pub changed_at: Timestamp,
    /// When iTop was last seen to hold what was wanted.
    pub synchronized_at: Option<Timestamp>,
    /// Under what a CI is made for it, or was before it was read back.
    pub begun: Option<String>,
}

impl EquipmentRow {
    /// A row of which nothing is known but what is wanted.
    #[must_use]
    pub fn new(key: EquipmentKey, wanted: Equipment) -> Self {
        Self {
            key,
            wanted_hash: wanted.hash().to_vec(),
            wanted,
            state: EquipmentState::New,
            listed: true,
            held: None,
            held_for: None,
            allowed: None,
            class: None,
            sent_hash: None,
            org_id: None,
            ci: None,
            problem: None,
            changed_at: Timestamp::UNIX_EPOCH,
            synchronized_at: None,
            begun: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for state in EquipmentState::ALL {
            assert_eq!(EquipmentState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for held in Held::ALL {
            assert_eq!(Held::parse(held.as_str()), Some(held));
            assert_eq!(serde_json::to_value(held).unwrap(), held.as_str());
        }
        assert_eq!(EquipmentState::parse("New"), None);
        assert_eq!(Held::parse(""), None);
    }
}
