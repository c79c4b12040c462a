//! The state of the way to iTop, shared by everything that uses it.
//!
//! A failure that concerns the way closes the gate once, for all, instead of burning the attempts
//! of each row; one probe at a growing interval opens it again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use crate::{
    clock::{Clock, Moment},
    config::DeliverySection,
    counting::Tally,
    desk::{Desk, DeskName, Failure},
};

/// Why the gate is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Reason {
    /// No connection, or no clear answer.
    Unreachable,
    /// iTop says so itself.
    Maintenance,
    /// User, password or token is wrong.
    Credentials,
    /// The account lacks the profile for web services.
    ProfileMissing,
    /// Reads work, writes do not: a missing right, or read-only mode; both use the same words.
    WritesRefused,
    /// Something else answers at that address.
    NotItop,
    /// A ticket was created, and its marker could not be read back.
    MarkerLost,
    /// Something else answers where Salesforce should.
    NotSalesforce,
    /// The requests of the day are used up.
    RequestLimit,
    /// There is no room for another record.
    StorageLimit,
    /// Somebody holds deliveries: companies are being moved to another ticket system.
    Held,
}

impl Reason {
    /// All there are, in the order in which they are counted.
    pub const ALL: [Self; 11] = [
        Self::Unreachable,
        Self::Maintenance,
        Self::Credentials,
        Self::ProfileMissing,
        Self::WritesRefused,
        Self::NotItop,
        Self::MarkerLost,
        Self::NotSalesforce,
        Self::RequestLimit,
        Self::StorageLimit,
        Self::Held,
    ];

    /// Whether it can be one of this ticket system.
    #[must_use]
    pub fn is_of(self, desk: DeskName) -> bool {
        match self {
            Self::Unreachable | Self::Credentials | Self::WritesRefused | Self::Held => true,
            Self::Maintenance | Self::ProfileMissing | Self::NotItop | Self::MarkerLost => {
                desk == DeskName::Itop
            }
            Self::NotSalesforce | Self::RequestLimit | Self::StorageLimit => {
                desk == DeskName::Salesforce
            }
        }
    }

    /// How long is waited at least before it is probed.
    fn least_wait(self) -> Duration {
        match self {
            // A limit of the day does not pass in seconds, and each probe is a request too.
            Self::RequestLimit | Self::StorageLimit => Duration::from_hours(1),
            _ => Duration::ZERO,
        }
    }

    /// The stable code, for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Maintenance => "maintenance",
            Self::Credentials => "credentials",
            Self::ProfileMissing => "profile-missing",
            Self::WritesRefused => "writes-refused",
            Self::NotItop => "not-itop",
            Self::MarkerLost => "marker-lost",
            Self::NotSalesforce => "not-salesforce",
            Self::RequestLimit => "request-limit",
            Self::StorageLimit => "storage-limit",
            Self::Held => "held",
        }
    }

    /// What an administrator does about it.
    #[must_use]
    pub fn mend(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "Check that iTop runs, itop.url, and the network between; deliveries go on by \
                 themselves when it answers."
            }
            Self::Maintenance => "Wait for the end of iTop's maintenance; nothing is lost.",
            Self::Credentials => {
                "Check itop.user and itop.password (or itop.token), and that the account is \
                 enabled in iTop. A running bridge reads a secret's file again by itself, the \
                 configuration after SIGHUP."
            }
            Self::ProfileMissing => {
                "Give the account the profile \"REST Services User\" in iTop (Administration, \
                 User accounts)."
            }
            Self::WritesRefused => {
                "Give the account the profile \"Support Agent\" (\"Service Desk Agent\" for user \
                 requests), or end iTop's read-only mode."
            }
            Self::NotItop => {
                "Check itop.url: it must be the web root of iTop, below which \
                 webservices/rest.php stands; it is often / or /itop or /itop/web."
            }
            Self::MarkerLost => {
                "The account must be able to write and read the attribute ticket.marker_field; \
                 mend that, run 'check --create-ticket', and start the bridge again."
            }
            Self::NotSalesforce => {
                "Check salesforce.login_url, and what stands between the bridge and Salesforce."
            }
            Self::RequestLimit => {
                "Wait until Salesforce frees requests of the day, or buy more; nothing is lost."
            }
            Self::StorageLimit => "Make room in the data storage of the Salesforce org.",
            Self::Held => {
                "'migrate switch' holds them while it moves companies, and lets them go on at its end. If it was \
                 broken off, run it again, or let them go on with 'migrate switch --end-hold'."
            }
        }
    }

    /// What opens the gate again.
    #[must_use]
    pub fn ended_by(self) -> End {
        match self {
            Self::Unreachable
            | Self::Maintenance
            | Self::Credentials
            | Self::ProfileMissing
            | Self::NotItop
            | Self::NotSalesforce
            | Self::RequestLimit => End::Read,
            Self::WritesRefused | Self::StorageLimit => End::WriteRight,
            Self::MarkerLost => End::Restart,
            Self::Held => End::Command,
        }
    }

    /// Whether iTop answers reads although the gate is closed.
    #[must_use]
    pub fn allows_reads(self) -> bool {
        self.ended_by() != End::Read
    }
}

/// What ends the reason for which the gate is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A read that iTop answers.
    Read,
    /// A probe that tells that tickets may be created.
    WriteRight,
    /// A restart of the bridge: no probe can tell that it was mended.
    Restart,
    /// Whoever holds deliveries: the way itself is free.
    Command,
}

/// When a state began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// For people.
    pub at: Timestamp,
    /// To tell how long ago that was.
    pub moment: Moment,
}

/// The state of the way to iTop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateState {
    /// Nothing is known to be wrong.
    Open {
        /// Since when iTop has answered without a break.
        since: Since,
    },
    /// Deliveries wait.
    Closed {
        /// Why.
        reason: Reason,
        /// What happened, for people.
        message: String,
        /// What to do about it.
        mend: &'static str,
        /// Since when.
        since: Since,
    },
}

impl GateState {
    /// Whether the ticket system answers, as far as is known: deliveries may be held all the same.
    #[must_use]
    pub fn is_way_open(&self) -> bool {
        match self {
            Self::Open { .. } => true,
            Self::Closed { reason, .. } => *reason == Reason::Held,
        }
    }
}

/// The gate. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    clock: Clock,
    state: Arc<watch::Sender<GateState>>,
    /// Since when deliveries are held, whatever else keeps them. Taken before the state is changed.
    held: Arc<Mutex<Option<(Since, String)>>>,
    doubt: Arc<Notify>,
    closings: Arc<Tally<{ Reason::ALL.len() }>>,
    desk: DeskName,
}

impl Gate {
    /// An open gate: whether it should be is found out by the first call.
    #[must_use]
    pub fn new(clock: Clock, desk: DeskName) -> Self {
        let open = GateState::Open { since: since_now(&clock) };
        let state = Arc::new(watch::Sender::new(open));
        let (held, doubt, closings) = Default::default();
        Self { clock, state, held, doubt, closings, desk }
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> GateState {
        self.state.borrow().clone()
    }

    /// Whether deliveries may run.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(*self.state.borrow(), GateState::Open { .. })
    }

    /// Whether the ticket system answers, as far as is known: deliveries may be held all the same.
    #[must_use]
    pub fn is_way_open(&self) -> bool {
        self.state.borrow().is_way_open()
    }

    fn held(&self) -> MutexGuard<'_, Option<(Since, String)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deliveries are held since then, until [`Gate::end_hold`]. What else is in the way is told first.
    pub fn hold(&self, since: Since, message: String) {
        let mut held = self.held();
        *held = Some((since, message.clone()));
        let is_new = self.state.send_if_modified(|state| {
            let is_open = matches!(state, GateState::Open { .. });
            if is_open {
                *state = held_state(since, message);
            }
            is_open
        });
        if is_new {
            self.closings.count(Reason::Held as usize);
        }
    }

    /// Deliveries are held no more.
    pub fn end_hold(&self) {
        let mut held = self.held();
        *held = None;
        let since = since_now(&self.clock);
        self.state.send_if_modified(|state| {
            let was_held =
                matches!(state, GateState::Closed { reason, .. } if *reason == Reason::Held);
            if was_held {
                *state = GateState::Open { since };
            }
            was_held
        });
    }

    /// Why a read would fail now, if that is known.
    #[must_use]
    pub fn refuses_reads(&self) -> Option<String> {
        match &*self.state.borrow() {
            GateState::Closed { reason, message, .. } if !reason.allows_reads() => {
                Some(message.clone())
            }
            _ => None,
        }
    }

    /// How often it has closed for each reason.
    pub fn closings(&self) -> impl Iterator<Item = (Reason, u64)> + use<> {
        let desk = self.desk;
        Reason::ALL
            .into_iter()
            .zip(self.closings.read())
            .filter(move |(reason, _)| reason.is_of(desk))
    }

    /// Wakes when the state changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<GateState> {
        self.state.subscribe()
    }

    /// Learns from the outcome of a read.
    pub fn after_read<'e, T, E>(&self, outcome: &'e Result<T, E>)
    where
        Failure<'e>: From<&'e E>,
    {
        // A class that the account may not read says nothing about the way.
        if let Err(error) = outcome
            && !Failure::from(error).is_about_rights()
        {
            self.after_failure(error);
        }
    }

    /// Learns from a failure, of a write or otherwise.
    pub fn after_failure<'e>(&self, error: impl Into<Failure<'e>>) {
        let error = error.into();
        if error.is_doubtful() {
            // One call without an answer may be the fault of that call: a probe finds out.
            self.doubt.notify_one();
        } else if let Some(reason) = error.reason() {
            self.close_for(reason, error);
        }
    }

    /// A ticket was created whose marker cannot be read back: nothing more may be created.
    pub fn after_lost_marker(&self, ticket: &str) {
        let message = format!(
            "Ticket {ticket} was created, and its marker could not be read back. Without it a \
             ticket cannot be found again after a lost answer, and would be made twice."
        );
        self.close(Reason::MarkerLost, &message, Reason::MarkerLost.mend());
    }

    fn close_for(&self, reason: Reason, error: Failure<'_>) {
        self.close(reason, &error.to_string(), error.mend().unwrap_or(reason.mend()));
    }

    fn close(&self, reason: Reason, message: &str, mend: &'static str) {
        let since = since_now(&self.clock);
        let changed = self.state.send_if_modified(|state| match state {
            GateState::Closed { reason: known, .. } if *known == reason => false,
            GateState::Closed { reason: known, .. } if known.ended_by() == End::Restart => false,
            state => {
                let message = message.to_owned();
                *state = GateState::Closed { reason, message, mend, since };
                true
            }
        });
        if changed {
            self.closings.count(reason as usize);
            tracing::error!(
                gate.reason = reason.code(),
                gate.message = message,
                gate.mend = mend,
                "deliveries wait"
            );
        }
    }

    fn open(&self) {
        let since = since_now(&self.clock);
        let held = self.held();
        let opened = self.state.send_if_modified(|state| {
            let closed = matches!(state, GateState::Closed { reason, .. }
                if !matches!(reason.ended_by(), End::Restart | End::Command));
            if closed {
                *state = match &*held {
                    Some((since, message)) => held_state(*since, message.clone()),
                    None => GateState::Open { since },
                };
            }
            closed
        });
        if opened {
            let goes_on = if held.is_some() { "deliveries are held" } else { "deliveries go on" };
            tracing::info!("{} answers again; {goes_on}", self.desk.title());
        }
    }

    /// Probes iTop at the start, and while the gate is closed or in doubt; runs until it is dropped. Before a closed
    /// gate is probed, `renew` reads again what the mend may have changed.
    pub async fn keep(
        self,
        desk: Desk,
        class: impl AsyncFn() -> String,
        renew: impl Fn(),
        settings: DeliverySection,
    ) {
        self.probe(&desk, &class).await;
        if self.is_way_open() {
            desk.tell_that_it_answers();
        }
        let mut changes = self.watch();
        loop {
            let mut wait = settings.probe_first.duration();
            let in_doubt = tokio::select! {
                () = self.doubt.notified() => true,
                _ = changes.wait_for(|state| !state.is_way_open()) => false,
            };
            if in_doubt {
                self.probe(&desk, &class).await;
            }
            while !self.is_way_open() {
                self.clock.sleep(wait.max(self.least_wait())).await;
                renew();
                self.probe(&desk, &class).await;
                wait = (wait * 2).min(settings.probe_max.duration());
            }
        }
    }

    fn least_wait(&self) -> Duration {
        match &*self.state.borrow() {
            GateState::Closed { reason, .. } => reason.least_wait(),
            GateState::Open { .. } => Duration::ZERO,
        }
    }

    async fn probe(&self, desk: &Desk, class: &impl AsyncFn() -> String) {
        if let Err(error) = desk.ping().await {
            let error = error.failure();
            if error.is_of_this_machine() {
                tracing::error!(%error, "{} could not be probed", self.desk.title());
                return;
            }
            // A read that is refused has been answered all the same.
            if let Some(reason) = error.reason().filter(|_| !error.is_about_rights()) {
                self.close_for(reason, error);
                return;
            }
        }
        let ended = match self.state() {
            GateState::Open { .. } => return,
            GateState::Closed { reason, .. } => match reason.ended_by() {
                End::Read => true,
                End::WriteRight => desk.is_over(reason, &class().await).await,
                End::Restart | End::Command => false,
            },
        };
        if ended {
            self.open();
        }
    }
}

fn held_state(since: Since, message: String) -> GateState {
    let reason = Reason::Held;
    GateState::Closed { reason, message, mend: reason.mend(), since }
}

fn since_now(clock: &Clock) -> Since {
    Since { at: clock.now(), moment: clock.moment() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::itop::ItopError;

    #[test]
    fn what_is_held_stays_so_whatever_becomes_of_the_way() {
        let gate = Gate::new(Clock::system(), DeskName::Itop);
        let why = |gate: &Gate| match gate.state() {
            GateState::Closed { reason, .. } => Some(reason),
            GateState::Open { .. } => None,
        };
        gate.hold(since_now(&gate.clock), "held".to_owned());
        assert_eq!(
            (why(&gate), gate.is_open(), gate.is_way_open()),
            (Some(Reason::Held), false, true)
        );
        assert!(gate.refuses_reads().is_none());
        gate.after_failure(&ItopError::Unreachable { reason: "refused".to_owned() });
        assert_eq!((why(&gate), gate.is_way_open()), (Some(Reason::Unreachable), false));
        gate.open();
        assert_eq!(why(&gate), Some(Reason::Held));
        gate.open();
        assert_eq!(why(&gate), Some(Reason::Held), "no answer ends it");
        gate.after_failure(&ItopError::Unreachable { reason: "refused".to_owned() });
        gate.end_hold();
        assert_eq!(why(&gate), Some(Reason::Unreachable), "nor does its end open the way");
        gate.open();
        assert!(gate.is_open());
    }

    #[test]
    fn what_this_machine_lacks_closes_nothing() {
        let gate = Gate::new(Clock::system(), DeskName::Itop);
        let lacking = ItopError::NoConnectionLeft { reason: "Too many open files".to_owned() };
        gate.after_failure(&lacking);
        gate.after_read(&Err::<(), _>(lacking));
        assert!(gate.is_open());
        gate.after_failure(&ItopError::Unreachable { reason: "refused".to_owned() });
        assert!(!gate.is_open());
        // Why it is closed is known already.
        gate.after_failure(&ItopError::Unreachable { reason: "refused".to_owned() });
        let closings: Vec<_> = gate.closings().filter(|(_, times)| *times > 0).collect();
        assert_eq!(closings, [(Reason::Unreachable, 1)]);
        assert!(Reason::ALL.into_iter().enumerate().all(|(at, reason)| reason as usize == at));
    }
}
