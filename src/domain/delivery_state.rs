//! The states of an inbox row, and the problems that an operator reads.

use schemars::JsonSchema;
use serde::Serialize;

/// Where an acknowledgement stands on its way to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RowState")]
pub enum State {
    /// Stored; waits for its turn.
    Accepted,
    /// A call that writes has been decided on and may have been sent.
    Creating,
    /// A call that writes was sent and its answer never came; only a read may settle it.
    Unknown,
    /// A ticket was created for it.
    Created,
    /// An open or named ticket was taken for it.
    Reused,
    /// iTop refused it for good.
    Failed,
    /// An administrator must mend something; it is delivered by itself afterwards.
    Blocked,
    /// Kept without a ticket: none was wanted.
    Recorded,
    /// An operator gave it up, with a reason.
    Discarded,
    /// The body itself was wrong; kept because many senders ignore answers.
    Rejected,
}

impl State {
    /// All states, in the order of a row's life.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Creating,
        Self::Unknown,
        Self::Created,
        Self::Reused,
        Self::Failed,
        Self::Blocked,
        Self::Recorded,
        Self::Discarded,
        Self::Rejected,
    ];

    /// The word under which it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Creating => "creating",
            Self::Unknown => "unknown",
            Self::Created => "created",
            Self::Reused => "reused",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Recorded => "recorded",
            Self::Discarded => "discarded",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the bridge itself will still do something about it.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Accepted | Self::Creating | Self::Unknown)
    }

    /// Whether it has no ticket and will get one: by itself, or when an administrator has mended
    /// something.
    #[must_use]
    pub fn waits(self) -> bool {
        self.is_under_way() || self == Self::Blocked
    }

    /// Whether nothing more will come of it: such rows are purged after `retention`. A failed
    /// row has ended too, but only an operator may say that it is done with.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Created | Self::Reused | Self::Recorded | Self::Discarded | Self::Rejected
        )
    }
}

/// Why a row is not a ticket yet: a stable code and a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Stable, for programs: `company-not-linked`, `refused-by-itop`, …
    pub code: String,
    /// What happened and what to do about it.
    pub message: String,
}

impl Problem {
    /// A problem.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}
