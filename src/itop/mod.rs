//! Everything that speaks to iTop. Nothing here keeps state beyond connections and slots.

mod answer;
mod ci_list;
mod client;
mod error;
mod lists;
pub mod oql;
mod probe;
mod tickets;
mod time;

pub use answer::Answer;
pub use ci_list::{Ci, CiList, Matches};
pub use client::{Client, ClientError, Login, Settings, Use};
pub use error::ItopError;
pub use lists::{Contract, Element, ListQueries, Organization, Person, Service, Team};
pub use probe::WriteRight;
pub use tickets::{CreatedTicket, INCIDENT, MARKER_LOG, Marked, USER_REQUEST, Within};
pub use time::ItopZone;
