//! What a template can use.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{
    Value,
    value::{Object, Serde},
};
use serde::Serialize;

use super::{Labels, Language, civil, labels, shown_time};
use crate::domain::{
    acknowledgement::Acknowledgement,
    keys::Instance,
    priority::{Criticality, ElementType, Priority},
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
    product: String,
    company: String,
    site: Option<String>,
    contract: Option<String>,
    equipment: Value,
    control: ControlContext,
    author: String,
    comment: String,
    acknowledged_at: String,
    expires_at: Option<String>,
    created_at: String,
    priority: u8,
    resolved: Resolved,
    warnings: Vec<String>,
    labels: Labels,
    #[serde(skip)]
    kind: (ElementType, Criticality),
}

#[derive(Clone, Debug, Serialize)]
struct EquipmentContext {
    id: Option<String>,
    name: String,
    address: Option<String>,
    category: Option<String>,
    itsm_id: Option<String>,
}

/// The equipment of an event that has none: it counts as false, and its members are there and
/// empty, because a name that is not there is an error.
#[derive(Debug)]
struct NoEquipment;

impl Object for NoEquipment {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        ["id", "name", "address", "category", "itsm_id"]
            .contains(&key.as_str()?)
            .then(|| Value::from(()))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }
}

#[derive(Clone, Debug, Serialize)]
struct ControlContext {
    id: String,
    name: String,
    element_type: String,
    /// In the language of the tickets, as are the labels.
    element_type_word: &'static str,
    state: String,
    state_line: String,
    state_type: Option<String>,
    criticality: String,
    criticality_word: &'static str,
    status_changed_at: String,
    output: Option<String>,
    url: Option<String>,
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
    let time = |time: Timestamp| shown_time(civil(time, zone));
    let control = &event.control;
    let statement = &event.acknowledgement;
    let state = control.state.as_str().to_owned();
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
        product: event.product().to_owned(),
        company: one_line(event.company.label()),
        site: event.site.as_ref().map(|site| one_line(site.label())),
        contract: event
            .contract
            .as_ref()
            .and_then(|contract| contract.name.clone().or_else(|| contract.id.clone())),
        equipment: match &event.equipment {
            Some(equipment) => Value::from(Serde(EquipmentContext {
                id: equipment.id.clone(),
                name: one_line(&equipment.name),
                address: text(&equipment.address),
                category: text(&equipment.category),
                itsm_id: equipment.itsm_id.clone(),
            })),
            None => Value::from_object(NoEquipment),
        },
        control: ControlContext {
            id: control.id.to_string(),
            name: one_line(&control.name),
            element_type: word(&control.element_type),
            element_type_word: "",
            state,
            state_line,
            state_type: text(&control.state_type),
            criticality: word(&control.criticality),
            criticality_word: "",
            status_changed_at: time(event.state_since()),
            output: text(&control.output),
            url: control.url.clone(),
        },
        author: one_line(event.author()),
        comment: text(&statement.comment).unwrap_or_default(),
        acknowledged_at: time(event.acknowledged_at()),
        expires_at: statement.expires_at.map(time),
        created_at: time(event.created_at),
        priority: priority.into(),
        resolved,
        warnings: warnings.iter().map(|warning| clean(warning).into_owned()).collect(),
        labels: Labels::default(),
        kind: (control.element_type, control.criticality),
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
    /// Puts the words of a language in.
    pub(super) fn speak(&mut self, language: Language) {
        self.labels = Labels::new(language, &self.product);
        let (element_type, criticality) = self.kind;
        self.control.element_type_word = labels::element_type(element_type, language);
        self.control.criticality_word = labels::criticality(criticality, language);
    }

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
