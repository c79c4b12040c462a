//! Everything that speaks to iTop. Nothing here keeps state beyond connections and slots.

mod answer;
mod client;
mod conditions;
mod connection;
mod error;
mod keys;
mod lines;
mod lists;
mod model;
mod new_ticket;
mod obstacle;
pub mod oql;
mod priority;
mod probe;
mod setup;
pub mod synchro;
mod tickets;
mod time;

pub use answer::Answer;
pub use client::Client;
pub use conditions::{Conditions, IDS_OUT_OF_ORDER};
pub use connection::{FrontLogin, Login, Settings};
pub use error::ItopError;
pub(crate) use error::TOO_MANY;
pub use keys::is_key;
pub use lines::NewLines;
pub use lists::ListQueries;
pub use model::{INCIDENT, TicketModel, USER_REQUEST};
pub use new_ticket::{CreatedTicket, Terms, why_not_marker, why_not_template};
pub use priority::Raise;
pub use probe::{PathProbe, WriteRight};
pub use setup::{Attributes, Protocol};
pub use tickets::{MARKER_LOG, Marked, Within};
pub use time::ItopZone;

pub use crate::outgoing::{ClientError, TlsFiles, Use};
