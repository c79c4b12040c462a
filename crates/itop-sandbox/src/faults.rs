//! Faults: what goes wrong, in which requests, and how often.

mod kind;
mod strike;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::operations::Effect;

pub use kind::FaultKind;
pub(super) use strike::Strike;

/// The requests that a fault concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operations {
    /// Every request.
    #[default]
    All,
    /// `core/create`.
    Create,
    /// `core/update`, `core/apply_stimulus` and `core/delete`.
    Update,
    /// Everything else.
    Read,
    /// `synchro_import.php`, whether it synchronizes or not.
    Load,
    /// `synchro_exec.php`.
    Synchronize,
    /// `import.php`.
    Import,
}

/// A fault and when it strikes. By default: in every request until it is switched off, and, for
/// a kind that replaces the answer, instead of the effect.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// In which requests.
    #[serde(default)]
    pub on: Operations,
    /// How many times; none means until it is switched off.
    #[serde(default)]
    pub times: Option<u32>,
    /// The chance, from 0 to 1, that a matching request is struck; none means always.
    #[serde(default)]
    pub probability: Option<f64>,
    /// Where the dice of `probability` start.
    #[serde(default)]
    pub seed: u64,
    /// For a kind that replaces the answer: the work is done all the same.
    #[serde(default)]
    pub after_effect: bool,
}

impl Fault {
    /// A fault in every request until it is switched off.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            on: Operations::All,
            times: None,
            probability: None,
            seed: 0,
            after_effect: false,
        }
    }

    /// Only in these requests.
    #[must_use]
    pub fn on(self, on: Operations) -> Self {
        Self { on, ..self }
    }

    /// Only so many times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Only with this probability, by dice that start at `seed`.
    #[must_use]
    pub fn with_probability(self, probability: f64, seed: u64) -> Self {
        Self { probability: Some(probability), seed, ..self }
    }

    /// The work is done although the answer does not show it.
    #[must_use]
    pub fn after_effect(self) -> Self {
        Self { after_effect: true, ..self }
    }

    fn concerns(&self, effect: Effect) -> bool {
        // No other request passes these locks.
        let locks =
            matches!(self.kind, FaultKind::CounterLock { .. } | FaultKind::InsertLock { .. });
        let concerned = match self.on {
            Operations::All => true,
            Operations::Create => effect == Effect::Create,
            Operations::Update => effect == Effect::Update,
            Operations::Read => effect == Effect::Read,
            Operations::Load => effect == Effect::Load,
            Operations::Synchronize => effect == Effect::Synchronize,
            Operations::Import => effect == Effect::Import,
        };
        concerned && (!locks || effect == Effect::Create)
    }
}

/// Names a fault that is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct FaultId(u64);

/// The faults of a running sandbox; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Switched>>);

#[derive(Debug, Default)]
struct Switched {
    next: u64,
    armed: Vec<Armed>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Armed {
    id: FaultId,
    #[serde(flatten)]
    fault: Fault,
    #[serde(skip)]
    dice: u64,
}

impl Faults {
    /// Switches a fault on. Its id is of use to whoever switches it off alone.
    #[expect(clippy::must_use_candidate, reason = "most tests switch off everything at once")]
    pub fn switch_on(&self, fault: Fault) -> FaultId {
        let mut switched = self.lock();
        switched.next += 1;
        let id = FaultId(switched.next);
        let dice = fault.seed;
        switched.armed.push(Armed { id, fault, dice });
        id
    }

    /// Switches a fault off; one that has already run out is no error.
    pub fn switch_off(&self, id: FaultId) {
        self.lock().armed.retain(|armed| armed.id != id);
    }

    /// Switches all faults off.
    pub fn clear(&self) {
        self.lock().armed.clear();
    }

    /// Puts iTop under maintenance, or ends that.
    pub fn set_maintenance(&self, on: bool) {
        self.set(FaultKind::Maintenance, on);
    }

    /// Makes iTop read-only, or ends that.
    pub fn set_read_only(&self, on: bool) {
        self.set(FaultKind::ReadOnly, on);
    }

    /// Takes the database of iTop away, or brings it back.
    pub fn set_database_down(&self, on: bool) {
        self.set(FaultKind::DatabaseDown, on);
    }

    /// Switches a kind on for all requests, or off wherever it is on.
    pub fn set(&self, kind: FaultKind, on: bool) {
        self.lock().armed.retain(|armed| armed.fault.kind != kind);
        if on {
            self.switch_on(Fault::new(kind));
        }
    }

    /// Which of them are still on.
    #[must_use]
    pub fn switched_on(&self) -> Vec<(FaultId, Fault)> {
        self.lock().armed.iter().map(|armed| (armed.id, armed.fault.clone())).collect()
    }

    pub(super) fn list(&self) -> Vec<Armed> {
        self.lock().armed.clone()
    }

    /// What strikes the next request; counts it against faults that run out.
    pub(super) fn strike(&self, effect: Effect) -> Strike {
        let mut strike = Strike::default();
        self.lock().armed.retain_mut(|armed| {
            if !armed.fault.concerns(effect) || !armed.rolls() {
                return true;
            }
            strike.add(&armed.fault);
            match &mut armed.fault.times {
                Some(left) => {
                    *left = left.saturating_sub(1);
                    *left > 0
                }
                None => true,
            }
        });
        strike
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Switched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn rolls(&mut self) -> bool {
        let Some(probability) = self.fault.probability else { return true };
        // SplitMix64: the same seed strikes the same requests on every run.
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let roll = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(u32::MAX);
        f64::from(roll) / f64::from(u32::MAX) < probability
    }
}
