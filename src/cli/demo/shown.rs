//! Which ticket systems the demo shows.

use clap::ValueEnum;

use crate::desk::DeskName;

/// What `--desk` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Shown {
    #[default]
    Itop,
    Salesforce,
    Both,
}

impl Shown {
    pub(super) fn has(self, desk: DeskName) -> bool {
        match self {
            Self::Itop => desk == DeskName::Itop,
            Self::Salesforce => desk == DeskName::Salesforce,
            Self::Both => true,
        }
    }

    /// That of companies without a link.
    pub(super) fn default_desk(self) -> DeskName {
        if self == Self::Salesforce { DeskName::Salesforce } else { DeskName::Itop }
    }

    /// That of a company which has its tickets in `of_both`, if both are shown.
    pub(super) fn desk(self, of_both: DeskName) -> DeskName {
        match self {
            Self::Both => of_both,
            one => one.default_desk(),
        }
    }
}
