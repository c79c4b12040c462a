//! Tickets, and their links to CIs.

use super::{Attribute, Kind, ORG, attribute, computed, mandatory, text};

const LEVELS: Kind = Kind::Choice(&["1", "2", "3", "4"]);
pub(super) const TICKET: &[Attribute] = &[
    attribute("operational_status", "Operational status", Kind::Computed),
    computed("ref"),
    ORG,
    computed("org_id_friendlyname"),
    computed("org_name"),
    attribute("caller_id", "Caller", Kind::Reference("Person")),
    computed("caller_id_friendlyname"),
    computed("caller_name"),
    attribute("team_id", "Team", Kind::Reference("Team")),
    computed("team_id_friendlyname"),
    computed("team_name"),
    attribute("agent_id", "Agent", Kind::Reference("Person")),
    computed("agent_id_friendlyname"),
    computed("agent_name"),
    mandatory("title", "Title", Kind::Text(255)),
    mandatory("description", "Description", Kind::Html(65_535)),
    attribute("start_date", "Start date", Kind::Date),
    attribute("end_date", "End date", Kind::Date),
    attribute("last_update", "Last update", Kind::Computed),
    attribute("close_date", "Close date", Kind::Computed),
    attribute("private_log", "Private log", Kind::Log),
    attribute("functionalcis_list", "CIs", Kind::CiLinks),
];
pub(super) const HANDLED: &[Attribute] = &[
    attribute("status", "Status", Kind::Computed),
    mandatory("impact", "Impact", Kind::Choice(&["1", "2", "3"])),
    // Written values are ignored: priority is computed from impact and urgency.
    attribute("priority", "Priority", Kind::Computed),
    mandatory("urgency", "Urgency", LEVELS),
    attribute(
        "origin",
        "Origin",
        Kind::Choice(&["mail", "monitoring", "phone", "portal", "chat", "in_person"]),
    ),
    attribute("service_id", "Service", Kind::Reference("Service")),
    computed("service_id_friendlyname"),
    computed("service_name"),
    attribute(
        "servicesubcategory_id",
        "Service subcategory",
        Kind::Reference("ServiceSubcategory"),
    ),
    computed("servicesubcategory_id_friendlyname"),
    computed("servicesubcategory_name"),
    computed("assignment_date"),
    computed("last_pending_date"),
    computed("resolution_date"),
    attribute("pending_reason", "Pending reason", Kind::Text(65_535)),
    attribute(
        "resolution_code",
        "Resolution code",
        Kind::Choice(&[
            "assistance",
            "bug fixed",
            "hardware repair",
            "other",
            "software patch",
            "system update",
            "training",
        ]),
    ),
    attribute("solution", "Solution", Kind::Text(65_535)),
    attribute("user_satisfaction", "User satisfaction", LEVELS),
    attribute("public_log", "Public log", Kind::Log),
];
pub(super) const ITIL_REQUEST: &[Attribute] =
    &[attribute("request_type", "Request Type", Kind::Choice(&["service_request"]))];
pub(super) const SIMPLE_REQUEST: &[Attribute] =
    &[attribute("request_type", "Request Type", Kind::Choice(&["incident", "service_request"]))];
pub(super) const TICKET_CI: &[Attribute] = &[
    mandatory("ticket_id", "Ticket", Kind::Reference("Ticket")),
    computed("ticket_ref"),
    mandatory("functionalci_id", "CI", Kind::Reference("FunctionalCI")),
    computed("functionalci_name"),
    computed("functionalci_id_friendlyname"),
    computed("functionalci_id_finalclass_recall"),
    computed("functionalci_id_obsolescence_flag"),
    text("impact", "Impact"),
    attribute("impact_code", "Impact code", Kind::Choice(&["computed", "manual", "not_impacted"])),
];
/// As iTop lists them: an id of any class is no reference, and is a number all the same.
pub(super) const ATTACHMENT: &[Attribute] = &[
    text("item_class", "Item class"),
    attribute("item_id", "Item", Kind::Reference("Ticket")),
    attribute("item_org_id", "Item organization", Kind::Reference("Organization")),
    attribute("creation_date", "Creation date", Kind::Date),
    attribute("contents", "Contents", Kind::Document),
];
