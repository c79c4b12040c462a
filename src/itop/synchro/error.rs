//! What can come of a request at one of the doors, by what the caller has to decide.

use crate::itop::ItopError;

/// A request at a door that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DoorError {
    /// iTop was not reached, or is under maintenance, or what stands before it has refused: nothing has
    /// happened, and it may be tried again.
    #[error("{0}")]
    Away(ItopError),
    /// The account is not let in: nothing has happened.
    #[error("iTop does not accept cmdb.user and its password: {message}")]
    NoLogin {
        /// iTop's words.
        message: String,
    },
    /// The request has more bytes than PHP takes, or than the bridge sends at once: nothing has
    /// happened, and fewer rows may pass.
    #[error("the request of {bytes} bytes is too long for iTop (post_max_size)")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// There is no such data source: nothing has happened.
    #[error("iTop has no data source with the id {source_id}")]
    NoSource {
        /// Its id.
        source_id: String,
    },
    /// The account may load rows, and may not synchronize them: what was loaded stays loaded.
    #[error("iTop does not let cmdb.user synchronize: {message}")]
    NotAllowed {
        /// iTop's words.
        message: String,
    },
    /// iTop has refused the whole request, or ended in the middle of it: what came before may have been
    /// loaded; nothing of it goes on.
    #[error("iTop refused it: {message}")]
    Refused {
        /// iTop's words.
        message: String,
    },
    /// PHP had no memory left in the middle of it: what came before has happened, the same again goes
    /// on where it ended.
    #[error("iTop ran out of memory in the middle of it: {message}")]
    NoMemory {
        /// iTop's words.
        message: String,
    },
    /// It is not known what has happened, nor whether it still goes on.
    #[error("no clear answer came from iTop: {reason}")]
    Unclear {
        /// What came instead.
        reason: String,
    },
}

impl DoorError {
    /// Whether nothing can have happened because of the request.
    #[must_use]
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::Away(_) | Self::NoLogin { .. } | Self::TooLong { .. } | Self::NoSource { .. } => {
                true
            }
            Self::NotAllowed { .. }
            | Self::Refused { .. }
            | Self::NoMemory { .. }
            | Self::Unclear { .. } => false,
        }
    }

    /// Whether it may pass by itself: the same may be asked again later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Away(_) | Self::NoMemory { .. } | Self::Unclear { .. } => true,
            Self::NoLogin { .. }
            | Self::TooLong { .. }
            | Self::NoSource { .. }
            | Self::NotAllowed { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// What an administrator does about it, where that is known.
    #[must_use]
    pub fn mend(&self) -> Option<&'static str> {
        match self {
            Self::Away(error) => error.mend(),
            Self::NoLogin { message } if message.contains("Portal user") => Some(
                "Give the account of cmdb.user the profile \"Configuration Manager\" beside \"REST \
                 Services User\", and not \"Portal user\".",
            ),
            Self::NoLogin { .. } => {
                Some("Check cmdb.user and cmdb.password, and that iTop lets that account log in.")
            }
            Self::TooLong { .. } => Some(
                "Raise post_max_size in php.ini of iTop and the limit of the web server before it, or \
                 lower cmdb.chunk.",
            ),
            Self::NoSource { .. } => {
                Some("Run \"servicenav-itop-bridge cmdb setup\" with an administrator's login.")
            }
            Self::NotAllowed { .. } => Some(
                "The data source is to be run by the account of cmdb.user: run \
                 \"servicenav-itop-bridge cmdb setup\" with an administrator's login.",
            ),
            Self::NoMemory { .. } => Some(
                "Lower cmdb.chunk, or raise memory_limit in php.ini of iTop; it goes on by itself.",
            ),
            Self::Unclear { reason } => ItopError::NoClearAnswer { reason: reason.clone() }.mend(),
            Self::Refused { .. } => None,
        }
    }
}
