//! Leaving iTop: everything that moves, read by its REST service into the staging file.

mod asking;
pub(in crate::migrate) mod classes;
mod extract;
mod files;
mod object;
mod ranges;
mod sweep;

pub use asking::{ABSENT, AskError, Asking, Looked};
pub use extract::{Event, ExtractError, Extraction, Pace};
