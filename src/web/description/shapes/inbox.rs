//! The inbox.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::Planned;
use crate::{domain::delivery_state::State, web::view::AcknowledgementView};

/// A page of the inbox.
#[derive(JsonSchema)]
pub(in crate::web) struct Inbox<T> {
    items: Vec<T>,
    /// The `cursor` of the next page.
    next: Option<String>,
    /// With `q` or `desk`: whether the search has looked at a part of the rows only.
    #[schemars(skip_serializing_if = "Option::is_none")]
    cut: Option<bool>,
    /// With `count`: rows by group.
    #[schemars(skip_serializing_if = "Option::is_none")]
    counts: Option<InboxCounts>,
    /// With `count`: how many rows there are with all filters; `null` with `q` or `desk`.
    #[schemars(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

#[derive(JsonSchema)]
struct InboxCounts {
    /// Somebody has to do something.
    needs: u64,
    /// The bridge is at it.
    way: u64,
    /// Nothing more will come of it.
    ended: u64,
}

/// What rows need somebody for.
#[derive(JsonSchema)]
pub(in crate::web) struct Causes {
    items: Vec<CauseGroup>,
    /// How many causes there are.
    total: usize,
}

#[derive(JsonSchema)]
struct CauseGroup {
    /// What `retry` and `discard` of many take.
    cause: CauseView,
    company: Option<CompanyName>,
    /// How many rows have it.
    count: u64,
    /// How many of them can be tried again.
    can_be_retried: u64,
    /// When the oldest of them came.
    oldest: Timestamp,
    sample: Sample,
}

#[derive(JsonSchema)]
struct CauseView {
    code: String,
    #[schemars(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
}

#[derive(JsonSchema)]
pub(super) struct CompanyName {
    key: String,
    name: Option<String>,
}

/// One of its rows.
#[derive(JsonSchema)]
struct Sample {
    acknowledgement: i64,
    message: String,
}

/// What came of a lever on many rows.
#[derive(JsonSchema)]
pub(in crate::web) struct Levered {
    /// To how many it was done.
    done: usize,
    /// To which it could not be done.
    left: Vec<Left>,
}

#[derive(JsonSchema)]
struct Left {
    id: i64,
    state: Option<State>,
    why: String,
}

/// What would be sent for a row, and what was refused.
#[derive(JsonSchema)]
pub(in crate::web) struct RequestOfRow {
    acknowledgement: i64,
    state: State,
    now: Option<Planned>,
    /// Why there is no `now`.
    why_not_now: Option<String>,
    /// The request that iTop last refused.
    refused: Option<RefusedRequest>,
}

#[derive(JsonSchema)]
struct RefusedRequest {
    at: Timestamp,
    request: Option<Map<String, Value>>,
}

/// An earlier acknowledgement of a control.
#[derive(JsonSchema)]
pub(in crate::web) struct EarlierRow {
    #[schemars(flatten)]
    row: AcknowledgementView<'static>,
    /// Who acknowledged.
    by: Option<String>,
}
