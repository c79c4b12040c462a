//! Everything that speaks to Salesforce Service Cloud. No org was reached when it was made: what is done
//! rests on documents and sightings (docs/salesforce.md), and on codes, never on wording.
//!
//! Nothing here keeps state beyond connections, slots, the session, and names for an hour.

mod answer;
mod assertion;
mod call;
mod cases;
mod client;
mod connection;
mod create;
mod describe;
mod error;
#[cfg(test)]
mod examples;
mod ids;
mod limits;
mod lists;
pub mod loading;
mod mend;
mod notes;
mod org;
mod owners;
mod package;
pub(crate) mod plain;
mod record_type;
mod references;
mod settings;
mod soql;
mod survey;

pub use cases::{CASE, STATUSES_AT_ONCE, address};
pub use client::Client;
pub use create::why_not_template;
pub use describe::{Child, Described, Field, PicklistValue, RecordType};
pub use error::{Error, Refusal};
pub use ids::{is_id, is_same};
pub use notes::Note;
pub use org::{CaseState, Limit};
pub use package::{Deployed, PERMISSION_SET, Problem, package};
pub(crate) use package::{archive, document, element};
pub use settings::{CiObject, Login, Mapping, Priorities, ServiceObject, Settings};
pub use survey::{ActiveUser, DuplicateRule, Organization};
