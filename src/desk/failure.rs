//! What everybody asks of a call that did not succeed, whichever ticket system it was to.

use std::fmt;

use super::Refused;
use crate::{
    gate::Reason,
    itop::{ItopError, TOO_MANY},
    salesforce,
};

/// A call that did not succeed, by what its caller has to decide. What only one ticket system can
/// answer is asked of its own error.
#[derive(Clone, Copy, Debug)]
pub enum Failure<'e> {
    /// One to iTop.
    Itop(&'e ItopError),
    /// One to Salesforce.
    Salesforce(&'e salesforce::Error),
}

impl<'e> From<&'e ItopError> for Failure<'e> {
    fn from(error: &'e ItopError) -> Self {
        Self::Itop(error)
    }
}

impl<'e> From<&'e salesforce::Error> for Failure<'e> {
    fn from(error: &'e salesforce::Error) -> Self {
        Self::Salesforce(error)
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itop(error) => error.fmt(f),
            Self::Salesforce(error) => error.fmt(f),
        }
    }
}

impl Failure<'_> {
    /// The reason for which it closes the gate; `None` for one that concerns a single request.
    #[must_use]
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Itop(error) => reason_of_itop(error),
            Self::Salesforce(error) => error.reason(),
        }
    }

    /// Whether it may be the fault of that one call, such as a word in it to which a firewall objects:
    /// a probe finds out before the gate closes.
    #[must_use]
    pub fn is_doubtful(self) -> bool {
        use salesforce::Error;
        match self {
            Self::Itop(error) => matches!(
                error,
                ItopError::NoClearAnswer { .. }
                    | ItopError::TurnedAway { .. }
                    | ItopError::NotItop { .. }
            ),
            Self::Salesforce(error) => matches!(
                error,
                Error::NoClearAnswer { .. }
                    | Error::TurnedAway { .. }
                    | Error::NotSalesforce { .. }
            ),
        }
    }

    /// Whether the account lacks a right: of a read that says nothing about the way.
    #[must_use]
    pub fn is_about_rights(self) -> bool {
        match self {
            Self::Itop(error) => matches!(error, ItopError::NotAllowed { .. }),
            // What concerns one object is refused; what is not allowed there concerns everything.
            Self::Salesforce(_) => false,
        }
    }

    /// Whether it is this machine that lacks something, whatever the ticket system does.
    #[must_use]
    pub fn is_of_this_machine(self) -> bool {
        match self {
            Self::Itop(error) => matches!(error, ItopError::NoConnectionLeft { .. }),
            Self::Salesforce(error) => {
                matches!(error, salesforce::Error::NoConnectionLeft { .. })
            }
        }
    }

    /// What an administrator does about it, where this very answer tells more than its reason.
    #[must_use]
    pub fn mend(self) -> Option<&'static str> {
        match self {
            Self::Itop(error) => error.mend(),
            Self::Salesforce(error) => error.mend(),
        }
    }

    /// Whether something in between objected, which may be to this very request: whether it is tells
    /// another request.
    #[must_use]
    pub fn may_be_about_the_request(self) -> bool {
        match self {
            Self::Itop(error) => error.may_be_about_the_request(),
            Self::Salesforce(error) => error.may_be_about_the_request(),
        }
    }

    /// Whether a write cannot have happened: it was never sent, or refused before it began.
    #[must_use]
    pub fn had_no_effect(self) -> bool {
        match self {
            Self::Itop(error) => error.had_no_effect(),
            Self::Salesforce(error) => error.had_no_effect(),
        }
    }

    /// Whether it passes by itself, so that the same is to be sent again after a pause.
    #[must_use]
    pub fn is_passing(self) -> bool {
        match self {
            Self::Itop(error) => error.is_passing(),
            Self::Salesforce(error) => error.is_passing(),
        }
    }

    /// Of a write to a ticket system with unique keys: why it was not done, where the way is not at fault.
    #[must_use]
    pub fn refused(self) -> Option<Refused> {
        use salesforce::Error;
        let Self::Salesforce(error) = self else { return None };
        Some(match error {
            Error::DuplicateValue => Refused::Taken,
            Error::Several { .. } => Refused::NotUnique,
            Error::Refused(_) | Error::Reference { .. } => Refused::ForGood(error.refused_ref()),
            _ => return None,
        })
    }
}

fn reason_of_itop(error: &ItopError) -> Option<Reason> {
    match error {
        // What this machine lacks says nothing about iTop.
        ItopError::Refused { .. } | ItopError::NoConnectionLeft { .. } | ItopError::TooLate => None,
        ItopError::NotAllowed { .. } => Some(Reason::WritesRefused),
        ItopError::BadCredentials => Some(Reason::Credentials),
        ItopError::ProfileMissing { .. } => Some(Reason::ProfileMissing),
        ItopError::Maintenance { .. } => Some(Reason::Maintenance),
        ItopError::Unreachable { .. }
        | ItopError::NoClearAnswer { .. }
        | ItopError::TurnedAway { status: TOO_MANY, .. } => Some(Reason::Unreachable),
        ItopError::TurnedAway { .. } | ItopError::NotItop { .. } => Some(Reason::NotItop),
    }
}
