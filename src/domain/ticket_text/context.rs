//! What a template can use.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::Language;
use crate::domain::{
    acknowledgement::Acknowledgement,
    keys::Instance,
    priority::Priority,
    text::{clean, cut_bytes, one_line},
};

/// What became of the event's references in iTop, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The organization.
    pub organization: String,
    /// The team.
    pub team: String,
    /// The contact, if one was found.
    pub contact: Option<String>,
    /// The service, if one was found.
    pub service: Option<String>,
    /// The service element, if one was found.
    pub service_element: Option<String>,
    /// The CI, if one was found.
    pub ci: Option<String>,
}

/// The variables of every template: title, description and `[ticket.fields]`.
#[derive(Clone, Debug, Serialize)]
pub struct TicketContext {
    /// The sender's own title.
    pub title: Option<String>,
    /// The whole title, where iTop's limit cut it.
    pub full_title: Option<String>,
    /// The sender's description of the problem.
    pub description: Option<String>,
    event_id: String,
    instance: String,
    company: String,
    site: Option<String>,
    contract: Option<String>,
    equipment: Option<EquipmentContext>,
    control: ControlContext,
    author: String,
    comment: String,
    acknowledged_at: String,
    expires_at: Option<String>,
    created_at: String,
    priority: u8,
    resolved: Resolved,
    warnings: Vec<String>,
    pub(super) labels: Labels,
}

#[derive(Clone, Debug, Serialize)]
struct EquipmentContext {
    id: Option<String>,
    name: String,
    address: Option<String>,
    category: Option<String>,
    itsm_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct ControlContext {
    id: String,
    name: String,
    element_type: String,
    state: String,
    state_line: String,
    state_type: Option<String>,
    criticality: String,
    status_changed_at: String,
    output: Option<String>,
    url: Option<String>,
}

/// The words around the values.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Labels {
    output: &'static str,
    acknowledged_by: &'static str,
    colon: &'static str,
    company: &'static str,
    site: &'static str,
    contract: &'static str,
    equipment: &'static str,
    address: &'static str,
    category: &'static str,
    control: &'static str,
    state: &'static str,
    criticality: &'static str,
    status_changed_at: &'static str,
    acknowledged_at: &'static str,
    expires_at: &'static str,
    link: &'static str,
    event: &'static str,
    warnings: &'static str,
}

pub(super) fn labels(language: Language) -> Labels {
    match language {
        Language::En => Labels {
            output: "Output of the control",
            acknowledged_by: "Acknowledged in ServiceNav by",
            colon: ":",
            company: "Company",
            site: "Site",
            contract: "Contract",
            equipment: "Equipment",
            address: "Address",
            category: "Category",
            control: "Control",
            state: "State",
            criticality: "Criticality",
            status_changed_at: "In this state since",
            acknowledged_at: "Acknowledged at",
            expires_at: "Acknowledged until",
            link: "In ServiceNav",
            event: "Event",
            warnings: "What the bridge could not do as asked",
        },
        Language::Fr => Labels {
            output: "Sortie du contrôle",
            acknowledged_by: "Acquitté dans ServiceNav par",
            colon: " :",
            company: "Société",
            site: "Site",
            contract: "Contrat",
            equipment: "Équipement",
            address: "Adresse",
            category: "Catégorie",
            control: "Contrôle",
            state: "État",
            criticality: "Criticité",
            status_changed_at: "Dans cet état depuis",
            acknowledged_at: "Acquitté le",
            expires_at: "Acquitté jusqu'au",
            link: "Dans ServiceNav",
            event: "Événement",
            warnings: "Ce que le pont n'a pas pu faire comme demandé",
        },
    }
}

/// Gathers what a template can use. Times are shown in `zone`, which is iTop's.
#[must_use]
pub fn context(
    event: &Acknowledgement,
    instance: &Instance,
    priority: Priority,
    resolved: Resolved,
    warnings: &[String],
    zone: &TimeZone,
) -> TicketContext {
    let text = |text: &Option<String>| text.as_deref().map(|text| clean(text).into_owned());
    let time =
        |time: Timestamp| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    let control = &event.control;
    let statement = &event.acknowledgement;
    let state = word(&control.state);
    let state_line = match &control.state_type {
        Some(kind) => format!("{state} ({})", one_line(kind)),
        None => state.clone(),
    };
    TicketContext {
        title: text(&event.title),
        full_title: None,
        description: text(&event.description),
        event_id: event.event_id.to_string(),
        instance: instance.to_string(),
        company: one_line(event.company.label()),
        site: event.site.as_ref().map(|site| one_line(site.label())),
        contract: event
            .contract
            .as_ref()
            .and_then(|contract| contract.name.clone().or_else(|| contract.id.clone())),
        equipment: event.equipment.as_ref().map(|equipment| EquipmentContext {
            id: equipment.id.clone(),
            name: one_line(&equipment.name),
            address: text(&equipment.address),
            category: text(&equipment.category),
            itsm_id: equipment.itsm_id.clone(),
        }),
        control: ControlContext {
            id: control.id.to_string(),
            name: one_line(&control.name),
            element_type: word(&control.element_type),
            state,
            state_line,
            state_type: text(&control.state_type),
            criticality: word(&control.criticality),
            status_changed_at: time(control.status_changed_at),
            output: text(&control.output),
            url: control.url.clone(),
        },
        author: one_line(statement.author.label()),
        comment: clean(&statement.comment).into_owned(),
        acknowledged_at: time(statement.acknowledged_at.unwrap_or(event.created_at)),
        expires_at: statement.expires_at.map(time),
        created_at: time(event.created_at),
        priority: priority.into(),
        resolved,
        warnings: warnings.iter().map(|warning| clean(warning).into_owned()).collect(),
        labels: Labels::default(),
    }
}

/// A word of the contract, as its type writes it.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

impl TicketContext {
    /// The same with every free text cut to `bytes` and a note of what is missing.
    pub(super) fn with_texts_cut_to(&self, bytes: usize) -> Self {
        let cut = |text: &str| match cut_bytes(text, bytes) {
            kept if kept.len() == text.len() => text.to_owned(),
            kept => format!("{kept}… [{} / {}]", kept.chars().count(), text.chars().count()),
        };
        let mut cut_one = self.clone();
        cut_one.full_title = self.full_title.as_deref().map(cut);
        cut_one.description = self.description.as_deref().map(cut);
        cut_one.control.output = self.control.output.as_deref().map(cut);
        cut_one.comment = cut(&self.comment);
        cut_one.warnings = self.warnings.iter().map(|warning| cut(warning)).collect();
        cut_one
    }
}
