//! Leaving iTop: everything that moves, read by its REST service into the staging file.

mod classes;
mod extract;
mod files;
mod object;
mod ranges;

pub use extract::{Event, ExtractError, Extraction, Pace};
