//! Everything that speaks to iTop. Nothing here keeps state beyond connections and slots.

mod answer;
mod ci_list;
mod client;
mod conditions;
mod error;
mod keys;
mod lines;
mod lists;
mod model;
mod new_ticket;
mod obstacle;
pub mod oql;
mod probe;
mod redact;
mod route;
mod setup;
mod tickets;
mod time;
mod tls;

pub use answer::Answer;
pub use ci_list::{Ci, CiList, Matches};
pub use client::{Client, ClientError, FrontLogin, Login, Settings, Use};
pub use conditions::{Conditions, IDS_OUT_OF_ORDER};
pub use error::ItopError;
pub(crate) use error::TOO_MANY;
pub use keys::is_key;
pub use lines::{NewLines, Raise};
pub use lists::{Contract, Element, ListQueries, Organization, Person, Service, Team};
pub use model::{INCIDENT, TicketModel, USER_REQUEST};
pub use new_ticket::{CreatedTicket, Terms, why_not_marker, why_not_template};
pub use probe::{PathProbe, WriteRight};
pub use route::{Proxy, is_loopback, proxy};
pub use setup::{Attributes, Protocol};
pub use tickets::{MARKER_LOG, Marked, Within, address};
pub use time::ItopZone;
pub use tls::TlsFiles;
