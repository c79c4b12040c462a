//! What everybody asks of a call that did not succeed, whichever ticket system it was to.

use super::Refused;
use crate::{
    gate::Reason,
    itop::{ItopError, TOO_MANY},
    salesforce,
};

/// A call that did not succeed, by what its caller has to decide. What only one ticket system can
/// answer is asked of its own error.
pub trait Failure: std::fmt::Display {
    /// The reason for which it closes the gate; `None` for one that concerns a single request.
    fn reason(&self) -> Option<Reason>;

    /// Whether it may be the fault of that one call, such as a word in it to which a firewall objects:
    /// a probe finds out before the gate closes.
    fn is_doubtful(&self) -> bool;

    /// Whether the account lacks a right: of a read that says nothing about the way.
    fn is_about_rights(&self) -> bool;

    /// Whether it is this machine that lacks something, whatever the ticket system does.
    fn is_of_this_machine(&self) -> bool;

    /// What an administrator does about it, where this very answer tells more than its reason.
    fn mend(&self) -> Option<&'static str>;

    /// Whether something in between objected, which may be to this very request: whether it is tells
    /// another request.
    fn may_be_about_the_request(&self) -> bool;

    /// Whether a write cannot have happened: it was never sent, or refused before it began.
    fn had_no_effect(&self) -> bool;

    /// Whether a write that ended so may still be at work there.
    fn may_still_run(&self) -> bool;

    /// Of a write to a ticket system with unique keys: why it was not done, where the way is not at fault.
    fn refused(&self) -> Option<Refused> {
        None
    }

    /// Of the same: whether it passes by itself, so that the same is to be sent again after a pause.
    fn is_passing(&self) -> bool;
}

impl Failure for ItopError {
    fn reason(&self) -> Option<Reason> {
        match self {
            // What this machine lacks says nothing about iTop.
            Self::Refused { .. } | Self::NoConnectionLeft { .. } => None,
            Self::NotAllowed { .. } => Some(Reason::WritesRefused),
            Self::BadCredentials => Some(Reason::Credentials),
            Self::ProfileMissing { .. } => Some(Reason::ProfileMissing),
            Self::Maintenance { .. } => Some(Reason::Maintenance),
            Self::Unreachable { .. }
            | Self::NoClearAnswer { .. }
            | Self::TurnedAway { status: TOO_MANY, .. } => Some(Reason::Unreachable),
            Self::TurnedAway { .. } | Self::NotItop { .. } => Some(Reason::NotItop),
        }
    }

    fn is_doubtful(&self) -> bool {
        matches!(self, Self::NoClearAnswer { .. } | Self::TurnedAway { .. } | Self::NotItop { .. })
    }

    fn is_about_rights(&self) -> bool {
        matches!(self, Self::NotAllowed { .. })
    }

    fn is_of_this_machine(&self) -> bool {
        matches!(self, Self::NoConnectionLeft { .. })
    }

    fn mend(&self) -> Option<&'static str> {
        self.mend()
    }

    fn may_be_about_the_request(&self) -> bool {
        self.may_be_about_the_request()
    }

    fn had_no_effect(&self) -> bool {
        self.had_no_effect()
    }

    fn may_still_run(&self) -> bool {
        self.may_still_run()
    }

    fn is_passing(&self) -> bool {
        self.is_passing()
    }
}

impl Failure for salesforce::Error {
    fn reason(&self) -> Option<Reason> {
        self.reason()
    }

    fn is_doubtful(&self) -> bool {
        matches!(
            self,
            Self::NoClearAnswer { .. } | Self::TurnedAway { .. } | Self::NotSalesforce { .. }
        )
    }

    fn is_about_rights(&self) -> bool {
        // What concerns one object is refused; this one concerns everything.
        false
    }

    fn is_of_this_machine(&self) -> bool {
        matches!(self, Self::NoConnectionLeft { .. })
    }

    fn mend(&self) -> Option<&'static str> {
        self.mend()
    }

    fn may_be_about_the_request(&self) -> bool {
        self.may_be_about_the_request()
    }

    fn had_no_effect(&self) -> bool {
        self.had_no_effect()
    }

    fn may_still_run(&self) -> bool {
        self.may_still_run()
    }

    fn refused(&self) -> Option<Refused> {
        Some(match self {
            Self::DuplicateValue => Refused::Taken,
            Self::Several { .. } => Refused::NotUnique,
            Self::Refused(_) | Self::Reference { .. } => Refused::ForGood(self.refused_ref()),
            _ => return None,
        })
    }

    fn is_passing(&self) -> bool {
        self.is_passing()
    }
}
