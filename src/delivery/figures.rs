//! What is told of deliveries.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{counting::Tally, domain::new_ticket::RefKind};

/// How many deliveries run and may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Deliveries {
    /// Those that run now.
    pub running: usize,
    /// As many as iTop is best served with, as far as that was found out.
    pub limit: u16,
    /// The bound of the configuration.
    pub most: u16,
}

/// How it goes with deliveries, as whoever holds the Term tells it. Of the default desk, where that is not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// How many run now.
    pub in_flight: Deliveries,
    /// The creates that iTop has been at for longer than usual, by row, and for how long.
    pub slow_creates: Vec<(i64, Duration)>,
    /// The ticket that a probe of the way of creates has made, after which none is sent any more.
    pub ticket_of_probe: Option<String>,
}

impl Figures {
    /// Where nobody delivers.
    pub(super) fn of_nobody(most: u16) -> Self {
        let in_flight = Deliveries { running: 0, limit: 0, most };
        Self { in_flight, slow_creates: Vec::new(), ticket_of_probe: None }
    }
}

/// How often a write was refused because something that it names did not hold at its moment: of a new
/// ticket by [`RefKind`], and the open ticket to which a line was to be added. It grows over all Terms.
pub(super) type RefusedConditions = Tally<{ RefKind::ALL.len() + 1 }>;
