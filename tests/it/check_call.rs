//! The examination of the command `check`, asked of a running bridge.

use std::collections::BTreeSet;

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, event};

const CHECK: &str = "/api/v1/check";

#[tokio::test]
async fn a_running_bridge_says_what_the_command_says() {
    let world = World::linked().await;
    let nothing = json!({"running": null, "latest": null});
    assert_eq!(world.get(CHECK).await.expect(200), nothing);
    let answer = world.post(CHECK, &json!({})).await.expect(200);
    assert_eq!(answer["running"], Value::Null);
    let ended = &answer["latest"];
    let as_command = crate::check::findings(&world.config, &world.clock, None, false).await;
    let told: Vec<_> = as_command.iter().map(|finding| json!(finding)).collect();
    assert_eq!(ended["findings"], json!(told));
    assert_eq!((&ended["warnings"], &ended["failures"]), (&json!(0), &json!(0)), "{ended}");
    assert!(ended["began_at"].as_str() <= ended["ended_at"].as_str());
    assert_eq!(world.get(CHECK).await.expect(200), answer);
    assert!(world.itop.tickets().await.unwrap().is_empty(), "nothing is written");
    world.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_mend_and_the_next_one_is_right() {
    let world = World::linked().await;
    world.itop.faults().switch_on(Fault::new(FaultKind::WrongPassword));
    let wrong = world.post(CHECK, &Value::Null).await.expect(200)["latest"].clone();
    assert_eq!(wrong["failures"], 1, "{wrong}");
    let findings = wrong["findings"].as_array().unwrap();
    let failure = findings.iter().find(|finding| finding["verdict"] == "failure").unwrap();
    assert_eq!(failure["what"], "login");
    assert!(failure["mend"].as_str().unwrap().contains("itop.password"), "{failure}");
    world.itop.faults().clear();
    let right = world.post(CHECK, &Value::Null).await.expect(200)["latest"].clone();
    assert_eq!(right["failures"], 0, "{right}");
    world.finish().await;
}

#[tokio::test]
async fn one_runs_at_a_time_and_is_shared() {
    let world = World::linked().await;
    let held = FaultKind::HeldBefore { ms: 300 };
    world.itop.faults().switch_on(Fault::new(held).on(Operations::Read));
    let reads = world.reads();
    let at_once = [("prefer", "wait=0")];
    let first = world.send(Method::POST, CHECK, &at_once, None).await.expect(202);
    assert_eq!(first["latest"], Value::Null);
    let began = first["running"]["began_at"].clone();
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let next = world.send(Method::POST, CHECK, &at_once, None).await.expect(202);
        seen.insert(next["running"]["began_at"].to_string());
    }
    assert_eq!(seen, BTreeSet::from([began.to_string()]));
    // What it has found so far can be seen.
    world
        .until("something was found", async || {
            let running = world.get(CHECK).await.expect(200)["running"].clone();
            running["findings"].as_array().is_some_and(|found| found.len() > 2).then_some(())
        })
        .await;
    world.itop.faults().clear();
    let ended = world
        .until("it has ended", async || {
            let known = world.get(CHECK).await.expect(200);
            known["running"].is_null().then(|| known["latest"].clone())
        })
        .await;
    assert_eq!(ended["began_at"], began);
    let one = world.reads() - reads;
    world.post(CHECK, &Value::Null).await.expect(200);
    // Six that were asked for read no more than one does.
    assert!(world.reads() - reads - one >= one, "{one} then {}", world.reads() - reads - one);
    world.finish().await;
}

#[tokio::test]
async fn deliveries_go_on_beside_it() {
    // Of four calls at once one may be such that somebody asks for.
    let world =
        World::with(Options::default(), |config| config.itop.as_mut().unwrap().max_in_flight = 4)
            .await;
    world.link_demo().await;
    world.read_lists().await;
    let held = FaultKind::HeldBefore { ms: 300 };
    world.itop.faults().switch_on(Fault::new(held).on(Operations::Read));
    let at_once = [("prefer", "wait=0")];
    world.send(Method::POST, CHECK, &at_once, None).await.expect(202);
    world.acknowledge(&event("a")).await.expect(201);
    let known = world.get(CHECK).await.expect(200);
    assert!(known["running"].is_object(), "it asks one question after another: {known}");
    world.itop.faults().clear();
    world
        .until("it has ended", async || {
            world.get(CHECK).await.expect(200)["running"].is_null().then_some(())
        })
        .await;
    world.finish().await;
}
