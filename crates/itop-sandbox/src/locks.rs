//! Two locks that every create of a ticket passes, and that somebody else may hold.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use clock::Moment;

/// Which lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// The counter of ticket numbers.
    Counter,
    /// The table of tickets, for an INSERT.
    Table,
}

/// Until when each is held.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<[Option<Moment>; 2]>);

impl Locks {
    /// How long a create waits that comes to the lock `now`: nothing where it is free. Who comes
    /// to `take` a free lock waits behind it like all others, until it is released for all.
    pub(super) fn wait(&self, lock: Lock, now: Moment, take: Option<Duration>) -> Duration {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = &mut held[lock as usize];
        if let Some(period) = take.filter(|_| until.is_none_or(|until| until <= now)) {
            *until = Some(now.later(period));
        }
        until.map_or(Duration::ZERO, |until| until.since(now))
    }
}
