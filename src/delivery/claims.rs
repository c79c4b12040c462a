//! Whose turn a control's is, where there is more than one ticket system.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Instance and control.
type Control = (String, String);

/// Deliveries of one control run one after another, whichever ticket system they go to: its company may be
/// linked to another one while a row of it is being delivered, which then has its turn there too.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<HashMap<Control, Wanted>>);

/// Whether another ticket system has asked for it meanwhile.
type Wanted = bool;

impl Claims {
    fn taken(&self) -> MutexGuard<'_, HashMap<Control, Wanted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a control; false where it is taken.
    pub(super) fn take(&self, control: &Control) -> bool {
        let mut taken = self.taken();
        if let Some(wanted) = taken.get_mut(control) {
            *wanted = true;
            return false;
        }
        taken.insert(control.clone(), false);
        true
    }

    /// Gives a control back; whether somebody wants it.
    pub(super) fn give_back(&self, control: &Control) -> bool {
        self.taken().remove(control).unwrap_or_default()
    }
}
