//! A call to any ticket system that did not succeed.

use super::{Failure, Refused};
use crate::{
    domain::{new_ticket::RefKind, notice::Notice},
    gate::Reason,
    itop::ItopError,
    salesforce,
};

/// A call that did not succeed. Whoever must know more than [`Failure`] tells speaks to one ticket
/// system alone, and has its own error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// One to iTop.
    #[error(transparent)]
    Itop(#[from] ItopError),
    /// One to Salesforce.
    #[error(transparent)]
    Salesforce(#[from] salesforce::Error),
}

impl DeskError {
    /// What to say of a list that could not be read, where asking again in a moment would give the
    /// same answer.
    ///
    /// # Errors
    /// Any other failure is given back.
    pub fn about_a_list(self, kind: RefKind) -> Result<Notice, Self> {
        match self {
            Self::Itop(error) => Ok(error.about_a_list(kind)?),
            Self::Salesforce(error) => match error {
                salesforce::Error::Refused(refusal) => {
                    Ok(Notice::ListNotAllowed { kind, words: refusal.to_string() })
                }
                salesforce::Error::TurnedAway { status, .. }
                    if error.may_be_about_the_request() =>
                {
                    Ok(Notice::ListTurnedAway { kind, status })
                }
                other => Err(other.into()),
            },
        }
    }

    fn failure(&self) -> &dyn Failure {
        match self {
            Self::Itop(error) => error,
            Self::Salesforce(error) => error,
        }
    }
}

impl Failure for DeskError {
    fn reason(&self) -> Option<Reason> {
        self.failure().reason()
    }

    fn is_doubtful(&self) -> bool {
        self.failure().is_doubtful()
    }

    fn is_about_rights(&self) -> bool {
        self.failure().is_about_rights()
    }

    fn is_of_this_machine(&self) -> bool {
        self.failure().is_of_this_machine()
    }

    fn mend(&self) -> Option<&'static str> {
        self.failure().mend()
    }

    fn may_be_about_the_request(&self) -> bool {
        self.failure().may_be_about_the_request()
    }

    fn had_no_effect(&self) -> bool {
        self.failure().had_no_effect()
    }

    fn may_still_run(&self) -> bool {
        self.failure().may_still_run()
    }

    fn refused(&self) -> Option<Refused> {
        self.failure().refused()
    }

    fn is_passing(&self) -> bool {
        self.failure().is_passing()
    }
}
