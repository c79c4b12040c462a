//! How the bridge is, and whom it takes a caller for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;

use crate::{
    cmdb::Halt,
    config::Scope,
    desk::DeskName,
    web::{api::health::role::Leads, auth::By},
};

/// Whom the bridge takes a caller for.
#[derive(JsonSchema)]
pub(in crate::web) struct Session {
    name: String,
    scopes: Vec<Scope>,
    /// The one that it is limited to.
    instance: Option<String>,
    /// Those that it is limited to.
    companies: Option<Vec<String>>,
    by: By,
}

/// The process answers.
#[derive(JsonSchema)]
pub(in crate::web) struct Alive {
    /// `ok`.
    status: String,
    version: String,
}

/// Acknowledgements can be stored.
#[derive(JsonSchema)]
pub(in crate::web) struct Ready {
    /// `ready`.
    status: String,
    #[schemars(flatten)]
    leads: Leads,
    gate: Gate,
    /// Unless iTop is all that is served: each ticket system, the one of companies that are not linked first.
    #[schemars(skip_serializing_if = "Option::is_none")]
    desks: Option<Vec<ReadyDesk>>,
    /// How many rows have not ended well, by state.
    inbox: BTreeMap<String, u64>,
    /// How many have no ticket yet and will get one.
    waiting: u64,
    oldest_waiting_seconds: Option<u64>,
    /// For tokens that are limited to nothing.
    #[schemars(skip_serializing_if = "Option::is_none")]
    slow_creates: Option<Vec<SlowCreate>>,
    /// For tokens that are limited to nothing: a ticket that the bridge made to find the way free.
    #[schemars(skip_serializing_if = "Option::is_none")]
    ticket_of_probe: Option<String>,
    /// For tokens that are limited to nothing, where equipment is kept in iTop's CMDB.
    #[schemars(skip_serializing_if = "Option::is_none")]
    equipment: Option<ReadyEquipment>,
}

/// A ticket system that is served.
#[derive(JsonSchema)]
pub(in crate::web) struct ReadyDesk {
    desk: DeskName,
    gate: Gate,
    /// For tokens that are limited to nothing, where the ticket system counts requests and has answered.
    #[schemars(skip_serializing_if = "Option::is_none")]
    requests: Option<RequestsOfDay>,
}

/// The requests of the last 24 hours, by whomever, as the last answer told.
#[derive(JsonSchema)]
pub(in crate::web) struct RequestsOfDay {
    used: u64,
    limit: u64,
}

/// What keeps equipment from iTop's CMDB.
#[derive(JsonSchema)]
pub(in crate::web) struct ReadyEquipment {
    /// How much waits for somebody to say yes.
    held: u64,
    /// What keeps it from going on now.
    obstacle: Option<String>,
    /// Data sources of which nothing is loaded until somebody says so.
    halts: Vec<Halt>,
}

/// The state of the way to iTop.
#[derive(JsonSchema)]
pub(in crate::web) struct Gate {
    /// `open` or `closed`.
    state: String,
    since: Timestamp,
    /// Why it is closed, as a code.
    #[schemars(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// What to do about it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// A create that iTop has been at for longer than usual.
#[derive(JsonSchema)]
pub(in crate::web) struct SlowCreate {
    acknowledgement: i64,
    seconds: u64,
}
