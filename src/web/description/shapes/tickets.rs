//! Controls and their tickets.

use jiff::Timestamp;
use schemars::JsonSchema;

use crate::{
    domain::{
        delivery_state::{Problem, State},
        desk_name::DeskName,
        keys::PartyKey,
        priority::Priority,
        ticket_status::Presence,
    },
    store::Group as TicketGroup,
};

/// A control and its ticket.
#[derive(JsonSchema)]
pub(in crate::web) struct ControlItem {
    instance: String,
    control: ControlName,
    /// `id:…` or `name:…`.
    company: Option<PartyKey>,
    ticket: Option<Ticket>,
    /// The acknowledgement that the control's next ticket waits for.
    pending: Option<Pending>,
    /// When iTop gave what is told of the ticket.
    as_of: Option<Timestamp>,
    /// Whether iTop could not give anything newer.
    stale: bool,
    links: LinksOfControl,
    /// With `details`.
    #[schemars(flatten)]
    details: Option<Details>,
}

#[derive(JsonSchema)]
struct ControlName {
    id: Option<String>,
    name: Option<String>,
}

/// The ticket of a control; of one that the caller may not see any more, its members are `null`.
#[derive(JsonSchema)]
struct Ticket {
    /// Its number.
    r#ref: Option<String>,
    /// Its class in iTop, such as `Incident`.
    class: Option<String>,
    /// Its key in iTop.
    id: Option<String>,
    /// Where it is; without it in iTop.
    #[schemars(skip_serializing_if = "Option::is_none")]
    desk: Option<DeskName>,
    title: Option<String>,
    /// iTop's code, such as `assigned`.
    status: Option<String>,
    /// `ongoing`, `resolved` or `closed`.
    operational_status: Option<String>,
    /// Whether it is there and neither resolved nor closed.
    open: bool,
    presence: Presence,
    /// Whether it belongs to another organization by now.
    moved: bool,
    priority: Option<Priority>,
    team: Option<String>,
    agent: Option<String>,
    last_update: Option<String>,
    /// Its page in iTop.
    url: Option<String>,
    /// With `details`.
    #[schemars(skip_serializing_if = "Option::is_none")]
    group: Option<TicketGroup>,
}

/// What a control's next ticket waits for.
#[derive(JsonSchema)]
struct Pending {
    /// Its row of the inbox.
    acknowledgement: i64,
    state: State,
    problem: Option<Problem>,
    since: Timestamp,
}

/// Signed links for browsers without a token.
#[derive(JsonSchema)]
struct LinksOfControl {
    /// To the ticket in iTop.
    open: Option<String>,
    /// A picture with number and status.
    badge: Option<String>,
    /// A small page for a frame.
    embed: Option<String>,
}

/// What the acknowledgement told.
#[derive(JsonSchema)]
struct Details {
    company_name: Option<String>,
    site: Option<Site>,
    /// The name of the equipment.
    equipment: Option<String>,
    acknowledged: Acknowledged,
}

#[derive(JsonSchema)]
struct Site {
    key: PartyKey,
    name: Option<String>,
}

/// Who acknowledged, and when.
#[derive(JsonSchema)]
struct Acknowledged {
    /// The row of the inbox.
    acknowledgement: i64,
    at: Timestamp,
    /// What people call this person.
    by: Option<String>,
    login: Option<String>,
    /// The state of the control.
    state: Option<String>,
    element_type: Option<String>,
}

/// An answer to one item of a lookup.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(clippy::large_enum_variant, reason = "nobody makes one")]
pub(in crate::web) enum LookedUp {
    /// Of a control.
    Control(ControlItem),
    /// Of a control of which nothing was ever received.
    Unknown(UnknownControl),
    /// Of a ticket number.
    Number(ControlsOfNumber),
    /// Of an item that cannot be looked up.
    Wrong(WrongItem),
}

#[derive(JsonSchema)]
pub(in crate::web) struct UnknownControl {
    control: ControlId,
    ticket: (),
}

#[derive(JsonSchema)]
struct ControlId {
    id: String,
}

#[derive(JsonSchema)]
pub(in crate::web) struct ControlsOfNumber {
    r#ref: String,
    items: Vec<ControlItem>,
}

#[derive(JsonSchema)]
pub(in crate::web) struct WrongItem {
    error: ItemError,
}

#[derive(JsonSchema)]
struct ItemError {
    /// `invalid`, `too-many` or `too-long`.
    code: String,
    message: String,
}

/// An address of the event stream.
#[derive(JsonSchema)]
pub(in crate::web) struct StreamAddress {
    address: String,
    expires_at: Timestamp,
}
