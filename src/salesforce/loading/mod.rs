//! What a load of many records needs beside what the bridge does all day: collections, bulk jobs, files,
//! articles, and reading back what is there.
//!
//! Nothing here repeats a write, and nothing upserts: a record that is there is never written over.

mod articles;
mod bulk;
mod collections;
mod content;
mod read;
mod table;

pub use articles::ArticleStep;
pub use bulk::{Job, JobState, Kind, Which};
pub use collections::{AT_ONCE, Verdict};
pub use read::{READ_AT_ONCE, quoted};
pub use table::{Outcome, Sheet, outcomes};

/// A record, or some of its fields: names and values.
pub type Fields = serde_json::Map<String, serde_json::Value>;

/// No rule of the org gives a Case that is loaded to anybody else.
const LOAD: &[(&str, &str)] = &[("Sforce-Auto-Assign", "FALSE")];

/// The same, and what a duplicate rule only warns of is made.
const LOAD_DUPLICATES: &[(&str, &str)] =
    &[("Sforce-Auto-Assign", "FALSE"), ("Sforce-Duplicate-Rule-Header", "allowSave=true")];
