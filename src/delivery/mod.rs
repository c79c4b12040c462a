//! Inbox → ticket, exactly once.
//!
//! A row is `accepted`; its turn comes (`dispatch`, as many at once as `in_flight` finds best for
//! the ticket system of its company); the control's open ticket gets a line, or a ticket is planned
//! (`plan`) and made. `creating` is committed before a write is sent. Each ticket system has a `lane`
//! of its own: a gate, a limit, turns, and its way to exactly-once. In `conditional` (iTop) a write
//! without a clear answer is `unknown` until a read settles it.

pub(crate) mod backoff;
mod claims;
mod conditional;
mod core;
mod dispatch;
mod in_flight;
mod lane;
mod line;
mod link;
mod outcomes;
mod plan;
mod rehearsal;
mod trace;
mod unique_key;

pub use plan::{Blocked, Plan, PlanError, Planner, Preview};

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::{
    claims::Claims, conditional::Conditional, core::Core, lane::Lane, link::link_key,
    outcomes::Outcomes, plan::KeepLink,
};
use crate::{
    clock::{Clock, Moment},
    config,
    desk::{DeskName, Desks, Served},
    domain::{
        acknowledgement::Acknowledgement,
        delivery_state::{Problem, State},
        keys::Instance,
        notice::Notice,
        text::capitalised,
        ticket_text::Templates,
        visible::Visible,
    },
    gate::GateState,
    lifecycle::to_its_end,
    store::{InboxRow, OfDesk, Store, StoreError},
};

/// What deliveries are told by the configuration.
#[derive(Debug)]
pub struct Settings {
    /// `[delivery]`.
    pub delivery: config::DeliverySection,
    /// `[ticket]`.
    pub ticket: config::Ticket,
    /// `[links]`.
    pub links: config::Links,
    /// What differs from one ticket system to another, of those that are served.
    pub desks: BTreeMap<DeskName, DeskSettings>,
    /// `[cmdb]`: whether equipment is kept in the CMDB, and that of acknowledgements too.
    pub cmdb: Option<config::Cmdb>,
}

/// What tickets are made of at one ticket system.
#[derive(Debug)]
pub struct DeskSettings {
    /// The team where neither the event nor the link names one.
    pub team: Option<String>,
    /// The compiled templates.
    pub templates: Templates,
}

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

/// How long a create may take before it is told of.
const SLOW: Duration = Duration::from_secs(10);

impl Settings {
    /// Notices about a ticket of this ticket system, in the language of the tickets.
    fn say(&self, notices: &[Notice], desk: DeskName) -> Vec<String> {
        Notice::say_all(notices, desk, self.ticket.language)
    }
}

/// Everything that turns inbox rows into tickets. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    settings: Arc<Settings>,
    outcomes: Arc<Outcomes>,
    stopping: CancellationToken,
    /// One for each ticket system, the default one first.
    lanes: Vec<Lane>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Delivery")
    }
}

impl Delivery {
    /// Wires deliveries up; nothing runs before [`Delivery::run`].
    #[must_use]
    pub fn new(store: Store, desks: &Desks, clock: Clock, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let (outcomes, stopping) = <(Arc<Outcomes>, CancellationToken)>::default();
        let claims = Arc::<Claims>::default();
        let inner = Arc::new_cyclic(|all| {
            let lane = |served: &Served| {
                let shared = outcomes.clone();
                let name = served.name();
                let others = || desks.names().filter(|other| *other != name).collect();
                let of = desks.are_several().then(|| {
                    let is_default = name == desks.default().name();
                    if is_default { OfDesk::AllBut(others()) } else { OfDesk::Linked(name) }
                });
                let of = (of, all.clone(), claims.clone());
                let core = Core::new(
                    store.clone(),
                    served.clone(),
                    clock.clone(),
                    settings.clone(),
                    shared,
                    of,
                );
                Lane::new(core)
            };
            let lanes = desks.iter().map(lane).collect();
            Inner {
                store,
                clock,
                settings: settings.clone(),
                outcomes: outcomes.clone(),
                stopping,
                lanes,
            }
        });
        Self { inner }
    }

    /// Delivers until `stop`; deliveries that run then end by themselves, others stay rows.
    pub async fn run(&self, stop: CancellationToken) {
        let tell_waiters = async {
            stop.cancelled().await;
            self.inner.stopping.cancel();
        };
        let deliver = async {
            self.note_not_served().await;
            // One ticket system must not take up what another has still to put right.
            let recovered = join_all(self.inner.lanes.iter().map(Lane::recover));
            if stop.run_until_cancelled(recovered).await.is_some() {
                join_all(self.inner.lanes.iter().map(|lane| lane.run(&stop))).await;
            }
        };
        tokio::join!(deliver, tell_waiters);
    }

    /// Says of what was being written to a ticket system that is not served any more that it is so.
    async fn note_not_served(&self) {
        let served = self.inner.lanes.iter().map(Lane::name).collect();
        match self.inner.store.note_not_served(served).await {
            Ok(0) => {}
            Ok(rows) => tracing::error!(
                rows,
                "writes went to a ticket system that is not served any more: what came of them is not known"
            ),
            Err(error) => tracing::error!(%error, "interrupted deliveries could not be marked"),
        }
    }

    /// The ticket system of companies that are not linked; there is always one.
    fn default_lane(&self) -> &Lane {
        &self.inner.lanes[0]
    }

    fn lane(&self, desk: DeskName) -> Option<&Lane> {
        self.inner.lanes.iter().find(|lane| lane.name() == desk)
    }

    /// Where an event goes by the link of its company now.
    async fn lane_of(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
    ) -> Result<&Lane, StoreError> {
        let [only] = self.inner.lanes.as_slice() else {
            let key = link_key(instance, event);
            let link = self.inner.store.effective_link(&key, &Visible::all()).await?;
            let lane = link.and_then(|link| self.lane(link.desk));
            return Ok(lane.unwrap_or_else(|| self.default_lane()));
        };
        Ok(only)
    }

    fn conditional(&self) -> Option<&Conditional> {
        self.inner.lanes.iter().find_map(|lane| match lane {
            Lane::Conditional(lane) => Some(lane),
            Lane::UniqueKey(_) => None,
        })
    }

    /// Notices about an event, in the language of the tickets.
    #[must_use]
    pub fn say(&self, notices: &[Notice]) -> Vec<String> {
        self.say_of(notices, self.default_lane().name())
    }

    /// Notices about a ticket of this ticket system.
    #[must_use]
    pub fn say_of(&self, notices: &[Notice], desk: DeskName) -> Vec<String> {
        self.inner.settings.say(notices, desk)
    }

    /// An operator has ended a row: whoever waits for its outcome is answered.
    pub fn tell_outcome(&self, id: i64) {
        self.inner.outcomes.tell(id);
    }

    /// Cancelled when the bridge is told to stop: who is answered as things happen ends then.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.inner.stopping.clone()
    }

    /// Whether the gate of the default desk lets deliveries run, for those who report on it.
    #[must_use]
    pub fn gate(&self) -> GateState {
        self.default_lane().core().gate.state()
    }

    /// Why no delivery runs at all; which ticket system a row is for its link alone tells.
    fn why_none_runs(&self) -> Option<String> {
        let is_closed = |lane: &Lane| !lane.core().gate.is_open();
        match self.gate() {
            GateState::Closed { message, .. } if self.inner.lanes.iter().all(is_closed) => {
                Some(message)
            }
            _ => None,
        }
    }

    /// A row as people read it: one that is not even tried, because the gate is closed, says why.
    #[must_use]
    pub fn with_reason(&self, mut row: InboxRow) -> InboxRow {
        let time_of = |stored: Timestamp| {
            self.inner.clock.time_of(Moment::from_millis(stored.as_millisecond()))
        };
        row.next_attempt_at = row.next_attempt_at.map(time_of);
        if row.state == State::Accepted
            && row.problem.is_none()
            && let Some(message) = self.why_none_runs()
        {
            let code = self.default_lane().core().unavailable();
            row.problem = Some(Problem::new(&code, capitalised(&message)));
        }
        row
    }

    /// The creates that iTop has been at for longer than usual, by row, and for how long.
    #[must_use]
    pub fn slow_creates(&self) -> Vec<(i64, Duration)> {
        self.inner.lanes.iter().flat_map(|lane| lane.slow_creates(SLOW)).collect()
    }

    /// The ticket that a probe of the way of creates has made, after which none is sent any more.
    #[must_use]
    pub fn ticket_of_probe(&self) -> Option<String> {
        self.conditional()?.ticket_of_probe()
    }

    /// How often a write was refused because something that it names did not hold at its moment, by what
    /// that is.
    pub fn refused_conditions(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.conditional().into_iter().flat_map(Conditional::refused_conditions)
    }

    /// How many deliveries run now.
    #[must_use]
    pub fn in_flight(&self) -> Deliveries {
        let core::Load { running, limit } = &self.default_lane().core().load;
        Deliveries {
            running: running.load(Ordering::Relaxed),
            limit: limit.load(Ordering::Relaxed),
            most: self.inner.settings.delivery.in_flight_max,
        }
    }

    /// Whether a delivery runs, or a row waits for its turn.
    pub async fn is_busy(&self) -> bool {
        let now = self.inner.clock.moment();
        self.in_flight().running > 0
            || self.inner.store.due(now, 1, None).await.is_ok_and(|due| !due.is_empty())
    }

    /// Waits until the row has come to an end or needs somebody, for `most` at most.
    pub async fn outcome(&self, id: i64, most: Duration) {
        let outcome = self.inner.outcomes.subscribe(id);
        // What ended before the subscription is seen by looking once more.
        match self.inner.store.for_posts().acknowledgement(id, &Visible::all()).await {
            Ok(Some(row)) if row.state.is_under_way() => {}
            // Blocked and due: it was released or is tried again.
            Ok(Some(row)) if row.state == State::Blocked && row.next_attempt_at.is_none() => {}
            _ => return,
        }
        tokio::select! {
            () = outcome => {}
            () = self.inner.clock.sleep(most) => {}
            // A sender is answered with what is known rather than cut off.
            () = self.inner.stopping.cancelled() => {}
        }
    }

    /// Resolves an event and plans its ticket for somebody who asks; stores and sends nothing. What it
    /// asks of the ticket system is some of the few calls that anybody may cause at any time.
    ///
    /// `trusted_names` says whether the name that the event gives its company may link it. A sender
    /// whose names are not trusted knows some companies alone, and is told nothing of others.
    pub async fn preview(
        &self,
        instance: Instance,
        event: Acknowledgement,
        trusted_names: bool,
    ) -> Result<Preview, PlanError> {
        let lane = self.lane_of(&instance, &event).await?.clone();
        let place = lane.core().desk.place_on_demand().await;
        // The place is kept for as long as it may be at work, whoever waits.
        to_its_end(async move {
            let _place = place;
            let keep = if trusted_names { KeepLink::No } else { KeepLink::Never };
            let link = lane.core().link(&instance, &event, keep).await?;
            lane.look_ahead(&instance, &event, &link, trusted_names).await
        })
        .await
    }
}
