//! Running a sequence, and judging it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    clock::Clock,
    config::Period,
    domain::marker::Marker,
    sandbox::{FaultKind, Operations, Options, TicketSeen},
    store,
};

use super::operation::{EVENTS, On, Operation, Trouble, short_wait};
use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

/// One step of time.
const STEP: Duration = Duration::from_secs(2);

/// `delivery.settle`.
const SETTLE: Duration = Duration::from_secs(30);

/// How long the client waits, in milliseconds of real time.
const TIMEOUT_MS: u64 = 700;

/// One longer step, of what takes long.
const LONG_STEP: Duration = Duration::from_secs(6);

/// How long everything may take to settle, in real time: long, since it bounds only what hangs, and
/// a machine may be busy with eight of these and more.
const PATIENCE: Duration = Duration::from_mins(2);

/// ServiceNav's companies: id, organization by name and key, team.
const COMPANIES: [(u64, &str, i64, &str); 2] =
    [(42, "Demo", 3, "Helpdesk"), (51, "ACME Logistics", 5002, "On-call team")];

struct Model {
    world: World,
    copies: tempfile::TempDir,
    /// Events that were answered 2xx.
    accepted: BTreeSet<usize>,
    discarded: BTreeSet<String>,
    /// Tickets that were deleted in iTop, and the events that stood in them.
    deleted: BTreeSet<i64>,
    gone: BTreeSet<String>,
    /// Events whose lines may have been overwritten just after they were read back.
    overwritten: BTreeSet<String>,
    /// What was switched on for creates that must not meet.
    holds: Option<Trouble>,
    /// How many lines were sent when their answers were last waited for.
    lines_waited_for: u64,
    backup: Option<PathBuf>,
    backups: u32,
    restored: bool,
}

/// Runs the sequence; what does not hold, in words.
pub async fn run(operations: &[Operation]) -> Result<(), String> {
    let world = World::with(Options::default(), |config| {
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
    })
    .await;
    let mut model = Model {
        world,
        copies: tempfile::tempdir().unwrap(),
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
    for operation in operations {
        model.apply(operation).await?;
    }
    model.settle().await?;
    let verdict = model.judge().await;
    model.world.finish().await;
    verdict
}

fn event_of(number: usize) -> Value {
    let (id, name, _, team) = COMPANIES[number % 2];
    let event = with(event(&format!("m{number}x")), "/company", json!({"id": id, "name": name}));
    let event = with(event, "/team", json!(team));
    let event = with(event, "/control/id", json!(format!("c{}", number % 6)));
    // What does not resolve everywhere would only bring warnings.
    let event = with(event, "/contact", Value::Null);
    let event = with(event, "/service", Value::Null);
    let event = with(event, "/service_element", Value::Null);
    // Equipment that iTop refuses once, as long as no list tells that it is not there.
    if number % 7 == 3 {
        return with(event, "/equipment", json!({"name": "unknown"}));
    }
    let event = with(event, "/equipment", Value::Null);
    with(event, "/control/element_type", json!("user_service"))
}

fn key_of(number: usize) -> String {
    event_of(number)["event_id"].as_str().unwrap().to_owned()
}

impl Model {
    async fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Post(number) => {
                let answer = self.post(&event_of(*number)).await;
                self.posted(*number, &answer)?;
            }
            Operation::PostTwice(number) => {
                let event = event_of(*number);
                let (one, two) = tokio::join!(self.post(&event), self.post(&event));
                self.posted(*number, &one)?;
                self.posted(*number, &two)?;
                expect(one.body["id"] == two.body["id"], "one event has one row")?;
            }
            Operation::PostOther(number) => {
                if self.accepted.contains(number) && !self.restored {
                    let other = with(event_of(*number), "/control/id", json!("another"));
                    let answer = self.post(&other).await;
                    expect(answer.status == 409, &format!("another event: {}", answer.text))?;
                }
            }
            Operation::Batch(numbers) => {
                let events: Vec<_> = numbers.iter().map(|number| event_of(*number)).collect();
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
            Operation::Pass(steps) => self.pass(usize::from(*steps), STEP).await,
            Operation::PassLong(halves) => self.pass(usize::from(*halves) * 5, LONG_STEP).await,
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
            Operation::Link(company) => {
                self.link(*company).await;
            }
            Operation::Unlink(company) => {
                let id = COMPANIES[*company].0;
                self.world.delete(&format!("/api/v1/links/{id}")).await;
            }
            Operation::Resolve => self.resolve_oldest().await,
            Operation::Overwrite => self.overwrite_newest().await,
            Operation::Delete => self.delete_newest_known().await,
            Operation::Retry => {
                for row in self.rows().await {
                    if row["state"] == "failed" || row["state"] == "blocked" {
                        let path = format!("{ACKNOWLEDGEMENTS}/{}/retry", row["id"]);
                        self.world.post(&path, &json!({})).await;
                    }
                }
            }
            Operation::Discard => self.discard_oldest().await,
            Operation::Backup => self.copy().await,
            Operation::Restore => self.restore().await,
        }
        Ok(())
    }

    async fn post(&self, event: &Value) -> Answer {
        let wait = [("prefer", "wait=0")];
        let body = Some(event.to_string());
        self.world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &wait, body).await
    }

    fn posted(&mut self, number: usize, answer: &Answer) -> Result<(), String> {
        expect((200..300).contains(&answer.status), &format!("a post: {}", answer.text))?;
        self.accepted.insert(number);
        Ok(())
    }

    /// Lets time pass in steps, between which everything that waits takes its turn. The client's
    /// time-out is real time: it is waited for, so that iTop can be slower than the client waits.
    async fn pass(&mut self, steps: usize, step: Duration) {
        for _ in 0..steps {
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
            self.world.clock.advance(step);
            self.world.get("/api/v1/companies?refresh=true").await;
        }
    }

    /// Whether what the model does not promise is still left out (see there) once this is switched on.
    fn may_meet(&mut self, trouble: Trouble, on: On) -> bool {
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

    async fn during(&mut self, kind: FaultKind, steps: usize) {
        self.world.itop.faults().set(kind.clone(), true);
        self.pass(steps, STEP).await;
        self.world.itop.faults().set(kind, false);
    }

    /// Links a company, if iTop can be asked about it now.
    async fn link(&self, company: usize) -> u16 {
        let (id, organization, _, team) = COMPANIES[company];
        let link = json!({"organization": organization, "team": team});
        self.world.put(&format!("/api/v1/links/{id}"), &link).await.status
    }

    async fn rows(&self) -> Vec<Value> {
        let answer = self.world.get(&format!("{ACKNOWLEDGEMENTS}?limit=1000")).await;
        answer.body["items"].as_array().cloned().unwrap_or_default()
    }

    async fn tickets(&self) -> Vec<TicketSeen> {
        self.world.itop.tickets().await.unwrap()
    }

    async fn resolve_oldest(&self) {
        let tickets = self.tickets().await;
        if let Some(ticket) = tickets.iter().find(|t| t.operational_status == "ongoing") {
            for stimulus in ["ev_assign", "ev_resolve"] {
                // A ticket that is assigned already is only resolved.
                let itop = &self.world.itop;
                let _ = itop.apply_stimulus(&ticket.class, ticket.id, stimulus).await;
            }
        }
    }

    /// An agent who opened the newest ticket before its newest entry saves the log without it. What
    /// was read back before is in the log that the agent saw.
    async fn overwrite_newest(&mut self) {
        // What was just posted becomes a line first.
        for _ in 0..20 {
            let inbox = &self.world.get("/readyz").await.body["inbox"];
            if inbox["accepted"] == 0 && inbox["creating"] == 0 {
                break;
            }
            Clock::system().sleep(Duration::from_millis(10)).await;
        }
        let tickets = self.tickets().await;
        let Some((ticket, [older @ .., newest])) =
            tickets.last().map(|ticket| (ticket, ticket.private_log.as_slice()))
        else {
            return;
        };
        let its: Vec<_> = (0..EVENTS).filter(|number| newest.contains(&marker(*number))).collect();
        let not_read_back = async || {
            let waiting = self.world.not_read_back().await;
            its.iter().all(|number| waiting.contains(&key_of(*number)))
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
            self.overwritten.extend(its.into_iter().map(key_of));
        }
    }

    async fn delete_newest_known(&mut self) {
        let board = self.world.get("/api/v1/tickets?limit=1000").await;
        let known: BTreeSet<_> = board.body["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item["ticket"]["id"].as_str()?.parse::<i64>().ok())
            .collect();
        let tickets = self.tickets().await;
        let Some(ticket) = tickets.iter().rfind(|ticket| known.contains(&ticket.id)) else {
            return;
        };
        self.world.itop.delete_ticket(&ticket.class, ticket.id).await.unwrap();
        self.deleted.insert(ticket.id);
        for number in 0..EVENTS {
            if markers(ticket, number) > 0 || names(ticket, number) {
                self.gone.insert(key_of(number));
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

    /// The end of all trouble: faults off, companies linked, events posted again if a backup may
    /// have forgotten them; then time passes until nothing is under way.
    async fn settle(&mut self) -> Result<(), String> {
        self.world.itop.faults().clear();
        self.pass(5, STEP).await;
        for company in 0..COMPANIES.len() {
            self.world
                .until("the company is linked", async || {
                    let status = self.link(company).await;
                    // A closed gate opens by a probe, which the clock brings.
                    self.world.clock.advance(STEP);
                    (status < 300).then_some(())
                })
                .await;
        }
        if self.restored {
            for number in self.accepted.clone() {
                let answer = self.post(&event_of(number)).await;
                self.posted(number, &answer)?;
            }
        }
        // The clock of the world is moved faster than a busy disk commits: what counts is that
        // everything settles, not how many steps that takes.
        let real = Clock::system();
        let deadline = real.now() + PATIENCE;
        loop {
            self.pass(1, LONG_STEP).await;
            let inbox = &self.world.get("/readyz").await.body["inbox"];
            let waits = ["accepted", "creating", "unknown", "blocked", "failed"];
            let itop = self.world.itop.requests_seen();
            if waits.iter().all(|state| inbox[*state] == 0)
                && itop.creates_in_flight + itop.updates_in_flight == 0
                && self.world.not_read_back().await.is_empty()
            {
                return Ok(());
            }
            if real.now() > deadline {
                return Err(format!("not everything settled: {:#?}", self.rows().await));
            }
        }
    }

    async fn judge(&self) -> Result<(), String> {
        let rows: BTreeMap<_, _> = self
            .rows()
            .await
            .into_iter()
            .map(|row| (row["event_id"].as_str().unwrap_or_default().to_owned(), row))
            .collect();
        let tickets = self.tickets().await;
        for number in &self.accepted {
            let key = key_of(*number);
            let row = rows.get(&key).ok_or_else(|| format!("{key} is not in the inbox"))?;
            let named: Vec<_> = tickets.iter().filter(|t| names(t, *number)).collect();
            let marked: Vec<_> = tickets.iter().filter(|t| markers(t, *number) > 0).collect();
            let times: usize = tickets.iter().map(|t| markers(t, *number)).sum();
            let shown = format!("{key}: {row:#}, named in {named:?}, marked in {marked:?}");
            expect(named.len() <= 1 && times <= 1, &format!("twice: {shown}"))?;
            // A line may have been added between the look at a ticket and its deletion.
            let ticket = row["ticket"]["id"].as_str().and_then(|id| id.parse().ok());
            let is_gone = ticket.is_some_and(|id| self.deleted.contains(&id));
            if is_gone || self.gone.contains(&key) || self.discarded.contains(&key) {
                continue;
            }
            let state = row["state"].as_str().unwrap_or_default();
            expect(matches!(state, "created" | "reused"), &format!("not delivered: {shown}"))?;
            let swallowed = row["warnings"].to_string().contains("three times; it is not there");
            if times == 0 && (swallowed || self.overwritten.contains(&key)) {
                continue;
            }
            expect(times == 1, &format!("without its marker: {shown}"))?;
            let org = COMPANIES[number % 2].2;
            expect(marked[0].org_id == org, &format!("another company's: {shown}"))?;
            expect(
                row["ticket"]["id"] == json!(marked[0].id.to_string()),
                &format!("another ticket: {shown}"),
            )?;
        }
        Ok(())
    }
}

fn marker(number: usize) -> String {
    Marker::new(&"default".parse().unwrap(), &key_of(number).parse().unwrap()).to_string()
}

/// How often the marker of an event stands in a ticket's log.
fn markers(ticket: &TicketSeen, number: usize) -> usize {
    let marker = marker(number);
    ticket.private_log.iter().map(|entry| entry.matches(&marker).count()).sum()
}

/// Whether a ticket's description names an event.
fn names(ticket: &TicketSeen, number: usize) -> bool {
    ticket.description.contains(&key_of(number))
}

fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
