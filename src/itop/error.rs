//! What can come of a call to iTop, by what the caller has to decide.

use super::{new_ticket::ref_of, obstacle};
use crate::{
    domain::{new_ticket::RefKind, notice::Notice},
    outgoing::{Coded, Failure},
};

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
    #[error("the account of the bridge may not use iTop's web services: {message}")]
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
    /// The request was never sent: this machine can open no further connection, whatever iTop does.
    #[error("no connection to iTop can be opened from here: {reason}")]
    NoConnectionLeft {
        /// What the system said.
        reason: String,
    },
    /// The write was never sent: it had to wait for so long that another instance of the bridge may be at it.
    #[error("it was not sent in time")]
    TooLate,
    /// The request was sent and no clear answer came: a write may have happened or may still.
    #[error("no clear answer came from iTop: {reason}")]
    NoClearAnswer {
        /// What came instead.
        reason: String,
    },
    /// Something in front of iTop refused the request in its own words: a firewall, a login of the web
    /// server, a limit. It may have looked at iTop's answer first, so that a write may have happened;
    /// but none is still running.
    #[error("iTop did not get to answer: {reason}")]
    TurnedAway {
        /// The status of HTTP, 400 to 499.
        status: u16,
        /// The status in words, and what came with it.
        reason: String,
    },
    /// Something answered that is not iTop's REST service: another page, a redirect, other JSON.
    #[error("this is not the REST service of iTop: {reason}")]
    NotItop {
        /// What came instead.
        reason: String,
    },
}

/// Too many requests: the status of a limit (RFC 6585), which the request never passed.
pub(crate) const TOO_MANY: u16 = 429;

/// What iTop says of an account that may use the portal alone (read in rest.php).
pub(super) const PORTAL_USER: &str = "Portal user is not allowed";

impl ItopError {
    /// What an administrator does about it, where this very answer tells more than its kind.
    #[must_use]
    pub fn mend(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { reason }
            | Self::NoClearAnswer { reason }
            | Self::TurnedAway { reason, .. }
            | Self::NotItop { reason } => obstacle::mend(reason),
            Self::ProfileMissing { message } if !message.contains("REST Services User") => Some(
                "Give the account the profile \"Support Agent\" (\"Service Desk Agent\" for user \
                 requests) beside \"REST Services User\", and not \"Portal user\": who may use the \
                 portal alone may not use the web services.",
            ),
            Self::NoConnectionLeft { .. } => Some(
                "Raise the limit of open files of the bridge (LimitNOFILE of its unit, nofile of its \
                 container, ulimit -n).",
            ),
            Self::ProfileMissing { .. }
            | Self::Refused { .. }
            | Self::NotAllowed { .. }
            | Self::BadCredentials
            | Self::TooLate
            | Self::Maintenance { .. } => None,
        }
    }

    /// Whether a write that ended so can no longer be running in iTop: iTop has answered, or what
    /// stands in front of it has refused.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::NotAllowed { .. }
            | Self::BadCredentials
            | Self::ProfileMissing { .. }
            | Self::Maintenance { .. }
            | Self::TurnedAway { .. } => true,
            Self::Unreachable { .. }
            | Self::NoConnectionLeft { .. }
            | Self::TooLate
            | Self::NoClearAnswer { .. }
            | Self::NotItop { .. } => false,
        }
    }

    /// Whether a write that ended so may still be at work in iTop.
    #[must_use]
    pub fn may_still_run(&self) -> bool {
        !self.has_ended() && !self.had_no_effect()
    }

    /// Whether something else than iTop objected, which may be to this very request: to a word in it,
    /// or in its answer. Whether it is tells another request.
    #[must_use]
    pub fn may_be_about_the_request(&self) -> bool {
        match self {
            Self::TurnedAway { status, .. } => *status != TOO_MANY,
            Self::NotItop { .. } => true,
            _ => false,
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

    /// What to say of a list that could not be read, where asking again in a moment would give the
    /// same answer.
    ///
    /// # Errors
    /// Any other failure is given back.
    pub fn about_a_list(self, kind: RefKind) -> Result<Notice, Self> {
        match self {
            Self::Refused { code, message } => {
                Ok(Notice::ListRefused { kind, code, words: message })
            }
            Self::NotAllowed { message } => Ok(Notice::ListNotAllowed { kind, words: message }),
            // One that passes is asked again; and where everything is turned away, the ticket will be too.
            Self::TurnedAway { status, .. } if self.may_be_about_the_request() => {
                Ok(Notice::ListTurnedAway { kind, status })
            }
            other => Err(other),
        }
    }

    /// The reference of a ticket that iTop did not accept: its query found nothing or several, the
    /// object of a bare key is gone, or nothing is left of it (ITOP.md, "What must hold can stand in
    /// the write"; recordings 099 to 105). Nothing was created then.
    #[must_use]
    pub fn refused_ref(&self) -> Option<RefKind> {
        let Self::Refused { code: 100, message } = self else { return None };
        let message = message.strip_prefix("Error: ").unwrap_or(message);
        // "caller_id: No item found for query: …": whatever was wrong with it, nothing was written.
        if let Some(kind) = message.split_once(": ").and_then(|(code, _)| ref_of(code)) {
            return Some(kind);
        }
        // "Unexpected value for attribute 'Organization' (org_id) : Null not allowed: issues = …"
        let (_, issue) =
            message.strip_prefix("Unexpected value for attribute ")?.split_once('(')?;
        let (attribute, why) = issue.split_once(") : ")?;
        let alone = why.starts_with("Null not allowed: issues") || why == "Null not allowed";
        ref_of(attribute).filter(|_| alone)
    }

    /// Whether the query that stood for the key of an object found none: what had to hold of a
    /// ticket for a line to be added does not hold, and nothing was written.
    #[must_use]
    pub fn found_no_object(&self) -> bool {
        matches!(self, Self::Refused { code: 100, message }
            if message.strip_prefix("Error: ").unwrap_or(message).starts_with("No item found"))
    }

    /// Whether a write cannot have happened: it was never sent, or refused before it began.
    #[must_use]
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::NotAllowed { .. }
            | Self::BadCredentials
            | Self::ProfileMissing { .. }
            | Self::Maintenance { .. }
            | Self::TurnedAway { status: TOO_MANY, .. }
            | Self::Unreachable { .. }
            | Self::TooLate
            | Self::NoConnectionLeft { .. } => true,
            // Code 100 does not prove that nothing was created: triggers run after the commit. And a
            // firewall may have objected to iTop's answer.
            Self::Refused { .. }
            | Self::NoClearAnswer { .. }
            | Self::TurnedAway { .. }
            | Self::NotItop { .. } => false,
        }
    }
}

impl From<Failure> for ItopError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoConnectionLeft { shown } => Self::NoConnectionLeft { reason: shown },
            Failure::NotSent { causes, shown } => {
                Self::Unreachable { reason: obstacle::broken(&causes, &shown) }
            }
            Failure::Broken { causes, shown } => {
                Self::NoClearAnswer { reason: obstacle::broken(&causes, &shown) }
            }
            Failure::TooLong(most) => Self::NoClearAnswer {
                reason: format!("the answer is longer than {} MB", most >> 20),
            },
        }
    }
}

impl Coded for ItopError {
    const CODES: &'static [&'static str] = &[
        "ok",
        "refused",
        "not-allowed",
        "credentials",
        "profile-missing",
        "maintenance",
        "unreachable",
        "no-connection-left",
        "no-clear-answer",
        "turned-away",
        "not-itop",
        "too-late",
    ];

    fn place(&self) -> usize {
        match self {
            Self::Refused { .. } => 1,
            Self::NotAllowed { .. } => 2,
            Self::BadCredentials => 3,
            Self::ProfileMissing { .. } => 4,
            Self::Maintenance { .. } => 5,
            Self::Unreachable { .. } => 6,
            Self::NoConnectionLeft { .. } => 7,
            Self::NoClearAnswer { .. } => 8,
            Self::TurnedAway { .. } => 9,
            Self::NotItop { .. } => 10,
            Self::TooLate => 11,
        }
    }
}
