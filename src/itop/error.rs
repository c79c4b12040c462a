//! What can come of a call to iTop, by what the caller has to decide.

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItopError {
    /// iTop answered and refused this very request; its words say why.
    #[error("iTop refused it (code {code}): {message}")]
    Refused {
        /// The `code` of the answer: 100 for anything thrown, or a MySQL number.
        code: i64,
        /// iTop's words, cut.
        message: String,
    },
    /// The account lacks a right, or iTop is read-only: both read the same (ITOP.md, "Protocol").
    #[error("iTop does not allow it: {message}")]
    NotAllowed {
        /// iTop's words, cut.
        message: String,
    },
    /// User, password or token is wrong.
    #[error("iTop does not accept the credentials of the bridge")]
    BadCredentials,
    /// The account may not use the web services.
    #[error("the account of the bridge lacks the profile \"REST Services User\": {message}")]
    ProfileMissing {
        /// iTop's words, cut.
        message: String,
    },
    /// iTop is under maintenance.
    #[error("iTop is under maintenance: {message}")]
    Maintenance {
        /// iTop's words, cut.
        message: String,
    },
    /// The request was never sent: the connection could not be made.
    #[error("iTop cannot be reached: {reason}")]
    Unreachable {
        /// What the connection said.
        reason: String,
    },
    /// The request was sent and no clear answer came: a write may have happened or may still.
    #[error("no clear answer came from iTop: {reason}")]
    NoClearAnswer {
        /// What came instead.
        reason: String,
    },
    /// Something answered that is not iTop's REST service: another page, a redirect, other JSON.
    #[error("this is not the REST service of iTop: {reason}")]
    NotItop {
        /// What came instead.
        reason: String,
    },
}

impl ItopError {
    /// Whether iTop itself has answered, so that a write can no longer be running.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::NotAllowed { .. }
            | Self::BadCredentials
            | Self::ProfileMissing { .. }
            | Self::Maintenance { .. } => true,
            Self::Unreachable { .. } | Self::NoClearAnswer { .. } | Self::NotItop { .. } => false,
        }
    }

    /// Whether iTop refused for a reason that passes by itself: its database was busy,
    /// restarting, full, read-only after a failover, or out of connections. The numbers are MySQL's own.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                code: 1021
                    | 1040
                    | 1053
                    | 1114
                    | 1129
                    | 1203
                    | 1205
                    | 1213
                    | 1226
                    | 1290
                    | 1836
                    | 2002
                    | 2003
                    | 2006
                    | 2013,
                ..
            }
        )
    }

    /// Whether a write cannot have happened: it was never sent, or refused before it began.
    #[must_use]
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::NotAllowed { .. }
            | Self::BadCredentials
            | Self::ProfileMissing { .. }
            | Self::Maintenance { .. }
            | Self::Unreachable { .. } => true,
            // Code 100 does not prove that nothing was created: triggers run after the commit.
            Self::Refused { .. } | Self::NoClearAnswer { .. } | Self::NotItop { .. } => false,
        }
    }
}
