//! What an iTop has after years: changes, knowledge, and classes and attributes of the provider's own.
//!
//! Codes of the standard classes are iTop's; no recording shows their labels.

use super::{Attribute, Kind, NAME, ORG, attribute, computed, mandatory, text};

/// Of incidents: the one of which it is a part.
pub(super) const PARENT: &[Attribute] = &[
    attribute("parent_incident_id", "Parent incident", Kind::Reference("Incident")),
    computed("parent_incident_ref"),
];
pub(super) const CHANGE: &[Attribute] = &[
    attribute("status", "Status", Kind::Computed),
    attribute("reason", "Reason", Kind::Text(255)),
    attribute("requestor_id", "Requestor", Kind::Reference("Person")),
    attribute("creation_date", "Creation date", Kind::Date),
    attribute("outage", "Outage", Kind::Choice(&["yes", "no"])),
    attribute("fallback", "Fallback plan", Kind::Text(65_535)),
];
pub(super) const TICKET_CONTACT: &[Attribute] = &[
    mandatory("ticket_id", "Ticket", Kind::Reference("Ticket")),
    computed("ticket_ref"),
    mandatory("contact_id", "Contact", Kind::Reference("Contact")),
    computed("contact_name"),
    computed("contact_email"),
    text("role", "Role"),
    attribute("role_code", "Role", Kind::Choice(&["manual", "computed", "do_not_notify"])),
];
pub(super) const CATEGORY: &[Attribute] = &[NAME];
pub(super) const FAQ: &[Attribute] = &[
    mandatory("title", "Title", Kind::Text(255)),
    mandatory("summary", "Summary", Kind::Text(65_535)),
    attribute("description", "Description", Kind::Html(65_535)),
    mandatory("category_id", "Category", Kind::Reference("FAQCategory")),
    computed("category_name"),
    text("error_code", "Error code"),
    attribute("key_words", "Key words", Kind::Text(255)),
];
pub(super) const KNOWN_ERROR: &[Attribute] = &[
    NAME,
    ORG,
    computed("org_id_friendlyname"),
    computed("cust_name"),
    attribute("symptom", "Symptom", Kind::Text(65_535)),
    attribute("root_cause", "Root cause", Kind::Text(65_535)),
    attribute("workaround", "Workaround", Kind::Text(65_535)),
    attribute("solution", "Solution", Kind::Text(65_535)),
    text("error_code", "Error code"),
    attribute("domain", "Domain", Kind::Choice(&["Application", "Desktop", "Network", "Server"])),
];

/// The provider's own: an access point is a CI,
pub(super) const ACCESS_POINT: &[Attribute] = &[text("ssid", "Network name")];
/// a security incident is a ticket,
pub(super) const SEVERITY: &[Attribute] =
    &[attribute("severity", "Severity", Kind::Choice(&["low", "high", "critical"]))];
/// and a visit at a site is neither.
pub(super) const VISIT: &[Attribute] = &[
    NAME,
    ORG,
    computed("org_id_friendlyname"),
    attribute("visitor_id", "Visitor", Kind::Reference("Person")),
    attribute("visited_on", "Day", Kind::Day),
    attribute("hours", "Hours", Kind::Text(20)),
    attribute("billed", "Billed", Kind::Choice(&["yes", "no"])),
    attribute("report", "Report", Kind::Html(65_535)),
];
