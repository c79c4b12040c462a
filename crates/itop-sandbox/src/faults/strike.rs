//! What the faults that are switched on do to one request.

use std::time::Duration;

use super::{Fault, FaultKind};

/// What strikes one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strike {
    /// How long it waits before anything is done.
    pub(crate) before: Duration,
    /// How long it waits when it is evaluated, before its effect.
    pub(crate) inside: Duration,
    /// How long it waits with its answer.
    pub(crate) after: Duration,
    /// For how long it takes the lock of the ticket counter.
    pub(crate) takes_counter: Option<Duration>,
    /// For how long it takes the lock of the table of tickets.
    pub(crate) takes_table: Option<Duration>,
    /// Every other fault, and whether its answer comes after the effect.
    pub(crate) kinds: Vec<(FaultKind, bool)>,
}

impl Strike {
    pub(super) fn add(&mut self, fault: &Fault) {
        let millis = |ms: &u64| Duration::from_millis(*ms);
        match &fault.kind {
            FaultKind::Slow { before_ms, after_ms } => {
                self.before += millis(before_ms);
                self.after += millis(after_ms);
            }
            FaultKind::HeldBefore { ms } => self.before += millis(ms),
            FaultKind::HeldInside { ms } => self.inside += millis(ms),
            FaultKind::CounterLock { ms } => self.takes_counter = Some(millis(ms)),
            FaultKind::InsertLock { ms } => self.takes_table = Some(millis(ms)),
            kind => self.kinds.push((kind.clone(), fault.after_effect)),
        }
    }

    /// What is left of it for a request with this text.
    pub(crate) fn of_text(mut self, text: &str) -> Self {
        self.kinds.retain(|(kind, _)| match kind {
            FaultKind::Firewall { word, .. } => text.contains(word),
            _ => true,
        });
        self
    }

    pub(crate) fn has(&self, wanted: &FaultKind) -> bool {
        self.kinds.iter().any(|(kind, _)| kind == wanted)
    }

    /// Whether what the query of this attribute `found` or not is gone when it is fetched.
    pub(crate) fn gone_at_fetch(&self, code: &str, found: bool) -> bool {
        self.kinds.iter().any(|(kind, _)| match kind {
            FaultKind::GoneAtFetch { attribute: Some(attribute) } => attribute == code,
            FaultKind::GoneAtFetch { attribute: None } => !found,
            _ => false,
        })
    }

    /// Whether PHP drops a form that is so long.
    pub(crate) fn drops_form(&self, length: usize) -> bool {
        self.kinds
            .iter()
            .any(|(kind, _)| matches!(kind, FaultKind::PostMaxSize { bytes } if length > *bytes))
    }

    /// How many hours iTop's clock is off.
    pub(crate) fn hours_ahead(&self) -> i32 {
        let hours = |kind: &FaultKind| match kind {
            FaultKind::ShiftedTimeZone { hours } => *hours,
            _ => 0,
        };
        self.kinds.iter().map(|(kind, _)| hours(kind)).sum()
    }
}
