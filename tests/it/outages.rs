//! iTop away, the bridge killed, the disk full: what was accepted is delivered, once.

use std::{io::Write as _, process::Command, time::Duration};

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use rusqlite::Connection;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    clock::Clock,
    config::Period,
    domain::{acknowledgement::Glimpse, delivery_state::Problem, keys::Instance},
    store::{self, Rejected, Store, StoreError},
};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// Posts events in lists, none of which waits; checks that each is accepted.
async fn post_all(world: &World, events: &[Value]) {
    for list in events.chunks(500) {
        let answer = world.post(ACKNOWLEDGEMENTS, &json!(list)).await.expect(200);
        for item in answer["items"].as_array().unwrap() {
            assert_eq!(item["status"], 202, "{item}");
        }
    }
}

/// Waits until all is delivered, for as long as some more is each minute: how fast that goes is the
/// machine's.
async fn drained(world: &World) {
    let left = async || -> u64 {
        let inbox = &world.get("/readyz").await.expect(200)["inbox"];
        ["accepted", "creating", "unknown"].iter().filter_map(|state| inbox[*state].as_u64()).sum()
    };
    let mut before = left().await;
    while before > 0 {
        before = world
            .until("some more is delivered", async || {
                let now = left().await;
                (now < before).then_some(now)
            })
            .await;
    }
}

#[tokio::test]
async fn two_thousand_acknowledgements_survive_an_outage_and_a_kill() {
    let mut world = World::with(Options::default(), |config| {
        config.itop.as_mut().unwrap().max_in_flight = 5;
        config.delivery.in_flight_max = 4;
        config.ticket.on_open_ticket = servicenav_itop_bridge::config::OnOpenTicket::Replace;
    })
    .await;
    world.link_demo().await;
    let down = world.itop.faults().switch_on(Fault::new(FaultKind::DatabaseDown));
    // Two hundred controls, ten acknowledgements each, in this order.
    let events: Vec<_> = (0..2_000)
        .map(|number| {
            let control = format!("control-{}", number % 200);
            with(event(&format!("n{number}")), "/control/id", json!(control))
        })
        .collect();
    post_all(&world, &events).await;
    world.crash_bridge();
    world.start_bridge().await;
    world.itop.faults().switch_off(down);
    world.clock.advance(Duration::from_mins(1));

    // While they drain a list is answered from iTop, without waiting for them.
    let before = Clock::system().now();
    world.get("/api/v1/companies/3/contacts?refresh=true").await.expect(200);
    let took = Clock::system().now().duration_since(before);
    assert!(took.as_secs() < 10, "{took:?}");

    drained(&world).await;
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets.len(), 2_000);
    let mut last = vec![None; 200];
    for ticket in &tickets {
        let key = ticket.description.split("event-n").nth(1).unwrap();
        let number: usize = key.split('<').next().unwrap().parse().unwrap();
        let last = &mut last[number % 200];
        assert!(last.is_none_or(|last| last < number), "{number} came after {last:?}");
        *last = Some(number);
    }
    let seen = world.itop.requests_seen();
    assert!(seen.most_in_flight <= 5, "{seen:?}");
    assert!(seen.most_creates_in_flight <= 4, "{seen:?}");
    world.finish().await;
}

#[tokio::test]
async fn one_company_does_not_starve_another() {
    let world = World::linked().await;
    world.link(51, json!({"organization": "ACME Logistics", "team": "On-call team"})).await;
    let down = world.itop.faults().switch_on(Fault::new(FaultKind::Maintenance));
    let mut events: Vec<_> = (0..300).map(|number| event(&format!("storm{number}"))).collect();
    let other = with(event("other"), "/company", json!({"id": 51, "name": "ACME Logistics"}));
    let other = with(other, "/team", Value::Null);
    events.push(other);
    post_all(&world, &events).await;
    world.itop.faults().switch_off(down);
    world.clock.advance(Duration::from_mins(1));
    drained(&world).await;
    let tickets = world.itop.tickets().await.unwrap();
    let place = tickets.iter().position(|ticket| ticket.org_id == 5002).unwrap();
    assert!(place < 40, "it was delivered as number {place} of 301");
    world.finish().await;
}

#[tokio::test]
async fn what_waits_too_long_is_failed_and_never_dropped() {
    let world = World::with(Options::default(), |config| {
        config.delivery.give_up = Period::minutes(30);
    })
    .await;
    world.link_demo().await;
    world.acknowledge(&event("warm-up")).await.expect(201);
    // Reads work and the gate stays open: this create alone is refused, again and again.
    let deadlock = FaultKind::Refuse { code: 1213, message: "Deadlock found".to_owned() };
    world.itop.faults().switch_on(Fault::new(deadlock).on(Operations::Create));
    let row = world.acknowledge(&with(event("stuck"), "/title", json!("stuck"))).await;
    let id = row.body["id"].clone();
    let row = world
        .until("it is given up", async || {
            world.clock.advance(Duration::from_mins(2));
            let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
            (row["state"] == "failed").then_some(row)
        })
        .await;
    assert_eq!(row["problem"]["code"], "given-up");
    assert!(row["problem"]["message"].as_str().unwrap().contains("Deadlock found"), "{row}");
    assert!(row["attempts"].as_u64().unwrap() > 5, "{row}");
    assert_eq!(row["history"][0]["code"], "itop-unavailable");
    world.itop.faults().clear();
    world.post(&format!("{ACKNOWLEDGEMENTS}/{id}/retry"), &json!({})).await.expect(200);
    world.until_state(&id, "created").await;
    world.finish().await;
}

#[tokio::test]
async fn a_second_process_on_the_same_database_names_the_first() {
    let world = World::start().await;
    let refusal = Store::open(&world.database(), Clock::system()).unwrap_err();
    assert!(matches!(refusal, StoreError::Locked { .. }), "{refusal}");
    let sentence = refusal.to_string();
    assert!(sentence.contains(&format!("process {}", std::process::id())), "{sentence}");
    world.finish().await;
}

#[tokio::test]
async fn a_database_is_given_back_only_when_all_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bridge.db");
    let store = Store::open(&path, Clock::system()).unwrap();
    // A lock like a backup's holds the writer up.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let queued = tokio::spawn({
        let store = store.clone();
        let rejected = Rejected {
            instance: Instance::default(),
            glimpse: Glimpse::default(),
            body: "{}".to_owned(),
            received_at: Clock::system().now(),
            problem: Problem::new("invalid", "as it is"),
        };
        async move { store.keep_rejected(vec![rejected]).await }
    });
    tokio::task::yield_now().await;
    queued.abort();
    assert!(queued.await.unwrap_err().is_cancelled());

    let closing = std::thread::spawn(move || drop(store));
    Clock::system().sleep(Duration::from_millis(200)).await;
    assert!(!closing.is_finished());
    let refusal = Store::open(&path, Clock::system()).unwrap_err();
    assert!(matches!(refusal, StoreError::Locked { .. }), "{refusal}");
    other.execute_batch("ROLLBACK").unwrap();
    closing.join().unwrap();
    let _store = Store::open(&path, Clock::system()).unwrap();
    let rows = "SELECT count(*) FROM acknowledgements";
    assert_eq!(other.query_row(rows, [], |row| row.get::<_, i64>(0)), Ok(1));
}

#[tokio::test]
async fn a_backup_under_load_starts_an_epoch_without_second_tickets() {
    let mut world = World::linked().await;
    let events: Vec<_> = (0..60).map(|number| event(&format!("b{number}"))).collect();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let database = world.database();
    post_all(&world, &events[..40]).await;
    let (from, to) = (database.clone(), copy.clone());
    tokio::task::spawn_blocking(move || store::backup(&from, &to)).await.unwrap().unwrap();
    // The original goes on: it delivers the rest, and twenty that the copy has never seen.
    post_all(&world, &events[40..]).await;
    drained(&world).await;
    assert_eq!(world.itop.tickets().await.unwrap().len(), 60);

    world.stop_bridge().await;
    let kept = store::restore(&copy, &database, world.clock.now()).unwrap().unwrap();
    assert!(kept.exists());
    world.start_bridge().await;
    for list in events.chunks(30) {
        world.post(ACKNOWLEDGEMENTS, &json!(list)).await.expect(200);
    }
    world.clock.advance(Duration::from_mins(3));
    drained(&world).await;
    assert_eq!(world.itop.tickets().await.unwrap().len(), 60);
    for number in [0, 39, 40, 59] {
        let control = format!("/api/v1/controls/control-b{number}/ticket");
        let known = world.get(&control).await.expect(200);
        assert!(known["ticket"]["ref"].is_string(), "{known}");
    }
    world.finish().await;
}

/// A file system of sixteen megabytes; unmounted when dropped.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self { folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_posts_and_loses_none() {
    let Some(disk) = SmallDisk::mount() else {
        // Not `eprintln!`: the test runner would keep that to itself.
        let _ = writeln!(
            std::io::stderr(),
            "\n*** SKIPPED: a small file system cannot be mounted here (needs root) ***\n"
        );
        return;
    };
    let path = disk.folder.path().join("bridge.db");
    let world = World::with(Options::default(), |config| config.store.path = path).await;
    world.link_demo().await;
    let down = world.itop.faults().switch_on(Fault::new(FaultKind::Maintenance));
    let filler = disk.folder.path().join("filler");
    std::fs::write(&filler, vec![0; 9_000_000]).unwrap();
    let mut accepted = Vec::new();
    let mut refused = 0;
    for number in 0..400 {
        let event = event(&format!("disk{number}"));
        let event = with(event, "/control/output", json!("x".repeat(200_000)));
        let wait = [("prefer", "wait=0")];
        let body = Some(event.to_string());
        let answer = world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &wait, body).await;
        if answer.status == 202 {
            accepted.push(answer.body["id"].clone());
        } else {
            answer.problem(503, "store-unavailable");
            refused += 1;
        }
        if refused > 5 {
            break;
        }
    }
    assert!(!accepted.is_empty() && refused > 5, "{} accepted, {refused} refused", accepted.len());
    // Space returns, and service with it.
    std::fs::remove_file(&filler).unwrap();
    world.itop.faults().switch_off(down);
    world
        .until("posts are accepted again", async || {
            let wait = [("prefer", "wait=0")];
            let body = Some(event("after").to_string());
            let answer = world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &wait, body).await;
            matches!(answer.status, 200 | 202).then_some(())
        })
        .await;
    world.clock.advance(Duration::from_mins(1));
    for id in &accepted {
        world.until_state(id, "created").await;
    }
    assert_eq!(world.itop.tickets().await.unwrap().len(), accepted.len() + 1);
    world.finish().await;
}
