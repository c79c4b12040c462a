//! What is known of a ticket, and what it means.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    keys::{OrgId, TicketKey},
    marker::Marker,
    priority::Priority,
};

/// Whether the account of the bridge still sees the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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
    /// When work on it began; people can change it, and hardly ever do.
    pub started: Option<Timestamp>,
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

    /// One of which nothing is left but its number.
    #[must_use]
    pub fn gone(key: TicketKey, number: String, org: OrgId) -> Self {
        Self {
            key,
            number,
            org,
            status: String::new(),
            operational_status: String::new(),
            priority: None,
            title: String::new(),
            started: None,
            last_update: None,
            team: None,
            agent: None,
        }
    }

    /// Whether it has the number and the beginning of a ticket that was seen before. Numbers are given
    /// anew where iTop was restored from its backup, as ids are.
    #[must_use]
    pub fn is_numbered_as(&self, before: &Self) -> bool {
        self.number == before.number && (before.started.is_none() || self.started == before.started)
    }
}

/// By what the ticket of a control is known again. Its class and id alone do not tell: an iTop that was
/// restored from its backup gives them to another ticket, which may be another company's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The marker that it bears for this control, if that is known.
    pub marker: Option<Marker>,
    /// Whether number and beginning are enough: it was not made for the control, and the marker of its
    /// line may be overwritten.
    pub by_number: bool,
}

impl Identity {
    /// Whether the ticket that has the id `now` is the one that was known `before`.
    #[must_use]
    pub fn is_still(&self, before: &TicketStatus, now: &TicketStatus, markers: &[Marker]) -> bool {
        let is_marked = self.marker.as_ref().is_some_and(|marker| markers.contains(marker));
        is_marked || self.by_number && now.is_numbered_as(before)
    }
}

/// Whether a ticket of this operational status is open. A word that iTop's own model does not
/// have counts as open: a second ticket is the greater harm.
#[must_use]
pub fn is_open(operational_status: &str) -> bool {
    !matches!(operational_status, "resolved" | "closed")
}
