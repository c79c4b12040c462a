//! The doors of iTop beside REST: data synchronization, and CSV at once.
//!
//! Each answers with HTTP 200 whatever has happened, in words for people (SYNC.md). So nothing is a
//! success here but what says all that a success says.

mod counters;
mod doors;
mod error;
mod import;
mod load;
mod page;
mod run;
mod table;

pub use counters::Counters;
pub use doors::Doors;
pub use error::DoorError;
pub use import::{Import, ImportAnswer, ImportedRow, Outcome};
pub use load::{Loaded, RowIssue};
pub use table::{LEAVE, MAX_TABLE_BYTES, Table, primary_key};
