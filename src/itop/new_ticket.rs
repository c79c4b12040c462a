//! The create: everything that must hold stands in it.

use serde_json::{Map, Value, json};

use super::{
    Client, Conditions, ItopError, TicketModel, Use,
    answer::Answer,
    conditions::Unless,
    lists::key,
    tickets::{COMMENT, MARKER_LOG, STATUS_FIELDS, carries, log_entry, single},
};
use crate::domain::{
    marker::Marker,
    new_ticket::{NewTicket, RefKind},
    ticket_status::TicketStatus,
};

/// A ticket as the answer of its creation showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTicket {
    /// Its status right after the creation.
    pub status: TicketStatus,
    /// Whether the marker could be read back. Without it nothing could be found again.
    pub has_marker: bool,
    /// What was asked for and is not in the ticket: iTop can drop an optional reference without a
    /// word when its query finds nothing (ITOP.md).
    pub dropped: Vec<RefKind>,
}

/// What a create depends on beside the ticket itself.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    /// Which tickets this iTop has.
    pub model: &'a TicketModel,
    /// The queries of the references.
    pub conditions: &'a Conditions,
    /// The attribute that keeps the marker.
    pub marker_field: &'a str,
    /// The highest ticket id that was seen before the first attempt: no ticket above it may have
    /// the marker. `None` where iTop cannot be asked that.
    pub floor: Option<u64>,
}

impl Client {
    /// The operation that creates a ticket, as it is sent.
    #[must_use]
    pub fn create_operation(&self, ticket: &NewTicket, terms: &Terms<'_>) -> Value {
        let Terms { model, conditions, marker_field, floor } = terms;
        let NewTicket { org, refs, .. } = ticket;
        let (impact, urgency) = ticket.priority.impact_and_urgency();
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("title", json!(ticket.title));
        set("description", json!(ticket.description));
        set("impact", json!(impact.to_string()));
        set("urgency", json!(urgency.to_string()));
        set("start_date", json!(self.zone().write(ticket.started_at)));
        if model.sets_origin {
            set("origin", json!("monitoring"));
        }
        if model.sets_request_type {
            set("request_type", json!("incident"));
        }
        for (name, value) in &ticket.fields {
            set(name, json!(value));
        }
        set(marker_field, marker_value(&ticket.marker, marker_field));
        set("team_id", json!(conditions.team(org, &refs.team)));
        if let Some(contact) = &refs.contact {
            set("caller_id", json!(conditions.contact(org, contact)));
        }
        if let Some(service) = &refs.service {
            set("service_id", json!(conditions.service(org, service)));
        }
        if let Some(element) = &refs.service_element {
            let query = conditions.service_element(org, refs, element, model);
            set("servicesubcategory_id", json!(query));
        }
        if let Some(ci) = &refs.ci {
            // The same CI twice would be refused; there is only ever one.
            let query = conditions.ci(org, ci);
            set("functionalcis_list", json!([{"functionalci_id": query, "impact_code": "manual"}]));
        }
        // Last, because iTop evaluates the fields in their order: as late as can be.
        let unless =
            floor.map(|floor| Unless { field: marker_field, marker: &ticket.marker, floor });
        set("org_id", json!(conditions.company(org, unless)));
        let mut output = format!("{STATUS_FIELDS},{marker_field}");
        for (kind, attribute) in ATTRIBUTES {
            if refs.get(kind).is_some() {
                output.push(',');
                output.push_str(attribute);
            }
        }
        json!({
            "operation": "core/create", "class": model.class, "comment": COMMENT, "fields": fields,
            "output_fields": output,
        })
    }

    /// Creates a ticket and reads it back from the answer. Never repeated here: whether that is
    /// safe depends on what came back.
    pub async fn create(
        &self,
        ticket: &NewTicket,
        terms: &Terms<'_>,
    ) -> Result<CreatedTicket, ItopError> {
        let operation = self.create_operation(ticket, terms);
        let answer = self.call(Use::Create, &operation).await?;
        self.created(&answer, ticket, terms.marker_field)
    }

    fn created(
        &self,
        answer: &Answer,
        ticket: &NewTicket,
        marker_field: &str,
    ) -> Result<CreatedTicket, ItopError> {
        let (class, id, fields) = single(answer)?;
        let is_there = |attribute: &str| match fields.get(attribute) {
            Some(Value::Array(links)) => !links.is_empty(),
            Some(Value::Object(links)) => !links.is_empty(),
            _ => key(fields, attribute).is_some(),
        };
        let dropped = ATTRIBUTES
            .into_iter()
            .filter(|(kind, attribute)| ticket.refs.get(*kind).is_some() && !is_there(attribute))
            .map(|(kind, _)| kind)
            .collect();
        Ok(CreatedTicket {
            status: self.status(class, id, fields),
            has_marker: carries(fields, marker_field, &ticket.marker),
            dropped,
        })
    }
}

/// The attribute of each reference but the company, which is always read.
const ATTRIBUTES: [(RefKind, &str); 5] = [
    (RefKind::Team, "team_id"),
    (RefKind::Contact, "caller_id"),
    (RefKind::Service, "service_id"),
    (RefKind::ServiceElement, "servicesubcategory_id"),
    (RefKind::Ci, "functionalcis_list"),
];

/// The reference that an attribute of iTop stands for.
pub(super) fn ref_of(attribute: &str) -> Option<RefKind> {
    if attribute == "org_id" {
        return Some(RefKind::Company);
    }
    ATTRIBUTES.into_iter().find(|(_, known)| *known == attribute).map(|(kind, _)| kind)
}

/// Why a template must not set an attribute: the bridge sets it, and knows why. `origin` and what the
/// bridge does not know are free.
#[must_use]
pub fn why_not_template(attribute: &str) -> Option<&'static str> {
    Some(match attribute {
        "title" => "its template is ticket.title",
        "description" => "its template is ticket.description",
        "impact" | "urgency" | "priority" => {
            "it follows from the priority of the event, by ticket.priority"
        }
        MARKER_LOG => "the bridge writes markers and lines there",
        "start_date" => "it is the time of the acknowledgement",
        "request_type" => "it follows from ticket.class, and the service elements with it",
        "org_id" => "it is the company of the event, by its link",
        "team_id" => "it comes from the event, the link or ticket.team",
        "caller_id" | "service_id" | "servicesubcategory_id" | "functionalcis_list" => {
            "it comes from the event or the link, and is checked against the company"
        }
        "id" | "ref" | "finalclass" | "status" | "operational_status" | "last_update" => {
            "iTop sets it"
        }
        _ => return None,
    })
}

/// Why an attribute cannot keep the marker.
#[must_use]
pub fn why_not_marker(attribute: &str) -> Option<&'static str> {
    match attribute {
        "title" | "description" => Some(
            "agents edit it, and a ticket whose marker is gone cannot be found again: it would be \
             made twice",
        ),
        "public_log" => Some("the caller reads it in the portal"),
        "origin" => Some("the bridge sets it otherwise"),
        MARKER_LOG => None,
        other => why_not_template(other),
    }
}

/// The marker as a create carries it: in its own entry of the log, in text format, because a plain
/// string is cleaned as HTML (ITOP.md, "Tickets").
fn marker_value(marker: &Marker, field: &str) -> Value {
    if field == MARKER_LOG { log_entry(&marker.to_string()) } else { marker.to_string().into() }
}
