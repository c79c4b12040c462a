//! Companies share a bridge, and a hook of some is told nothing of others.

use std::time::Duration;

use serde_json::json;
use servicenav_itop_bridge::{domain::hook_event::HookEvent, secret::Secret};

use super::{figures, receiver::Receiver, until_taken, world};
use crate::{
    tenancy::Tenants,
    world::{event, with},
};

/// All that a hook of some companies can be told.
const OF_SOME: [HookEvent; 6] = [
    HookEvent::TicketCreated,
    HookEvent::TicketReused,
    HookEvent::TicketStatusChanged,
    HookEvent::AcknowledgementFailed,
    HookEvent::AcknowledgementBlocked,
    HookEvent::AcknowledgementRejected,
];

#[tokio::test]
async fn a_hook_of_a_company_is_told_of_that_alone() {
    let (one, all, instance) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let world = world(|config| {
        let mut of_one = one.hook("one", &OF_SOME);
        of_one.companies = Some(vec!["id:43".to_owned(), "name:Other".to_owned()]);
        let mut of_instance = instance.hook("instance", &OF_SOME);
        of_instance.instance = Some("second".to_owned());
        config.hooks = vec![of_one, of_instance, all.hook("all", &HookEvent::ALL)];
    })
    .await;
    let of = |key: &str, id: u64| with(event(key), "/company", json!({"id": id, "name": "New"}));
    world.acknowledge(&event("demo")).await.expect(201);
    world.acknowledge(&of("blocked", 43)).await.expect(202);
    world.acknowledge(&of("other", 44)).await.expect(202);
    // Another instance's company of that id is another company.
    let second = with(of("second", 43), "/source", json!({"instance": "second"}));
    world.acknowledge(&second).await.expect(202);
    // Of no company that could be read.
    world.acknowledge(&json!({"control": {"id": "nobody"}})).await.expect(422);
    until_taken(&world, &all, "acknowledgement.rejected", 1).await;
    until_taken(&world, &all, "acknowledgement.blocked", 3).await;
    until_taken(&world, &one, "acknowledgement.blocked", 1).await;
    until_taken(&world, &instance, "acknowledgement.blocked", 1).await;
    for hook in ["one", "all", "instance"] {
        super::until_told(&world, hook).await;
    }
    let told: Vec<_> = one.posts().iter().map(|post| post.control().to_owned()).collect();
    assert_eq!(told, ["control-blocked"]);
    let told: Vec<_> = instance.posts().iter().map(|post| post.control().to_owned()).collect();
    assert_eq!(told, ["control-second"]);
    world.finish().await;
}

#[tokio::test]
async fn of_a_ticket_that_was_moved_to_another_company_nothing_is_told() {
    let (amber, all) = (Receiver::start().await, Receiver::start().await);
    let tenants = Tenants::with(|config| {
        let mut of_amber = amber.hook("amber", &OF_SOME);
        of_amber.companies = Some(vec!["id:42".to_owned()]);
        config.hooks = vec![of_amber, all.hook("all", &OF_SOME)];
    })
    .await;
    let world = &tenants.world;
    let number = &tenants.object("amber").number;
    let tickets = world.itop.tickets().await.unwrap();
    let id = tickets.iter().find(|ticket| ticket.reference == *number).unwrap().id;
    until_taken(world, &amber, "ticket.created", 1).await;
    world
        .itop_changes("Incident", id.unsigned_abs(), json!({"org_id": 5003, "title": "Payroll"}))
        .await;
    world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
    world.clock.advance(Duration::from_mins(2));
    let told = until_taken(world, &all, "ticket.status_changed", 1).await;
    assert_eq!(told[0].body["data"]["ticket"]["title"], "Payroll");
    // What is told next of the company comes after it.
    let next = with(tenants.object("amber").event(), "/event_id", json!("next"));
    let next = with(next, "/control/id", json!("control-next"));
    assert_eq!(tenants.post("admin", &next).await.status, 201);
    until_taken(world, &amber, "ticket.created", 2).await;
    assert!(amber.taken("ticket.status_changed").is_empty());
    tenants.finish().await;
}

#[tokio::test]
async fn secrets_of_a_hook_are_shown_nowhere() {
    let receiver = Receiver::start().await;
    let url = receiver.url.clone();
    receiver.answers(move |post| {
        let debug = format!("{url} {:?} {}", post.headers, post.header("authorization"));
        super::receiver::Reply::With(500, "text/html", debug)
    });
    let world = world(|config| {
        let mut hook = receiver.hook("noc", &[HookEvent::TicketCreated]);
        hook.token = Some(Secret::new("bearer-t0ken".to_owned()));
        hook.secret = Some(Secret::new(super::SECRET.to_owned()));
        hook.headers.insert("x-key".to_owned(), Secret::new("header-s3cret".to_owned()));
        config.hooks = vec![hook];
    })
    .await;
    world.acknowledge(&event("a")).await.expect(201);
    world
        .until("the answer is shown", async || {
            figures(&world, "noc").await["error"].is_string().then_some(())
        })
        .await;
    for path in [super::HEALTH, "/api/v1/configuration", "/health", "/readyz"] {
        let text = world.get(path).await.text;
        for word in ["s3cr3t-path", "bearer-t0ken", "header-s3cret", "MfKQ9r8GKYqrTwjUPD8I"] {
            assert!(!text.contains(word), "{path} shows {word}: {text}");
        }
    }
    let shown = world.get("/api/v1/configuration").await.text;
    assert!(shown.contains("\"url\":\"set\""), "{shown}");
    world.finish().await;
}
