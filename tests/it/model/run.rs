//! Running a sequence: what each operation does.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use itop_sandbox::{FaultKind, Options};
use jiff::SignedDuration;
use salesforce_sandbox as salesforce;
use serde_json::{Value, json};
use servicenav_itop_bridge::{clock::Clock, config::Period, desk::DeskName, store};

use super::{
    desks::{self, COMPANIES, Desks, Org, STEP, Ticket, configure, event_id, marker},
    operation::{EVENTS, Operation, Trouble},
    org,
};
use crate::world::{ACKNOWLEDGEMENTS, Answer, World, with};

/// `delivery.settle`.
pub(super) const SETTLE: Duration = Duration::from_secs(30);

/// How long the client waits, in milliseconds of real time.
pub(super) const TIMEOUT_MS: u64 = 700;

/// One longer step, of what takes long.
pub(super) const LONG_STEP: Duration = Duration::from_secs(6);

pub(super) struct Model {
    pub(super) desks: Desks,
    pub(super) world: World,
    pub(super) org: Option<Org>,
    copies: tempfile::TempDir,
    /// Where each company was linked last.
    pub(super) at: [DeskName; 2],
    /// Companies that were linked to both desks.
    pub(super) moved: BTreeSet<usize>,
    /// Events that were answered 2xx.
    pub(super) accepted: BTreeSet<usize>,
    pub(super) discarded: BTreeSet<String>,
    /// Tickets that were deleted, and the events that stood in them.
    pub(super) deleted: BTreeSet<String>,
    pub(super) gone: BTreeSet<String>,
    /// Events whose lines may have been overwritten just after they were read back.
    pub(super) overwritten: BTreeSet<String>,
    /// What was switched on for creates that must not meet.
    pub(super) holds: Option<Trouble>,
    /// How many lines were sent when their answers were last waited for.
    pub(super) lines_waited_for: u64,
    backup: Option<PathBuf>,
    backups: u32,
    pub(super) restored: bool,
}

/// Runs the sequence; what does not hold, in words.
pub async fn run(desks: Desks, operations: &[Operation]) -> Result<(), String> {
    let clock = Clock::system();
    let (mut org, mut section) = (None, None);
    if desks.has_salesforce() {
        let started = Org::start(&clock, Period::millis(TIMEOUT_MS)).await;
        (org, section) = (Some(started.0), Some(started.1));
    }
    let world = World::led_apart(clock, Options::default(), |config| {
        config.itop.as_mut().unwrap().timeout = Period::millis(TIMEOUT_MS);
        config.itop.as_mut().unwrap().create_timeout = Period::millis(TIMEOUT_MS);
        config.delivery.in_flight_max = 3;
        config.delivery.settle = Period::seconds(SETTLE.as_secs());
        config.delivery.backoff_first = Period::seconds(1);
        config.delivery.backoff_max = Period::seconds(4);
        config.delivery.probe_max = Period::seconds(4);
        config.delivery.recheck_blocked = Period::seconds(10);
        // The clock is put forward by years.
        config.store.retention = Period::days(100_000);
        if let Some(section) = section {
            configure(config, desks, section);
        }
    })
    .await;
    let mut model = Model {
        desks,
        world,
        org,
        copies: tempfile::tempdir().unwrap(),
        at: [desks.first_of(0), desks.first_of(1)],
        moved: BTreeSet::new(),
        accepted: BTreeSet::new(),
        discarded: BTreeSet::new(),
        deleted: BTreeSet::new(),
        gone: BTreeSet::new(),
        overwritten: BTreeSet::new(),
        holds: None,
        lines_waited_for: 0,
        backup: None,
        backups: 0,
        restored: false,
    };
    model.link(0).await;
    if desks == Desks::Both {
        model.link(1).await;
    }
    for operation in operations {
        model.apply(operation).await?;
    }
    model.settle().await?;
    let verdict = model.judge().await;
    model.world.finish().await;
    verdict
}

impl Model {
    async fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Post(number) => {
                let answer = self.post(&self.event(*number)).await;
                self.posted(*number, &answer)?;
            }
            Operation::PostTwice(number) => {
                let event = self.event(*number);
                let (one, two) = tokio::join!(self.post(&event), self.post(&event));
                self.posted(*number, &one)?;
                self.posted(*number, &two)?;
                expect(one.body["id"] == two.body["id"], "one event has one row")?;
            }
            Operation::PostOther(number) => {
                if self.accepted.contains(number) && !self.restored {
                    let other = with(self.event(*number), "/control/id", json!("another"));
                    let answer = self.post(&other).await;
                    expect(answer.status == 409, &format!("another event: {}", answer.text))?;
                }
            }
            Operation::Batch(numbers) => {
                let events: Vec<_> = numbers.iter().map(|number| self.event(*number)).collect();
                let answer = self.world.post(ACKNOWLEDGEMENTS, &json!(events)).await;
                expect(answer.status == 200, &answer.text)?;
                self.accepted.extend(numbers);
            }
            Operation::Crash => {
                self.world.crash_bridge();
                self.world.start_bridge().await;
            }
            Operation::Restart => {
                self.world.stop_bridge().await;
                self.world.start_bridge().await;
            }
            Operation::LoseTerm => self.lose_term().await,
            Operation::GainTerm => self.gain_term(),
            Operation::NewTerm => {
                self.lose_term().await;
                self.gain_term();
            }
            Operation::Pass(steps) => self.pass(usize::from(*steps), STEP).await,
            Operation::PassLong(halves) => self.pass(usize::from(*halves) * 5, LONG_STEP).await,
            Operation::Hour => self.leap(Duration::from_hours(1)).await,
            Operation::Step(minutes) => {
                self.world.clock.step(SignedDuration::from_mins((*minutes).into()));
            }
            Operation::Fault(trouble, on, times) => {
                if self.may_meet(*trouble, *on) {
                    self.world.itop.faults().switch_on(trouble.fault(*on, *times));
                }
            }
            Operation::WrongPassword(steps) => {
                self.during(FaultKind::WrongPassword, usize::from(*steps)).await;
            }
            Operation::ReadOnly(steps) => {
                self.during(FaultKind::ReadOnly, usize::from(*steps)).await;
            }
            Operation::OrgFault(trouble, on, times) => {
                self.sandbox().fail(trouble.fault(*on, *times));
            }
            Operation::OrgAway(trouble, steps) => self.org_away(*trouble, *steps).await,
            Operation::SessionsEnd => self.sandbox().expire_sessions(),
            Operation::Move(company) => {
                let to = match self.at[*company] {
                    DeskName::Itop => DeskName::Salesforce,
                    DeskName::Salesforce => DeskName::Itop,
                };
                if self.link_to(*company, to).await < 300 {
                    self.at[*company] = to;
                    self.moved.insert(*company);
                }
            }
            Operation::Link(company) => {
                self.link(*company).await;
            }
            Operation::Unlink(company) => {
                let id = COMPANIES[*company].id;
                self.world.delete(&format!("/api/v1/links/{id}")).await;
            }
            Operation::Resolve => self.resolve_oldest().await,
            Operation::Overwrite => self.overwrite_newest().await,
            Operation::Delete => self.delete_newest_known().await,
            Operation::Retry => {
                self.retry(|row| row["state"] == "failed" || row["state"] == "blocked").await;
            }
            Operation::Discard => self.discard_oldest().await,
            Operation::Backup => self.copy().await,
            Operation::Restore => self.restore().await,
        }
        Ok(())
    }

    /// A person has such rows tried again.
    pub(super) async fn retry(&self, which: impl Fn(&Value) -> bool) {
        for row in self.rows().await.into_iter().filter(which) {
            let path = format!("{ACKNOWLEDGEMENTS}/{}/retry", row["id"]);
            self.world.post(&path, &json!({})).await;
        }
    }

    /// Whatever is asked of Salesforce fails for so many steps.
    async fn org_away(&mut self, trouble: org::Trouble, steps: u8) {
        let (armed, fault) = (self.sandbox().faults(), trouble.fault(org::On::Anything, 1));
        self.sandbox().fail(salesforce::Fault { times: None, ..fault });
        self.pass(usize::from(steps), STEP).await;
        self.sandbox().clear_faults();
        for fault in armed {
            self.sandbox().fail(fault);
        }
    }

    async fn lose_term(&self) {
        if self.world.is_led() {
            self.world.lose_term().await;
        }
    }

    pub(super) fn gain_term(&self) {
        if !self.world.is_led() {
            self.world.gain_term();
        }
    }

    pub(super) fn event(&self, number: usize) -> Value {
        self.desks.event(number)
    }

    /// The simulated Salesforce.
    fn sandbox(&self) -> &salesforce::Sandbox {
        &self.org.as_ref().expect("only where it is a desk").sandbox
    }

    pub(super) async fn post(&self, event: &Value) -> Answer {
        let wait = [("prefer", "wait=0")];
        let body = Some(event.to_string());
        self.world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &wait, body).await
    }

    pub(super) fn posted(&mut self, number: usize, answer: &Answer) -> Result<(), String> {
        expect((200..300).contains(&answer.status), &format!("a post: {}", answer.text))?;
        self.accepted.insert(number);
        Ok(())
    }

    /// Links a company where it was last, if its desk can be asked about it now.
    pub(super) async fn link(&self, company: usize) -> u16 {
        self.link_to(company, self.at[company]).await
    }

    async fn link_to(&self, company: usize, desk: DeskName) -> u16 {
        let company = &COMPANIES[company];
        self.world.put(&format!("/api/v1/links/{}", company.id), &company.link(desk)).await.status
    }

    pub(super) async fn rows(&self) -> Vec<Value> {
        let answer = self.world.get(&format!("{ACKNOWLEDGEMENTS}?limit=1000")).await;
        answer.body["items"].as_array().cloned().unwrap_or_default()
    }

    pub(super) async fn tickets(&self) -> Vec<Ticket> {
        desks::tickets(&self.world.itop, self.org.as_ref()).await
    }

    /// The oldest open ticket at each desk.
    async fn resolve_oldest(&self) {
        let mut oldest = BTreeMap::new();
        for ticket in self.tickets().await.into_iter().filter(|ticket| ticket.is_open) {
            oldest.entry(ticket.desk).or_insert(ticket);
        }
        for (desk, ticket) in oldest {
            match desk {
                DeskName::Itop => {
                    for stimulus in ["ev_assign", "ev_resolve"] {
                        // A ticket that is assigned already is only resolved.
                        let (itop, id) = (&self.world.itop, ticket.id.parse().unwrap());
                        let _ = itop.apply_stimulus(&ticket.class, id, stimulus).await;
                    }
                }
                DeskName::Salesforce => {
                    let closed = json!({"Status": "Closed"});
                    self.sandbox().change("Case", &ticket.id, closed).unwrap();
                }
            }
        }
    }

    /// An agent who opened the newest ticket of iTop before its newest entry saves the log without it.
    /// What was read back before is in the log that the agent saw.
    async fn overwrite_newest(&mut self) {
        // What was just posted becomes a line first.
        for _ in 0..20 {
            let inbox = &self.world.get("/readyz").await.body["inbox"];
            if inbox["accepted"] == 0 && inbox["creating"] == 0 {
                break;
            }
            Clock::system().sleep(Duration::from_millis(10)).await;
        }
        let tickets = self.world.itop.tickets().await.unwrap();
        let Some((ticket, [older @ .., newest])) =
            tickets.last().map(|ticket| (ticket, ticket.private_log.as_slice()))
        else {
            return;
        };
        let stands = |number: &usize| newest.contains(&marker(*number).to_string());
        let its: Vec<_> = (0..EVENTS).filter(stands).collect();
        let not_read_back = async || {
            let waiting = self.world.not_read_back().await;
            its.iter().all(|number| waiting.contains(&event_id(*number)))
        };
        if older.is_empty() || its.is_empty() || !not_read_back().await {
            return;
        }
        let item = |message: &String| json!({"message": message, "format": "text"});
        let items: Vec<_> = older.iter().map(item).collect();
        let log = json!({"private_log": {"items": items}});
        self.world.itop.change(&ticket.class, ticket.id, log).await.unwrap();
        // A look that came before the agent is written down a moment later.
        Clock::system().sleep(Duration::from_millis(300)).await;
        if !not_read_back().await {
            self.overwritten.extend(its.into_iter().map(event_id));
        }
    }

    async fn delete_newest_known(&mut self) {
        let board = self.world.get("/api/v1/tickets?limit=1000").await;
        let known: BTreeSet<_> = board.body["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| Some(item["ticket"]["id"].as_str()?.to_owned()))
            .collect();
        let mut tickets = self.tickets().await;
        tickets.retain(|ticket| known.contains(&ticket.id));
        if tickets.len() % 2 == 1 {
            // So that it is not always the same desk.
            tickets.sort_by_key(|ticket| std::cmp::Reverse(ticket.desk));
        }
        let Some(ticket) = tickets.last() else { return };
        match ticket.desk {
            DeskName::Itop => {
                let id = ticket.id.parse().unwrap();
                self.world.itop.delete_ticket(&ticket.class, id).await.unwrap();
            }
            DeskName::Salesforce => self.sandbox().delete("Case", &ticket.id).unwrap(),
        }
        self.deleted.insert(ticket.id.clone());
        for number in 0..EVENTS {
            if ticket.markers(number) > 0 || ticket.names(number) {
                self.gone.insert(event_id(number));
            }
        }
    }

    async fn discard_oldest(&mut self) {
        for row in self.rows().await.iter().rev() {
            let path = format!("{ACKNOWLEDGEMENTS}/{}/discard", row["id"]);
            let answer = self.world.post(&path, &json!({"reason": "the model says so"})).await;
            if answer.status == 200 {
                self.discarded.insert(row["event_id"].as_str().unwrap().to_owned());
                return;
            }
        }
    }

    async fn copy(&mut self) {
        self.backups += 1;
        let to = self.copies.path().join(format!("{}.db", self.backups));
        let (from, copy) = (self.world.database(), to.clone());
        tokio::task::spawn_blocking(move || store::backup(&from, &copy)).await.unwrap().unwrap();
        self.backup = Some(to);
    }

    async fn restore(&mut self) {
        let Some(copy) = self.backup.clone() else { return };
        self.world.stop_bridge().await;
        store::restore(&copy, &self.world.database(), self.world.clock.now()).unwrap();
        self.restored = true;
        self.world.start_bridge().await;
    }
}

pub(super) fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
