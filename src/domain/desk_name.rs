//! Which ticket system something is of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A ticket system. A bridge has one of each at most.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum DeskName {
    /// Combodo iTop.
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

    /// What of it is called, for people who let the bridge through.
    #[must_use]
    pub fn api(self) -> &'static str {
        match self {
            Self::Itop => "webservices/rest.php there",
            Self::Salesforce => "the host of the org",
        }
    }

    /// What a company is there.
    #[must_use]
    pub fn company(self) -> &'static str {
        match self {
            Self::Itop => "iTop organization",
            Self::Salesforce => "Salesforce Account",
        }
    }

    /// The one whose tickets are of many classes, to which its administrators add others: a class that is no
    /// other's is one of its.
    const OF_ANY_CLASS: Self = Self::Itop;

    /// The one that a write went to of which the database says nothing: it was the only one at first.
    pub const OF_OLD: Self = Self::Itop;

    /// The class of all its tickets; none where they are of many.
    #[must_use]
    pub fn class(self) -> Option<&'static str> {
        match self {
            Self::Itop => None,
            Self::Salesforce => Some("Case"),
        }
    }

    /// Whose tickets have this class: a ticket's key names its desk with it. A configuration whose iTop
    /// has the class of another desk is refused.
    #[must_use]
    pub fn of_class(class: &str) -> Self {
        let of_it_alone = Self::ALL.into_iter().find(|desk| desk.class() == Some(class));
        of_it_alone.unwrap_or(Self::OF_ANY_CLASS)
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
        // What an administrator of iTop calls a class of his own is iTop's.
        let of = ["Case", "UserRequest", "Incident", "case", "Störung"].map(DeskName::of_class);
        assert_eq!(of.map(DeskName::title), ["Salesforce", "iTop", "iTop", "iTop", "iTop"]);
        let of_many: Vec<_> = DeskName::ALL.iter().filter(|desk| desk.class().is_none()).collect();
        assert_eq!(of_many, [&DeskName::OF_ANY_CLASS], "of two a class would tell nothing");
    }
}
