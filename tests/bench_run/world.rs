//! A bridge and its iTop, with tickets in it.

use std::time::Duration;

use serde_json::{Value, json};
use servicenav_itop_bridge::clock::Clock;
use tempfile::TempDir;

use crate::{
    load::closed_loop,
    processes::{Process, folder},
    requests::{self, Numbered, Numbers},
    wire,
};

/// The longest that anything may take to get ready.
const PATIENCE: Duration = Duration::from_mins(2);

/// Processes in the order in which they end, and the folder of their files.
pub struct World {
    pub bridge: Process,
    pub itop: Process,
    pub folder: TempDir,
}

impl World {
    /// A simulated iTop with these options, and a bridge whose company 42 is linked.
    pub async fn linked(options: &[&str]) -> Self {
        let world = Self::start(options).await;
        let link = json!({"organization": "Demo", "team": "Helpdesk"});
        let link = requests::put("/api/v1/links/42", &link);
        wire::ask_well(world.bridge.address, &link).await;
        world
    }

    /// The same, nothing linked.
    pub async fn start(options: &[&str]) -> Self {
        let folder = folder();
        let itop = Process::itop(folder.path(), options).await;
        let bridge = Process::bridge(folder.path(), itop.address).await;
        Self { bridge, itop, folder }
    }

    /// With a ticket for each of the first so many controls, made by the bridge.
    pub async fn with_tickets(controls: u32) -> Self {
        let world = Self::linked(&[]).await;
        let numbers = Numbers::up_to(controls);
        let path = "/api/v1/acknowledgements";
        let posts = Numbered::each(path, controls.min(1_000), &numbers, 1);
        closed_loop(world.bridge.address, posts, PATIENCE).await;
        let clock = Clock::system();
        let deadline = clock.now() + PATIENCE;
        while waiting(&world.bridge, &["accepted", "creating", "unknown"]).await > 0 {
            assert!(clock.now() < deadline, "the tickets are not made");
            clock.sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(waiting(&world.bridge, &["failed", "blocked"]).await, 0);
        world
    }

    /// How many requests of an operation iTop has seen.
    pub async fn seen(&self, operation: &str) -> u32 {
        let stats = wire::ask_well(self.itop.address, &requests::get("/sandbox/stats")).await;
        let stats: Value = serde_json::from_slice(&stats).expect("JSON");
        let seen = stats["by_operation"][operation].as_u64().unwrap_or(0);
        u32::try_from(seen).expect("a benchmark is not that long")
    }
}

/// Acknowledgements of a bridge in these states.
pub async fn waiting(bridge: &Process, states: &[&str]) -> u64 {
    let ready = wire::ask_well(bridge.address, &requests::get("/readyz")).await;
    let ready: Value = serde_json::from_slice(&ready).expect("JSON");
    let count = |state: &&str| ready["inbox"][state].as_u64().expect("a number");
    states.iter().map(count).sum()
}

/// Asserts that the answer to a lookup has a ticket for each of so many controls: looking up what
/// is not there is faster.
pub fn assert_tickets(answer: &[u8], controls: usize) {
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    let items = answer["items"].as_array().expect("a list");
    let with_ticket = items.iter().filter(|item| item["ticket"]["ref"].is_string()).count();
    assert_eq!((items.len(), with_ticket), (controls, controls));
}
