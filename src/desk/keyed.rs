//! What a ticket system offers in which each ticket has its marker in a unique field: all that deliveries
//! to it are made of.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Desk, DeskError};
use crate::{
    clock::BeginBy,
    domain::{
        keys::{OrgId, TicketId, TicketKey},
        marker::Marker,
        new_ticket::{NewTicket, RefKind},
        priority::Priority,
        ticket_status::TicketStatus,
    },
    itop, salesforce,
};

/// A ticket system with unique keys. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Keyed {
    /// Salesforce Service Cloud.
    Salesforce(salesforce::Client),
}

/// A ticket as the answer of its creation showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its status right after the creation.
    pub status: TicketStatus,
    /// What was asked for and no ticket there has, by configuration or at all.
    pub dropped: Vec<RefKind>,
}

/// From when on notes are read.
#[derive(Clone, Copy, Debug)]
pub enum NotesSince {
    /// From this time by the clock of the ticket system.
    Moment(Timestamp),
    /// No time of the ticket system is known: from a month before this one by the bridge's clock, which may
    /// have been set, and in any case from a month back by the clock of the ticket system.
    MonthBefore(Timestamp),
}

/// Notes for a ticket that is there: one for each acknowledgement, each behind its marker.
#[derive(Clone, Debug)]
pub struct NewNotes<'a> {
    /// The ticket.
    pub ticket: &'a TicketKey,
    /// The company that it must belong to.
    pub org: &'a OrgId,
    /// Whether it must still be open.
    pub only_if_open: bool,
    /// Markers and words; at least one.
    pub lines: Vec<(&'a Marker, &'a str)>,
}

/// What became of notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// They stand on the ticket, which was so right before.
    Added(TicketStatus),
    /// The ticket has ended; nothing was written.
    Closed(TicketStatus),
    /// It belongs to another company by now; nothing was written.
    Foreign,
    /// It is gone, or not visible; nothing was written.
    Gone,
}

/// What is said of its tickets, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What a company is called there.
    pub company: &'static str,
    /// What a ticket is called.
    pub ticket: &'static str,
    /// Why a ticket may be there and not be shown, and what to do about it.
    pub hidden: &'static str,
}

/// Why a write was not done, where that is clear and the way is not at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A ticket with its key is there already, or another unique value has hit.
    Taken,
    /// Several tickets have one key.
    NotUnique,
    /// For good; because of what the ticket refers to, where that is known.
    ForGood(Option<RefKind>),
}

/// How it is had that an acknowledgement becomes one ticket.
#[derive(Clone, Debug)]
pub enum ExactlyOnce {
    /// What must hold stands in each write as a condition, which iTop alone can.
    Conditional(itop::Client),
    /// Each ticket has its marker in a unique field.
    UniqueKey(Keyed),
}

impl Desk {
    /// How that is had there.
    #[must_use]
    pub fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::Itop(client) => ExactlyOnce::Conditional(client.clone()),
            Self::Salesforce(client) => ExactlyOnce::UniqueKey(Keyed::Salesforce(client.clone())),
        }
    }
}

impl Keyed {
    /// The same, whose writes are sent only so long as they may be begun.
    #[must_use]
    pub fn begun_by(&self, by: BeginBy) -> Self {
        match self {
            Self::Salesforce(client) => Self::Salesforce(client.begun_by(by)),
        }
    }

    /// Its own words.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Salesforce(_) => Words {
                company: "Account",
                ticket: "Case",
                hidden: "it is in the Recycle Bin, the user of the bridge may not see it, or another unique \
                         field of Case has hit. Restore or show it, or delete it for good",
            },
        }
    }

    /// Makes a ticket, once: the same may be sent again after any failure. [`Refused::Taken`] says that it is
    /// there, or that another unique value has hit: [`Keyed::by_marker`] tells which.
    pub async fn create(&self, ticket: &NewTicket) -> Result<Created, DeskError> {
        match self {
            Self::Salesforce(client) => Ok(client.create(ticket).await?),
        }
    }

    /// The request that would make it.
    pub async fn request(&self, ticket: &NewTicket) -> Result<Value, DeskError> {
        match self {
            Self::Salesforce(client) => Ok(client.request(ticket).await?),
        }
    }

    /// The ticket with this key.
    pub async fn by_marker(&self, marker: &Marker) -> Result<Option<TicketStatus>, DeskError> {
        match self {
            Self::Salesforce(client) => Ok(client.by_ack(marker).await?),
        }
    }

    /// The tickets with a number that people know.
    pub async fn by_number(&self, number: &str) -> Result<Vec<TicketStatus>, DeskError> {
        match self {
            Self::Salesforce(client) => Ok(client.by_number(number).await?),
        }
    }

    /// The status of one, at once: a delivery waits for it.
    pub async fn current(&self, id: &TicketId) -> Result<Option<TicketStatus>, DeskError> {
        match self {
            Self::Salesforce(client) => Ok(client.current(id).await?),
        }
    }

    /// Adds notes, all or none. They have no key: after a lost answer they are looked for.
    pub async fn note(&self, new: &NewNotes<'_>) -> Result<Noted, DeskError> {
        match self {
            Self::Salesforce(client) => Ok(client.note(new).await?),
        }
    }

    /// Whether a note with this marker stands on a ticket.
    pub async fn is_noted(&self, ticket: &TicketKey, marker: &Marker) -> Result<bool, DeskError> {
        match self {
            Self::Salesforce(client) => {
                Ok(!client.noted(ticket, std::slice::from_ref(marker)).await?.is_empty())
            }
        }
    }

    /// The markers that stand in notes since then, whoever has written them, each with the ticket of the oldest
    /// of these.
    pub async fn noted_since(
        &self,
        since: NotesSince,
    ) -> Result<HashMap<Marker, TicketKey>, DeskError> {
        match self {
            Self::Salesforce(client) => Ok(client.noted_since(since).await?),
        }
    }

    /// Raises the priority of a ticket to this one, unless it is as high already.
    pub async fn raise(&self, ticket: &TicketKey, priority: Priority) -> Result<(), DeskError> {
        match self {
            Self::Salesforce(client) => Ok(client.raise(ticket, priority).await.map(drop)?),
        }
    }
}
