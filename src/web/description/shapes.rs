//! How answers look that are put together member by member. The tests hold each answer that they see
//! against the description, member by member.

#![expect(dead_code, reason = "only what they are called and of which types counts")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::{
    config::Scope,
    domain::{
        body::FieldError,
        company_link::Named,
        delivery_state::{Problem, State},
        keys::{OrgId, PartyKey},
        link_table::LineError,
        priority::Priority,
        ticket_status::Presence,
    },
    itop,
    store::Group as TicketGroup,
    web::{
        api::links::{LinkChangeView, LinkOutcome},
        auth::By,
        view::AcknowledgementView,
    },
};

/// A list.
#[derive(JsonSchema)]
pub(super) struct Items<T> {
    items: Vec<T>,
}

/// A list of iTop.
#[derive(JsonSchema)]
pub(super) struct Page<T> {
    items: Vec<T>,
    /// When iTop gave the list.
    as_of: Timestamp,
    /// Whether iTop could not give a newer one.
    stale: bool,
    /// The `cursor` of the next page.
    next: Option<String>,
}

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
pub(super) enum LookedUp {
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
pub(super) struct UnknownControl {
    control: ControlId,
    ticket: (),
}

#[derive(JsonSchema)]
struct ControlId {
    id: String,
}

#[derive(JsonSchema)]
pub(super) struct ControlsOfNumber {
    r#ref: String,
    items: Vec<ControlItem>,
}

#[derive(JsonSchema)]
pub(super) struct WrongItem {
    error: ItemError,
}

#[derive(JsonSchema)]
struct ItemError {
    /// `invalid`, `too-many` or `too-long`.
    code: String,
    message: String,
}

/// A page of the inbox.
#[derive(JsonSchema)]
pub(super) struct Inbox<T> {
    items: Vec<T>,
    /// The `cursor` of the next page.
    next: Option<String>,
    /// With `q`: whether the search has looked at a part of the rows only.
    #[schemars(skip_serializing_if = "Option::is_none")]
    cut: Option<bool>,
    /// With `count`: rows by group.
    #[schemars(skip_serializing_if = "Option::is_none")]
    counts: Option<InboxCounts>,
    /// With `count`: how many rows there are with all filters; `null` for a search.
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
pub(super) struct Causes {
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
struct CompanyName {
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
pub(super) struct Levered {
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

/// An answer to one of a posted list.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(clippy::large_enum_variant, reason = "nobody makes one")]
pub(super) enum Posted {
    Row(AcknowledgementView<'static>),
    Problem(ProblemDocument),
}

/// The answer to one event, or to a list of them.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(clippy::large_enum_variant, reason = "nobody makes one")]
pub(super) enum PostedOneOrMany {
    One(AcknowledgementView<'static>),
    Many(Items<Posted>),
}

/// A problem document (RFC 9457).
#[derive(JsonSchema)]
pub(super) struct ProblemDocument {
    /// Stable, for programs.
    r#type: String,
    title: String,
    status: u16,
    /// For the person who asked.
    detail: String,
    /// Of `invalid`: all that is wrong.
    #[schemars(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<PlacedError>>,
    /// Of `conflict`: what is stored, if the caller may see it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    acknowledgement: Option<AcknowledgementView<'static>>,
    /// Of `link-changed`: the link that there is.
    #[schemars(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
    /// Of `link-changed`: its entity tag.
    #[schemars(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

/// An error in a body, or in a table.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::web) enum PlacedError {
    Field(FieldError),
    Line(LineError),
}

/// What would become of an event.
#[derive(JsonSchema)]
#[schemars(rename = "Outcome")]
pub(super) struct Planned {
    /// `created`, `reused`, `blocked`, `failed` or `recorded`.
    outcome: State,
    warnings: Vec<String>,
    /// Of `created`: what its references are in iTop.
    #[schemars(skip_serializing_if = "Option::is_none")]
    resolution: Option<Resolution>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    /// Of `created`: what would be sent to iTop.
    #[schemars(skip_serializing_if = "Option::is_none")]
    request: Option<Map<String, Value>>,
    /// Of `reused`: the ticket.
    #[schemars(skip_serializing_if = "Option::is_none")]
    ticket: Option<TicketName>,
    /// Why there would be no ticket.
    #[schemars(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    /// Of a trial: the acknowledgement that was tried.
    #[schemars(skip_serializing_if = "Option::is_none")]
    acknowledgement: Option<Map<String, Value>>,
}

#[derive(JsonSchema)]
struct TicketName {
    r#ref: String,
    class: String,
    id: String,
    url: String,
}

#[derive(JsonSchema)]
struct Resolution {
    company: Named,
    team: Chosen,
    contact: Option<Chosen>,
    service: Option<Chosen>,
    service_element: Option<Chosen>,
    ci: Option<Chosen>,
}

/// What was chosen in iTop, by its key unless iTop is to find it by its name.
#[derive(JsonSchema)]
struct Chosen {
    id: Option<String>,
    name: String,
}

/// What would be sent for a row, and what was refused.
#[derive(JsonSchema)]
pub(super) struct RequestOfRow {
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

/// A company link.
#[derive(JsonSchema)]
pub(super) struct Link {
    instance: String,
    company: PartyKey,
    site: Option<PartyKey>,
    /// Of the company or site in ServiceNav.
    name: Option<String>,
    /// In iTop.
    organization: Organization,
    /// Whether acknowledgements become tickets.
    tickets: bool,
    /// Taken where an acknowledgement names none.
    team: Option<Named>,
    contact: Option<Named>,
    service: Option<Named>,
    service_element: Option<Named>,
    updated_at: Timestamp,
    /// Who has put it; `null` where it has made itself.
    updated_by: Option<String>,
}

#[derive(JsonSchema)]
struct Organization {
    id: OrgId,
    name: String,
}

/// A link that was put.
#[derive(JsonSchema)]
pub(super) struct PutLink {
    #[schemars(flatten)]
    link: Link,
    warnings: Vec<String>,
}

/// The link in force.
#[derive(JsonSchema)]
pub(super) struct EffectiveLink {
    #[schemars(flatten)]
    link: Link,
    /// Whether it is that of the company.
    inherited: bool,
}

/// A company that waits for a link.
#[derive(JsonSchema)]
pub(super) struct UnlinkedCompany {
    instance: String,
    company: CompanyName,
    /// How many of its acknowledgements wait.
    waiting: u64,
    /// How many were recorded without a ticket.
    recorded: u64,
    since: Timestamp,
    suggestion: Option<Suggestion>,
}

#[derive(JsonSchema)]
struct Suggestion {
    organization: SuggestedOrganization,
}

#[derive(JsonSchema)]
struct SuggestedOrganization {
    id: OrgId,
    name: String,
    code: String,
}

/// What became or would become of one link of many.
#[derive(JsonSchema)]
pub(in crate::web) struct ChangedLink {
    instance: String,
    company: PartyKey,
    site: Option<PartyKey>,
    name: Option<String>,
    outcome: LinkOutcome,
    changes: Vec<LinkChangeView>,
    /// How many acknowledgements it lets go on.
    waiting: u64,
    link: Option<Link>,
    warnings: Vec<String>,
    /// Its place in a list, from 0.
    #[schemars(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// Its line in a table, from 1.
    #[schemars(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

/// Whom the bridge takes a caller for.
#[derive(JsonSchema)]
pub(super) struct Session {
    name: String,
    scopes: Vec<Scope>,
    /// The one that it is limited to.
    instance: Option<String>,
    /// Those that it is limited to.
    companies: Option<Vec<String>>,
    by: By,
}

/// An address of the event stream.
#[derive(JsonSchema)]
pub(super) struct StreamAddress {
    address: String,
    expires_at: Timestamp,
}

/// The process answers.
#[derive(JsonSchema)]
pub(super) struct Alive {
    /// `ok`.
    status: String,
    version: String,
}

/// Acknowledgements can be stored.
#[derive(JsonSchema)]
pub(super) struct Ready {
    /// `ready`.
    status: String,
    gate: Gate,
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

/// The lists of iTop.
pub(super) type Companies = Page<itop::Organization>;
pub(super) type Teams = Page<itop::Team>;
pub(super) type Contacts = Page<itop::Person>;
pub(super) type Services = Page<itop::Service>;
pub(super) type Cis = Page<itop::Ci<'static>>;
