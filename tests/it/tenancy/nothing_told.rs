//! What others do changes nothing of what a limited token is told.

use std::{collections::BTreeMap, time::Duration};

use itop_sandbox::{FaultKind, Options};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Period, Scope, Token};

use super::{
    Kind, LIMITED, Tenants, content,
    requests::{calls_about_objects, requests},
    secret,
};
use crate::{
    stream::Listener,
    world::{ACKNOWLEDGEMENTS, World, event, with},
};

/// All that each limited token is answered about its own.
async fn told(tenants: &Tenants) -> Vec<(String, (u16, Vec<String>, String))> {
    let mut told = Vec::new();
    for kind in &LIMITED {
        let own = tenants.object(kind.own.unwrap());
        for call in calls_about_objects().filter(|call| kind.may(call.access)) {
            if call.path.ends_with("/trial") || call.method == "delete" {
                // A trial is of its moment, and is a preview in all else. What it takes away itself is another
                // thing each time that it is told to come back.
                continue;
            }
            for request in requests(&call, own) {
                let (method, path) = (request.method, &request.path);
                let answer = tenants.ask(kind.name, method, path, &request.body).await;
                told.push((format!("{}: {method} {path}", kind.name), content(&answer)));
            }
        }
    }
    told
}

/// Company 43 and one that nobody has linked are busy, also with controls of company 42.
async fn others_are_busy(tenants: &Tenants) {
    let world = &tenants.world;
    let birch = tenants.object("birch").event();
    let by_admin = async |event: Value| tenants.post("admin", &event).await;
    let named = |key: &str| with(birch.clone(), "/event_id", json!(key));
    // Another ticket, one that fails, one that waits for a link, and bodies that are refused.
    let new = with(named("more"), "/control/id", json!("control-more"));
    by_admin(new).await.expect(201);
    by_admin(with(named("failed"), "/ticket/existing_ref", json!("I-999999"))).await.expect(202);
    let unlinked = json!({"id": 99, "name": "Unlinked"});
    by_admin(with(named("blocked"), "/company", unlinked.clone())).await.expect(202);
    by_admin(with(named("rejected"), "/control/state", json!("?"))).await.expect(422);
    // The control of company 42 is claimed by a company that has no ticket of it.
    let moved = with(named("moved"), "/company", unlinked);
    by_admin(with(moved, "/control/id", json!("control-amber"))).await.expect(202);
    // And its ticket in iTop changes.
    let number = &tenants.object("birch").number;
    let tickets = world.itop.tickets().await.unwrap();
    let ticket = tickets.iter().find(|ticket| ticket.reference == *number).unwrap();
    world.itop.apply_stimulus("Incident", ticket.id, "ev_assign").await.unwrap();
    let link = json!({"organization": {"id": 5004}, "name": "Other"});
    let linked = tenants.ask("admin", "put", "/api/v1/links/44", &link).await;
    assert_eq!(linked.status, 201, "{}", linked.text);
}

#[tokio::test]
async fn what_others_do_changes_no_answer() {
    let tenants = Tenants::start().await;
    let ready =
        async |token: &str| tenants.get(token, "/readyz").await.expect(200)["inbox"].clone();
    let all_before = ready("read").await;
    // Whatever is read for the first time has been read.
    told(&tenants).await;
    let before = told(&tenants).await;
    others_are_busy(&tenants).await;
    for (before, after) in before.into_iter().zip(told(&tenants).await) {
        assert_eq!(before, after);
    }
    assert_ne!(ready("read").await, all_before);
    tenants.finish().await;
}

#[tokio::test]
async fn a_limited_listener_hears_its_own_alone() {
    let mut tenants = Tenants::start().await;
    tenants.world.token = Some(secret("reader"));
    let mut listener = Listener::start(&tenants.world, "").await;
    tenants.world.token = Some(secret("tenant"));
    let mut of_the_tenant = Listener::start(&tenants.world, "").await;
    tenants.world.token = None;
    others_are_busy(&tenants).await;
    let own = with(tenants.object("amber").event(), "/event_id", json!("event-last"));
    let own = with(own, "/control/id", json!("control-last"));
    tenants.post("admin", &own).await.expect(201);
    let own = with(own, "/source/instance", json!("tenant"));
    tenants.post("tenant", &own).await.expect(201);
    // Of company 43, or of the control that was claimed, there was no event before.
    let (_, first) = listener.next().await.unwrap();
    assert_eq!(first["control"]["id"], "control-last", "{first}");
    assert_eq!(first["instance"], "default");
    let (_, first) = of_the_tenant.next().await.unwrap();
    assert_eq!(first["control"]["id"], "control-last", "{first}");
    assert_eq!(first["instance"], "tenant");
    tenants.finish().await;
}

#[tokio::test]
async fn a_control_that_moves_to_another_company_takes_nobody_along() {
    let tenants = Tenants::start().await;
    let path = "/api/v1/controls/control-amber/ticket";
    let (amber, birch) = (tenants.object("amber"), tenants.object("birch"));
    let open = async || tenants.ask("", "get", &amber.open, &Value::Null).await;
    assert_eq!(open().await.status, 302);
    // Both are kept, each for those who see the same.
    for token in ["read", "reader", "read", "reader"] {
        let seen = tenants.get(token, path).await.expect(200);
        assert_eq!(seen["ticket"]["ref"], *amber.number, "{token}");
    }
    let moved = with(birch.event(), "/event_id", json!("event-moved"));
    let moved = with(moved, "/control/id", json!("control-amber"));
    let moved = tenants.post("admin", &moved).await.expect(201);
    let number = moved["ticket"]["ref"].as_str().unwrap();
    for _ in 0..2 {
        let all = tenants.get("read", path).await.expect(200);
        assert_eq!(all["ticket"]["ref"], *number);
        // What it has of it is an acknowledgement, which is done.
        let own = tenants.get("reader", path).await;
        assert!(!own.text.contains(number) && !own.text.contains("birch"), "{}", own.text);
        assert_eq!((&own.body["ticket"], &own.body["pending"]), (&Value::Null, &Value::Null));
        assert_eq!(own.body["company"], "id:42");
    }
    let board = tenants.get("reader", "/api/v1/tickets").await.expect(200);
    assert_eq!(board["items"], json!([]));
    // The links that were given out for company 42 do not lead to the ticket of company 43.
    let page = open().await;
    assert_eq!((page.status, page.header("location")), (404, ""), "{}", page.text);
    assert!(page.text.contains("It has no ticket."), "{}", page.text);
    let link = moved["links"]["open"].as_str().unwrap();
    let link = link.strip_prefix(&tenants.world.base).unwrap();
    assert_eq!(tenants.ask("", "get", link, &Value::Null).await.status, 302);
    tenants.finish().await;
}

#[tokio::test]
async fn no_status_is_read_for_whoever_may_not_see_it() {
    // Nobody but those who ask reads a status.
    let tenants = Tenants::with(|config| {
        config.board.max_age = Period::minutes(10);
        config.board.refresh = Period::days(30);
    });
    let tenants = tenants.await;
    let birch = tenants.object("birch");
    let items = json!({"items": [{"control": "control-birch"}, {"ref": birch.number}]});
    tenants.world.clock.advance(Duration::from_mins(11));
    let reads = tenants.world.reads();
    // An answer that waited for iTop would tell that there is something to be asked.
    for token in ["reader", "tenant", "read"] {
        for (method, path, body) in [
            ("get", "/api/v1/controls/control-birch/ticket", &Value::Null),
            ("get", &format!("/api/v1/tickets/{}", birch.number), &Value::Null),
            ("post", "/api/v1/tickets/lookup", &items),
            ("get", "/api/v1/tickets?company=43", &Value::Null),
        ] {
            tenants.ask(token, method, path, body).await;
        }
        let has_read = tenants.world.reads() > reads;
        assert_eq!(has_read, token == "read", "{token}");
    }
    tenants.finish().await;
}

#[tokio::test]
async fn lists_of_itop_have_what_belongs_to_its_companies() {
    let limited = |name, company: &str| {
        let kind = Kind { name, scopes: &[Scope::Read], own: None };
        Token { companies: Some(vec![company.to_owned()]), ..kind.token() }
    };
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![
            Kind { name: "admin", scopes: &[Scope::Admin], own: None }.token(),
            limited("demo", "id:42"),
            limited("acme", "id:43"),
            limited("nobody", "id:44"),
        ];
    })
    .await;
    world.token = Some(secret("admin"));
    world.link(42, json!({"organization": "Demo"})).await;
    world.link(43, json!({"organization": "ACME Logistics"})).await;
    let all = names(&world, "/api/v1/teams").await;
    assert!(all.contains(&"On-call team".to_owned()), "{all:?}");
    let companies = world.get("/api/v1/companies").await.expect(200);
    assert!(companies.to_string().contains("ACME Group"), "{companies}");
    for (token, org, other) in [("demo", 3, 5002), ("acme", 5002, 3)] {
        world.token = Some(secret(token));
        let mut own = names(&world, &format!("/api/v1/companies/{org}/teams")).await;
        let mut teams = names(&world, "/api/v1/teams").await;
        own.sort();
        teams.sort();
        assert_eq!(teams, own, "{token}");
        assert!(teams.len() < all.len());
        world.get(&format!("/api/v1/companies/{other}/teams")).await.problem(404, "not-found");
        // Not even the company above it.
        let companies = world.get("/api/v1/companies").await.expect(200);
        assert_eq!(companies["items"].as_array().unwrap().len(), 1, "{companies}");
        assert_eq!(companies["items"][0]["parent"], Value::Null, "{companies}");
        assert_eq!(companies["items"][0]["parent_name"], Value::Null, "{companies}");
    }
    world.token = Some(secret("nobody"));
    assert_eq!(names(&world, "/api/v1/teams").await, [""; 0]);
    world.finish().await;
}

async fn names(world: &World, path: &str) -> Vec<String> {
    let list = world.get(path).await.expect(200);
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn readyz_counts_its_own_rows_and_tells_codes_of_what_concerns_all() {
    let tenants = Tenants::start().await;
    let blocked = with(event("blocked"), "/company", json!({"id": 99, "name": "Unlinked"}));
    tenants.post("admin", &blocked).await.expect(202);
    let ready = async |token: &str| tenants.get(token, "/readyz").await.expect(200);
    assert_eq!(ready("read").await["inbox"]["blocked"], 1);
    assert!(ready("read").await["slow_creates"].is_array());
    tenants.world.itop.faults().set(FaultKind::Maintenance, true);
    tenants.get("admin", "/api/v1/teams?refresh=true").await;
    let gate = ready("read").await["gate"].clone();
    assert_eq!((&gate["state"], &gate["reason"]), (&json!("closed"), &json!("maintenance")));
    assert!(gate["message"].is_string() && gate["mend"].is_string(), "{gate}");
    for kind in &LIMITED {
        let own = ready(kind.name).await;
        assert_eq!(own["inbox"]["blocked"], 0, "{own}");
        assert_eq!(own["gate"]["reason"], "maintenance");
        for told_to_others in ["/gate/message", "/gate/mend", "/slow_creates", "/ticket_of_probe"] {
            assert_eq!(own.pointer(told_to_others), None, "{own}");
        }
    }
    tenants.finish().await;
}

#[tokio::test]
async fn who_waits_for_a_link_is_told_no_names_of_others() {
    let mut tenant = LIMITED[2].token();
    tenant.companies = Some(vec!["id:45".to_owned()]);
    let admin = Kind { name: "admin", scopes: &[Scope::Admin], own: None }.token();
    let world = World::with(Options::default(), |config| config.auth.tokens = vec![tenant, admin]);
    let tenants = Tenants { world: world.await, objects: Vec::new(), sessions: BTreeMap::new() };
    // Its company is called as another organization is.
    let guess = with(event("guess"), "/company", json!({"id": 45, "name": "ACME Retail"}));
    tenants.post("tenant-admin", &guess).await.expect(202);
    let unlinked = "/api/v1/links/unlinked";
    let all = tenants.get("admin", unlinked).await.expect(200);
    assert_eq!(all["items"][0]["suggestion"]["organization"]["id"], "5003");
    let own = tenants.get("tenant-admin", unlinked).await.expect(200);
    assert_eq!(own["items"][0]["company"]["key"], "id:45");
    assert_eq!(own["items"][0]["suggestion"], Value::Null, "{own}");
    assert_eq!(tenants.get("tenant-admin", ACKNOWLEDGEMENTS).await.status, 200);
    tenants.finish().await;
}
