//! What holds for every answer: a request id, problem documents, no secrets, keys of iTop as texts.

use itop_sandbox::{self as sandbox, FaultKind};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Config, Scope, Token},
    secret::Secret,
    web::hash_token,
};

use crate::world::{ACKNOWLEDGEMENTS, World, event, token, with};

const TOKEN: &str = "token-5f1d7c9e0b3a4e6f8a2c";
const PASSWORD: &str = "passw0rd-that-nobody-may-read";
const LINK_KEY: &str = "key-of-signed-links-0123456789";

#[tokio::test]
async fn every_answer_has_a_request_id_and_echoes_the_callers() {
    let world = World::linked().await;
    let created = world.acknowledge(&event("one")).await;
    let teams = world.get("/api/v1/teams").await;
    let known = [("if-none-match", teams.header("etag"))];
    let not_modified = world.send(Method::GET, "/api/v1/teams", &known, None).await;
    assert_eq!((created.status, teams.status, not_modified.status), (201, 200, 304));
    let link = created.body["links"]["open"].as_str().unwrap();
    let redirect = world.get(link.strip_prefix(&world.base).unwrap()).await;
    assert_eq!(redirect.status, 302);
    let mut ids = Vec::new();
    for answer in [&created, &teams, &not_modified, &redirect, &world.get("/nowhere").await] {
        let id = answer.header("x-request-id").to_owned();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(!ids.contains(&id), "{ids:?}");
        ids.push(id);
    }
    let own = [("x-request-id", "sn-4711/a b")];
    for (method, path) in [
        (Method::GET, "/healthz"),
        (Method::GET, "/nowhere"),
        (Method::PATCH, "/healthz"),
        (Method::POST, ACKNOWLEDGEMENTS),
        (Method::GET, "/api/v1/acknowledgements/%FF"),
    ] {
        let answer = world.send(method, path, &own, None).await;
        assert_eq!(answer.header("x-request-id"), "sn-4711/a b", "{path}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_not_there_is_told_by_a_problem_document() {
    let world = World::start().await;
    for path in
        ["/controls", "/api/v1", "/api/v1/acknowledgement", "/api/v2/teams", "/healthz/x", "/%FF"]
    {
        let detail = world.get(path).await.problem(404, "not-found");
        assert_eq!(detail, "There is nothing at this address.");
    }
    for (method, path, allowed) in [
        (Method::DELETE, ACKNOWLEDGEMENTS, "POST,GET,HEAD"),
        (Method::GET, "/api/v1/acknowledgements/1/retry", "POST"),
        (Method::POST, "/api/v1/teams", "GET,HEAD"),
        (Method::POST, "/api/v1/links/42", "GET,HEAD,PUT,DELETE"),
        (Method::PUT, "/healthz", "GET,HEAD"),
    ] {
        let answer = world.send(method, path, &[], None).await;
        answer.problem(405, "method-not-allowed");
        let mut methods: Vec<_> = answer.header("allow").split(',').collect();
        methods.sort_unstable();
        let mut allowed: Vec<_> = allowed.split(',').collect();
        allowed.sort_unstable();
        assert_eq!(methods, allowed, "{path}");
    }
    // A path that is no text.
    for path in [
        "/api/v1/acknowledgements/%FF",
        "/api/v1/controls/%FF/ticket",
        "/api/v1/tickets/%FF",
        "/api/v1/links/%FF",
        "/api/v1/links/1/sites/%FF",
        "/api/v1/companies/%FF/cis",
    ] {
        let detail = world.get(path).await.problem(400, "bad-parameter");
        assert!(detail.contains("UTF-8"), "{path}: {detail}");
    }
    world.finish().await;
}

#[tokio::test]
async fn secrets_stand_in_no_answer() {
    let secrets = |config: &mut Config| {
        config.server.link_key = Some(Secret::new(LINK_KEY.to_owned()));
        config.auth.tokens =
            vec![Token { hash: hash_token(TOKEN), ..token("all", &[Scope::Admin]) }];
    };
    let mut world = World::with(sandbox::Options::default(), secrets).await;
    world.token = Some(TOKEN.to_owned());
    world.link_demo().await;
    // From now on the password is wrong: this is where it would be told.
    world.stop_bridge().await;
    world.config.itop.as_mut().unwrap().password = Some(Secret::new(PASSWORD.to_owned()));
    world.start_bridge().await;
    let mut answers = vec![
        world.acknowledge(&json!({})).await,
        world.post(ACKNOWLEDGEMENTS, &event("wait")).await,
        world.post("/api/v1/acknowledgements/preview", &event("one")).await,
        world.put("/api/v1/links/42", &json!({"organization": "Demo"})).await,
        world.get("/api/v1/companies").await,
        world.get("/api/v1/links/unlinked").await,
        world.get("/api/v1/controls/control-wait/ticket").await,
        world.get(ACKNOWLEDGEMENTS).await,
    ];
    let unavailable = [2, 3, 4].map(|n| answers[n].problem(503, "itop-unavailable"));
    // The bodies of 5xx are constant.
    assert!(unavailable.iter().all(|detail| *detail == unavailable[0]), "{unavailable:?}");
    let ready = world.get("/readyz").await;
    assert_eq!(ready.body["gate"]["reason"], "credentials", "{}", ready.text);
    answers.push(ready);
    for fault in [FaultKind::LoginPage, FaultKind::WrongJson, FaultKind::DatabaseDown] {
        world.itop.faults().clear();
        world.itop.faults().set(fault, true);
        answers.push(world.insist("/api/v1/teams").await);
        answers.push(world.get("/readyz").await);
    }
    let hash = hash_token(TOKEN);
    for (n, answer) in answers.iter().enumerate() {
        let headers = format!("{:?}", answer.headers);
        for secret in [PASSWORD, LINK_KEY, &hash, hash.strip_prefix("sha256:").unwrap()] {
            assert!(!answer.text.contains(secret), "{n}: {}", answer.text);
            assert!(!headers.contains(secret), "{n}: {headers}");
        }
        assert!(!headers.contains(TOKEN) && !answer.text.contains(TOKEN), "{n}: {}", answer.text);
    }
    // Nor does the configuration show them where it is logged.
    let shown = format!("{:?}", world.config);
    assert!(!shown.contains(PASSWORD) && !shown.contains(LINK_KEY), "{shown}");
    world.finish().await;
}

#[tokio::test]
async fn keys_of_itop_are_texts_wherever_they_stand() {
    let world = World::start().await;
    let link = json!({
        "organization": {"id": 3}, "team": {"id": 37}, "contact": {"id": "3"},
        "service": {"id": "3"}, "service_element": {"id": 4},
    });
    let linked = world.put("/api/v1/links/42", &link).await.expect(201);
    let unlinked = with(event("unlinked"), "/company", json!({"id": 9, "name": "ACME Retail"}));
    let blocked = world.acknowledge(&unlinked).await.expect(202);
    let preview = world.post("/api/v1/acknowledgements/preview", &event("a")).await.expect(200);
    let mut event = event("a");
    for member in ["contact", "service", "service_element", "equipment"] {
        event[member].take();
    }
    event["control"]["element_type"] = json!("user_service");
    // A key may come as a number or as a text.
    event["ci"] = json!({"id": 4});
    let made = world.acknowledge(&event).await.expect(201);
    assert_eq!(made["warnings"], json!([]));
    let again = with(event.clone(), "/event_id", json!("again"));
    let again = with(again, "/ci", json!({"id": "4"}));
    let reuse = world.post("/api/v1/acknowledgements/preview", &again).await.expect(200);
    let lookup = json!({"items": [{"control": "control-a"}, {"ref": made["ticket"]["ref"]}]});
    let mut answers = vec![
        linked,
        blocked,
        preview,
        made.clone(),
        reuse,
        world.post("/api/v1/tickets/lookup", &lookup).await.expect(200),
    ];
    let number = made["ticket"]["ref"].as_str().unwrap();
    for path in [
        "/api/v1/acknowledgements",
        "/api/v1/acknowledgements/2",
        "/api/v1/controls/control-a/ticket",
        "/api/v1/tickets",
        &format!("/api/v1/tickets/{number}"),
        "/api/v1/companies",
        "/api/v1/teams",
        "/api/v1/companies/3/contacts",
        "/api/v1/companies/3/teams",
        "/api/v1/companies/3/services",
        "/api/v1/companies/3/cis",
        "/api/v1/links",
        "/api/v1/links/42",
        "/api/v1/links/42/effective",
        "/api/v1/links/unlinked",
    ] {
        answers.push(world.get(path).await.expect(200));
    }
    for answer in &answers {
        let mut keys = Vec::new();
        collect_keys(answer, &mut keys);
        assert!(!keys.is_empty(), "{answer}");
        assert!(keys.iter().all(|key| key.is_string()), "{answer}");
    }
    // iTop itself is told by numbers in queries.
    let ci = &answers[2]["request"]["fields"]["functionalcis_list"][0]["functionalci_id"];
    assert!(ci.as_str().unwrap().ends_with("FunctionalCI.id = 4"), "{ci}");
    world.finish().await;
}

/// Each `id` and `parent` in an answer; rows of the inbox are numbered by the bridge itself, and of
/// their bodies and requests to iTop nothing is said here.
fn collect_keys<'v>(value: &'v Value, keys: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        Value::Object(members) => {
            let is_row = members.contains_key("received_at");
            for (name, member) in members {
                match name.as_str() {
                    "body" | "request" => {}
                    "id" if is_row => {}
                    "id" | "parent" if !member.is_null() => keys.push(member),
                    _ => collect_keys(member, keys),
                }
            }
        }
        _ => {}
    }
}
