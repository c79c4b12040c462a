//! What goes out: who is told of what, signed, in its order, whatever becomes of the receiver.

mod documents;
mod metrics;
pub mod receiver;
mod receivers;
mod who;

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::Config,
    domain::{
        hook_event::HookEvent,
        standard_webhooks::{Key, verify},
    },
    secret::Secret,
};

use crate::world::{World, event, with};
use receiver::{Post, Receiver};

pub const HEALTH: &str = "/api/v1/health";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A world with Demo linked, whose bridge has this configuration.
pub async fn world(change: impl FnOnce(&mut Config)) -> World {
    let world = World::with(Options::default(), change).await;
    world.link_demo().await;
    world.read_lists().await;
    world
}

/// Waits until so many messages of an event were taken.
pub async fn until_taken(
    world: &World,
    receiver: &Receiver,
    event: &str,
    count: usize,
) -> Vec<Post> {
    world
        .until(&format!("{count} of {event} were taken"), async || {
            let taken = receiver.taken(event);
            (taken.len() >= count).then_some(taken)
        })
        .await
}

/// How it goes with a hook.
pub async fn figures(world: &World, hook: &str) -> Value {
    let health = world.get(HEALTH).await.expect(200);
    let hooks = health["hooks"].as_array().unwrap();
    hooks.iter().find(|of| of["name"] == hook).unwrap_or_else(|| panic!("no {hook}")).clone()
}

/// Waits until nothing is to be told any more, and gives the figures.
pub async fn until_told(world: &World, hook: &str) -> Value {
    world
        .until("all is told", async || {
            let figures = figures(world, hook).await;
            (figures["waiting"] == 0 && figures["in_flight"] == 0).then_some(figures)
        })
        .await
}

#[tokio::test]
async fn a_ticket_and_its_status_are_told_signed_and_in_order() {
    let receiver = Receiver::start().await;
    let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let world = world(|config| {
        let mut hook = receiver.hook("noc", &HookEvent::ALL);
        hook.secret = Some(Secret::new(format!("{SECRET} {other}")));
        hook.token = Some(Secret::new("bearer-token".to_owned()));
        hook.headers.insert("X-Channel".to_owned(), Secret::new("ops".to_owned()));
        config.hooks = vec![hook];
    })
    .await;
    let first = with(event("a"), "/source/reference", json!("90417"));
    let made = world.acknowledge(&first).await.expect(201);
    let id = world.itop.tickets().await.unwrap()[0].id;
    world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
    world.clock.advance(Duration::from_mins(2));
    until_taken(&world, &receiver, "ticket.status_changed", 1).await;
    let again = with(event("a"), "/event_id", json!("again"));
    world.acknowledge(&again).await.expect(200);
    until_taken(&world, &receiver, "ticket.reused", 1).await;

    let posts = receiver.posts();
    let told: Vec<_> = posts.iter().map(Post::event).collect();
    assert_eq!(told, ["ticket.created", "ticket.status_changed", "ticket.reused"]);
    let keys = [Key::parse(SECRET).unwrap(), Key::parse(other).unwrap()];
    for post in &posts {
        let (id, time) = (post.header("webhook-id"), post.header("webhook-timestamp"));
        let signatures = post.header("webhook-signature");
        for key in &keys {
            let key = std::slice::from_ref(key);
            assert!(verify(key, id, time.parse().unwrap(), post.text.as_bytes(), signatures));
        }
        assert!(id.starts_with("msg_") && post.body["id"] == id, "{id}");
        assert_eq!(post.header("authorization"), "Bearer bearer-token");
        assert_eq!(post.header("x-channel"), "ops");
        assert_eq!(post.header("content-type"), "application/json");
        assert_eq!(post.control(), "control-a");
        assert!(post.body["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    let data = &posts[0].body["data"];
    assert_eq!(data["reference"], "90417");
    assert_eq!(data["company"], json!({"key": "id:42", "name": "Demo"}));
    assert_eq!(data["control"]["output"], "C: 97% used");
    assert_eq!(data["equipment"]["name"], "Server4");
    let acknowledgement = &data["acknowledgement"];
    assert_eq!(acknowledgement["state"], "created");
    assert_eq!(acknowledgement["id"], made["id"]);
    assert_eq!(acknowledgement["author"], "Jean Dupont");
    assert_eq!(acknowledgement["comment"], "Purge in progress");
    assert_eq!(data["ticket"]["number"], made["ticket"]["ref"]);
    assert_eq!(data["ticket"]["url"], made["ticket"]["url"]);
    let changed = &posts[1].body["data"];
    assert_eq!(changed["ticket"]["status"], "assigned");
    assert_eq!(changed["ticket"]["previous_status"], "new");
    assert_eq!(changed["reference"], "90417");
    assert_eq!(changed["acknowledgement"], Value::Null);
    let figures = until_told(&world, "noc").await;
    assert_eq!((&figures["delivered"], &figures["given_up"]), (&json!(3), &json!(0)));
    assert!(figures["delivered_at"].is_string());
    world.finish().await;
}

#[tokio::test]
async fn what_has_no_ticket_is_told_and_when_itop_is_away() {
    let receiver = Receiver::start().await;
    let world = world(|config| config.hooks = vec![receiver.hook("noc", &HookEvent::ALL)]).await;
    let unlinked = with(event("waits"), "/company", json!({"id": 9, "name": "New"}));
    world.acknowledge(&unlinked).await.expect(202);
    let blocked = until_taken(&world, &receiver, "acknowledgement.blocked", 1).await;
    let problem = &blocked[0].body["data"]["acknowledgement"]["problem"];
    assert_eq!(problem["code"], "company-not-linked");

    let refuse = FaultKind::Refuse { code: 100, message: "Error: Service is mandatory".to_owned() };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let failed = world.acknowledge(&event("fails")).await.expect(202);
    let told = until_taken(&world, &receiver, "acknowledgement.failed", 1).await;
    assert_eq!(told[0].body["data"]["acknowledgement"]["id"], failed["id"]);
    let problem = told[0].body["data"]["acknowledgement"]["problem"]["message"].as_str().unwrap();
    assert!(problem.contains("Service is mandatory"), "{problem}");

    let wrong = with(event("wrong"), "/control/state", json!("ON FIRE"));
    world.acknowledge(&wrong).await.expect(422);
    let told = until_taken(&world, &receiver, "acknowledgement.rejected", 1).await;
    assert_eq!(told[0].control(), "control-wrong");
    assert_eq!(told[0].body["data"]["acknowledgement"]["problem"]["code"], "invalid");

    let down = world.itop.faults().switch_on(Fault::new(FaultKind::Maintenance));
    world.acknowledge(&event("later")).await.expect(202);
    let closed = until_taken(&world, &receiver, "gate.closed", 1).await;
    assert_eq!(closed[0].body["data"]["gate"]["reason"], "maintenance");
    assert_eq!(closed[0].body["data"]["control"], Value::Null);
    world.itop.faults().switch_off(down);
    world
        .until("the gate is open", async || {
            world.clock.advance(Duration::from_secs(31));
            (!receiver.taken("gate.opened").is_empty()).then_some(())
        })
        .await;
    until_taken(&world, &receiver, "ticket.created", 1).await;
    world.finish().await;
}

#[tokio::test]
async fn a_ticket_that_is_gone_is_told() {
    let receiver = Receiver::start().await;
    let world = world(|config| {
        config.hooks = vec![receiver.hook("noc", &[HookEvent::TicketStatusChanged])];
    })
    .await;
    world.acknowledge(&event("a")).await.expect(201);
    let id = world.itop.tickets().await.unwrap()[0].id;
    world.itop.delete_ticket("Incident", id).await.unwrap();
    world.clock.advance(Duration::from_mins(2));
    let told = until_taken(&world, &receiver, "ticket.status_changed", 1).await;
    let ticket = &told[0].body["data"]["ticket"];
    assert_eq!(
        (&ticket["presence"], &ticket["previous_presence"]),
        (&json!("deleted"), &json!("present"))
    );
    world.finish().await;
}

#[tokio::test]
async fn hooks_are_exchanged_while_the_bridge_runs_and_cost_nothing_without_any() {
    let receiver = Receiver::start().await;
    let mut world = world(|_| {}).await;
    let kept = async |world: &World| -> i64 {
        world
            .look(|db| db.query_row("SELECT count(*) FROM hook_messages", [], |row| row.get(0)))
            .await
    };
    world.acknowledge(&event("a")).await.expect(201);
    assert_eq!(kept(&world).await, 0);
    world.config.hooks = vec![receiver.hook("new", &[HookEvent::TicketCreated])];
    assert!(!world.reload().await.unwrap());
    world.acknowledge(&event("b")).await.expect(201);
    until_taken(&world, &receiver, "ticket.created", 1).await;

    // What waits when a hook changes is sent as it says by then.
    receiver.answers(|_| receiver::Reply::status(500));
    world.acknowledge(&event("c")).await.expect(201);
    world.until("it was tried", async || (receiver.posts().len() > 1).then_some(())).await;
    receiver.answers(|_| receiver::Reply::ok());
    world.config.hooks[0].template = Some("{\"number\": \"{{ ticket.number }}\"}".to_owned());
    assert!(!world.reload().await.unwrap());
    world
        .until("it is told by the template", async || {
            world.clock.advance(Duration::from_secs(6));
            let last = receiver.posts().pop().unwrap();
            last.body["number"].is_string().then_some(())
        })
        .await;

    // A template that cannot be used changes nothing.
    world.config.hooks[0].template = Some("{{ tiket }}".to_owned());
    let error = world.reload().await.unwrap_err().to_string();
    assert!(error.contains("hooks 'new': template: there is no variable 'tiket'"), "{error}");

    receiver.answers(|_| receiver::Reply::status(500));
    world.acknowledge(&event("d")).await.expect(201);
    world.config.hooks.clear();
    assert!(!world.reload().await.unwrap());
    assert_eq!(kept(&world).await, 0);
    world.acknowledge(&event("e")).await.expect(201);
    assert_eq!(kept(&world).await, 0);
    let health = world.get(HEALTH).await.expect(200);
    assert_eq!(health["hooks"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn the_page_of_health_shows_each_hook_to_those_who_see_all() {
    let (well, ill) = (Receiver::start().await, Receiver::start().await);
    ill.answers(|_| receiver::Reply::With(500, "text/plain", "<b>disk full</b>".to_owned()));
    let world = world(|config| {
        let events = [HookEvent::TicketCreated];
        let idle = well.hook("idle", &[HookEvent::GateClosed]);
        config.hooks = vec![well.hook("well", &events), ill.hook("ill", &events), idle];
    })
    .await;
    world.acknowledge(&event("a")).await.expect(201);
    until_told(&world, "well").await;
    world
        .until("one fails", async || {
            figures(&world, "ill").await["failing_since"].is_string().then_some(())
        })
        .await;
    let page = async |language: &str| {
        let headers = [("accept-language", language)];
        world.send(Method::GET, "/health", &headers, None).await.text
    };
    let row = |page: &str, hook: &str| {
        let from = page.find(&format!("<td>{hook}<")).unwrap();
        page[from..from + page[from..].find("</tr>").unwrap()].to_owned()
    };
    let english = page("en").await;
    assert!(row(&english, "well").contains("takes messages, the last one"), "{english}");
    assert!(row(&english, "well").contains("1 delivered"), "{english}");
    assert!(row(&english, "idle").contains("nothing was sent yet"), "{english}");
    let failing = row(&english, "ill");
    assert!(failing.contains("takes nothing") && failing.contains("1 waits"), "{failing}");
    assert!(failing.contains("it answered 500: &lt;b&gt;disk full"), "{failing}");
    let french = page("fr").await;
    assert!(french.contains("Qui est averti") && row(&french, "ill").contains("n’accepte rien"));
    world.finish().await;
}
