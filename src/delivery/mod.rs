//! Inbox → ticket, exactly once.
//!
//! A row is `accepted`; its turn comes (`dispatch`, as many at once as `in_flight` finds best for
//! the ticket system of its company); the control's open ticket gets a line, or a ticket is planned
//! (`plan`) and made. `creating` is committed before a write is sent. Each ticket system has a `lane`
//! of its own: a gate, a limit, turns, and its way to exactly-once. In `conditional` (iTop) a write
//! without a clear answer is `unknown` until a read settles it.
//!
//! Who asks holds a [`Delivery`], which writes nothing; who delivers is a `deliverer`, for one Term.

pub(crate) mod backoff;
mod claims;
mod conditional;
mod core;
mod deliverer;
mod dispatch;
mod figures;
mod hold;
mod in_flight;
mod lane;
mod line;
mod link;
mod outcomes;
mod outlook;
mod plan;
mod rehearsal;
mod trace;
mod unique_key;

pub use figures::{Deliveries, Figures};
pub use hold::Quiet;
pub use plan::{Blocked, Plan, PlanError, Planner, Preview};

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use self::{
    core::AFTER_STORE_FAILURE,
    deliverer::{Deliverer, Lanes},
    figures::RefusedConditions,
    hold::Hold,
    link::link_key,
    outcomes::Outcomes,
    outlook::Outlook,
};
use crate::{
    clock::{Clock, Moment},
    config,
    desk::{DeskName, Desks, Served},
    domain::{
        acknowledgement::Acknowledgement,
        delivery_state::{Problem, State},
        keys::Instance,
        new_ticket::RefKind,
        notice::Notice,
        text::capitalised,
        ticket_text::Templates,
        visible::Visible,
    },
    gate::{GateState, Reason},
    lifecycle::to_its_end,
    store::{Held, InboxRow, Standing, Store, StoreError, Term},
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

impl Settings {
    /// Notices about a ticket of this ticket system, in the language of the tickets.
    fn say(&self, notices: &[Notice], desk: DeskName) -> Vec<String> {
        Notice::say_all(notices, desk, self.ticket.language)
    }
}

/// Deliveries, for those who ask about them: what becomes of a row, what would become of an event, how it goes.
/// They run where [`Delivery::run`] does. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    settings: Arc<Settings>,
    outcomes: Arc<Outcomes>,
    refused: Arc<RefusedConditions>,
    stopping: CancellationToken,
    hold: Hold,
    /// One for each ticket system, the default one first.
    outlooks: Vec<Arc<Outlook>>,
    /// What delivers, while something does.
    lanes: Mutex<Weak<Lanes>>,
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
        let outlook = |served: &Served| {
            let (store, clock, settings) = (store.clone(), clock.clone(), settings.clone());
            Arc::new(Outlook::new(store, served.clone(), clock, settings))
        };
        let outlooks = desks.iter().map(outlook).collect();
        let gates = desks.iter().map(|served| served.gate.clone()).collect();
        let hold = Hold::new(store.clone(), clock.clone(), gates);
        let outcomes = store.outcomes();
        let inner = Inner {
            store,
            clock,
            settings,
            outcomes,
            refused: Arc::default(),
            stopping: CancellationToken::new(),
            hold,
            outlooks,
            lanes: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What was held when the last process ended still is; asked before anything runs, and again with each Term.
    pub async fn recover_hold(&self) -> Result<(), StoreError> {
        self.inner.hold.recover().await
    }

    /// Deliveries are held from now on: what is posted is stored and waits. Those that run end by themselves, and what
    /// has no clear outcome is settled.
    pub async fn hold(&self, by: &str) -> Result<Held, StoreError> {
        self.inner.hold.begin(by).await
    }

    /// Deliveries go on.
    pub async fn end_hold(&self, by: &str) -> Result<(), StoreError> {
        self.inner.hold.end(by).await
    }

    /// That deliveries are held and none is under way; none begins until it is dropped. Only where they run that can
    /// be told.
    #[must_use]
    pub fn quiet(&self) -> Option<Quiet> {
        if self.inner.store.standing() == Some(Standing::Following) {
            return None;
        }
        self.inner.hold.quiet()
    }

    /// Delivers for a Term until `stop`; deliveries that run then end by themselves, others stay rows. Dropped
    /// before, it leaves what a process does that is killed.
    pub async fn run(&self, term: Term, stop: &CancellationToken) {
        // What was begun for an earlier Term of this process may still be sent: from its end on it is settled.
        let ended = join_all(self.inner.outlooks.iter().map(|outlook| outlook.desk.writes_ended()));
        if stop.run_until_cancelled(ended).await.is_none() {
            return;
        }
        // Whoever led before may have held them, or let them go on.
        let recovered = async {
            while let Err(error) = self.inner.hold.recover().await {
                tracing::error!(%error, "whether deliveries are held could not be read");
                self.inner.clock.sleep(AFTER_STORE_FAILURE).await;
            }
        };
        if stop.run_until_cancelled(recovered).await.is_none() {
            return;
        }
        let deliverer = Deliverer::new(&self.inner, term);
        *self.lanes() = Arc::downgrade(deliverer.lanes());
        deliverer.run(stop).await;
    }

    /// Whoever waits for what comes of a row is answered with what is known then.
    pub fn stop_waiting(&self) {
        self.inner.stopping.cancel();
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, Weak<Lanes>> {
        self.inner.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That of companies that are not linked; there is always one.
    fn default_outlook(&self) -> &Arc<Outlook> {
        &self.inner.outlooks[0]
    }

    /// Where an event goes by the link of its company now.
    async fn outlook_of(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
    ) -> Result<&Arc<Outlook>, StoreError> {
        let [only] = self.inner.outlooks.as_slice() else {
            let key = link_key(instance, event);
            let link = self.inner.store.effective_link(&key, &Visible::all()).await?;
            let is_its = |outlook: &&Arc<Outlook>| {
                link.as_ref().is_some_and(|link| outlook.name() == link.desk)
            };
            let linked = self.inner.outlooks.iter().find(is_its);
            return Ok(linked.unwrap_or_else(|| self.default_outlook()));
        };
        Ok(only)
    }

    /// Notices about an event, in the language of the tickets.
    #[must_use]
    pub fn say(&self, notices: &[Notice]) -> Vec<String> {
        self.say_of(notices, self.default_outlook().name())
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
        self.default_outlook().gate.state()
    }

    /// Why no delivery runs at all; which ticket system a row is for its link alone tells.
    fn why_none_runs(&self) -> Option<Problem> {
        let is_closed = |outlook: &Arc<Outlook>| !outlook.gate.is_open();
        match self.gate() {
            GateState::Closed { reason, message, .. }
                if self.inner.outlooks.iter().all(is_closed) =>
            {
                let code = match reason {
                    Reason::Held => "deliveries-held".to_owned(),
                    _ => self.default_outlook().unavailable(),
                };
                Some(Problem::new(&code, capitalised(&message)))
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
            && let Some(problem) = self.why_none_runs()
        {
            row.problem = Some(problem);
        }
        row
    }

    /// How it goes with deliveries now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let most = self.inner.settings.delivery.in_flight_max;
        let lanes = self.lanes().upgrade();
        lanes.map_or_else(|| Figures::of_nobody(most), |lanes| lanes.figures(most))
    }

    /// How often a write was refused because something that it names did not hold at its moment, by what
    /// that is. None where no ticket system has such conditions.
    pub fn refused_conditions(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let named = RefKind::ALL.into_iter().map(RefKind::code);
        let has_any = self.inner.outlooks.iter().any(|outlook| outlook.has_conditions());
        let counts = has_any.then(|| self.inner.refused.read());
        named.chain(["ticket"]).zip(counts.into_iter().flatten())
    }

    /// Whether a delivery runs, or a row waits for its turn.
    pub async fn is_busy(&self) -> bool {
        let now = self.inner.clock.moment();
        self.figures().in_flight.running > 0
            || self.inner.store.due(now, 1, None).await.is_ok_and(|due| !due.is_empty())
    }

    /// Waits until the row has come to an end or needs somebody, for `most` at most.
    pub async fn outcome(&self, id: i64, most: Duration) {
        let end = self.inner.clock.moment().later(most);
        loop {
            let outcome = self.inner.outcomes.subscribe(id);
            // What ended before the subscription is seen by looking once more.
            match self.inner.store.for_posts().acknowledgement(id, &Visible::all()).await {
                Ok(Some(row)) if row.state.is_under_way() => {}
                // Blocked and due: it was released or is tried again.
                Ok(Some(row)) if row.state == State::Blocked && row.next_attempt_at.is_none() => {}
                _ => return,
            }
            tokio::select! {
                is_known = outcome => if is_known { return },
                () = self.inner.clock.sleep_until(end) => return,
                // A sender is answered with what is known rather than cut off.
                () = self.inner.stopping.cancelled() => return,
            }
        }
    }

    /// Resolves an event and plans its ticket for somebody who asks; stores and sends nothing. What it
    /// asks of the ticket system is some of the few calls that anybody may cause at any time.
    ///
    /// `trusted_names` says whether the name that the event gives its company may link it. A sender
    /// whose names are not trusted knows some companies alone, and is told nothing of others.
    ///
    /// Beside it stands for which ticket system that is so.
    pub async fn preview(
        &self,
        instance: Instance,
        event: Acknowledgement,
        trusted_names: bool,
    ) -> Result<(DeskName, Result<Preview, PlanError>), StoreError> {
        let outlook = self.outlook_of(&instance, &event).await?.clone();
        let desk = outlook.desk.name();
        let place = outlook.desk.place_on_demand().await;
        // The place is kept for as long as it may be at work, whoever waits.
        let preview = to_its_end(async move {
            let _place = place;
            let link = outlook.link(&instance, &event, trusted_names).await?;
            outlook.look_ahead(&instance, &event, &link, trusted_names).await
        });
        Ok((desk, preview.await))
    }
}
