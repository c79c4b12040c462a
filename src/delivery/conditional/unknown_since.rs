//! Since when rows are unknown, as far as this process has seen it: what is stored of that is a time of
//! day, which somebody may have set since.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::{clock::Moment, store::UnknownRow};

/// By row: when it says that it became unknown, and when that was. A row can become unknown again.
#[derive(Debug, Default)]
pub(super) struct UnknownSince(Mutex<HashMap<i64, (Timestamp, Moment)>>);

impl UnknownSince {
    /// A row became unknown; `at` is what is stored of that.
    pub(super) fn began(&self, id: i64, at: Timestamp, now: Moment) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (at, now));
    }

    /// Since when each of these rows is unknown: those of which that was not told since they were
    /// seen first, which can only be later. All other rows are forgotten.
    pub(super) fn of(&self, rows: &[UnknownRow], now: Moment) -> HashMap<i64, Moment> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let began = |row: &UnknownRow| {
            let same = known.get(&row.id).filter(|(at, _)| *at == row.since);
            (row.id, same.copied().unwrap_or((row.since, now)))
        };
        let began: HashMap<_, _> = rows.iter().map(began).collect();
        let moments = began.iter().map(|(id, (_, moment))| (*id, *moment)).collect();
        *known = began;
        moments
    }
}
