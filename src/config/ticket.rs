//! `[ticket]`: what tickets are like.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{priority::Matrix, ticket_text::Language},
    itop::MARKER_LOG,
};

/// The tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ticket {
    /// The class of new tickets.
    pub class: TicketClass,
    /// The language of the built-in texts.
    pub language: Language,
    /// What to do while a control's ticket is still open.
    pub on_open_ticket: OnOpenTicket,
    /// What to do when an open ticket is reused and the control has become worse.
    pub on_worse: OnWorse,
    /// The team where neither the acknowledgement nor the link names one: its name or key.
    pub team: Option<String>,
    /// The template of the title.
    pub title: Option<String>,
    /// The template of the description, HTML.
    pub description: Option<String>,
    /// The attribute that keeps the marker.
    pub marker_field: String,
    /// Further attributes: attribute = template.
    pub fields: BTreeMap<String, String>,
    /// Element type × criticality.
    pub priority: Matrix,
}

impl Default for Ticket {
    fn default() -> Self {
        Self {
            class: TicketClass::Auto,
            language: Language::En,
            on_open_ticket: OnOpenTicket::Reuse,
            on_worse: OnWorse::Line,
            team: None,
            title: None,
            description: None,
            marker_field: MARKER_LOG.to_owned(),
            fields: BTreeMap::new(),
            priority: Matrix::default(),
        }
    }
}

/// The class of new tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketClass {
    /// `Incident` where it exists, else `UserRequest`.
    #[serde(rename = "auto")]
    Auto,
    /// Incidents.
    Incident,
    /// User requests.
    UserRequest,
}

/// What to do while a control's ticket is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnOpenTicket {
    /// A line in its private log, no new ticket.
    Reuse,
    /// A new ticket.
    Replace,
}

/// What becomes of an open ticket whose control has become worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnWorse {
    /// The line in its log says so.
    Line,
    /// Impact and urgency are raised too, and never lowered.
    Raise,
}
