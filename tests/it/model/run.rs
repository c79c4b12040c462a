//! Running a sequence, and judging it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use serde_json::{Value, json};
use servicenav_itop_bridge::{
    clock::Clock,
    config::Period,
    domain::marker::Marker,
    sandbox::{FaultKind, Options, TicketSeen},
    store,
};

use super::operation::{EVENTS, Operation};
use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

/// One step of time.
const STEP: Duration = Duration::from_secs(2);

/// How long everything may take to settle, in real time.
const PATIENCE: Duration = Duration::from_secs(20);

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
    backup: Option<PathBuf>,
    backups: u32,
    restored: bool,
}

/// Runs the sequence; what does not hold, in words.
pub async fn run(operations: &[Operation]) -> Result<(), String> {
    let world = World::with(Options::default(), |config| {
        config.itop.timeout = Period::millis(700);
        config.itop.create_timeout = Period::millis(700);
        config.delivery.in_flight_max = 3;
        config.delivery.settle = Period::seconds(30);
        config.delivery.backoff_first = Period::seconds(1);
        config.delivery.backoff_max = Period::seconds(4);
        config.delivery.probe_max = Period::seconds(4);
        config.delivery.recheck_blocked = Period::seconds(10);
    })
    .await;
    let mut model = Model {
        world,
        copies: tempfile::tempdir().unwrap(),
        accepted: BTreeSet::new(),
        discarded: BTreeSet::new(),
        deleted: BTreeSet::new(),
        gone: BTreeSet::new(),
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
    with(event, "/equipment", json!({"name": "unknown"}))
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
            Operation::Pass(steps) => self.pass(usize::from(*steps)).await,
            Operation::Fault(trouble, on, times) => {
                self.world.itop.faults().switch_on(trouble.fault(*on, *times));
            }
            Operation::WrongPassword(steps) => {
                self.during(FaultKind::WrongPassword, usize::from(*steps)).await;
            }
            Operation::ReadOnly(steps) => {
                self.during(FaultKind::ReadOnly, usize::from(*steps)).await;
            }
            Operation::Link(company) => self.link(*company).await,
            Operation::Unlink(company) => {
                let id = COMPANIES[*company].0;
                self.world.delete(&format!("/api/v1/links/{id}")).await;
            }
            Operation::Resolve => self.resolve_oldest().await,
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
    async fn pass(&self, steps: usize) {
        for _ in 0..steps {
            self.world
                .until("no write waits for its answer", async || {
                    let ready = self.world.get("/readyz").await;
                    (ready.body["inbox"]["creating"] == 0).then_some(())
                })
                .await;
            self.world.clock.advance(STEP);
            self.world.get("/api/v1/companies?refresh=true").await;
        }
    }

    async fn during(&self, kind: FaultKind, steps: usize) {
        self.world.itop.faults().set(kind.clone(), true);
        self.pass(steps).await;
        self.world.itop.faults().set(kind, false);
    }

    /// Links a company, if iTop can be asked about it now.
    async fn link(&self, company: usize) {
        let (id, organization, _, team) = COMPANIES[company];
        let link = json!({"organization": organization, "team": team});
        self.world.put(&format!("/api/v1/links/{id}"), &link).await;
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

    async fn delete_newest_known(&mut self) {
        let board = self.world.get("/api/v1/tickets?limit=1000").await;
        let known: BTreeSet<_> = board.body["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item["ticket"]["id"].as_i64())
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
        self.pass(5).await;
        for company in 0..COMPANIES.len() {
            self.link(company).await;
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
            self.pass(1).await;
            let inbox = &self.world.get("/readyz").await.body["inbox"];
            let waits = ["accepted", "creating", "unknown", "blocked", "failed"];
            if waits.iter().all(|state| inbox[*state] == 0) {
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
            let entries: usize = tickets.iter().map(|t| markers(t, *number)).sum();
            let shown = format!("{key}: {row:#}, named in {named:?}, marked in {marked:?}");
            expect(named.len() <= 1 && entries <= 1, &format!("twice: {shown}"))?;
            // A line may have been added between the look at a ticket and its deletion.
            let ticket = row["ticket"]["id"].as_i64();
            let is_gone = ticket.is_some_and(|id| self.deleted.contains(&id));
            if is_gone || self.gone.contains(&key) || self.discarded.contains(&key) {
                continue;
            }
            let state = row["state"].as_str().unwrap_or_default();
            expect(matches!(state, "created" | "reused"), &format!("not delivered: {shown}"))?;
            expect(entries == 1, &format!("without its marker: {shown}"))?;
            let org = COMPANIES[number % 2].2;
            expect(marked[0].org_id == org, &format!("another company's: {shown}"))?;
            expect(row["ticket"]["id"] == marked[0].id, &format!("another ticket: {shown}"))?;
        }
        Ok(())
    }
}

/// How many entries of a ticket's log hold the marker of an event.
fn markers(ticket: &TicketSeen, number: usize) -> usize {
    let event = key_of(number).parse().unwrap();
    let marker = Marker::new(&"default".parse().unwrap(), &event).to_string();
    ticket.private_log.iter().filter(|line| line.contains(&marker)).count()
}

/// Whether a ticket's description names an event.
fn names(ticket: &TicketSeen, number: usize) -> bool {
    ticket.description.contains(&key_of(number))
}

fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
