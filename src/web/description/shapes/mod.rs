//! How answers look that are put together member by member; a file a chapter. The tests hold each answer
//! that they see against the description, member by member.

#![expect(dead_code, reason = "only what they are called and of which types counts")]

mod health;
mod inbox;
mod links;
mod lists;
mod problem;
mod sending;
mod tickets;

use schemars::JsonSchema;

pub(in crate::web) use health::*;
pub(in crate::web) use inbox::*;
pub(in crate::web) use links::*;
pub(in crate::web) use lists::*;
pub(in crate::web) use problem::*;
pub(in crate::web) use sending::*;
pub(in crate::web) use tickets::*;

/// A list.
#[derive(JsonSchema)]
pub(in crate::web) struct Items<T> {
    items: Vec<T>,
}
