//! iTop fails in the middle: what was loaded is loaded again, and nothing is made twice.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations};
use serde_json::json;
use servicenav_itop_bridge::config::Period;

use super::{DEMO, admin, cis, federated, list, patch, piece, rows};
use crate::world::World;

/// Lets time pass until all rows of a company are in one of the states.
pub async fn settled(world: &World, company: &str, states: &[&str]) {
    world
        .until("the equipment has settled", async || {
            world.clock.advance(Duration::from_secs(10));
            let rows = rows(world, company).await;
            let is_settled = |row: &serde_json::Value| {
                states.iter().any(|state| row["state"] == *state) || !row["held"].is_null()
            };
            (!rows.is_empty() && rows.values().all(is_settled)).then_some(())
        })
        .await;
}

/// What a request meets, each once.
fn faults() -> Vec<Fault> {
    let at = |on: Operations| {
        [
            Fault::new(FaultKind::CutBefore),
            Fault::new(FaultKind::CutAfter),
            Fault::new(FaultKind::DatabaseDown),
            Fault::new(FaultKind::BadGateway).after_effect(),
            Fault::new(FaultKind::Unavailable),
            Fault::new(FaultKind::Maintenance),
            Fault::new(FaultKind::WrongPassword),
            Fault::new(FaultKind::Slow { before_ms: 5_000, after_ms: 0 }),
            Fault::new(FaultKind::Slow { before_ms: 0, after_ms: 5_000 }),
        ]
        .map(|fault| fault.on(on).times(1))
    };
    let deaths = [
        Fault::new(FaultKind::MemoryExhausted { objects: 2 }).on(Operations::Synchronize),
        Fault::new(FaultKind::Killed { after: 2, in_load: false }).on(Operations::Synchronize),
        Fault::new(FaultKind::Killed { after: 2, in_load: true }).on(Operations::Load),
    ]
    .map(|fault| fault.times(1));
    [at(Operations::Load).to_vec(), at(Operations::Synchronize).to_vec(), deaths.to_vec()].concat()
}

#[tokio::test]
async fn whatever_a_load_or_a_synchronization_meets_each_row_has_one_ci() {
    let world = federated(|section| section.timeout = Period::millis(500)).await;
    let all = faults();
    for (round, fault) in all.iter().enumerate() {
        world.itop.faults().switch_on(fault.clone());
        let pieces: Vec<_> = (0..=round)
            .flat_map(|round| (0..3).map(move |n| (round, n)))
            .map(|(round, n)| piece(&format!("{round}-{n}"), &format!("srv-{round}-{n}")))
            .collect();
        list(&world, "42", json!(pieces)).await;
        settled(&world, "42", &["synchronized"]).await;
        world
            .until("the fault has struck", async || {
                world.itop.faults().switched_on().is_empty().then_some(())
            })
            .await;
    }
    let made = cis(&world, "Server", DEMO).await;
    let ours = made.keys().filter(|name| name.starts_with("srv-")).count();
    assert_eq!(ours, all.len() * 3, "{:?}", made.keys());
    let known = rows(&world, "42").await;
    for row in known.values() {
        assert_eq!(row["ci"]["id"], made[row["name"].as_str().unwrap()]["id"], "{row}");
    }
    let halts = world.get("/readyz").await.body["equipment"]["halts"].clone();
    assert_eq!(halts, json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_bridge_that_is_killed_while_itop_works_goes_on_where_it_was() {
    let mut world = federated(|_| {}).await;
    for (round, on) in [Operations::Load, Operations::Synchronize].into_iter().enumerate() {
        let held = Fault::new(FaultKind::HeldBefore { ms: 30_000 }).on(on).times(1);
        world.itop.faults().switch_on(held);
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        patch(&world, "42", json!([piece(&a, &a), piece(&b, &b)])).await;
        world
            .until("iTop is at it", async || {
                world.itop.faults().switched_on().is_empty().then_some(())
            })
            .await;
        world.crash_bridge();
        world.start_bridge().await;
        world.clock.advance(Duration::from_secs(31));
        settled(&world, "42", &["synchronized"]).await;
    }
    let made = cis(&world, "Server", DEMO).await;
    for name in ["a0", "b0", "a1", "b1"] {
        assert!(made.contains_key(name), "{name}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_comes_to_itop_long_after_its_equipment_was_gone_is_retired() {
    let mut world = federated(|_| {}).await;
    // Longer than all of what follows takes, which moves the clock until it is done.
    let held = Fault::new(FaultKind::HeldBefore { ms: 1_800_000 }).on(Operations::Load).times(1);
    world.itop.faults().switch_on(held);
    patch(&world, "42", json!([piece("1", "late")])).await;
    world
        .until("the load is under way", async || {
            world.itop.faults().switched_on().is_empty().then_some(())
        })
        .await;
    world.crash_bridge();
    world.start_bridge().await;
    world.delete("/api/v1/equipment/1?company=42").await;
    settled(&world, "42", &["retired"]).await;
    assert!(!cis(&world, "Server", DEMO).await.contains_key("late"));
    // Now it comes, and whoever is synchronized next has it made.
    world.clock.advance(Duration::from_mins(30));
    world
        .until("iTop has made it", async || {
            let n = world.itop.requests_seen().of("synchro_exec");
            patch(&world, "42", json!([piece(&format!("next-{n}"), &format!("next-{n}"))])).await;
            settled(&world, "42", &["retired", "synchronized"]).await;
            cis(&world, "Server", DEMO).await.contains_key("late").then_some(())
        })
        .await;
    // The bridge looks for it when the run is settled, which is seen before.
    world
        .until("it is retired", async || {
            let made = cis(&world, "Server", DEMO).await;
            (made["late"]["status"] == "obsolete").then_some(())
        })
        .await;
    settled(&world, "42", &["retired", "synchronized"]).await;
    let made = cis(&world, "Server", DEMO).await;
    assert_eq!(rows(&world, "42").await["1"]["ci"]["id"], made["late"]["id"]);
    assert_eq!(world.get("/readyz").await.body["equipment"]["halts"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn what_a_run_has_made_whose_answer_never_came_is_its_own_whatever_it_is_called_by_now() {
    let mut world = federated(|section| section.timeout = Period::millis(500)).await;
    let lost = Fault::new(FaultKind::BadGateway).after_effect().on(Operations::Synchronize);
    world.itop.faults().switch_on(lost.times(1));
    patch(&world, "42", json!([piece("1", "before")])).await;
    world
        .until("iTop has made it", async || {
            cis(&world, "Server", DEMO).await.contains_key("before").then_some(())
        })
        .await;
    world.crash_bridge();
    world.start_bridge().await;
    // It has another name by now: that of somebody's CI.
    let fields = json!({"name": "after", "org_id": DEMO, "description": "by hand"});
    let by_hand =
        admin(&world, json!({"operation": "core/create", "class": "Server", "fields": fields}))
            .await;
    patch(&world, "42", json!([piece("1", "after")])).await;
    settled(&world, "42", &["synchronized"]).await;
    let row = rows(&world, "42").await.remove("1").unwrap();
    let key = format!("Server::{}", row["ci"]["id"].as_str().unwrap());
    assert_eq!(row["state"], "synchronized", "{row}");
    assert!(!by_hand.contains_key(&key), "{row}");
    assert!(!cis(&world, "Server", DEMO).await.contains_key("before"));
    world.finish().await;
}

#[tokio::test]
async fn a_firewall_that_objects_to_a_row_stops_that_row_alone() {
    let world = federated(|_| {}).await;
    let firewall = FaultKind::Firewall { status: 403, word: "objectionable".to_owned() };
    let fault = world.itop.faults().switch_on(Fault::new(firewall).on(Operations::Load));
    let pieces: Vec<_> = (0..40)
        .map(|n| {
            let description = if n == 23 { "objectionable" } else { "fine" };
            json!({"id": n.to_string(), "name": format!("srv-{n}"), "description": description})
        })
        .collect();
    list(&world, "42", json!(pieces)).await;
    settled(&world, "42", &["synchronized", "failed"]).await;
    let rows = rows(&world, "42").await;
    for (id, row) in &rows {
        let expected = if id == "23" { "failed" } else { "synchronized" };
        assert_eq!(row["state"], expected, "{row}");
    }
    assert_eq!(rows["23"]["problem"]["code"], "load-refused");
    world.itop.faults().switch_off(fault);
    world.finish().await;
}

#[tokio::test]
async fn while_itop_is_away_nothing_is_asked_of_it_and_then_all_goes_on() {
    let world = federated(|_| {}).await;
    world.itop.faults().set_maintenance(true);
    world
        .until("the gate is closed", async || {
            world.insist("/api/v1/companies").await;
            let ready = world.get("/readyz").await;
            (ready.body["gate"]["state"] == "closed").then_some(())
        })
        .await;
    let loads = world.itop.requests_seen().of("synchro_import");
    list(&world, "42", json!([piece("1", "srv-1")])).await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.itop.requests_seen().of("synchro_import"), loads);
    world.itop.faults().set_maintenance(false);
    settled(&world, "42", &["synchronized"]).await;
    world.finish().await;
}
