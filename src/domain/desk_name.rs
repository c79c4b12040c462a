//! Which ticket system something is of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A ticket system. A bridge has one of each at most.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum DeskName {
    /// Combodo iTop.
    #[default]
    Itop,
    /// Salesforce Service Cloud.
    Salesforce,
}

impl DeskName {
    /// All there are, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Itop, Self::Salesforce];

    /// The word for it in the API and in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Itop => "itop",
            Self::Salesforce => "salesforce",
        }
    }

    /// Reads such a word.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|desk| desk.code() == code)
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Itop => "iTop",
            Self::Salesforce => "Salesforce",
        }
    }

    /// Whose tickets have this class: a ticket's key names its desk with it. A configuration whose iTop
    /// has the class of another desk is refused.
    #[must_use]
    pub fn of_class(class: &str) -> Self {
        Self::ALL.into_iter().find(|desk| desk.class() == Some(class)).unwrap_or_default()
    }

    /// The class that all its tickets have, and no other's; none of iTop, which has what no other has.
    #[must_use]
    pub fn class(self) -> Option<&'static str> {
        match self {
            Self::Itop => None,
            Self::Salesforce => Some("Case"),
        }
    }

    /// Itself, but for iTop: what tells nothing of a desk is of iTop, as it was before there were others.
    #[must_use]
    pub fn unless_itop(self) -> Option<Self> {
        (self != Self::Itop).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        for desk in DeskName::ALL {
            assert_eq!(DeskName::parse(desk.code()), Some(desk));
            assert_eq!(serde_json::to_value(desk).unwrap(), desk.code());
        }
        assert_eq!(DeskName::parse("iTop"), None);
        let of = ["Case", "UserRequest", "Incident", "case"].map(DeskName::of_class);

        assert_eq!(of.map(DeskName::title), ["Salesforce", "iTop", "iTop", "iTop"]);
    }
}
