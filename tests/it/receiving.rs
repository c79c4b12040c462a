//! Posting acknowledgements: what is answered, and when.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

async fn post_with(world: &World, prefer: &[(&str, &str)], body: &Value) -> Answer {
    world.send(Method::POST, ACKNOWLEDGEMENTS, prefer, Some(body.to_string())).await
}

async fn inbox(world: &World) -> Vec<Value> {
    let rows = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    rows["items"].as_array().unwrap().clone()
}

/// How many writes the sandbox has seen.
fn writes(world: &World) -> u64 {
    let seen = world.itop.requests_seen().by_operation;
    ["core/create", "core/update", "core/apply_stimulus"]
        .iter()
        .filter_map(|operation| seen.get(*operation))
        .sum()
}

#[tokio::test]
async fn the_sender_says_how_long_it_waits() {
    let world = World::linked().await;
    // Without a wish the answer waits a few seconds: time enough.
    let answer = post_with(&world, &[], &event("absent")).await;
    assert_eq!(answer.header("preference-applied"), "");
    answer.expect(201);

    let slow = FaultKind::Slow { before_ms: 1_500, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create));
    for (wish, applied) in [("wait=0", "wait=0"), ("respond-async, Wait = 1", "wait=1")] {
        let answer = post_with(&world, &[("prefer", wish)], &event(applied)).await;
        assert_eq!(answer.header("preference-applied"), applied);
        let location = answer.header("location").to_owned();
        let waits = answer.expect(202);
        assert_eq!(location, waits["links"]["self"]);
        assert!(["accepted", "creating"].contains(&waits["state"].as_str().unwrap()), "{waits}");
        assert_eq!(waits["ticket"], json!(null));
        world.until_state(&waits["id"], "created").await;
    }
    world.itop.faults().clear();
    // At most thirty seconds are waited, and what is no number is no wish.
    let answer = post_with(&world, &[("prefer", "wait=4000")], &event("long")).await;
    assert_eq!(answer.header("preference-applied"), "wait=30");
    let answer = post_with(&world, &[("prefer", "wait=soon")], &event("soon")).await;
    assert_eq!(answer.header("preference-applied"), "");
    world.finish().await;
}

#[tokio::test]
async fn a_repeated_post_is_the_same_event_whatever_else_differs() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("same")).await.expect(201);
    for (pointer, value) in [
        ("/acknowledgement/comment", json!("Another contact was told")),
        ("/created_at", json!("2026-11-21T09:17:40+01:00")),
        ("/contact", json!({"email": "pablo.picasso@demo.com"})),
        ("/control/state", json!("WARNING")),
        ("/company/name", json!("Demo SA")),
        // The same instant, written otherwise.
        ("/control/status_changed_at", json!("2026-11-21T09:14:09+01:00")),
        ("/ticket", json!({"requested": true, "new": false, "existing_ref": null})),
    ] {
        let again = world.acknowledge(&with(event("same"), pointer, value)).await;
        assert_eq!(again.header("location"), "", "{pointer}");
        let again = again.expect(200);
        assert_eq!((&again["id"], &again["ticket"]), (&first["id"], &first["ticket"]));
    }
    assert_eq!(inbox(&world).await.len(), 1);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    assert_eq!(writes(&world), 1);

    // Another installation may count its events alike.
    let other = with(event("same"), "/source/instance", json!("other"));
    let other = world.acknowledge(&other).await.expect(202);
    assert_ne!(other["id"], first["id"]);
    assert_eq!(other["instance"], "other");
    world.finish().await;
}

#[tokio::test]
async fn the_same_key_with_another_meaning_is_a_conflict() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("key")).await.expect(201);
    for (pointer, value) in [
        ("/company", json!({"id": 43, "name": "Demo"})),
        ("/company", json!("Demo")),
        ("/control/id", json!("control-other")),
        ("/event_type", json!("test")),
        ("/control/status_changed_at", json!("2026-11-21T08:14:10Z")),
        ("/ticket/requested", json!(false)),
        ("/ticket/new", json!(true)),
        ("/ticket/existing_ref", json!("I-000109")),
    ] {
        let conflict = world.acknowledge(&with(event("key"), pointer, value.clone())).await;
        let detail = conflict.problem(409, "conflict");
        assert!(detail.contains("'event-key'"), "{pointer} = {value}: {detail}");
        assert_eq!(conflict.body["acknowledgement"]["id"], first["id"], "{pointer} = {value}");
        // Many senders ignore answers: what was refused is kept.
        let kept = &inbox(&world).await[0];
        assert_eq!((&kept["state"], &kept["event_id"]), (&json!("rejected"), &first["event_id"]));
        assert_eq!(kept["problem"], json!({"code": "conflict", "message": detail}));
    }
    let accepted = inbox(&world).await.into_iter().filter(|row| row["state"] != "rejected");
    assert_eq!(accepted.count(), 1);
    assert_eq!(writes(&world), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_list_is_answered_item_by_item_in_order() {
    let world = World::linked().await;
    let known = world.acknowledge(&event("known")).await.expect(201);
    // iTop would not answer in time: a list does not wait for it.
    world.itop.faults().set_maintenance(true);
    let list = json!([
        event("new"),
        {"event_id": "event-bad"},
        with(event("known"), "/control/id", json!("control-other")),
        event("known"),
        5,
        event("new"),
        with(event("no-ticket"), "/ticket/requested", json!(false)),
        with(event("large"), "/control/output", json!("x".repeat(256 * 1024))),
        with(event("new"), "/ticket/new", json!(true)),
    ]);
    let before = world.clock.now();
    let answer = post_with(&world, &[("prefer", "wait=30")], &list).await;
    assert!(world.clock.now().duration_since(before).as_secs() < 15);
    assert_eq!(answer.header("preference-applied"), "");
    let answer = answer.expect(200);
    let items = answer["items"].as_array().unwrap();
    let statuses: Vec<_> = items.iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [202, 422, 409, 200, 422, 202, 200, 413, 409]);
    assert_eq!(items[0]["event_id"], "event-new");
    assert_eq!(items[1]["errors"][0]["pointer"], "/company");
    assert_eq!(items[2]["acknowledgement"]["id"], known["id"]);
    assert_eq!(items[3]["ticket"], known["ticket"]);
    assert_eq!(items[4]["errors"][0]["code"], "type");
    assert_eq!(items[5]["id"], items[0]["id"]);
    assert_eq!(items[6]["state"], "recorded");
    assert_eq!(items[8]["acknowledgement"]["id"], items[0]["id"]);

    let rejected = inbox(&world).await;
    let rejected = rejected.iter().filter(|row| row["state"] == "rejected");
    let mut codes: Vec<_> = rejected.map(|row| row["problem"]["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["conflict", "conflict", "invalid", "invalid", "too-large"]);
    world.itop.faults().clear();
    world
        .until("the list is delivered", async || {
            world.clock.advance(Duration::from_secs(5));
            let row = world.get(items[0]["links"]["self"].as_str().unwrap()).await.expect(200);
            (row["state"] == "created").then_some(())
        })
        .await;
    assert_eq!(world.itop.tickets().await.unwrap().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_list_has_its_bounds() {
    let world = World::start().await;
    let answer = post_with(&world, &[], &json!([])).await.expect(200);
    assert_eq!(answer, json!({"items": []}));
    let wanted = |n: usize| with(event(&n.to_string()), "/ticket/requested", json!(false));
    let list: Vec<_> = (0..1_000).map(wanted).collect();
    let answer = post_with(&world, &[], &json!(list)).await.expect(200);
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 1_000);
    assert_eq!(items[999]["event_id"], "event-999");
    assert!(items.iter().all(|item| item["status"] == 200));

    let list: Vec<_> = (1_000..2_001).map(wanted).collect();
    let refused = post_with(&world, &[], &json!(list)).await;
    let detail = refused.problem(422, "invalid");
    assert!(detail.contains("1000") && detail.contains("1001"), "{detail}");
    // None of it was taken, and it is kept like everything that is refused for its content.
    let newest = &inbox(&world).await[0];
    assert_eq!((&newest["state"], &newest["event_id"]), (&json!("rejected"), &json!(null)));
    let accepted = world.get("/api/v1/acknowledgements?control=control-1000").await.expect(200);
    assert_eq!(accepted["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn events_that_want_no_ticket_are_recorded_and_nothing_is_sent() {
    let world = World::linked().await;
    world.acknowledge(&event("open")).await.expect(201);
    let before = world.itop.tickets().await.unwrap();
    let seen = writes(&world);
    for (pointer, value, says) in [
        ("/event_type", "recovery", "well again"),
        ("/event_type", "acknowledgement_removed", "taken back"),
        ("/ticket/requested", "false", "wants no ticket"),
    ] {
        for control in ["control-open", &format!("control-{value}")] {
            let key = format!("{value}-{control}");
            let value = value.parse().unwrap_or_else(|_| json!(value));
            let event = with(with(event(&key), pointer, value), "/control/id", json!(control));
            let recorded = world.acknowledge(&event).await.expect(200);
            assert_eq!(recorded["state"], "recorded");
            assert_eq!(recorded["problem"]["code"], "no-ticket-wanted");
            let sentence = recorded["problem"]["message"].as_str().unwrap();
            assert!(sentence.contains(says), "{sentence}");
            let known = world.get(&format!("/api/v1/controls/{control}/ticket")).await.expect(200);
            assert_eq!(known["pending"], json!(null));
            assert_eq!(known["ticket"].is_null(), control != "control-open");
        }
    }
    assert_eq!(world.itop.tickets().await.unwrap(), before);
    assert_eq!(writes(&world), seen);
    world.finish().await;
}

#[tokio::test]
async fn a_test_checks_everything_and_creates_nothing() {
    let world = World::linked().await;
    let test = |key: &str| with(event(key), "/event_type", json!("test"));
    let answer = world.acknowledge(&test("fine")).await.expect(200);
    assert_eq!(answer["state"], "recorded");
    assert_eq!(answer["problem"]["code"], "test");
    assert_eq!(
        answer["problem"]["message"],
        "This was a test: nothing was created. A real acknowledgement would become a ticket of \
         class Incident for 'Demo', team 'Helpdesk'."
    );
    let strange = with(test("contact"), "/contact", json!("Nobody"));
    let answer = world.acknowledge(&strange).await.expect(200);
    let warning = answer["warnings"][0].as_str().unwrap().to_owned();
    assert!(warning.contains("'Nobody'"), "{warning}");

    // What would block or fail a real acknowledgement is told, and does not wait for anybody.
    let unlinked = with(test("unlinked"), "/company", json!({"id": 77, "name": "Nobody's"}));
    let foreign = with(test("foreign"), "/ticket/existing_ref", json!("I-999999"));
    for (event, code) in [(unlinked, "company-not-linked"), (foreign, "ticket-not-found")] {
        let answer = world.acknowledge(&event).await.expect(200);
        assert_eq!(answer["state"], "recorded");
        assert_eq!(answer["problem"]["code"], code);
        let sentence = answer["problem"]["message"].as_str().unwrap();
        assert!(sentence.starts_with("This was a test: nothing was created. "), "{sentence}");
        let control = event["control"]["id"].as_str().unwrap();
        let known = world.get(&format!("/api/v1/controls/{control}/ticket")).await.expect(200);
        assert_eq!(known["pending"], json!(null));
    }
    world.link(77, json!({"organization": "ACME Retail", "team": "Helpdesk"})).await;
    assert_eq!(writes(&world), 0);

    // A ticket that is open already would be reused.
    let real = world.acknowledge(&event("open")).await.expect(201);
    let again = with(test("again"), "/control/id", json!("control-open"));
    let again = with(again, "/contact", json!("Nobody"));
    let answer = world.acknowledge(&again).await.expect(200);
    assert_eq!(answer["warnings"][0], warning);
    let sentence = answer["problem"]["message"].as_str().unwrap();
    assert!(sentence.contains(real["ticket"]["ref"].as_str().unwrap()), "{sentence}");
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!((tickets.len(), tickets[0].private_log.len()), (1, 1));
    assert_eq!(writes(&world), 1);
    world.finish().await;
}
