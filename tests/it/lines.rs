//! Lines in the log of an open ticket: few, conditional, and read back.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options, TicketSeen};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Config, OnWorse};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// The same control as [`event`] of `first`, acknowledged again.
fn again(key: &str) -> Value {
    with(event(key), "/control/id", json!("control-first"))
}

async fn only_ticket(world: &World) -> TicketSeen {
    let mut tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets.len(), 1, "{tickets:?}");
    tickets.remove(0)
}

/// Lets some moments pass, so that lines are read back.
fn a_moment_later(world: &World) {
    world.clock.advance(Duration::from_secs(2));
}

async fn row(world: &World, id: &Value) -> Value {
    world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200)
}

#[tokio::test]
async fn fifty_events_of_one_control_are_one_ticket_and_one_entry() {
    let world = World::linked().await;
    // The first one is known to be in iTop before the others come.
    world.acknowledge(&event("first")).await.expect(201);
    let before = world.itop.requests_seen().by_operation;
    let events: Vec<_> = (0..50).map(|number| again(&format!("many-{number}"))).collect();
    world.itop.faults().switch_on(
        Fault::new(FaultKind::Slow { before_ms: 100, after_ms: 0 }).on(Operations::Read).times(1),
    );
    let answer = world.post(ACKNOWLEDGEMENTS, &json!(events)).await.expect(200);
    world.clock.advance(Duration::from_secs(1));
    for item in answer["items"].as_array().unwrap() {
        let row = world.until_state(&item["id"], "reused").await;
        assert_eq!(row["warnings"], json!([]));
    }
    let ticket = only_ticket(&world).await;
    let entries: Vec<_> = ticket.private_log.iter().map(|e| e.matches("[ack ").count()).collect();
    assert_eq!(entries.iter().sum::<usize>(), 51, "{entries:?}");
    assert!(entries.len() <= 3, "fifty lines in one entry, or in two: {entries:?}");
    world
        .until("all are read back", async || {
            a_moment_later(&world);
            world.not_read_back().await.is_empty().then_some(())
        })
        .await;
    let seen = world.itop.requests_seen().by_operation;
    let more = |operation: &str| seen[operation] - before.get(operation).copied().unwrap_or(0);
    assert!(more("core/update") <= 2, "{seen:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_ticket_that_is_closed_while_its_line_is_on_the_way_gets_none_and_another_is_made() {
    let world = World::linked().await;
    world.acknowledge(&event("first")).await.expect(201);
    let ticket = only_ticket(&world).await;
    let held = Fault::new(FaultKind::HeldBefore { ms: 60_000 }).on(Operations::Update).times(1);
    world.itop.faults().switch_on(held);
    let second = again("second");
    let posted = world.acknowledge(&second);
    let meanwhile = async {
        world
            .until("the line is on the way", async || {
                (world.itop.requests_seen().updates_in_flight == 1).then_some(())
            })
            .await;
        for stimulus in ["ev_assign", "ev_resolve"] {
            world.itop.apply_stimulus(&ticket.class, ticket.id, stimulus).await.unwrap();
        }
        world.clock.advance(Duration::from_mins(1));
    };
    let (answer, ()) = tokio::join!(posted, meanwhile);
    let row = match answer.status {
        201 => answer.body,
        // The clock that was moved ends the wait for the answer as well.
        _ => world.until_state(&answer.body["id"], "created").await,
    };
    assert_ne!(row["ticket"]["id"], ticket.id.to_string());
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets.len(), 2);
    assert_eq!(tickets[0].private_log.len(), 1, "{:?}", tickets[0].private_log);
    world.finish().await;
}

#[tokio::test]
async fn a_line_that_an_agent_overwrites_is_added_again_three_times_and_then_warned_of() {
    let world = World::linked().await;
    world.acknowledge(&event("first")).await.expect(201);
    let ticket = only_ticket(&world).await;
    let posted = world.acknowledge(&again("second")).await.expect(200);
    let has_line =
        async || only_ticket(&world).await.private_log.iter().any(|line| line.contains("again by"));
    assert!(has_line().await);
    // An agent who saw the log before the line writes it anew without it.
    let overwrite = json!({"private_log": {"items": [{"message": "agent", "format": "text"}]}});
    let overwritten = std::cell::Cell::new(0);
    let row = world
        .until("it is warned of", async || {
            if has_line().await {
                // At once, before the line is read back.
                world.itop.change(&ticket.class, ticket.id, overwrite.clone()).await.unwrap();
                overwritten.set(overwritten.get() + 1);
            } else {
                world.clock.advance(Duration::from_millis(100));
            }
            let row = row(&world, &posted["id"]).await;
            (row["warnings"] != json!([])).then_some(row)
        })
        .await;
    assert_eq!(overwritten.get(), 4, "the line, and three times again");
    let warning = row["warnings"][0].as_str().unwrap();
    assert!(warning.contains(&ticket.reference), "{warning}");
    assert_eq!(row["state"], "reused");
    world.finish().await;
}

#[tokio::test]
async fn a_line_is_read_back_after_the_bridge_was_killed() {
    let mut world = World::linked().await;
    world.acknowledge(&event("first")).await.expect(201);
    let ticket = only_ticket(&world).await;
    world.acknowledge(&again("second")).await.expect(200);
    world.crash_bridge();
    let overwrite = json!({"private_log": {"items": [{"message": "agent", "format": "text"}]}});
    world.itop.change(&ticket.class, ticket.id, overwrite).await.unwrap();
    world.start_bridge().await;
    world
        .until("the line is there again", async || {
            a_moment_later(&world);
            only_ticket(&world).await.private_log.iter().any(|l| l.contains("[ack ")).then_some(())
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn lines_of_one_ticket_go_one_after_another_whatever_control_they_are_of() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("first")).await.expect(201);
    // Each line takes its time between the look at the log and its effect.
    world
        .itop
        .faults()
        .switch_on(Fault::new(FaultKind::HeldInside { ms: 200 }).on(Operations::Update));
    let named =
        |key: &str| with(event(key), "/ticket/existing_ref", first["ticket"]["ref"].clone());
    let events: Vec<_> = (0..4).map(|number| named(&format!("other-{number}"))).collect();
    let answer = world.post(ACKNOWLEDGEMENTS, &json!(events)).await.expect(200);
    for item in answer["items"].as_array().unwrap() {
        world
            .until("it is reused", async || {
                world.clock.advance(Duration::from_millis(100));
                let row = row(&world, &item["id"]).await;
                (row["state"] == "reused").then_some(())
            })
            .await;
    }
    let ticket = only_ticket(&world).await;
    assert_eq!(ticket.private_log.len(), 5, "{:?}", ticket.private_log);
    world.finish().await;
}

#[tokio::test]
async fn a_control_that_has_become_worse_says_so_and_raises_its_ticket_where_that_is_wanted() {
    for on_worse in [OnWorse::Line, OnWorse::Raise] {
        let raise = |config: &mut Config| config.ticket.on_worse = on_worse;
        let world = World::with(Options::default(), raise).await;
        world.link_demo().await;
        let state = |event: Value, state: &str, criticality: &str| {
            let event = with(event, "/control/state", json!(state));
            with(event, "/control/criticality", json!(criticality))
        };
        world.acknowledge(&state(event("first"), "WARNING", "low")).await.expect(201);
        let same = world.acknowledge(&state(again("same"), "WARNING", "low")).await.expect(200);
        assert_eq!(same["warnings"], json!([]));
        let worse = world.acknowledge(&state(again("worse"), "CRITICAL", "high")).await.expect(200);
        let warning = worse["warnings"][0].as_str().unwrap();
        assert!(warning.contains("CRITICAL"), "{warning}");
        let ticket = only_ticket(&world).await;
        let line = ticket.private_log.last().unwrap();
        assert!(line.contains("CRITICAL") && line.contains("97% used"), "{line}");
        let priority = if on_worse == OnWorse::Raise { "2" } else { "4" };
        assert_eq!(ticket.priority, priority);
        // Better again: nothing is lowered.
        let better = world.acknowledge(&state(again("better"), "WARNING", "low")).await.expect(200);
        assert_eq!(better["warnings"], json!([]));
        assert_eq!(only_ticket(&world).await.priority, priority);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_named_ticket_that_has_ended_is_taken_with_a_warning() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("first")).await.expect(201);
    let ticket = only_ticket(&world).await;
    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus(&ticket.class, ticket.id, stimulus).await.unwrap();
    }
    let named = with(event("named"), "/ticket/existing_ref", first["ticket"]["ref"].clone());
    let reused = world.acknowledge(&named).await.expect(200);
    assert_eq!(reused["state"], "reused");
    let warning = reused["warnings"][0].as_str().unwrap();
    assert!(warning.contains("resolved") && warning.contains(&ticket.reference), "{warning}");
    assert_eq!(only_ticket(&world).await.private_log.len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_refusal_that_itop_breaks_on_is_settled_by_looking() {
    let world = World::linked().await;
    world.acknowledge(&event("first")).await.expect(201);
    // HTTP 500 and a page instead of "No item found".
    let gone = FaultKind::GoneAtFetch { attribute: Some("key".to_owned()) };
    world.itop.faults().switch_on(Fault::new(gone).on(Operations::Update).times(1));
    let posted = world.acknowledge(&again("second")).await.expect(202);
    assert_eq!(posted["state"], "unknown", "{posted}");
    let row = world
        .until("it is reused", async || {
            world.clock.advance(Duration::from_secs(5));
            let row = row(&world, &posted["id"]).await;
            (row["state"] == "reused").then_some(row)
        })
        .await;
    assert_eq!(row["warnings"], json!([]));
    assert_eq!(only_ticket(&world).await.private_log.len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_group_whose_answer_is_lost_becomes_a_group_again_or_is_taken_whole() {
    for fault in [FaultKind::CutBefore, FaultKind::CutAfter] {
        let world = World::linked().await;
        world.acknowledge(&event("first")).await.expect(201);
        world.itop.faults().switch_on(Fault::new(fault).on(Operations::Update).times(1));
        let events: Vec<_> = (0..20).map(|number| again(&format!("many-{number}"))).collect();
        let answer = world.post(ACKNOWLEDGEMENTS, &json!(events)).await.expect(200);
        for item in answer["items"].as_array().unwrap() {
            world
                .until("it is reused", async || {
                    world.clock.advance(Duration::from_secs(1));
                    (row(&world, &item["id"]).await["state"] == "reused").then_some(())
                })
                .await;
        }
        let ticket = only_ticket(&world).await;
        let markers: usize = ticket.private_log.iter().map(|e| e.matches("[ack ").count()).sum();
        assert_eq!(markers, 21, "{:?}", ticket.private_log);
        assert!(ticket.private_log.len() <= 5, "{:?}", ticket.private_log);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_lost_line_is_not_added_again_to_a_ticket_of_another_company() {
    let world = World::linked().await;
    world.acknowledge(&event("first")).await.expect(201);
    let ticket = only_ticket(&world).await;
    let posted = world.acknowledge(&again("second")).await.expect(200);
    let overwrite = json!({"private_log": {"items": [{"message": "agent", "format": "text"}]}});
    world.itop.change(&ticket.class, ticket.id, overwrite).await.unwrap();
    world.itop.move_to(&ticket.class, ticket.id, 5_002).await.unwrap();
    let row = world
        .until("it is told", async || {
            a_moment_later(&world);
            let row = row(&world, &posted["id"]).await;
            (row["warnings"] != json!([])).then_some(row)
        })
        .await;
    assert!(row["warnings"][0].as_str().unwrap().contains("could not be read back"), "{row}");
    assert_eq!(only_ticket(&world).await.private_log.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_raised_ticket_keeps_what_was_higher() {
    let raise = |config: &mut Config| config.ticket.on_worse = OnWorse::Raise;
    let world = World::with(Options::default(), raise).await;
    world.link_demo().await;
    let low = with(event("first"), "/control/criticality", json!("low"));
    world.acknowledge(&low).await.expect(201);
    let ticket = only_ticket(&world).await;
    // An agent: a whole department is hit, with urgency 4 (priority 4 still).
    world.itop.change(&ticket.class, ticket.id, json!({"impact": "1"})).await.unwrap();
    let worse = with(again("worse"), "/priority", json!(3));
    world.acknowledge(&worse).await.expect(200);
    let ticket = only_ticket(&world).await;
    assert_eq!((ticket.impact.as_str(), ticket.urgency.as_str()), ("1", "3"), "{ticket:?}");
    world.finish().await;
}
