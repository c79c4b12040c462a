//! The federation: the equipment that is monitored stands in iTop's CMDB, by iTop's own data synchronization.
//!
//! One worker brings what changed: it plans rows by pure rules ([`plan`]), marks a chunk of them as given to
//! iTop, loads it, has iTop synchronize, reads each CI back, and commits what it saw. Killed at any point it
//! finds the same rows again, and the same load does no harm. Tickets go first.

mod begun;
mod bring;
mod figures;
mod links;
mod lookup;
pub mod model;
pub mod plan;
mod preview;
mod proof;
mod release;
mod rows;
pub mod setup;
mod worker;

pub use figures::{Federated, Figures, Halt};
pub use preview::{Foresight, Unanswered};
pub use release::{may_unlock, unlock};

use std::sync::Arc;

use model::Names;

use crate::{
    clock::Clock,
    config,
    delivery::Delivery,
    gate::Gate,
    itop::{self, ClientError, synchro::Doors},
    store::Store,
};

/// What brings equipment into iTop's CMDB. Cheap to clone.
#[derive(Clone)]
pub struct Federation {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    doors: Doors,
    gate: Gate,
    delivery: Delivery,
    clock: Clock,
    config: config::Cmdb,
    /// Ids of brands, systems, locations, as far as they were asked for.
    names: Names,
    figures: Figures,
    /// Held while rows are brought, and by whoever takes rows out of iTop's sources.
    turn: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Federation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Federation")
    }
}

impl Federation {
    /// Wires it up; nothing runs before [`Federation::run`].
    #[must_use]
    pub fn new(
        store: Store,
        doors: Doors,
        gate: Gate,
        delivery: Delivery,
        clock: Clock,
        config: config::Cmdb,
    ) -> Self {
        let names = Names::new(config.create.clone());
        let figures = Figures::default();
        let turn = tokio::sync::Mutex::default();
        let inner = Inner { store, doors, gate, delivery, clock, config, names, figures, turn };
        Self { inner: Arc::new(inner) }
    }

    /// How equipment is kept.
    #[must_use]
    pub fn config(&self) -> &config::Cmdb {
        &self.inner.config
    }

    /// Calls iTop with this account from now on; tells whether that is different.
    ///
    /// # Errors
    /// Nothing is changed then.
    pub fn renew(&self, account: &itop::Settings) -> Result<bool, ClientError> {
        let is_different = self.inner.doors.renew(account)?;
        if is_different {
            self.inner.store.tell_equipment();
        }
        Ok(is_different)
    }

    /// What was done so far, and what stands in the way.
    #[must_use]
    pub fn figures(&self) -> Federated {
        self.inner.figures.now()
    }
}
