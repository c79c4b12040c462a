//! The ticket systems that the bridge serves, as far as they are asked for the same.
//!
//! What only one of them has stays in its module: nothing here is a least common denominator. A further
//! one is a folder of its own, a variant of each enum here, and its configuration.

mod ci_list;
mod configured;
mod error;
mod failure;
mod items;
mod keyed;
mod lists;
mod served;

pub use crate::domain::desk_name::DeskName;
pub use ci_list::{Ci, CiList, Matches};
pub use configured::DeskConfigError;
pub use error::DeskError;
pub use failure::Failure;
pub use items::{Contract, Element, Organization, Person, Service, Team};
pub use keyed::{Created, ExactlyOnce, Keyed, NewNotes, Noted, NotesSince, Refused, Words};
pub use served::{Desks, Served};

use jiff::tz::TimeZone;
use reqwest::Url;
use tokio::sync::OwnedSemaphorePermit;

use crate::{domain::keys::TicketKey, gate::Reason, itop, outgoing::Calls, salesforce};

/// Salesforce tells times as of there.
static UTC: TimeZone = TimeZone::UTC;

/// A ticket system that the bridge speaks to. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Desk {
    /// Combodo iTop.
    Itop(itop::Client),
    /// Salesforce Service Cloud.
    Salesforce(salesforce::Client),
}

impl From<itop::Client> for Desk {
    fn from(client: itop::Client) -> Self {
        Self::Itop(client)
    }
}

impl From<salesforce::Client> for Desk {
    fn from(client: salesforce::Client) -> Self {
        Self::Salesforce(client)
    }
}

impl Desk {
    /// Which one it is.
    #[must_use]
    pub fn name(&self) -> DeskName {
        match self {
            Self::Itop(_) => DeskName::Itop,
            Self::Salesforce(_) => DeskName::Salesforce,
        }
    }

    /// The way to iTop, if that is what it is: for what only iTop has.
    #[must_use]
    pub fn itop(&self) -> Option<&itop::Client> {
        if let Self::Itop(client) = self { Some(client) } else { None }
    }

    /// Asks for as little as can be asked for, to know whether it answers and takes the bridge's login.
    pub async fn ping(&self) -> Result<(), DeskError> {
        match self {
            Self::Itop(client) => Ok(client.ping().await?),
            Self::Salesforce(client) => Ok(client.ping().await?),
        }
    }

    /// The address that is called first.
    #[must_use]
    pub fn called(&self) -> Url {
        match self {
            Self::Itop(client) => client.endpoint(),
            Self::Salesforce(client) => client.login_url(),
        }
    }

    /// What it was asked for, and how it answered.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        match self {
            Self::Itop(client) => client.calls(),
            Self::Salesforce(client) => client.calls(),
        }
    }

    /// How many calls are in flight, and may be at most.
    #[must_use]
    pub fn in_flight(&self) -> (usize, usize) {
        match self {
            Self::Itop(client) => client.in_flight(),
            Self::Salesforce(client) => client.in_flight(),
        }
    }

    /// How many requests of the day were used, of how many, as its last answer told; `None` where it counts
    /// none, or has not answered yet.
    #[must_use]
    pub fn usage(&self) -> Option<(u64, u64)> {
        match self {
            Self::Itop(_) => None,
            Self::Salesforce(client) => client.usage(),
        }
    }

    /// Tells the log that it answers, with what an operator looks for first.
    pub fn tell_that_it_answers(&self) {
        match self {
            Self::Itop(client) => {
                let itop = client.endpoint();
                tracing::info!(itop.url = %itop, "iTop answers, and takes the bridge's login");
            }
            Self::Salesforce(client) => {
                let url = client.instance().unwrap_or_else(|| client.login_url());
                tracing::info!(
                    salesforce.url = %url,
                    "Salesforce answers, and takes the bridge's login"
                );
            }
        }
    }

    /// Whether what has closed the gate for this reason is over, where reads are answered meanwhile; `class`
    /// is that of new tickets. It is told without creating one.
    pub async fn is_over(&self, reason: Reason, class: &str) -> bool {
        match self {
            Self::Itop(client) => {
                matches!(client.write_right(class).await, Ok(itop::WriteRight::Allowed))
            }
            Self::Salesforce(client) => {
                let over = match reason {
                    Reason::StorageLimit => client.has_room().await,
                    _ => client.may_create().await,
                };
                over.unwrap_or(false)
            }
        }
    }

    /// A place among the few questions that callers cause at will: previews, lists read anew because
    /// somebody insists. Whatever they ask, most of the slots stay for deliveries and statuses.
    pub async fn place_on_demand(&self) -> Option<OwnedSemaphorePermit> {
        match self {
            Self::Itop(client) => client.place_on_demand().await,
            Self::Salesforce(client) => client.place_on_demand().await,
        }
    }

    /// Waits until no write is in flight any more, whoever may have gone that waited for it.
    pub async fn writes_ended(&self) {
        match self {
            Self::Itop(client) => client.writes_ended().await,
            Self::Salesforce(client) => client.writes_ended().await,
        }
    }

    /// Whether it can have given this key to an object.
    #[must_use]
    pub fn is_key(&self, text: &str) -> bool {
        match self {
            Self::Itop(_) => itop::is_key(text),
            Self::Salesforce(_) => salesforce::is_id(text),
        }
    }

    /// How many statuses one call reads, where so many are configured.
    #[must_use]
    pub fn statuses_at_once(&self, configured: usize) -> usize {
        match self {
            Self::Itop(_) => configured,
            Self::Salesforce(_) => salesforce::STATUSES_AT_ONCE,
        }
    }

    /// Where the times of tickets are told.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        match self {
            Self::Itop(client) => client.zone().rules(),
            Self::Salesforce(_) => &UTC,
        }
    }

    /// The page of a ticket, for people.
    #[must_use]
    pub fn address(&self, key: &TicketKey) -> String {
        match self {
            Self::Itop(client) => client.address(&key.class, key.id.as_str()),
            Self::Salesforce(client) => client.address(key),
        }
    }
}
