//! A row as it is told.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{
        equipment::{Equipment, EquipmentRow, EquipmentState, Held, Problem, preview::Ci},
        keys::{EquipmentId, Instance, PartyKey},
    },
    web::problem::ApiError,
};

/// A piece of equipment: what is wanted, and how far that has come.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EquipmentRow")]
pub(in crate::web) struct EquipmentView {
    pub(in crate::web) instance: Instance,
    pub(in crate::web) company: PartyKey,
    /// Its id in its company.
    pub(in crate::web) id: EquipmentId,
    pub(in crate::web) state: EquipmentState,
    /// Whether it stands in the list of its company.
    pub(in crate::web) listed: bool,
    /// What somebody must say yes to first.
    pub(in crate::web) held: Option<Held>,
    /// Why it does not go on.
    pub(in crate::web) problem: Option<Problem>,
    /// The class in whose data source it is.
    pub(in crate::web) class: Option<String>,
    /// Its CI in iTop.
    pub(in crate::web) ci: Option<Ci>,
    /// When the bridge was last told otherwise.
    pub(in crate::web) changed_at: Timestamp,
    /// When iTop was last seen to hold what was wanted.
    pub(in crate::web) synchronized_at: Option<Timestamp>,
    #[serde(flatten)]
    pub(in crate::web) wanted: Equipment,
}

impl EquipmentView {
    pub(in crate::web) fn of(row: EquipmentRow) -> Self {
        Self {
            instance: row.key.instance,
            company: row.key.company,
            id: row.key.id,
            state: row.state,
            listed: row.listed,
            held: row.held,
            problem: row.problem,
            class: row.class,
            ci: row.ci.map(|(class, id)| Ci { class, id }),
            changed_at: row.changed_at,
            synchronized_at: row.synchronized_at,
            wanted: row.wanted,
        }
    }
}

/// That there is no such equipment, or not for this caller.
pub(super) fn missing() -> ApiError {
    ApiError::NotFound("There is no such equipment.".to_owned())
}
