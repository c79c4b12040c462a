//! How time passes in a sequence, and the end of all trouble.

use std::time::Duration;

use itop_sandbox::{FaultKind, Operations};
use servicenav_itop_bridge::clock::Clock;

use super::{
    desks::{COMPANIES, STEP},
    operation::{On, Trouble, short_wait},
    run::{LONG_STEP, Model, SETTLE, TIMEOUT_MS},
};

/// How long everything may take to settle, in real time: long, since it bounds only what hangs, and
/// a machine may be busy with eight of these and more.
const PATIENCE: Duration = Duration::from_mins(2);

/// How far time leaps where nothing is under way: longer than what left a desk is looked for.
const LEAP: Duration = Duration::from_mins(11);

impl Model {
    /// Lets time pass in steps, between which everything that waits takes its turn. The client's
    /// time-out is real time: it is waited for, so that a desk can be slower than the client waits.
    pub(super) async fn pass(&mut self, steps: usize, step: Duration) {
        for _ in 0..steps {
            self.until_answered().await;
            self.world.clock.advance(step);
            self.world.get("/api/v1/companies?refresh=true").await;
            if self.org.is_some() {
                self.world.get("/api/v1/companies?desk=salesforce&refresh=true").await;
            }
        }
    }

    async fn until_answered(&mut self) {
        if !self.world.is_led() {
            // What was being written is told apart by whoever leads next.
            return;
        }
        self.world
            .until("no write waits for its answer", async || {
                let ready = self.world.get("/readyz").await;
                (ready.body["inbox"]["creating"] == 0).then_some(())
            })
            .await;
        let itop = self.world.itop.requests_seen();
        let lines = itop.of("core/update");
        if itop.updates_in_flight > 0 && lines > self.lines_waited_for {
            // One that is added again, which no row tells.
            Clock::system().sleep(Duration::from_millis(TIMEOUT_MS + 50)).await;
        }
        self.lines_waited_for = lines;
    }

    /// A long time passes at once, unless a desk is at work: what it holds would end no sooner than
    /// all that is waited for.
    pub(super) async fn leap(&mut self, by: Duration) {
        self.until_answered().await;
        if !self.is_at_work() {
            self.world.clock.advance(by);
        }
    }

    /// Whether a desk is still at work on a write.
    fn is_at_work(&self) -> bool {
        let itop = self.world.itop.requests_seen();
        let org = self.org.as_ref().map_or(0, |org| org.sandbox.under_way());
        itop.creates_in_flight + itop.updates_in_flight > 0 || org > 0
    }

    /// Whether what the model does not promise is still left out (see there) once this is switched on.
    pub(super) fn may_meet(&mut self, trouble: Trouble, on: On) -> bool {
        if !matches!(on, On::Create) {
            return true;
        }
        if matches!(trouble, Trouble::HeldBefore | Trouble::HeldInside | Trouble::CounterLock)
            && *self.holds.get_or_insert(trouble) != trouble
        {
            return false;
        }
        let adds = short_wait(&trouble.fault(on, 1).kind);
        if adds.is_zero() {
            return true;
        }
        // What is switched on strikes one create together, and each wait ends with a step.
        let armed = self.world.itop.faults().switched_on();
        let creates = armed.iter().filter(|(_, fault)| fault.on == Operations::Create);
        let waits =
            creates.map(|(_, fault)| short_wait(&fault.kind)).filter(|wait| !wait.is_zero());
        waits.chain([adds]).map(|wait| wait + LONG_STEP).sum::<Duration>() <= SETTLE
    }

    pub(super) async fn during(&mut self, kind: FaultKind, steps: usize) {
        self.world.itop.faults().set(kind.clone(), true);
        self.pass(steps, STEP).await;
        self.world.itop.faults().set(kind, false);
    }

    /// The end of all trouble: faults off, companies linked, events posted again if a backup may
    /// have forgotten them; then time passes until nothing is under way.
    pub(super) async fn settle(&mut self) -> Result<(), String> {
        self.gain_term();
        self.world.itop.faults().clear();
        if let Some(org) = &self.org {
            org.sandbox.clear_faults();
        }
        self.pass(5, STEP).await;
        for company in 0..COMPANIES.len() {
            // A closed gate opens by a probe, which the clock brings.
            let deadline = Deadline::begin();
            while self.link(company).await >= 300 {
                deadline.check("a company is linked")?;
                self.world.clock.advance(STEP);
                self.leap_to_org().await;
            }
        }
        if self.restored {
            for number in self.accepted.clone() {
                let answer = self.post(&self.event(number)).await;
                self.posted(number, &answer)?;
            }
        }
        // The clock of the world is moved faster than a busy disk commits: what counts is that
        // everything settles, not how many steps that takes.
        let deadline = Deadline::begin();
        while !self.has_settled().await {
            if let Err(late) = deadline.check("everything settles") {
                return Err(format!("{late}: {:#?}", self.rows().await));
            }
            // What was refused again and again waits for a person.
            self.retry(|row| row["state"] == "failed" && row["problem"]["code"] == "turned-away")
                .await;
            self.pass(1, LONG_STEP).await;
            self.leap_to_org().await;
        }
        Ok(())
    }

    /// Limits of the day last an hour at least.
    async fn leap_to_org(&mut self) {
        if self.org.is_some() {
            self.leap(LEAP).await;
        }
    }

    async fn has_settled(&self) -> bool {
        let waits = ["accepted", "creating", "unknown", "blocked", "failed"];
        let rows = self.rows().await;
        let is_left = |row: &serde_json::Value| {
            let is_gone = row["event_id"].as_str().is_some_and(|id| self.gone.contains(id));
            // Whose Case lies in the Recycle Bin says so for good.
            let waits_for_bin = is_gone && row["problem"]["code"] == "duplicate-unreadable";
            waits.iter().any(|state| row["state"] == *state)
                && !(row["state"] == "blocked" && waits_for_bin)
        };
        !rows.iter().any(is_left)
            && !self.is_at_work()
            && self.world.not_read_back().await.is_empty()
    }
}

/// When nobody waits any more.
struct Deadline {
    clock: Clock,
    at: jiff::Timestamp,
}

impl Deadline {
    fn begin() -> Self {
        let clock = Clock::system();
        Self { at: clock.now() + PATIENCE, clock }
    }

    fn check(&self, what: &str) -> Result<(), String> {
        if self.clock.now() > self.at {
            return Err(format!("it did not come true that {what}"));
        }
        Ok(())
    }
}
