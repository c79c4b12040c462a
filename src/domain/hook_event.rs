//! What hooks can be told of.

use serde::{Deserialize, Serialize};

/// Something that has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HookEvent {
    /// A ticket was created for an acknowledgement.
    #[serde(rename = "ticket.created")]
    TicketCreated,
    /// A ticket that was there was taken for an acknowledgement.
    #[serde(rename = "ticket.reused")]
    TicketReused,
    /// A control's ticket has another status, or is gone.
    #[serde(rename = "ticket.status_changed")]
    TicketStatusChanged,
    /// iTop refused an acknowledgement for good, or it was given up.
    #[serde(rename = "acknowledgement.failed")]
    AcknowledgementFailed,
    /// An acknowledgement waits for an administrator.
    #[serde(rename = "acknowledgement.blocked")]
    AcknowledgementBlocked,
    /// What a sender posted was refused.
    #[serde(rename = "acknowledgement.rejected")]
    AcknowledgementRejected,
    /// Deliveries wait, because iTop cannot be used.
    #[serde(rename = "gate.closed")]
    GateClosed,
    /// Deliveries go on.
    #[serde(rename = "gate.opened")]
    GateOpened,
}

impl HookEvent {
    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::TicketCreated,
        Self::TicketReused,
        Self::TicketStatusChanged,
        Self::AcknowledgementFailed,
        Self::AcknowledgementBlocked,
        Self::AcknowledgementRejected,
        Self::GateClosed,
        Self::GateOpened,
    ];

    /// The word in configuration, database and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TicketCreated => "ticket.created",
            Self::TicketReused => "ticket.reused",
            Self::TicketStatusChanged => "ticket.status_changed",
            Self::AcknowledgementFailed => "acknowledgement.failed",
            Self::AcknowledgementBlocked => "acknowledgement.blocked",
            Self::AcknowledgementRejected => "acknowledgement.rejected",
            Self::GateClosed => "gate.closed",
            Self::GateOpened => "gate.opened",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == text)
    }

    /// Whether it concerns all companies: a hook of some is not told of it.
    #[must_use]
    pub fn concerns_all(self) -> bool {
        matches!(self, Self::GateClosed | Self::GateOpened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_one_word_everywhere() {
        for event in HookEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
            assert_eq!(HookEvent::parse(event.as_str()), Some(event));
        }
    }
}
