//! What bodies may say. They are read by hand, so that a wrong member costs no ticket; what is tolerated
//! beside this is told in the documents.

#![expect(dead_code, reason = "only what they are called and of which types counts")]

use schemars::JsonSchema;

use crate::domain::{
    acknowledgement::{ControlState, EventType},
    desk_name::DeskName,
    priority::{Criticality, ElementType},
};
use crate::web::api::links::switch::forth::AskedTicket;

/// An acknowledgement, or another event of a control. Unknown members are ignored, `null` and blank texts
/// count as absent.
#[derive(JsonSchema)]
#[schemars(rename = "Event")]
pub(super) struct SentEvent {
    /// The same id is the same event; else it is derived from control and times.
    #[schemars(length(min = 1, max = 200))]
    event_id: Option<String>,
    /// `acknowledgement` unless it says otherwise.
    event_type: Option<EventType>,
    /// The start date of the ticket; else the time of receipt.
    created_at: Option<Time>,
    source: Option<Source>,
    /// ServiceNav's customer.
    company: Party,
    /// Its sub-unit.
    site: Option<Party>,
    /// The caller in iTop.
    contact: Option<Contact>,
    /// The team that takes the ticket; else that of the link.
    team: Option<Reference>,
    contract: Option<Reference>,
    service: Option<Reference>,
    service_element: Option<Reference>,
    /// The CI in iTop; beats `equipment`.
    ci: Option<Reference>,
    /// Else from the matrix.
    priority: Option<PriorityWord>,
    /// Its name, or an object; only a `user_service` has none.
    equipment: Option<Equipment>,
    control: Control,
    /// Else from the template.
    title: Option<String>,
    /// Else from the template.
    description: Option<String>,
    /// What the operator said; required of acknowledgements.
    acknowledgement: Option<Statement>,
    ticket: Option<Wish>,
}

/// One event, or up to 1,000.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(clippy::large_enum_variant, reason = "nobody makes one")]
pub(super) enum OneOrMany {
    One(SentEvent),
    Many(#[schemars(length(max = 1000))] Vec<SentEvent>),
}

/// An id: a text or an integer.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Id {
    Text(String),
    Number(i64),
}

/// RFC 3339 with an offset, or seconds or milliseconds since 1970.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Time {
    Text(String),
    Number(f64),
}

/// Where an event comes from.
#[derive(JsonSchema)]
struct Source {
    /// Which ServiceNav; else the token's, else `default`.
    instance: Option<String>,
    /// What tickets call the sender.
    product: Option<String>,
    /// The zone of times without an offset: `Europe/Paris`, `+01:00`.
    time_zone: Option<String>,
    /// What the sender knows it by; hooks give it back.
    reference: Option<String>,
}

/// Tickets that have changed in iTop: one, a list of at most 1,000, or an object with that list.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum ChangedTickets {
    One(ChangedTicket),
    Many(#[schemars(length(max = 1000))] Vec<ChangedTicket>),
    Items {
        #[schemars(length(max = 1000))]
        items: Vec<ChangedTicket>,
    },
}

/// A ticket of iTop.
#[derive(JsonSchema)]
pub(super) struct ChangedTicket {
    /// Without one, tickets of all classes with this id.
    class: Option<String>,
    /// iTop's key, also as `key`.
    id: Id,
}

/// How many tickets were told of.
#[derive(JsonSchema)]
pub(super) struct Taken {
    taken: usize,
}

/// A company or site of ServiceNav: its name, or an object with at least one member.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Party {
    Name(String),
    Object { id: Option<Id>, name: Option<String> },
}

/// Something in iTop: its name, or an object with at least one member.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Reference {
    Name(String),
    /// `id` is iTop's key.
    Object {
        id: Option<Id>,
        name: Option<String>,
    },
}

/// A person in iTop: a name, or an object with at least one member.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Contact {
    Name(String),
    Object { id: Option<Id>, name: Option<String>, email: Option<String> },
}

/// 1 to 4, or `critical`, `high`, `medium`, `low`.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum PriorityWord {
    Number(#[schemars(range(min = 1, max = 4))] u8),
    Word(String),
}

/// The equipment: its name, or an object.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Equipment {
    Name(String),
    Object {
        name: String,
        /// ServiceNav's.
        id: Option<Id>,
        address: Option<String>,
        category: Option<String>,
        /// The key of the CI in iTop.
        itsm_id: Option<Id>,
    },
}

/// The control that was acknowledged.
#[derive(JsonSchema)]
struct Control {
    /// Unique within the instance.
    id: Id,
    name: String,
    element_type: ElementType,
    state: ControlState,
    /// Since when it has been in this state.
    status_changed_at: Option<Time>,
    /// `medium` unless it says otherwise.
    criticality: Option<Criticality>,
    state_type: Option<String>,
    /// What the plugin printed.
    output: Option<String>,
    /// Its page, http or https.
    url: Option<String>,
}

/// What the operator said.
#[derive(JsonSchema)]
struct Statement {
    /// Required of acknowledgements.
    author: Option<Author>,
    comment: Option<String>,
    /// When, if that differs from `created_at`.
    acknowledged_at: Option<Time>,
    sticky: Option<bool>,
    expires_at: Option<Time>,
}

/// A name, or an object with at least one member.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Author {
    Name(String),
    Object { login: Option<String>, name: Option<String>, email: Option<String> },
}

/// What is wanted of the ticket.
#[derive(JsonSchema)]
struct Wish {
    /// False: record the acknowledgement, create no ticket.
    requested: Option<bool>,
    /// True: a new ticket even if one is open.
    new: Option<bool>,
    /// Take the ticket of this number, create none.
    existing_ref: Option<String>,
}

/// Why something is given up.
#[derive(JsonSchema)]
pub(super) struct Reason {
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
}

/// Which rows: by `ids` or by a `cause`, one of the two.
#[derive(JsonSchema)]
pub(super) struct Which {
    #[schemars(length(min = 1, max = 1000))]
    ids: Option<Vec<i64>>,
    cause: Option<Cause>,
}

/// Which rows are given up, and why.
#[derive(JsonSchema)]
pub(super) struct WhichAndWhy {
    #[schemars(length(min = 1, max = 1000))]
    ids: Option<Vec<i64>>,
    cause: Option<Cause>,
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
}

/// A cause as `GET /api/v1/acknowledgements/causes` gives it.
#[derive(JsonSchema)]
struct Cause {
    #[schemars(length(min = 1))]
    code: String,
    message: Option<String>,
    instance: Option<String>,
    company: Option<String>,
}

/// What is looked up.
#[derive(JsonSchema)]
pub(super) struct Lookup {
    /// Each with either `control` or `ref`.
    #[schemars(length(max = 10000))]
    items: Vec<LookupItem>,
}

#[derive(JsonSchema)]
struct LookupItem {
    /// The id of a control.
    control: Option<Id>,
    /// The number of a ticket.
    r#ref: Option<Id>,
}

/// What a link is to be.
#[derive(JsonSchema)]
pub(super) struct LinkWish {
    /// Where its tickets go; that of companies without a link unless it says otherwise.
    desk: Option<DeskName>,
    /// In iTop.
    organization: Reference,
    /// Whether acknowledgements become tickets; they do unless it says otherwise.
    tickets: Option<bool>,
    /// Of the company or site in ServiceNav.
    name: Option<String>,
    team: Option<Reference>,
    contact: Option<Reference>,
    service: Option<Reference>,
    service_element: Option<Reference>,
}

/// Many links, all or none.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct LinkWishes {
    #[schemars(length(max = 5000))]
    items: Vec<LinkWishItem>,
    /// Only tell what would change.
    dry_run: Option<bool>,
}

/// One of many links.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LinkWishItem {
    instance: Option<String>,
    /// `id:…`, `name:…`, an id of digits, or an object with `id` or `name`.
    company: Party,
    site: Option<Party>,
    /// True: the link is taken away.
    remove: Option<bool>,
    /// Where its tickets go; that of companies without a link unless it says otherwise.
    desk: Option<DeskName>,
    /// In iTop; required unless `remove`.
    organization: Option<Reference>,
    tickets: Option<bool>,
    name: Option<String>,
    team: Option<Reference>,
    contact: Option<Reference>,
    service: Option<Reference>,
    service_element: Option<Reference>,
}

/// Companies that move to Salesforce, with the tickets of their controls.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct SwitchWishes {
    /// All links of each company that moves, as they are to be: with the `desk` salesforce.
    items: Option<Vec<LinkWishItem>>,
    tickets: Option<Vec<AskedTicket>>,
    /// Only tell what would move.
    dry_run: Option<bool>,
}

/// A piece of equipment that is told of. Unknown members are passed over with a warning, `null` and blank texts
/// count as absent; anything else that is wrong refuses the whole list.
#[derive(JsonSchema)]
pub(super) struct SentEquipment {
    /// Unique within its company.
    #[schemars(with = "Id")]
    id: Id,
    #[schemars(length(min = 1, max = 500))]
    name: String,
    /// Its network address.
    address: Option<String>,
    /// ServiceNav's category, which decides its class in iTop.
    category: Option<String>,
    /// Its key in iTop, where an inventory tool has written it.
    itsm_id: Option<Id>,
    site: Option<Party>,
    /// Where `site` is a name.
    site_id: Option<Id>,
    criticality: Option<Criticality>,
    manufacturer: Option<String>,
    model: Option<String>,
    serial_number: Option<String>,
    /// The family of its operating system.
    os: Option<String>,
    os_version: Option<String>,
    /// Such as `2026-11-21`.
    purchase_date: Option<String>,
    /// Such as `2026-11-21`.
    end_of_warranty: Option<String>,
    #[schemars(length(max = 4_000))]
    description: Option<String>,
}
