//! `[delivery]`: how acknowledgements become tickets.

use serde::{Deserialize, Serialize};

use super::Period;

/// Turning acknowledgements into tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySection {
    /// Deliveries at once, however slow iTop becomes; at least 1.
    pub in_flight_min: u16,
    /// Deliveries at once, however fast iTop is; below `itop.max_in_flight`.
    pub in_flight_max: u16,
    /// How long a write without an answer may still be running.
    pub settle: Period,
    /// The same of a create where nothing proves that the way has been free since.
    pub settle_unproven: Period,
    /// Whether a create carries the condition that no ticket has its marker yet.
    pub conditional: Switch,
    /// Whether the way of a create is probed before one is sent again.
    pub path_probe: Switch,
    /// How many creates are sent again at once until one of them has succeeded.
    pub recreate_at_once: usize,
    /// The first wait after a failed attempt.
    pub backoff_first: Period,
    /// The longest wait between attempts.
    pub backoff_max: Period,
    /// When a row that cannot be delivered is given up.
    pub give_up: Period,
    /// How long after a backup was restored each event is looked for before it is delivered.
    pub restore_window: Period,
    /// How often a blocked row looks whether it was mended in iTop.
    pub recheck_blocked: Period,
    /// The first wait before a closed gate is probed.
    pub probe_first: Period,
    /// The longest wait between probes.
    pub probe_max: Period,
}

impl Default for DeliverySection {
    fn default() -> Self {
        Self {
            in_flight_min: 1,
            in_flight_max: 16,
            settle: Period::seconds(30),
            settle_unproven: Period::minutes(10),
            conditional: Switch::Auto,
            path_probe: Switch::Auto,
            recreate_at_once: 1,
            backoff_first: Period::seconds(5),
            backoff_max: Period::minutes(10),
            give_up: Period::days(3),
            restore_window: Period::days(7),
            recheck_blocked: Period::minutes(5),
            probe_first: Period::seconds(1),
            probe_max: Period::seconds(30),
        }
    }
}

/// Whether something is done that most want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// Where it can be.
    Auto,
    /// Never.
    Off,
}
