//! What comes of an event.

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::{Items, ProblemDocument};
use crate::{
    domain::{
        company_link::Named,
        delivery_state::{Problem, State},
        desk_name::DeskName,
        priority::Priority,
    },
    web::view::AcknowledgementView,
};

/// An answer to one of a posted list.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(clippy::large_enum_variant, reason = "nobody makes one")]
pub(in crate::web) enum Posted {
    Row(AcknowledgementView<'static>),
    Problem(ProblemDocument),
}

/// The answer to one event, or to a list of them.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(clippy::large_enum_variant, reason = "nobody makes one")]
pub(in crate::web) enum PostedOneOrMany {
    One(AcknowledgementView<'static>),
    Many(Items<Posted>),
}

/// What would become of an event.
#[derive(JsonSchema)]
#[schemars(rename = "Outcome")]
pub(in crate::web) struct Planned {
    /// `created`, `reused`, `blocked`, `failed` or `recorded`.
    outcome: State,
    warnings: Vec<String>,
    /// Of `created`: what its references are in iTop.
    #[schemars(skip_serializing_if = "Option::is_none")]
    resolution: Option<Resolution>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    /// Where; without it in iTop.
    #[schemars(skip_serializing_if = "Option::is_none")]
    desk: Option<DeskName>,
    /// Of `created`: what would be sent there.
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
    /// Where it is; without it in iTop.
    #[schemars(skip_serializing_if = "Option::is_none")]
    desk: Option<DeskName>,
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
