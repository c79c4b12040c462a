//! What is known of a ticket, and what it means.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    keys::{OrgId, TicketKey},
    priority::Priority,
};

/// Whether the account of the bridge still sees the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It was in the last answer.
    Present,
    /// It was missing from an answer although the account sees the whole organization.
    Deleted,
    /// It was missing, and the account may no longer see its organization.
    NotVisible,
}

impl Presence {
    /// The word under which it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Deleted => "deleted",
            Self::NotVisible => "not_visible",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Present, Self::Deleted, Self::NotVisible]
            .into_iter()
            .find(|presence| presence.as_str() == text)
    }
}

/// A ticket as one answer of iTop showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketStatus {
    /// Class and id.
    pub key: TicketKey,
    /// The number that people use, such as `I-000012`.
    pub number: String,
    /// The organization it belongs to.
    pub org: OrgId,
    /// The state of iTop's life cycle: `new`, `assigned`, `pending`, `resolved`, `closed`, or one
    /// of a customised data model.
    pub status: String,
    /// `ongoing`, `resolved` or `closed`; the same words in every data model.
    pub operational_status: String,
    /// The priority that iTop computed.
    pub priority: Option<Priority>,
    /// The title as it is now.
    pub title: String,
    /// iTop's time of the last change.
    pub last_update: Option<Timestamp>,
    /// The name of the team, if one is set.
    pub team: Option<String>,
    /// The name of the agent, if one is set.
    pub agent: Option<String>,
}

impl TicketStatus {
    /// Whether work on it goes on: neither resolved nor closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        is_open(&self.operational_status)
    }
}

/// Whether a ticket of this operational status is open. A word that iTop's own model does not
/// have counts as open: a second ticket is the greater harm.
#[must_use]
pub fn is_open(operational_status: &str) -> bool {
    !matches!(operational_status, "resolved" | "closed")
}
