//! The states of a control.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::priority::ElementType;

/// The state of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the words of Nagios and ServiceNav speak for themselves")]
pub enum ControlState {
    Ok,
    Warning,
    Critical,
    Unknown,
    Up,
    Down,
    Unreachable,
    Degraded,
    OutOfOrder,
}

impl ControlState {
    /// All states, in the order of the contract.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Warning,
        Self::Critical,
        Self::Unknown,
        Self::Up,
        Self::Down,
        Self::Unreachable,
        Self::Degraded,
        Self::OutOfOrder,
    ];

    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
            Self::Up => "UP",
            Self::Down => "DOWN",
            Self::Unreachable => "UNREACHABLE",
            Self::Degraded => "DEGRADED",
            Self::OutOfOrder => "OUT_OF_ORDER",
        }
    }

    /// Words of other engines for the states of such an element. That there is a problem tells no
    /// more than that it does not work.
    pub(super) fn other_words(element: ElementType) -> [(&'static str, Self); 3] {
        let problem = match element {
            ElementType::Equipment => Self::Down,
            ElementType::Service => Self::Critical,
            ElementType::UserService => Self::OutOfOrder,
        };
        [("CRIT", Self::Critical), ("WARN", Self::Warning), ("PROBLEM", problem)]
    }

    /// Reads the word of the contract, whatever its case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text.trim()))
    }

    /// How bad it is, 0 (well) to 3 (out of service). What cannot be told stands between a warning
    /// and what is known to be down.
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Self::Ok | Self::Up => 0,
            Self::Warning | Self::Degraded => 1,
            Self::Unknown | Self::Unreachable => 2,
            Self::Critical | Self::Down | Self::OutOfOrder => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for state in ControlState::ALL {
            assert_eq!(ControlState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(ControlState::parse(" out_of_order "), Some(ControlState::OutOfOrder));
        assert_eq!(ControlState::parse("FINE"), None);
        assert!(ControlState::Unknown.severity() < ControlState::Down.severity());
    }
}
