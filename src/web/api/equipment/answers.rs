//! What is answered to lists and levers.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::keys::{Instance, PartyKey},
    store::{OverLimit, Tally},
};

/// What has become of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentTaken")]
pub(in crate::web) struct Taken {
    pub(super) instance: Instance,
    pub(super) company: PartyKey,
    #[serde(flatten)]
    pub(super) counts: Tally,
    /// Of these nothing is retired until somebody says so.
    pub(super) held: Vec<OverLimit>,
    /// What of it was passed over, and what is held.
    pub(super) warnings: Vec<String>,
}

/// How many rows something was done to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentDone")]
pub(in crate::web) struct Done {
    pub(super) done: usize,
}

/// What is said of a class that is held.
pub(super) fn held_sentence(over: &OverLimit) -> String {
    let OverLimit { class, rows, of, limit } = over;
    let are = if *rows == 1 { "is" } else { "are" };
    format!(
        "{rows} of {of} {class} {are} gone from the list: more than the {limit} that are retired without \
         somebody's consent. They stay as they are until an operator approves it, or keeps them."
    )
}
