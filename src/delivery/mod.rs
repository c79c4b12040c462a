//! Inbox → iTop, exactly once.
//!
//! A row is `accepted`; its turn comes (`dispatch`, as many at once as `in_flight` finds best for
//! iTop); the control's open ticket gets a line (`lines`, read back by `read_back`), or a ticket is
//! planned (`plan`) and made (`create`). `creating` is committed before a write is sent; a clear
//! answer ends it, and without one (`write`) it is `unknown` until a read settles it (`settle`,
//! `adopt`), or until the way has proven free and it is sent again (`recreate`).

mod adopt;
mod attempt;
pub(crate) mod backoff;
mod create;
mod dispatch;
mod existing;
mod highest_id;
mod in_flight;
mod lines;
mod outcomes;
mod plan;
mod read_back;
mod recreate;
mod rehearsal;
mod search;
mod settle;
mod trace;
mod unknown_since;
mod write;

pub use plan::{Blocked, Plan, PlanError, Planner, Preview};

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::Catalog,
    clock::{Clock, Moment},
    config,
    counting::Tally,
    domain::{
        delivery_state::{Problem, State},
        new_ticket::RefKind,
        notice::Notice,
        text::capitalised,
        ticket_text::Templates,
        visible::Visible,
    },
    gate::{Gate, GateState, Reason},
    itop::Client,
    store::{InboxRow, Store},
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
    /// The compiled templates of `[ticket]`.
    pub templates: Templates,
    /// `[cmdb]`: whether equipment is kept in the CMDB, and that of acknowledgements too.
    pub cmdb: Option<config::Cmdb>,
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

/// The numbers of [`Deliveries`], as the dispatch has last seen them.
#[derive(Debug, Default)]
struct Load {
    running: AtomicUsize,
    limit: AtomicU16,
}

/// How long a create may take before it is told of.
const SLOW: Duration = Duration::from_secs(10);

impl Settings {
    /// Notices in the language of the tickets.
    fn say(&self, notices: &[Notice]) -> Vec<String> {
        Notice::say_all(notices, self.ticket.language)
    }
}

/// Everything that turns inbox rows into tickets. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    catalog: Catalog,
    client: Client,
    gate: Gate,
    clock: Clock,
    /// When this process began: what was sent before it can only be older.
    began: Moment,
    settings: Arc<Settings>,
    planner: Planner,
    outcomes: outcomes::Outcomes,
    /// How many deliveries run, and may run.
    load: Load,
    /// Cancelled when the bridge is told to stop.
    stopping: CancellationToken,
    /// A row has become unknown: it is looked for soon.
    unknown: Notify,
    /// Since when rows are unknown.
    unknown_since: unknown_since::UnknownSince,
    /// Up to when it is noted that the bridge has run since a restore.
    ran_noted: tokio::sync::Mutex<Moment>,
    /// Creates under way, and when one may be sent again.
    recreation: recreate::Recreation,
    /// Whose turn it is to write into a ticket that is there.
    turns: lines::Turns,
    /// Lines were written: they are read back soon.
    lines_written: Notify,
    /// A new ticket's id was not above all others.
    ids_fell: Notify,
    refused: RefusedConditions,
}

/// How often a write was refused because something that it names did not hold at its moment: of a new
/// ticket by [`RefKind`], and the open ticket to which a line was to be added.
type RefusedConditions = Tally<{ RefKind::ALL.len() + 1 }>;

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Delivery")
    }
}

impl Delivery {
    /// Wires deliveries up; nothing runs before [`Delivery::run`].
    #[must_use]
    pub fn new(
        store: Store,
        catalog: Catalog,
        client: Client,
        gate: Gate,
        clock: Clock,
        settings: Settings,
    ) -> Self {
        let settings = Arc::new(settings);
        let mut planner =
            Planner::new(catalog.clone(), client.clone(), clock.clone(), settings.clone());
        if settings.cmdb.is_some() {
            planner = planner.with_federation(store.clone());
        }
        let inner = Inner {
            planner,
            store,
            catalog,
            client,
            gate,
            began: clock.moment(),
            ran_noted: tokio::sync::Mutex::new(clock.moment()),
            clock,
            settings,
            outcomes: outcomes::Outcomes::default(),
            load: Load::default(),
            stopping: CancellationToken::new(),
            unknown: Notify::new(),
            unknown_since: unknown_since::UnknownSince::default(),
            recreation: recreate::Recreation::default(),
            turns: lines::Turns::default(),
            lines_written: Notify::new(),
            ids_fell: Notify::new(),
            refused: RefusedConditions::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Notices in the language of the tickets.
    #[must_use]
    pub fn say(&self, notices: &[Notice]) -> Vec<String> {
        self.inner.settings.say(notices)
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

    /// Whether the gate lets deliveries run, for those who report on it.
    #[must_use]
    pub fn gate(&self) -> GateState {
        self.inner.gate.state()
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
            && let GateState::Closed { message, .. } = self.gate()
        {
            row.problem = Some(Problem::new("itop-unavailable", capitalised(&message)));
        }
        row
    }

    /// The creates that iTop has been at for longer than usual, by row, and for how long.
    #[must_use]
    pub fn slow_creates(&self) -> Vec<(i64, Duration)> {
        self.inner.recreation.slow(SLOW, self.inner.clock.moment())
    }

    /// The ticket that a probe of the way of creates has made, after which none is sent any more.
    #[must_use]
    pub fn ticket_of_probe(&self) -> Option<String> {
        self.inner.recreation.probing_ended()
    }

    /// How often a write was refused because something that it names did not hold at its moment, by what
    /// that is.
    pub fn refused_conditions(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let named = RefKind::ALL.into_iter().map(RefKind::code);
        named.chain(["ticket"]).zip(self.inner.refused.read())
    }

    /// What iTop was asked for, by all who ask it.
    #[must_use]
    pub fn itop(&self) -> &Client {
        &self.inner.client
    }

    /// How often the gate has closed for each reason.
    pub fn gate_closings(&self) -> impl Iterator<Item = (Reason, u64)> + use<> {
        self.inner.gate.closings()
    }

    /// How many deliveries run now.
    #[must_use]
    pub fn in_flight(&self) -> Deliveries {
        let Load { running, limit } = &self.inner.load;
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
            || self.inner.store.due(now, 1).await.is_ok_and(|due| !due.is_empty())
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
}
