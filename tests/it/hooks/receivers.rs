//! Receivers that are away, slow or wrong: each event reaches them at least once, in order per control,
//! and deliveries to iTop are unharmed.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use servicenav_itop_bridge::domain::hook_event::HookEvent;

use super::{
    figures,
    receiver::{Post, Receiver, Reply},
    until_taken, until_told, world,
};
use crate::world::{World, event, with};

const TOLD: [HookEvent; 2] = [HookEvent::TicketCreated, HookEvent::TicketReused];

/// Acknowledges a control anew.
async fn acknowledge(world: &World, control: &str, number: usize) {
    let event = with(event(control), "/event_id", json!(format!("{control}-{number}")));
    let answer = world.acknowledge(&event).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.text);
}

/// The events of each control, in the order in which they were first taken.
fn first_taken(posts: &[Post]) -> BTreeMap<String, Vec<String>> {
    let mut told = BTreeMap::<_, Vec<String>>::new();
    for post in posts.iter().filter(|post| post.taken) {
        let id = post.body["data"]["acknowledgement"]["event_id"].as_str().unwrap().to_owned();
        let of_control = told.entry(post.control().to_owned()).or_default();
        if !of_control.contains(&id) {
            of_control.push(id);
        }
    }
    told
}

/// Lets time pass until all was told.
async fn until_all_is_told(world: &World) {
    world
        .until("all is told", async || {
            world.clock.advance(Duration::from_secs(20));
            (figures(world, "noc").await["waiting"] == 0).then_some(())
        })
        .await;
    until_told(world, "noc").await;
}

#[tokio::test]
async fn whatever_a_receiver_does_deliveries_go_on_and_each_event_is_told_in_order() {
    let page = || "<html><body>Sign in</body></html>".to_owned();
    let rpc = || json!({"jsonrpc": "2.0", "error": {"code": -32602, "data": "No permissions"}});
    let wrong: [(&str, Reply, &str); 8] = [
        ("server error", Reply::status(500), "it answered 500: no"),
        ("bad request", Reply::status(400), "it answered 400: no"),
        ("gone", Reply::status(410), "it answered 410"),
        ("redirect", Reply::Redirect, "it answered 302"),
        ("endless", Reply::Endless(503), "it answered 503: drip"),
        ("page", Reply::With(200, "text/html; charset=utf-8", page()), "with a page of its own"),
        ("rpc", Reply::With(200, "application/json", rpc().to_string()), "No permissions"),
        ("slow", Reply::After(Duration::from_secs(30)), "it did not answer in time"),
    ];
    let receiver = Receiver::start().await;
    let world = world(|config| config.hooks = vec![receiver.hook("noc", &TOLD)]).await;
    let mut expected = BTreeMap::new();
    for (name, reply, says) in wrong {
        receiver.answers(move |_| reply.clone());
        let control = name.replace(' ', "-");
        for number in 0..2 {
            acknowledge(&world, &control, number).await;
        }
        let error = world
            .until("the failure is shown", async || {
                let error = figures(&world, "noc").await["error"].as_str()?.to_owned();
                error.contains(says).then_some(error)
            })
            .await;
        assert!(error.len() < 1_000, "{error}");
        receiver.answers(|_| Reply::ok());
        until_all_is_told(&world).await;
        let ids = (0..2).map(|number| format!("{control}-{number}")).collect::<Vec<_>>();
        expected.insert(format!("control-{control}"), ids);
    }
    assert_eq!(first_taken(&receiver.posts()), expected);
    let figures = figures(&world, "noc").await;
    assert_eq!((&figures["delivered"], &figures["given_up"]), (&json!(16), &json!(0)));
    assert!(figures["failed_attempts"].as_u64().unwrap() >= 8, "{figures}");
    assert_eq!(figures["failing_since"], json!(null));
    world.finish().await;
}

#[tokio::test]
async fn a_receiver_that_is_away_gets_all_when_it_is_back_by_the_same_ids() {
    let receiver = Receiver::start().await;
    let mut world = world(|config| config.hooks = vec![receiver.hook("noc", &TOLD)]).await;
    receiver.answers(|_| Reply::status(503));
    for number in 0..3 {
        for control in ["a", "b", "c", "d", "e"] {
            acknowledge(&world, control, number).await;
        }
    }
    world.until("it was tried", async || (receiver.posts().len() > 2).then_some(())).await;
    let waits = figures(&world, "noc").await;
    assert_eq!(waits["waiting"], 15);
    assert!(
        waits["failing_since"].is_string() && waits["oldest_waiting_at"].is_string(),
        "{waits}"
    );
    // One that takes nothing is left alone, however much there is to tell.
    let tried = receiver.posts().len();
    acknowledge(&world, "f", 0).await;
    assert!(receiver.posts().len() <= tried + 1);

    world.crash_bridge();
    world.start_bridge().await;
    receiver.answers(|_| Reply::ok());
    until_all_is_told(&world).await;
    let posts = receiver.posts();
    for (control, told) in first_taken(&posts) {
        let key = control.strip_prefix("control-").unwrap();
        let all = if key == "f" { 1 } else { 3 };
        let expected: Vec<_> = (0..all).map(|number| format!("{key}-{number}")).collect();
        assert_eq!(told, expected);
    }
    // What was sent again has the id that it had.
    let mut ids = BTreeMap::new();
    for post in &posts {
        let event = post.body["data"]["acknowledgement"]["event_id"].as_str().unwrap().to_owned();
        let id = post.header("webhook-id").to_owned();
        assert_eq!(*ids.entry(event).or_insert_with(|| id.clone()), id);
    }
    assert_eq!(ids.len(), 16);
    world.finish().await;
}

#[tokio::test]
async fn what_was_told_when_the_bridge_died_is_told_again() {
    let receiver = Receiver::start().await;
    let mut world = world(|config| config.hooks = vec![receiver.hook("noc", &TOLD)]).await;
    receiver.answers(|_| Reply::After(Duration::from_secs(20)));
    acknowledge(&world, "a", 0).await;
    world.until("it came", async || (!receiver.posts().is_empty()).then_some(())).await;
    world.crash_bridge();
    receiver.answers(|_| Reply::ok());
    world.start_bridge().await;
    until_taken(&world, &receiver, "ticket.created", 1).await;
    let ids: Vec<_> =
        receiver.posts().iter().map(|post| post.header("webhook-id").to_owned()).collect();
    assert!(ids.len() >= 2 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    world.finish().await;
}

#[tokio::test]
async fn one_message_that_is_never_taken_holds_up_its_control_alone() {
    let receiver = Receiver::start().await;
    let world = world(|config| config.hooks = vec![receiver.hook("noc", &TOLD)]).await;
    receiver.answers(|post| match post.control() {
        "control-bad-400" => Reply::status(400),
        "control-bad-500" => Reply::status(500),
        _ => Reply::ok(),
    });
    for status in [400, 500] {
        let bad = format!("bad-{status}");
        let before = receiver.taken("ticket.created").len();
        acknowledge(&world, &bad, 0).await;
        acknowledge(&world, &bad, 1).await;
        for number in 0..6 {
            acknowledge(&world, &format!("good-{status}-{number}"), 0).await;
        }
        world
            .until("the others are told", async || {
                world.clock.advance(Duration::from_secs(6));
                (receiver.taken("ticket.created").len() == before + 6).then_some(())
            })
            .await;
        let held_up = if status == 400 { 2 } else { 4 };
        world
            .until("they alone wait", async || {
                (figures(&world, "noc").await["waiting"] == held_up).then_some(())
            })
            .await;
    }
    world.finish().await;
}

#[tokio::test]
async fn after_a_day_messages_are_given_up_and_that_is_shown() {
    let receiver = Receiver::start().await;
    let mut world = world(|config| config.hooks = vec![receiver.hook("noc", &TOLD)]).await;
    receiver.answers(|_| Reply::status(500));
    for control in ["a", "b", "c"] {
        acknowledge(&world, control, 0).await;
        acknowledge(&world, control, 1).await;
    }
    world
        .until("it takes nothing", async || {
            figures(&world, "noc").await["failing_since"].is_string().then_some(())
        })
        .await;
    world.clock.advance(Duration::from_hours(23));
    let tried = receiver.posts().len();
    world
        .until("it was tried again", async || (receiver.posts().len() > tried).then_some(()))
        .await;
    assert_eq!(figures(&world, "noc").await["given_up"], 0);
    // A restart does not begin the day anew.
    world.stop_bridge().await;
    world.start_bridge().await;
    world.clock.advance(Duration::from_mins(70));
    let given_up = world
        .until("they are given up", async || {
            let figures = figures(&world, "noc").await;
            (figures["waiting"] == 0).then_some(figures)
        })
        .await;
    assert_eq!((&given_up["given_up"], &given_up["delivered"]), (&json!(6), &json!(0)));
    assert!(given_up["error"].as_str().unwrap().contains("500"));
    receiver.answers(|_| Reply::ok());
    acknowledge(&world, "d", 0).await;
    until_all_is_told(&world).await;
    let figures = figures(&world, "noc").await;
    assert_eq!((&figures["delivered"], &figures["error"]), (&json!(1), &json!(null)));
    world.finish().await;
}

#[tokio::test]
async fn only_so_many_posts_are_in_flight_whatever_waits() {
    let receiver = Receiver::start().await;
    let world = world(|config| config.hooks = vec![receiver.hook("noc", &TOLD)]).await;
    receiver.answers(|_| Reply::status(503));
    for number in 0..24 {
        acknowledge(&world, &format!("c{number}"), 0).await;
    }
    receiver.answers(|_| Reply::After(Duration::from_millis(30)));
    world
        .until("all is told", async || {
            world.clock.advance(Duration::from_secs(20));
            (figures(&world, "noc").await["waiting"] == 0).then_some(())
        })
        .await;
    let most = receiver.most_at_once();
    assert!((2..=servicenav_itop_bridge::hooks::IN_FLIGHT).contains(&most), "{most}");
    world.finish().await;
}
