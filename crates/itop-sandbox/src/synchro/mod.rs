//! Data synchronization and CSV as they were recorded: `synchro_import.php` loads rows into the table
//! of a data source, `synchro_exec.php` makes objects of them, `import.php` takes a file at once, and
//! `export-v2.php` gives one.
//!
//! Each request is one transaction, one after another, whatever becomes of it: what it did stays,
//! also where it dies in the middle. Where something had to be filled in that no recording shows,
//! the code says so.

mod counters;
mod defaults;
mod door;
mod export;
mod import;
mod load;
mod lock;
mod lookup;
mod missing;
mod objects;
mod output;
mod remove;
mod replica;
mod run;
mod source;
mod table;

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    routing::any,
};

use super::{Itop, faults::FaultKind, line::Line};
use door::Door;

pub(super) use lock::refuse_locked;
pub(super) use remove::{delete, refuse_owned, remove};
pub(super) use source::{attributes_given, complete as complete_source};

/// The pages beside REST.
pub(super) fn routes() -> Router<Arc<Itop>> {
    let page = |door: Door| {
        any(
            move |State(itop): State<Arc<Itop>>,
                  ConnectInfo(line): ConnectInfo<Line>,
                  request: Request| async move {
                door::enter(itop, line, door, request).await
            },
        )
    };
    Router::new()
        .route("/synchro/synchro_import.php", page(Door::Load))
        .route("/synchro/synchro_exec.php", page(Door::Synchronize))
        .route("/webservices/import.php", page(Door::Import))
        .route("/webservices/export-v2.php", page(Door::Export))
}

/// How a request ends that does not come to its end.
#[derive(Debug)]
enum Death {
    /// PHP had no memory left.
    Memory,
    /// The worker was killed.
    Killed,
    /// The database does not do what is asked of it.
    Database,
}

impl From<rusqlite::Error> for Death {
    fn from(_: rusqlite::Error) -> Self {
        Self::Database
    }
}

/// Counts up to where a run dies, if it does.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    left: Option<(usize, bool)>,
}

impl Fate {
    /// What awaits the objects of a run.
    fn of_objects(kinds: &[(FaultKind, bool)]) -> Self {
        let left = kinds.iter().find_map(|(kind, _)| match kind {
            FaultKind::MemoryExhausted { objects } => Some((*objects, true)),
            FaultKind::Killed { after, in_load: false } => Some((*after, false)),
            _ => None,
        });
        Self { left }
    }

    /// What awaits the rows of a load.
    fn of_rows(kinds: &[(FaultKind, bool)]) -> Self {
        let left = kinds.iter().find_map(|(kind, _)| match kind {
            FaultKind::Killed { after, in_load: true } => Some((*after, false)),
            _ => None,
        });
        Self { left }
    }

    /// One more is done.
    fn step(&mut self) -> Result<(), Death> {
        let Some((left, of_memory)) = &mut self.left else { return Ok(()) };
        *left = left.saturating_sub(1);
        match (*left, *of_memory) {
            (1.., _) => Ok(()),
            (0, true) => Err(Death::Memory),
            (0, false) => Err(Death::Killed),
        }
    }
}
