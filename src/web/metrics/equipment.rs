//! The equipment that is kept in iTop's CMDB; nothing where none is.

use super::families::{Families, labels};
use crate::web::AppState;

/// How it goes with it.
pub(super) fn equipment(families: &mut Families, state: &AppState) {
    let Some(federation) = &state.federation else { return };
    let now = federation.figures();
    families.gauges(
        "equipment",
        "Equipment by state",
        now.states.iter().map(|of| (labels([("state", of.state.as_str())]), of.rows)),
    );
    families.gauges(
        "equipment_held",
        "Equipment that waits for somebody to say yes, by what for",
        now.held.iter().map(|of| (labels([("reason", of.held.as_str())]), of.rows)),
    );
    families.counter("equipment_loads", "Loads of equipment into data sources of iTop", now.loads);
    families.counter("equipment_rows_loaded", "Rows of equipment that were loaded", now.rows);
    families.counter("equipment_synchronizations", "Synchronizations that iTop has run", now.runs);
    families.counter(
        "equipment_failures",
        "Loads and synchronizations without a clear success",
        now.failures,
    );
    families.gauges(
        "equipment_synchronized_timestamp_seconds",
        "When iTop has last synchronized equipment",
        now.last_run_at.map(|at| (labels([]), super::way::at(at))),
    );
    families.gauge(
        "equipment_waits_for_itop",
        "Whether something keeps equipment from going on: 1, or 0",
        now.obstacle.is_some(),
    );
    families.gauge(
        "equipment_sources_halted",
        "Data sources of which nothing is loaded until somebody says so",
        now.halts.len(),
    );
}
