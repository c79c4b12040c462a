//! Several instances on one database of PostgreSQL: any answers, one leads, and another one when that has gone. One
//! of them is the program itself, so that it can be killed, and stopped as a machine is that is suspended.

use std::{path::Path, time::Duration};

use itop_sandbox::{self as sandbox, Fault, FaultKind, Operations, Options};
use reqwest::{Client, Method};
use rustix::process::Signal;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::client_settings,
    clock::{BeginBy, Clock},
    config::{Config, Period, Switch},
    itop::{self, ItopError, Use},
};

use crate::{
    program::command,
    serve::Serving,
    server_database::Database,
    unclear_outcomes::{each_is_delivered_once, post, tickets_of},
    world::{ACKNOWLEDGEMENTS, Answer, World, event},
};

/// A world whose bridge follows, beside another instance that leads; `None` where there is no PostgreSQL.
async fn led_by_another(
    folder: &Path,
    change: impl FnOnce(&mut Config),
) -> Option<(World, Serving)> {
    let world = World::led_apart(Clock::system(), Options::default(), |config| {
        config.delivery.settle = Period::seconds(5);
        change(config);
    })
    .await;
    if world.server().is_none() {
        eprintln!("left out, for there is no PostgreSQL: tests/run starts it");
        world.finish().await;
        return None;
    }
    world.link_demo().await;
    world.lose_term().await;
    let other = instance(&world, folder).await;
    until_role(&world, other.base(), "leading").await;
    world.gain_term();
    Some((world, other))
}

/// Another instance on the world's database and iTop.
async fn instance(world: &World, folder: &Path) -> Serving {
    let config = folder.join("instance.toml");
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[store]\nurl = '{}'\n[delivery]\nsettle = '5s'\n\
         conditional = '{}'\n[itop]\nurl = '{}'\nuser = 'bridge'\npassword = '{}'\n",
        database(world).url(),
        if world.config.delivery.conditional == Switch::Off { "off" } else { "auto" },
        world.itop.url(),
        sandbox::PASSWORD
    );
    std::fs::write(&config, text).unwrap();
    let mut command = command(&["serve", "--config", config.to_str().unwrap()]);
    // Where it keeps the token of this machine.
    command.env("STATE_DIRECTORY", folder);
    Serving::of(world, command).await
}

fn database(world: &World) -> &Database {
    world.server().expect("it was looked for")
}

/// Waits until an instance says that this is what it does.
async fn until_role(world: &World, base: &str, role: &str) {
    world
        .until(&format!("{base} is {role}"), async || {
            let ready = world.http.get(format!("{base}/readyz")).send().await.ok()?;
            let ready = Answer::read(ready).await;
            (ready.body["role"] == role).then_some(())
        })
        .await;
}

/// Posts to an instance, without waiting for an outcome; the number of the row, where it was taken.
async fn post_to(http: &Client, base: &str, event: &Value) -> Option<Value> {
    let request = http.request(Method::POST, format!("{base}{ACKNOWLEDGEMENTS}"));
    let request = request.header("prefer", "wait=0").header("content-type", "application/json");
    let answer = request.body(event.to_string()).send().await.ok()?;
    let answer = Answer::read(answer).await;
    (answer.status < 300).then(|| answer.body["id"].clone())
}

/// Rows and attempts as they were written, and by which transaction.
async fn written(world: &World) -> Vec<String> {
    let rows = "SELECT concat_ws(' ', id, state, attempts, xmin) FROM acknowledgements";
    let attempts = "SELECT concat_ws(' ', acknowledgement_id, number, xmin) FROM attempts";
    let leader = "SELECT concat_ws(' ', term, name, xmin) FROM leader";
    let mut all = Vec::new();
    for sql in [rows, attempts, leader] {
        all.extend(database(world).texts(sql).await);
    }
    all
}

#[tokio::test]
async fn a_paused_leader_commits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some((world, leader)) = led_by_another(folder.path(), |_| {}).await else { return };
    let slow = FaultKind::Slow { before_ms: 1_000, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create).times(1));
    let id = post_to(&world.http, leader.base(), &event("paused")).await.expect("it is stored");
    world
        .until("iTop is at work", async || {
            (world.itop.requests_seen().creates_in_flight == 1).then_some(())
        })
        .await;
    leader.signal(Signal::STOP);

    // The server ends its connection, and whoever follows leads: what was being made is looked for.
    until_role(&world, &world.base, "leading").await;
    world.until_state(&id, "created").await;
    let before = written(&world).await;

    // It wakes with the answer of iTop before it.
    leader.signal(Signal::CONT);
    until_role(&world, leader.base(), "following").await;
    assert_eq!(written(&world).await, before);
    assert_eq!(tickets_of(&world, "paused").await, 1);
    // It still answers.
    let row = world.http.get(format!("{}{ACKNOWLEDGEMENTS}/{id}", leader.base())).send().await;
    assert_eq!(Answer::read(row.unwrap()).await.expect(200)["state"], "created");
    leader.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn another_takes_over_when_the_leader_is_killed_and_nothing_is_lost_or_made_twice() {
    let folder = tempfile::tempdir().unwrap();
    let Some((world, leader)) = led_by_another(folder.path(), |_| {}).await else { return };
    let slow = FaultKind::Slow { before_ms: 20, after_ms: 20 };
    let slow = world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create));
    let keys: Vec<_> = (0..30).map(|number| format!("killed-{number}")).collect();
    let (to_leader, to_other) = keys.split_at(20);
    let mut ids = Vec::new();
    for key in to_leader {
        ids.push(post_to(&world.http, leader.base(), &event(key)).await.expect("it is stored"));
    }
    leader.kill().await;
    for key in to_other {
        ids.push(post(&world, &event(key)).await);
    }
    until_role(&world, &world.base, "leading").await;
    each_is_delivered_once(&world, &ids, &keys).await;
    world.itop.faults().switch_off(slow);
    world.finish().await;
}

#[tokio::test]
async fn connections_that_are_cut_lose_nothing_and_end_no_instance() {
    let world = World::start().await;
    if world.server().is_none() {
        eprintln!("left out, for there is no PostgreSQL: tests/run starts it");
        return world.finish().await;
    }
    world.link_demo().await;
    let cut = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let keys: Vec<_> = (0..12).map(|number| format!("cut-{number}")).collect();
    let mut ids = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        if number % 4 == 3 {
            database(&world).texts(cut).await;
        }
        // Who is answered that it was not stored sends it again.
        let stored = async || post_to(&world.http, &world.base, &event(key)).await;
        ids.push(world.until("it is stored", stored).await);
    }
    for id in &ids {
        world
            .until("it is delivered", async || {
                world.clock.advance(Duration::from_secs(1));
                let row = world.http.get(format!("{}{ACKNOWLEDGEMENTS}/{id}", world.base));
                let row = Answer::read(row.send().await.unwrap()).await;
                (row.body["state"] == "created").then_some(())
            })
            .await;
    }
    for key in &keys {
        assert_eq!(tickets_of(&world, key).await, 1, "{key}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_held_stays_held_whoever_leads_and_the_leader_alone_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some((world, leader)) = led_by_another(folder.path(), |_| {}).await else { return };
    let path = "/api/v1/hold";
    let refused = world.send(Method::PUT, path, &[], None).await;
    refused.problem(409, "not-leading");
    let held = world.http.put(format!("{}{path}", leader.base())).send().await.unwrap();
    assert_eq!(Answer::read(held).await.expect(200)["is_held"], true);
    leader.kill().await;
    until_role(&world, &world.base, "leading").await;
    world
        .until("deliveries are held here too", async || {
            let ready = world.get("/readyz").await.expect(200);
            (ready["gate"]["reason"] == "held").then_some(())
        })
        .await;
    let id = post(&world, &event("held")).await;
    world.send(Method::DELETE, path, &[], None).await.expect(200);
    world.until_state(&id, "created").await;
    world.finish().await;
}

#[tokio::test]
async fn several_make_no_tickets_without_conditions_and_one_alone_does() {
    let folder = tempfile::tempdir().unwrap();
    let without = |config: &mut Config| config.delivery.conditional = Switch::Off;
    let Some((world, leader)) = led_by_another(folder.path(), without).await else { return };
    let id = post_to(&world.http, leader.base(), &event("old")).await.expect("it is stored");
    world
        .until("it waits", async || {
            let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
            (row["problem"]["code"] == "several-instances").then_some(())
        })
        .await;
    leader.kill().await;
    world
        .until("it is made", async || {
            world.clock.advance(Duration::from_secs(5));
            let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
            (row["state"] == "created").then_some(())
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn what_has_waited_too_long_for_its_slot_is_not_sent_and_has_another_attempt() {
    let world = World::with(Options::default(), |config| {
        // One of them is for reads.
        config.itop.as_mut().unwrap().max_in_flight = 2;
        config.delivery.in_flight_min = 4;
    })
    .await;
    if world.server().is_none() {
        eprintln!("left out, for there is no PostgreSQL: tests/run starts it");
        return world.finish().await;
    }
    world.link_demo().await;
    let slow = FaultKind::Slow { before_ms: 7_000, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create).times(1));
    let first = post(&world, &event("first")).await;
    world
        .until("iTop is at work", async || {
            (world.itop.requests_seen().creates_in_flight == 1).then_some(())
        })
        .await;
    let second = post(&world, &event("second")).await;
    world.until_state(&second, "creating").await;
    for id in [&first, &second] {
        world.until_state(id, "created").await;
    }
    let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{second}")).await.expect(200);
    assert_eq!(row["attempts"], 2, "{row}");
    assert_eq!(world.itop.requests_seen().of("core/create"), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_write_that_was_to_be_begun_before_is_not_sent() {
    let world = World::start().await;
    let client = itop::Client::new(&client_settings(&world.config).unwrap()).unwrap();
    let late = client.begun_by(BeginBy::within(Duration::ZERO));
    let seen = || world.itop.requests_seen();
    let before = (seen().of("core/create"), seen().of("core/update"));
    for (purpose, operation) in [(Use::Create, "core/create"), (Use::Write, "core/update")] {
        let outcome = late.call(purpose, &json!({"operation": operation})).await;
        assert_eq!(outcome.err(), Some(ItopError::TooLate));
    }
    assert_eq!((seen().of("core/create"), seen().of("core/update")), before);
    // What changes nothing may always be asked.
    late.ping().await.unwrap();
    world.finish().await;
}
