//! A call to any ticket system that did not succeed.

use super::Failure;
use crate::{
    domain::{new_ticket::RefKind, notice::Notice},
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

    /// By what its caller has to decide.
    #[must_use]
    pub fn failure(&self) -> Failure<'_> {
        match self {
            Self::Itop(error) => error.into(),
            Self::Salesforce(error) => error.into(),
        }
    }
}

impl<'e> From<&'e DeskError> for Failure<'e> {
    fn from(error: &'e DeskError) -> Self {
        error.failure()
    }
}
