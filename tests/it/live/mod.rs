//! The main job and the traps against a real iTop, where one is named by `BRIDGE_LIVE_ITOP_URL`,
//! `BRIDGE_LIVE_ITOP_USER` and `BRIDGE_LIVE_ITOP_PASSWORD`. It creates tickets there, in the
//! first company that has a team, a contact, a service with elements and a CI.
//!
//! What changes in iTop between list and write is changed by a second account, which may make,
//! change and delete everything by REST: `BRIDGE_LIVE_ITOP_ADMIN_USER` and
//! `BRIDGE_LIVE_ITOP_ADMIN_PASSWORD`. It does so in companies that the tests make themselves and
//! take away again.

mod at_the_write;
mod cmdb;
mod company;
mod creates;
mod lines;
mod names;

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use itop_sandbox as sandbox;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::client_settings,
    check::Verdict,
    config::{Config, ItopSection, OnOpenTicket, Period},
    domain::{keys::TicketKey, marker::Marker},
    itop::{Client, MARKER_LOG, Within},
    secret::Secret,
};

use crate::{
    fault_proxy::{self, Fate},
    world::{World, event, with},
};

/// The iTop that the environment names, or a loud word that there is none.
fn named() -> Option<ItopSection> {
    let found = (variable("URL"), variable("USER"), variable("PASSWORD"));
    let (Some(url), Some(user), Some(password)) = found else {
        skip(
            "no real iTop. Set BRIDGE_LIVE_ITOP_URL, BRIDGE_LIVE_ITOP_USER and \
             BRIDGE_LIVE_ITOP_PASSWORD to test against one",
        );
        return None;
    };
    let password = Some(Secret::new(password));
    Some(ItopSection { url, user, password, ..ItopSection::default() })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("BRIDGE_LIVE_ITOP_{name}")).ok()
}

fn skip(why: &str) {
    // Not `eprintln!`: the test runner would keep that to itself.
    let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: {why}. ***\n");
}

async fn world(change: impl FnOnce(&mut Config)) -> Option<(World, Client)> {
    let itop = named()?;
    let world = World::with(sandbox::Options::default(), |config| {
        config.itop = Some(itop);
        change(config);
    })
    .await;
    let client = Client::new(&client_settings(&world.config).unwrap()).unwrap();
    Some((world, client))
}

/// An event of a company of that iTop in which everything resolves, linked as company 42.
async fn real_event(world: &World, key: &str) -> Value {
    let list = async |path: &str| world.get(&format!("/api/v1/companies{path}")).await.expect(200);
    for company in list("").await["items"].as_array().unwrap() {
        let id = company["id"].as_str().unwrap();
        let first = async |what: &str| list(&format!("/{id}/{what}")).await["items"][0].clone();
        let (team, contact) = (first("teams").await, first("contacts").await);
        let services = list(&format!("/{id}/services")).await;
        let service = services["items"].as_array().unwrap().iter().find(|service| {
            service["elements"].as_array().is_some_and(|elements| !elements.is_empty())
        });
        let ci = first("cis").await;
        let Some(service) = service.filter(|_| !team.is_null() && !ci.is_null()) else { continue };
        world.link(42, json!({"organization": {"id": id}})).await;
        let unique = format!("{key}-{}", world.clock.now().as_millisecond());
        let mut event = event(&unique);
        event["team"] = team["name"].clone();
        event["contact"] = json!({"id": contact["id"]});
        event["service"] = json!({"id": service["id"]});
        event["service_element"] = json!({"id": service["elements"][0]["id"]});
        event["equipment"] = json!({"name": ci["name"], "itsm_id": ci["id"]});
        return event;
    }
    panic!("no company of this iTop has a team, a contact, a service with elements and a CI");
}

fn marker(event: &Value) -> Marker {
    let event_id = event["event_id"].as_str().unwrap().parse().unwrap();
    Marker::new(&"default".parse().unwrap(), &event_id)
}

async fn marked(client: &Client, event: &Value) -> Vec<TicketKey> {
    let marker = marker(event);
    let found = client.find_marked(&[(MARKER_LOG, &marker)], &Within::Anywhere).await.unwrap();
    found.into_iter().map(|marked| marked.key).collect()
}

#[tokio::test]
async fn live_check_finds_nothing_wrong() {
    let Some((world, _)) = world(|_| {}).await else { return };
    let findings = crate::check::findings(&world.config, &world.clock, None, true).await;
    for finding in &findings {
        println!("{finding}");
        assert_ne!(finding.verdict, Verdict::Failure, "{finding}");
    }
    assert!(findings.iter().any(|finding| finding.what == "marker"));
    world.finish().await;
}

#[tokio::test]
async fn live_main_job() {
    let Some((world, client)) = world(|_| {}).await else { return };
    let event = real_event(&world, "main").await;
    let created = world.acknowledge(&event).await.expect(201);
    assert_eq!(created["warnings"], json!([]));
    let again = world.acknowledge(&event).await.expect(200);
    assert_eq!(again["ticket"], created["ticket"]);
    assert_eq!(marked(&client, &event).await.len(), 1);
    let control = event["control"]["id"].as_str().unwrap();
    let known = world.get(&format!("/api/v1/controls/{control}/ticket")).await.expect(200);
    assert_eq!(known["ticket"]["ref"], created["ticket"]["ref"]);
    assert_eq!(known["ticket"]["operational_status"], "ongoing");
    assert_eq!(known["ticket"]["priority"], 2);

    // Acknowledged again while the ticket is open: a line in its log, no second ticket.
    let second = with(event.clone(), "/event_id", json!(format!("{control}-again")));
    let reused = world.acknowledge(&second).await.expect(200);
    assert_eq!(reused["state"], "reused", "{reused}");
    assert_eq!(reused["warnings"], json!([]));
    assert_eq!(reused["ticket"], created["ticket"]);
    assert_eq!(marked(&client, &second).await, marked(&client, &event).await);
    world.finish().await;
}

#[tokio::test]
async fn live_traps_of_text() {
    let Some((world, _)) = world(|_| {}).await else { return };
    let event = real_event(&world, "text").await;
    let hostile = "O'Brien \\ \"quoted\" <script>x</script> <tag> & <!-- gone --> %_ \u{202e}🔥\n";
    let event = with(event, "/control/output", json!(hostile.repeat(2_000)));
    let event = with(event, "/description", json!(hostile));
    let event = with(event, "/title", json!("🔥".repeat(300)));
    let event = with(event, "/acknowledgement/comment", json!(hostile.repeat(1_000)));
    let created = world.acknowledge(&event).await.expect(201);
    assert_eq!(created["warnings"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn live_contact_of_another_company_is_left_out() {
    let Some((world, _)) = world(|_| {}).await else { return };
    let event = real_event(&world, "contact").await;
    let event = with(event, "/contact", json!({"id": 999_999_999}));
    let created = world.acknowledge(&event).await.expect(201);
    let warning = created["warnings"][0].as_str().unwrap();
    assert!(warning.contains("no active contact of this company"), "{warning}");
    world.finish().await;
}

#[tokio::test]
async fn live_unclear_answers_make_one_ticket_each() {
    let Some(itop) = named() else { return };
    let next = Arc::new(Mutex::new(Fate::Forward));
    let armed = next.clone();
    let fate = move || std::mem::replace(&mut *armed.lock().unwrap(), Fate::Forward);
    let url = fault_proxy::start(&itop.url, fate).await;
    let (world, client) = world(|config| {
        config.itop.as_mut().unwrap().url = url;
        config.itop.as_mut().unwrap().timeout = Period::seconds(4);
        config.delivery.settle = Period::seconds(8);
        config.ticket.on_open_ticket = OnOpenTicket::Replace;
    })
    .await
    .expect("an iTop is named");
    let late = Fate::Late(Duration::from_secs(6));
    for fate in [Fate::CutAfter, Fate::BadGatewayAfter, late, Fate::CutBefore] {
        let event = real_event(&world, "unclear").await;
        *next.lock().unwrap() = fate;
        let answer = world.acknowledge(&event).await;
        assert_eq!(*next.lock().unwrap(), Fate::Forward, "{fate:?} was not drawn");
        let row = world.until_state(&answer.body["id"], "created").await;
        let found = marked(&client, &event).await;
        assert_eq!(found.len(), 1, "{fate:?}");
        assert_eq!(json!(found[0].id), row["ticket"]["id"]);
    }
    world.finish().await;
}
