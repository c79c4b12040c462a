//! What delivers while a Term lasts. All that it remembers goes with it: the next one begins, like another
//! process, with what is in the database.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Deliveries, Figures, Inner,
    claims::Claims,
    conditional::Conditional,
    core::{Core, Load, Shared},
    lane::Lane,
};
use crate::{
    desk::DeskName,
    store::{OfDesk, Term},
};

/// How long a create may take before it is told of.
const SLOW: Duration = Duration::from_secs(10);

/// Deliveries to all ticket systems, the default one first.
pub(super) struct Lanes(Vec<Lane>);

pub(super) struct Deliverer {
    term: Term,
    lanes: Arc<Lanes>,
    /// Ends what goes on by itself.
    _over: DropGuard,
}

impl Deliverer {
    /// Nothing runs before [`Deliverer::run`].
    pub(super) fn new(front: &Inner, term: Term) -> Self {
        let names: Vec<_> = front.outlooks.iter().map(|outlook| outlook.name()).collect();
        let over = CancellationToken::new();
        let claims = Arc::<Claims>::default();
        let lanes = Arc::new_cyclic(|all: &Weak<Lanes>| {
            let shared = Shared {
                term: term.clone(),
                outcomes: front.outcomes.clone(),
                refused: front.refused.clone(),
                all: all.clone(),
                claims,
                hold: front.hold.clone(),
                over: over.clone(),
            };
            let lanes = front.outlooks.iter().map(|outlook| {
                let of = rows_of(outlook.name(), &names);
                Lane::new(Core::new(outlook.clone(), of, shared.clone()))
            });
            Lanes(lanes.collect())
        });
        Self { term, lanes, _over: over.drop_guard() }
    }

    pub(super) fn lanes(&self) -> &Arc<Lanes> {
        &self.lanes
    }

    /// Delivers until `stop`; deliveries that run then end by themselves, others stay rows.
    pub(super) async fn run(self, stop: &CancellationToken) {
        self.note_not_served().await;
        // One ticket system must not take up what another has still to put right.
        let recovered = join_all(self.lanes.iter().map(Lane::recover));
        if stop.run_until_cancelled(recovered).await.is_some() {
            join_all(self.lanes.iter().map(|lane| lane.run(stop))).await;
        }
    }

    /// Says of what was being written to a ticket system that is not served any more that it is so.
    async fn note_not_served(&self) {
        let served = self.lanes.iter().map(Lane::name).collect();
        match self.term.note_not_served(served).await {
            Ok(0) => {}
            Ok(rows) => tracing::error!(
                rows,
                "writes went to a ticket system that is not served any more: what came of them is not known"
            ),
            Err(error) => tracing::error!(%error, "interrupted deliveries could not be marked"),
        }
    }
}

/// Which rows are those of a ticket system, the first of which is the default one; `None` where there is no
/// other.
fn rows_of(name: DeskName, all: &[DeskName]) -> Option<OfDesk> {
    let others = || all.iter().copied().filter(|other| *other != name).collect();
    match all {
        [_] => None,
        [default, ..] if *default == name => Some(OfDesk::AllBut(others())),
        _ => Some(OfDesk::Linked(name)),
    }
}

impl Lanes {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.0.iter()
    }

    /// How it goes, with so many deliveries at once at most.
    pub(super) fn figures(&self, most: u16) -> Figures {
        let Load { running, limit } = &self.0[0].core().load;
        Figures {
            in_flight: Deliveries {
                running: running.load(Ordering::Relaxed),
                limit: limit.load(Ordering::Relaxed),
                most,
            },
            slow_creates: self.iter().flat_map(|lane| lane.slow_creates(SLOW)).collect(),
            ticket_of_probe: self.conditional().and_then(Conditional::ticket_of_probe),
        }
    }

    fn conditional(&self) -> Option<&Conditional> {
        self.iter().find_map(|lane| match lane {
            Lane::Conditional(lane) => Some(lane),
            Lane::UniqueKey(_) => None,
        })
    }
}
