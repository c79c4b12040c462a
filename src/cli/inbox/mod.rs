//! The inbox by hand: what it holds, one of it, and the operator's levers.

mod levers;
mod list;
mod show;

pub(super) use levers::{Discard, Retry};
pub(super) use list::List;
pub(super) use show::Show;

use serde_json::Value;

use super::screen::Tone;

/// Where the API has it.
const ACKNOWLEDGEMENTS: &str = "/api/v1/acknowledgements";

/// In which colour a state is shown.
fn tone(state: &str) -> Option<Tone> {
    match state {
        "failed" | "rejected" => Some(Tone::Bad),
        "blocked" | "unknown" => Some(Tone::Doubtful),
        "created" | "reused" => Some(Tone::Good),
        _ => None,
    }
}

/// What people call a company, control or the like of an answer: its name, else its key.
pub(super) fn called(named: &Value) -> &str {
    let text = |member: &str| named[member].as_str().filter(|text| !text.is_empty());
    text("name").or(text("key")).or(text("id")).unwrap_or_default()
}
