//! The event that ServiceNav posts (SERVICENAV.md), as types.

mod decode;
mod glance;
mod parts;
mod read;
mod references;
mod state;
#[cfg(test)]
mod tests;

pub use decode::decode;
pub use glance::Glance;
pub(crate) use glance::searched;
pub use read::{Glimpse, ReadError, Receipt, read};
pub(crate) use references::reference;
pub use state::ControlState;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    hex::hex,
    keys::{ControlId, EventId, Instance, PartyKey},
    notice::Notice,
    priority::{Criticality, ElementType, Priority},
};

/// What happened in ServiceNav.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// An operator took an alert in charge.
    Acknowledgement,
    /// An operator took it back: recorded, the ticket goes on.
    AcknowledgementRemoved,
    /// The control is well again: recorded, the ticket goes on.
    Recovery,
    /// Checks everything, creates nothing.
    Test,
}

impl EventType {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::AcknowledgementRemoved => "acknowledgement_removed",
            Self::Recovery => "recovery",
            Self::Test => "test",
        }
    }
}

/// What an event wants of the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// A ticket.
    Ticket,
    /// Everything a ticket takes, but for the ticket.
    Rehearsal,
    /// To be kept without a ticket; why, as a sentence.
    Record(&'static str),
}

/// A company or a site: at least one of id and name is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UnderstoodParty")]
pub struct Party {
    /// What tells it from others.
    #[serde(skip)]
    pub key: PartyKey,
    /// ServiceNav's id.
    pub id: Option<String>,
    /// Its name, for people; it is the key only where there is no id.
    pub name: Option<String>,
}

impl Party {
    /// What people call it.
    #[must_use]
    pub fn label(&self) -> &str {
        match (&self.name, &self.key) {
            (Some(name), _) => name,
            (None, PartyKey::Id(text) | PartyKey::Name(text)) => text,
        }
    }
}

/// Something in iTop, by its key there or by name; at least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ref {
    /// The key in iTop.
    pub id: Option<String>,
    /// The name in iTop.
    pub name: Option<String>,
}

/// A person in iTop, by key, e-mail address or name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ContactRef {
    /// The key in iTop.
    pub id: Option<String>,
    /// First and last name as iTop shows them.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}

/// The equipment concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UnderstoodEquipment")]
pub struct Equipment {
    /// ServiceNav's id of it: never taken for a key of iTop, whose numbers mean other things.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its network address.
    pub address: Option<String>,
    /// ServiceNav's category.
    pub category: Option<String>,
    /// Its key in iTop, where an inventory tool has written it.
    pub itsm_id: Option<String>,
}

/// The control that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UnderstoodControl")]
pub struct Control {
    /// Unique within the instance.
    pub id: ControlId,
    /// Its name.
    pub name: String,
    /// What it checks.
    pub element_type: ElementType,
    /// Its state when it was acknowledged.
    pub state: ControlState,
    /// Since when it has been in this state; a control that was never checked has no such time.
    pub status_changed_at: Option<Timestamp>,
    /// How much it matters.
    pub criticality: Criticality,
    /// `HARD` or `SOFT`.
    pub state_type: Option<String>,
    /// What the plugin printed.
    pub output: Option<String>,
    /// Its page in ServiceNav.
    pub url: Option<String>,
}

/// Who acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UnderstoodAuthor")]
pub struct Author {
    /// The login in ServiceNav.
    pub login: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}

impl Author {
    /// What people call this person.
    #[must_use]
    pub fn label(&self) -> &str {
        [&self.name, &self.login, &self.email]
            .into_iter()
            .find_map(|text| text.as_deref())
            .unwrap_or_default()
    }
}

/// What the operator said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UnderstoodStatement")]
pub struct Statement {
    /// Who acknowledged: there for each acknowledgement, and not for what no engine knows an author of.
    pub author: Option<Author>,
    /// The comment, if there was one.
    pub comment: Option<String>,
    /// When, if that differs from `created_at`.
    pub acknowledged_at: Option<Timestamp>,
    /// Whether it stays until the control is well again.
    pub sticky: Option<bool>,
    /// Until when it lasts.
    pub expires_at: Option<Timestamp>,
}

/// What the sender wants of the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UnderstoodWish")]
pub struct TicketWish {
    /// False: record the acknowledgement only.
    pub requested: bool,
    /// True: a new ticket even if one is open.
    pub new: bool,
    /// Link the ticket of this number, create none.
    pub existing_ref: Option<String>,
}

/// One event. Everything in it has been checked; see [`decode`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UnderstoodEvent")]
pub struct Acknowledgement {
    /// The idempotency key.
    pub event_id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// The creation date of the ticket; when the event came, where it does not say.
    pub created_at: Timestamp,
    /// The instance that the body names, if any; the token may fix it.
    #[serde(skip)]
    pub instance: Option<Instance>,
    /// What sent it, where that is not ServiceNav.
    pub product: Option<String>,
    /// ServiceNav's customer.
    pub company: Party,
    /// Its sub-unit.
    pub site: Option<Party>,
    /// The caller.
    pub contact: Option<ContactRef>,
    /// The team that takes the ticket.
    pub team: Option<Ref>,
    /// Narrows which services are valid.
    pub contract: Option<Ref>,
    /// The service.
    pub service: Option<Ref>,
    /// The service element (`ServiceSubcategory`).
    pub service_element: Option<Ref>,
    /// The CI by its key in iTop, where the sender knows it; beats the equipment's `itsm_id`.
    pub ci: Option<Ref>,
    /// Overrides the matrix.
    pub priority: Option<Priority>,
    /// The equipment concerned; only a user service has none.
    pub equipment: Option<Equipment>,
    /// The control.
    pub control: Control,
    /// The purpose of the request; else from the template.
    pub title: Option<String>,
    /// The problem; stands in the ticket's description.
    pub description: Option<String>,
    /// What the operator said.
    pub acknowledgement: Statement,
    /// What the sender wants of the ticket.
    pub ticket: TicketWish,
    /// What of the body was left out or understood otherwise than written.
    #[serde(skip)]
    pub notices: Vec<Notice>,
}

impl Acknowledgement {
    /// When the operator acknowledged.
    #[must_use]
    pub fn acknowledged_at(&self) -> Timestamp {
        self.acknowledgement.acknowledged_at.unwrap_or(self.created_at)
    }

    /// Since when the control has been in its state, as far as it is known.
    #[must_use]
    pub fn state_since(&self) -> Timestamp {
        self.control.status_changed_at.unwrap_or_else(|| self.acknowledged_at())
    }

    /// What is told of it: what its body gave rise to, then these.
    #[must_use]
    pub fn with_own_notices(&self, others: Vec<Notice>) -> Vec<Notice> {
        let mut notices = self.notices.clone();
        notices.extend(others.into_iter().filter(|other| !self.notices.contains(other)));
        notices
    }

    /// What people call the operator; empty where the event does not say.
    #[must_use]
    pub fn author(&self) -> &str {
        self.acknowledgement.author.as_ref().map(Author::label).unwrap_or_default()
    }

    /// What people know the sender as.
    #[must_use]
    pub fn product(&self) -> &str {
        self.product.as_deref().unwrap_or("ServiceNav")
    }

    /// What it wants: a new type of event has to say so here before it can become anything.
    #[must_use]
    pub fn wants(&self) -> Wants {
        match self.event_type {
            EventType::Acknowledgement if self.ticket.requested => Wants::Ticket,
            EventType::Acknowledgement => {
                Wants::Record("The sender wants no ticket (ticket.requested is false).")
            }
            EventType::Test => Wants::Rehearsal,
            EventType::Recovery => {
                Wants::Record("The control is well again; its ticket goes on in iTop.")
            }
            EventType::AcknowledgementRemoved => Wants::Record(
                "The acknowledgement was taken back; the control's ticket goes on in iTop.",
            ),
        }
    }

    /// What must be equal for two posts with one key to be the same event: company, control,
    /// date of change of status, ticket options, and what happened, because an acknowledgement
    /// that is taken for an earlier test would never become a ticket. Whatever else differs (Nagios posts once per
    /// contact, with other comments and times) does not make it another event.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let same = (
            self.event_type.as_str(),
            self.company.key.to_string(),
            &self.control.id,
            self.control.status_changed_at,
            self.ticket.requested,
            self.ticket.new,
            &self.ticket.existing_ref,
        );
        // Texts, numbers and flags can always be written as JSON.
        hex(&Sha256::digest(serde_json::to_vec(&same).unwrap_or_default()))
    }
}
