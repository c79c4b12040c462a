//! Sequences of lists, failures, kills and approvals, judged by what must hold whatever happens:
//!
//! - nothing is ever deleted in iTop;
//! - nothing of a third organization is touched, and nothing that people made before somebody approves it;
//! - what is said to be synchronized is in iTop, in the organization of its company, with the values that
//!   were wanted, and two pieces of equipment never have one CI;
//! - what was made is somebody's: no CI is made twice;
//! - in the end everything that is listed is synchronized, or says why not, and what is gone is obsolete.
//!
//! Not promised: a CI that somebody makes under the name of new equipment after the bridge has looked, and before
//! iTop synchronizes, is taken over without a question; the log says that one was.
//!
//! `BRIDGE_FEDERATION_CASES=N` runs N sequences instead of the default; a failure prints its shortest form.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use itop_sandbox::{Fault, FaultKind, Operations};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};
use serde_json::{Value, json};
use servicenav_itop_bridge::{clock::Clock, config::Period};

use super::{admin, federated, link, list, patch, rows};
use crate::world::World;

/// Sequences run unless the environment says otherwise.
const CASES: u32 = 24;

/// Sequences at once.
const AT_ONCE: u32 = 4;

/// Pieces of equipment of each company.
const PIECES: usize = 6;

/// Companies of ServiceNav, and their organizations.
const COMPANIES: [(&str, &str); 2] = [("42", "3"), ("51", "5002")];

/// An organization that no company is linked to.
const THIRD: &str = "2";

/// How long everything may take to settle, in real time.
const PATIENCE: Duration = Duration::from_mins(5);

#[derive(Clone, Debug)]
enum Operation {
    /// The whole list of a company: these pieces, in this version.
    List(usize, Vec<usize>, u8),
    /// One piece of it.
    Patch(usize, usize, u8),
    /// One piece is gone.
    Remove(usize, usize),
    /// Somebody says yes to all that is held.
    Approve(usize),
    /// Somebody says no to it.
    Keep(usize),
    /// What failed is tried again.
    Retry(usize),
    /// Somebody makes a CI of that name in iTop.
    ByHand(usize, usize),
    /// iTop fails.
    Fault(Trouble, Operations, u32),
    /// The bridge is killed and started again.
    Crash,
    /// The links are removed, and set again.
    Relink,
    /// So many steps of time pass.
    Pass(u8),
}

#[derive(Clone, Copy, Debug)]
enum Trouble {
    CutBefore,
    CutAfter,
    Slow,
    HtmlError,
    BadGatewayAfter,
    Unavailable,
    Memory,
    Killed,
    WrongPassword,
}

impl Trouble {
    fn fault(self, on: Operations, times: u32) -> Fault {
        let kind = match self {
            Self::CutBefore => FaultKind::CutBefore,
            Self::CutAfter => FaultKind::CutAfter,
            Self::Slow => FaultKind::Slow { before_ms: 4_000, after_ms: 0 },
            Self::HtmlError => FaultKind::DatabaseDown,
            Self::BadGatewayAfter => FaultKind::BadGateway,
            Self::Unavailable => FaultKind::Unavailable,
            Self::Memory => FaultKind::MemoryExhausted { objects: 2 },
            Self::Killed => FaultKind::Killed { after: 2, in_load: on == Operations::Load },
            Self::WrongPassword => FaultKind::WrongPassword,
        };
        let fault = Fault::new(kind).on(on).times(times);
        if matches!(self, Self::BadGatewayAfter) { fault.after_effect() } else { fault }
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let company = 0..COMPANIES.len();
    let piece = 0..PIECES;
    let trouble = prop_oneof![
        Just(Trouble::CutBefore),
        Just(Trouble::CutAfter),
        Just(Trouble::Slow),
        Just(Trouble::HtmlError),
        Just(Trouble::BadGatewayAfter),
        Just(Trouble::Unavailable),
        Just(Trouble::Memory),
        Just(Trouble::Killed),
        Just(Trouble::WrongPassword),
    ];
    let on = prop_oneof![
        2 => Just(Operations::Load),
        2 => Just(Operations::Synchronize),
        1 => Just(Operations::Read),
    ];
    prop_oneof![
        6 => (company.clone(), prop::collection::vec(piece.clone(), 1..PIECES), 0..3_u8)
            .prop_map(|(company, pieces, version)| Operation::List(company, pieces, version)),
        4 => (company.clone(), piece.clone(), 0..3_u8)
            .prop_map(|(company, piece, version)| Operation::Patch(company, piece, version)),
        2 => (company.clone(), piece.clone()).prop_map(|(c, p)| Operation::Remove(c, p)),
        2 => company.clone().prop_map(Operation::Approve),
        1 => company.clone().prop_map(Operation::Keep),
        1 => company.clone().prop_map(Operation::Retry),
        1 => (company, piece).prop_map(|(c, p)| Operation::ByHand(c, p)),
        6 => (trouble, on, 1..3_u32).prop_map(|(t, on, n)| Operation::Fault(t, on, n)),
        3 => Just(Operation::Crash),
        1 => Just(Operation::Relink),
        4 => (1..4_u8).prop_map(Operation::Pass),
    ]
}

/// A piece in a version: each has another description, and the last another name.
fn piece(number: usize, version: u8) -> Value {
    let name = if version == 2 { format!("renamed-{number}") } else { format!("piece-{number}") };
    json!({"id": number.to_string(), "name": name, "description": format!("version {version}")})
}

struct Model {
    world: World,
    /// CIs that were seen in iTop, by class and key.
    seen: BTreeSet<String>,
    /// CIs that nobody but people may have touched, as they were made.
    by_hand: BTreeMap<String, Value>,
    /// Whether somebody has said yes to an adoption.
    approved: bool,
}

async fn all_cis(world: &World) -> BTreeMap<String, Value> {
    let found = admin(
        world,
        json!({
            "operation": "core/get", "class": "Server", "key": "SELECT Server WHERE id > 0",
            "output_fields": "id,name,org_id,description,status",
        }),
    )
    .await;
    found.into_iter().map(|(name, object)| (name, object["fields"].clone())).collect()
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

async fn run(operations: &[Operation]) -> Result<(), String> {
    let world = federated(|section| section.timeout = Period::seconds(1)).await;
    // The same names, where no company is.
    for number in 0..PIECES {
        let fields =
            json!({"name": format!("piece-{number}"), "org_id": THIRD, "description": "third"});
        admin(&world, json!({"operation": "core/create", "class": "Server", "fields": fields}))
            .await;
    }
    let by_hand = all_cis(&world).await;
    let seen = by_hand.keys().cloned().collect();
    let mut model = Model { world, seen, by_hand, approved: false };
    for operation in operations {
        model.apply(operation).await;
        model.look().await?;
    }
    model.settle().await?;
    let verdict = model.judge().await;
    model.world.itop.faults().clear();
    model.world.finish().await;
    verdict
}

impl Model {
    async fn apply(&mut self, operation: &Operation) {
        let world = &self.world;
        let company = |at: usize| COMPANIES[at].0;
        match operation {
            Operation::List(of, pieces, version) => {
                let pieces: BTreeSet<_> = pieces.iter().collect();
                let all: Vec<_> =
                    pieces.into_iter().map(|number| piece(*number, *version)).collect();
                list(world, company(*of), json!(all)).await;
            }
            Operation::Patch(of, number, version) => {
                patch(world, company(*of), json!([piece(*number, *version)])).await;
            }
            Operation::Remove(of, number) => {
                let path = format!("/api/v1/equipment/{number}?company={}", company(*of));
                world.delete(&path).await;
            }
            Operation::Approve(of) => {
                self.approved = true;
                self.answer(company(*of), "approve").await;
            }
            Operation::Keep(of) => self.answer(company(*of), "keep").await,
            Operation::Retry(of) => {
                world.post("/api/v1/equipment/retry", &json!({"company": company(*of)})).await;
            }
            Operation::ByHand(of, number) => {
                let name = format!("renamed-{number}");
                let (company, org) = COMPANIES[*of];
                // Between the bridge's look and iTop's own nobody can tell (see there).
                let waits = |row: &Value| {
                    row["name"] == name.as_str()
                        && row["held"].is_null()
                        && ["new", "changed", "retiring"]
                            .contains(&row["state"].as_str().unwrap_or_default())
                };
                if rows(world, company).await.values().any(waits) {
                    return;
                }
                let fields = json!({"name": name, "org_id": org, "description": "by hand"});
                let create =
                    json!({"operation": "core/create", "class": "Server", "fields": fields});
                let (key, made) = self
                    .calmly(async || {
                        let made = admin(world, create.clone()).await;
                        let key = made.keys().next().unwrap().clone();
                        let now = all_cis(world).await.remove(&key).unwrap();
                        (key, now)
                    })
                    .await;
                self.by_hand.insert(key, made);
            }
            Operation::Fault(trouble, on, times) => {
                world.itop.faults().switch_on(trouble.fault(*on, *times));
            }
            Operation::Crash => {
                self.world.crash_bridge();
                self.world.start_bridge().await;
            }
            Operation::Relink => {
                for (company, _) in COMPANIES {
                    world.delete(&format!("/api/v1/links/{company}")).await;
                }
                self.pass(1).await;
                self.link().await;
            }
            Operation::Pass(steps) => self.pass(*steps).await,
        }
    }

    /// Does something in iTop while nothing goes wrong there.
    async fn calmly<T>(&self, does: impl AsyncFn() -> T) -> T {
        let faults = self.world.itop.faults().clone();
        let armed = faults.switched_on();
        faults.clear();
        let done = does().await;
        for (_, fault) in armed {
            faults.switch_on(fault);
        }
        done
    }

    async fn answer(&self, company: &str, answer: &str) {
        for what in ["retire", "adopt", "move"] {
            let body = json!({"company": company, "what": what});
            self.world.post(&format!("/api/v1/equipment/{answer}"), &body).await;
        }
    }

    /// Links the companies, as soon as iTop can be asked about them.
    async fn link(&self) {
        self.world.itop.faults().clear();
        self.world
            .until("iTop can be asked", async || {
                self.world.clock.advance(Duration::from_secs(10));
                let ready = self.world.get("/readyz").await.body;
                (ready["gate"]["state"] == "open").then_some(())
            })
            .await;
        link(&self.world).await;
    }

    async fn pass(&self, steps: u8) {
        for _ in 0..steps {
            Clock::system().sleep(Duration::from_millis(30)).await;
            self.world.clock.advance(Duration::from_secs(4));
        }
    }

    /// What must hold at any moment.
    async fn look(&mut self) -> Result<(), String> {
        // Rows first: what they say was true before the CIs are read.
        let mut synchronized = Vec::new();
        for (company, org) in COMPANIES {
            for row in rows(&self.world, company).await.into_values() {
                if row["state"] == "synchronized" {
                    synchronized.push((org, row));
                }
            }
        }
        let cis = self.calmly(async || all_cis(&self.world).await).await;
        for known in &self.seen {
            expect(cis.contains_key(known), || format!("{known} was deleted"))?;
        }
        self.seen.extend(cis.keys().cloned());
        for (key, made) in &self.by_hand {
            let may_be_taken = self.approved && made["description"] == "by hand";
            expect(may_be_taken || cis.get(key) == Some(made), || {
                format!("{key} was {made}, and is {:?}", cis.get(key))
            })?;
        }
        let mut owners = BTreeMap::new();
        for (org, row) in synchronized {
            let key = format!("Server::{}", row["ci"]["id"].as_str().unwrap_or_default());
            let ci = cis.get(&key).ok_or_else(|| format!("no CI of {row}"))?;
            expect(ci["org_id"] == org, || format!("{ci} of {row} is in another organization"))?;
            if let Some(other) = owners.insert(key, row.clone()) {
                return Err(format!("{other} and {row} have one CI"));
            }
        }
        Ok(())
    }

    /// All trouble ends, and time passes until nothing is under way.
    async fn settle(&mut self) -> Result<(), String> {
        self.link().await;
        let real = Clock::system();
        let deadline = real.now() + PATIENCE;
        let mut is_quiet = false;
        loop {
            self.pass(1).await;
            let mut waiting = Vec::new();
            for (company, _) in COMPANIES {
                let waits = |row: &Value| {
                    let state = row["state"].as_str().unwrap_or_default();
                    row["held"].is_null() && ["new", "changed", "retiring"].contains(&state)
                };
                waiting.extend(rows(&self.world, company).await.into_values().filter(waits));
            }
            if waiting.is_empty() && is_quiet {
                return Ok(());
            }
            is_quiet = waiting.is_empty();
            if is_quiet {
                // What is held may go on by itself, when a run of another row has made what was begun for it.
                self.pass(9).await;
            }
            if real.now() > deadline {
                let ready = self.world.get("/readyz").await.body;
                return Err(format!("not everything settled: {waiting:#?}, {ready:#}"));
            }
        }
    }

    /// What must hold in the end.
    async fn judge(&mut self) -> Result<(), String> {
        self.look().await?;
        let halts = self.world.get("/readyz").await.body["equipment"]["halts"].clone();
        expect(halts == json!([]), || format!("the bridge is surprised by itself: {halts}"))?;
        let cis = all_cis(&self.world).await;
        let mut owned = BTreeSet::new();
        for (company, _) in COMPANIES {
            for row in rows(&self.world, company).await.into_values() {
                let key = format!("Server::{}", row["ci"]["id"].as_str().unwrap_or_default());
                owned.insert(key.clone());
                let has_reason =
                    row["problem"]["message"].as_str().is_some_and(|why| !why.is_empty());
                match row["state"].as_str().unwrap_or_default() {
                    "synchronized" => {
                        let ci = &cis[&key];
                        for (of_row, of_ci) in [("name", "name"), ("description", "description")] {
                            expect(row[of_row] == ci[of_ci], || format!("{row} is not {ci}"))?;
                        }
                        expect(ci["status"] != "obsolete", || format!("{row} is obsolete: {ci}"))?;
                    }
                    "retired" => {
                        if let Some(ci) = cis.get(&key) {
                            expect(ci["status"] == "obsolete", || {
                                format!("{row} is not obsolete: {ci}")
                            })?;
                        }
                    }
                    _ => expect(has_reason, || format!("{row} does not say why"))?,
                }
            }
        }
        for key in cis.keys().filter(|key| !self.by_hand.contains_key(*key)) {
            expect(owned.contains(key), || format!("{} is nobody's: made twice", cis[key]))?;
        }
        Ok(())
    }
}

fn check(operations: &[Operation]) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let outcome = runtime.block_on(run(operations));
    runtime.shutdown_background();
    outcome
}

#[test]
fn the_model_of_the_federation_holds() {
    let cases = std::env::var("BRIDGE_FEDERATION_CASES").ok().and_then(|text| text.parse().ok());
    let each = cases.unwrap_or(CASES).div_ceil(AT_ONCE);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| some_hold(each));
        }
    });
}

#[test]
fn a_ci_that_was_retired_unseen_comes_back_with_its_equipment() {
    // Neither the run that made it nor the one that retired it was answered, and it has another name by now.
    use Operation::{Fault, List, Pass, Patch};
    let unseen = Fault(Trouble::BadGatewayAfter, Operations::Synchronize, 2);
    let first = [unseen, Patch(1, 2, 2), Pass(3), List(1, vec![0], 1), Pass(3)];
    check(&[first.as_slice(), &[List(1, vec![0, 2], 0)]].concat()).unwrap();
}

#[test]
fn a_ci_that_another_run_has_made_is_that_of_the_row_that_was_begun() {
    use Operation::{ByHand, Fault, List, Pass, Patch};
    // The load came to iTop, and its answer did not. Now its name is another one, which somebody's CI has: that is
    // asked about. And then the run of another row makes what was begun.
    let unanswered = Fault(Trouble::BadGatewayAfter, Operations::Load, 1);
    let begun = [unanswered, List(0, vec![2], 0), Pass(2), ByHand(0, 2), Patch(0, 2, 2), Pass(12)];
    check(&[begun.as_slice(), &[Patch(0, 3, 0), Pass(3)]].concat()).unwrap();
}

#[test]
fn what_a_dying_run_has_made_is_not_made_again_under_another_name() {
    use Operation::{Fault, List, Pass};
    // The run makes a CI, and dies before it has noted whose it is; then its equipment is called otherwise.
    for objects in [Trouble::Memory, Trouble::Killed] {
        let dies = Fault(objects, Operations::Synchronize, 1);
        let first = [dies, List(0, vec![3, 4, 5], 0), Pass(2), List(0, vec![3, 4, 5], 2), Pass(12)];
        check(&first).unwrap();
    }
}

/// Runs so many sequences, each of them another.
fn some_hold(cases: u32) {
    let config =
        Config { cases, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&prop::collection::vec(operation(), 1..16), |operations| {
        check(&operations).map_err(TestCaseError::fail)
    });
    if let Err(TestError::Fail(reason, operations)) = outcome {
        panic!("{reason}\nafter {operations:#?}");
    }
    outcome.unwrap();
}
