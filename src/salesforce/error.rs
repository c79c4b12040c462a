//! What can come of a call to Salesforce, by what the caller has to decide. It is decided on codes and
//! numbers, never on wording, which depends on the version and on the language of the user.

use std::fmt;

use super::mend;
use crate::{
    domain::new_ticket::RefKind,
    outgoing::{Coded, Failure},
};

/// Too many requests: no document names it, and clients meet it.
pub(super) const TOO_MANY: u16 = 429;

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token endpoint does not let the bridge log in.
    #[error("Salesforce does not let the bridge log in ({code}): {description}")]
    Login {
        /// The `error` of the answer, such as `invalid_grant`.
        code: String,
        /// Its words, cut; nothing is decided on them.
        description: String,
    },
    /// A session that was just given is not accepted: some of these never heal.
    #[error("Salesforce does not accept the session that it has just given ({code})")]
    Session {
        /// The code of the answer.
        code: String,
    },
    /// A record with this external id exists already, or another unique field has hit.
    #[error("a record with one of the unique values exists already")]
    DuplicateValue,
    /// Salesforce refused this very request, and nothing of it was done.
    #[error("Salesforce refused it: {0}")]
    Refused(Refusal),
    /// It was not done now, and will be another time: a lock, a query that took too long.
    #[error("Salesforce was busy ({code})")]
    Busy {
        /// The code of the answer.
        code: String,
    },
    /// No more requests are taken.
    #[error("Salesforce takes no more requests ({}){}", if *.daily { "of this day" } else { "at once" }, Used(.used))]
    RequestLimit {
        /// Those of a day are used up; else too many long ones are under way.
        daily: bool,
        /// How many of the day were used, of how many, where an answer said so.
        used: Option<(u64, u64)>,
    },
    /// The org has no room for another record.
    #[error("the storage of the Salesforce org is full")]
    StorageLimit,
    /// The org or the user may not use the API, or not like this, whatever is asked.
    #[error("Salesforce does not allow the bridge to call it ({code})")]
    NotAllowed {
        /// The code of the answer.
        code: String,
    },
    /// Several records have one external id: the field is not unique.
    #[error("{count} records have one external id: the field is not unique")]
    Several {
        /// How many were named.
        count: usize,
    },
    /// What a ticket refers to is not the one thing of its Account that it must be; nothing was sent.
    #[error("the {} of the ticket {}", .kind.word(), if *.found == 0 { "does not exist in Salesforce, or belongs to another Account" } else { "cannot be told from others of that name" })]
    Reference {
        /// What it is.
        kind: RefKind,
        /// How many fit: none, or several.
        found: usize,
    },
    /// The version of the API is not offered, or no longer.
    #[error("Salesforce does not offer version {version} of its API{offered}")]
    Version {
        /// The version that is configured.
        version: String,
        /// What it offers instead, in words; empty where that is not known.
        offered: String,
    },
    /// The request was never sent: the connection could not be made.
    #[error("Salesforce cannot be reached: {reason}")]
    Unreachable {
        /// What the connection said.
        reason: String,
    },
    /// The request was never sent: this machine can open no further connection.
    #[error("no connection to Salesforce can be opened from here: {reason}")]
    NoConnectionLeft {
        /// What the system said.
        reason: String,
    },
    /// The write was never sent: it had to wait for so long that another instance of the bridge may be at it.
    #[error("it was not sent in time")]
    TooLate,
    /// The request was sent and no clear answer came: it may have been done, or may still be.
    #[error("no clear answer came from Salesforce: {reason}")]
    NoClearAnswer {
        /// What came instead.
        reason: String,
    },
    /// Something between refused the request in its own words.
    #[error("Salesforce did not get to answer: {reason}")]
    TurnedAway {
        /// The status of HTTP, 400 to 499.
        status: u16,
        /// The status, and what came with it.
        reason: String,
    },
    /// Something else answers at that address.
    #[error("this is not Salesforce: {reason}")]
    NotSalesforce {
        /// What came instead.
        reason: String,
    },
}

/// ` (80 of 100)`, or nothing.
struct Used<'a>(&'a Option<(u64, u64)>);

impl fmt::Display for Used<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((used, most)) => write!(f, ": {used} of {most} used"),
            None => Ok(()),
        }
    }
}

/// Why Salesforce refused a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of HTTP; of a part of a request that of the part.
    pub status: u16,
    /// The code, such as `REQUIRED_FIELD_MISSING`.
    pub code: String,
    /// The fields that are named.
    pub fields: Vec<String>,
    /// Salesforce's words, cut; empty where they would repeat what was sent.
    pub message: String,
    /// What of a ticket it is about, as far as its fields tell.
    pub kind: Option<RefKind>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if !self.fields.is_empty() {
            write!(f, " ({})", self.fields.join(", "))?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl Error {
    /// Whether a write cannot have happened: it was never sent, or Salesforce says that it was not done.
    /// What it refuses it takes back as a whole.
    #[must_use]
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::Login { .. }
            | Self::Session { .. }
            | Self::DuplicateValue
            | Self::Refused(_)
            | Self::Busy { .. }
            | Self::RequestLimit { .. }
            | Self::StorageLimit
            | Self::NotAllowed { .. }
            | Self::Several { .. }
            | Self::Reference { .. }
            | Self::Version { .. }
            | Self::Unreachable { .. }
            | Self::NoConnectionLeft { .. }
            | Self::TooLate
            | Self::TurnedAway { status: TOO_MANY, .. } => true,
            // A firewall may have objected to the answer.
            Self::NoClearAnswer { .. } | Self::TurnedAway { .. } | Self::NotSalesforce { .. } => {
                false
            }
        }
    }

    /// Whether a write that ended so can no longer be running.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(
            self,
            Self::NoClearAnswer { .. }
                | Self::NotSalesforce { .. }
                | Self::Unreachable { .. }
                | Self::NoConnectionLeft { .. }
                | Self::TooLate
        )
    }

    /// Whether a write that ended so may still be at work there.
    #[must_use]
    pub fn may_still_run(&self) -> bool {
        !self.has_ended() && !self.had_no_effect()
    }

    /// Whether it passes by itself, so that the same is to be sent again after a pause.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::NoClearAnswer { .. }
                | Self::Unreachable { .. }
                | Self::NoConnectionLeft { .. }
                | Self::TooLate
                | Self::RequestLimit { daily: false, .. }
                | Self::TurnedAway { status: TOO_MANY, .. }
        )
    }

    /// Whether something else than Salesforce objected, which may be to this very request.
    #[must_use]
    pub fn may_be_about_the_request(&self) -> bool {
        match self {
            Self::TurnedAway { status, .. } => *status != TOO_MANY,
            Self::NotSalesforce { .. } => true,
            _ => false,
        }
    }

    /// What of a ticket is not accepted, if it is one of its references.
    #[must_use]
    pub fn refused_ref(&self) -> Option<RefKind> {
        match self {
            Self::Reference { kind, .. } => Some(*kind),
            Self::Refused(refusal) => refusal.kind,
            _ => None,
        }
    }

    /// Whether the record is not there, or not for the user of the bridge: both read the same.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused(Refusal { status: 404, .. }))
    }

    /// What somebody has to do about it, where anybody has to.
    #[must_use]
    pub fn mend(&self) -> Option<&'static str> {
        mend::of(self)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoConnectionLeft { shown } => Self::NoConnectionLeft { reason: shown },
            Failure::NotSent { shown, .. } => Self::Unreachable { reason: shown },
            Failure::Broken { shown, .. } => Self::NoClearAnswer { reason: shown },
            Failure::TooLong(most) => Self::NoClearAnswer {
                reason: format!("the answer is longer than {} MB", most >> 20),
            },
        }
    }
}

impl Coded for Error {
    const CODES: &'static [&'static str] = &[
        "ok",
        "refused",
        "not-allowed",
        "credentials",
        "duplicate",
        "busy",
        "unreachable",
        "no-connection-left",
        "no-clear-answer",
        "turned-away",
        "not-salesforce",
        "request-limit",
        "storage-limit",
        "too-late",
    ];

    fn place(&self) -> usize {
        match self {
            Self::Refused(_) | Self::Several { .. } | Self::Reference { .. } => 1,
            Self::NotAllowed { .. } | Self::Version { .. } => 2,
            Self::Login { .. } | Self::Session { .. } => 3,
            Self::DuplicateValue => 4,
            Self::Busy { .. } => 5,
            Self::Unreachable { .. } => 6,
            Self::NoConnectionLeft { .. } => 7,
            Self::NoClearAnswer { .. } => 8,
            Self::TurnedAway { .. } => 9,
            Self::NotSalesforce { .. } => 10,
            Self::RequestLimit { .. } => 11,
            Self::StorageLimit => 12,
            Self::TooLate => 13,
        }
    }
}
