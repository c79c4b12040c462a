//! iTop tells that tickets have changed: their statuses are seconds old, and iTop is asked little.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Options};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Config, Period, Scope};

use crate::{
    signed_posts::{OLD, OTHER, Post, post, signer_for},
    world::{ACKNOWLEDGEMENTS, World, event, token, with},
};

const CHANGES: &str = "/api/v1/itop/changes";
const A: &str = "/api/v1/controls/control-a/ticket";

/// Statuses are not read by anybody's asking.
fn patient(config: &mut Config) {
    config.board.max_age = Period::minutes(50);
    config.board.refresh = Period::days(1);
    config.auth.tokens = vec![
        token("admin", &[Scope::Admin]),
        token("itop", &[Scope::Changes]),
        token("sender", &[Scope::Ingest, Scope::Read, Scope::Operate]),
        signer_for(Scope::Changes, "signing itop", OLD),
        signer_for(Scope::Ingest, "signing sender", OTHER),
    ];
}

async fn world(controls: &[&str]) -> World {
    let mut world = World::with(Options::default(), patient).await;
    world.token = Some("admin".to_owned());
    world.link_demo().await;
    world.read_lists().await;
    for key in controls {
        world.acknowledge(&event(key)).await.expect(201);
    }
    world
}

async fn told(world: &World, kind: &str, body: String) -> (u16, Value) {
    let headers = [("authorization", "Bearer itop"), ("content-type", kind)];
    let answer = world
        .http
        .post(format!("{}{CHANGES}", world.base))
        .header(headers[0].0, headers[0].1)
        .header(headers[1].0, headers[1].1)
        .body(body)
        .send()
        .await
        .unwrap();
    let answer = crate::world::Answer::read(answer).await;
    (answer.status, answer.body)
}

async fn until_status(world: &World, control: &str, status: &str) {
    let path = format!("/api/v1/controls/{control}/ticket");
    world
        .until(&format!("the ticket of {control} is {status}"), async || {
            let known = world.get(&path).await.expect(200);
            (known["ticket"]["status"] == status).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_ticket_is_read_when_itop_says_that_it_has_changed() {
    let world = world(&["a"]).await;
    let id = world.itop.tickets().await.unwrap()[0].id;
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    for (stimulus, status, kind, body) in [
        ("ev_assign", "assigned", json, json!({"class": "Incident", "id": id}).to_string()),
        ("ev_resolve", "resolved", form, format!("class=Incident&id={id}")),
        // As a class is called in French, and a list.
        (
            "ev_reopen",
            "assigned",
            json,
            json!([{"class": "Demande", "key": id.to_string()}]).to_string(),
        ),
        (
            "ev_resolve",
            "resolved",
            json,
            json!({"items": [{"id": id}, {"id": 987_654}]}).to_string(),
        ),
    ] {
        world.itop.apply_stimulus("Incident", id, stimulus).await.unwrap();
        assert_ne!(world.get(A).await.expect(200)["ticket"]["status"], status);
        let (answer, body) = told(&world, kind, body).await;
        assert_eq!(answer, 202, "{body}");
        until_status(&world, "control-a", status).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_signature_is_as_good_as_a_token() {
    let world = world(&["a"]).await;
    let id = world.itop.tickets().await.unwrap()[0].id;
    world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
    let body = json!({"class": "Incident", "id": id});
    let taken = post("msg_1", &body).send_to(&world, CHANGES).await.expect(202);
    assert_eq!(taken, json!({"taken": 1}));
    until_status(&world, "control-a", "assigned").await;
    // Told again, it is read again.
    world.itop.apply_stimulus("Incident", id, "ev_resolve").await.unwrap();
    post("msg_1", &body).send_to(&world, CHANGES).await.expect(202);
    until_status(&world, "control-a", "resolved").await;

    let reads = world.reads();
    let wrong = |change: fn(&mut Post<'_>)| {
        let mut post = post("msg_2", &body);
        change(&mut post);
        post.send_to(&world, CHANGES)
    };
    wrong(|post| post.secrets = &["whsec_d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmct"])
        .await
        .problem(401, "wrong-signature");
    wrong(|post| post.later = -301).await.problem(401, "wrong-time");
    wrong(|post| post.later = 302).await.problem(401, "wrong-time");
    // What a sender signs tells no changes, and what iTop signs is no acknowledgement.
    let detail = wrong(|post| post.secrets = &[OTHER]).await.problem(403, "forbidden");
    assert!(detail.contains("'signing sender' lacks the scope 'changes'"), "{detail}");
    let event = post("msg_3", &event("b")).send_to(&world, ACKNOWLEDGEMENTS).await;
    event.problem(403, "forbidden");
    // No refused one is kept: nothing is lost but what is read within a minute anyway.
    let rows = world.get("/api/v1/acknowledgements?state=rejected").await.expect(200);
    assert_eq!((&rows["items"], world.reads()), (&json!([]), reads));
    world.finish().await;
}

#[tokio::test]
async fn what_says_no_ticket_is_refused_in_words() {
    let world = world(&[]).await;
    for (body, pointer) in [
        (json!({}), "/id"),
        (json!({"id": "$this->id$"}), "/id"),
        (json!({"key": "1 OR 1"}), "/key"),
        (json!([{"id": 1}, {"id": -1}]), "/1/id"),
        (json!({"items": [{"id": 1.5}]}), "/items/0/id"),
        (json!({"id": 9_223_372_036_854_775_808_u64}), "/id"),
        (json!("7"), ""),
    ] {
        let (status, answer) = told(&world, "application/json", body.to_string()).await;
        assert_eq!((status, &answer["errors"][0]["pointer"]), (422, &json!(pointer)), "{answer}");
    }
    let many: Vec<_> = (0..1_001).map(|id| json!({"id": id})).collect();
    assert_eq!(told(&world, "application/json", json!(many).to_string()).await.0, 422);
    assert_eq!(told(&world, "application/json", "{".to_owned()).await.0, 400);
    assert_eq!(told(&world, "text/plain", "id=1".to_owned()).await.0, 415);
    // What other tokens may, they may not do here; and this one nothing else.
    let headers = |token| [("authorization", token), ("content-type", "application/json")];
    let body = Some(json!({"id": 1}).to_string());
    let sender = world.http.post(format!("{}{CHANGES}", world.base)).bearer_auth("sender");
    assert_eq!(sender.json(&json!({"id": 1})).send().await.unwrap().status(), 403);
    let mut itop = world;
    itop.token = None;
    for path in ["/api/v1/acknowledgements", "/api/v1/acknowledgements/preview"] {
        let answer = itop.send(Method::POST, path, &headers("Bearer itop"), body.clone()).await;
        answer.problem(403, "forbidden");
    }
    let read = itop.send(Method::GET, "/api/v1/tickets", &headers("Bearer itop"), None).await;
    read.problem(403, "forbidden");
    itop.finish().await;
}

#[tokio::test]
async fn a_flood_of_changes_is_few_requests() {
    let world = world(&["a", "b"]).await;
    let tickets = world.itop.tickets().await.unwrap();
    let reads = world.reads();
    let began = world.clock.now();
    for n in 0..300 {
        let id = tickets[n % 2].id;
        let unknown = 100_000 + n;
        let body = json!([{"class": "Incident", "id": id}, {"class": "Incident", "id": unknown}]);
        assert_eq!(told(&world, "application/json", body.to_string()).await.0, 202);
    }
    world.itop.apply_stimulus("Incident", tickets[1].id, "ev_assign").await.unwrap();
    let last = json!({"id": tickets[1].id}).to_string();
    told(&world, "application/json", last).await;
    until_status(&world, "control-b", "assigned").await;
    // One at its beginning, one for each pause, one at the end.
    let seconds = world.clock.now().duration_since(began).as_secs().unsigned_abs();
    let asked = world.reads() - reads;
    assert!((1..=seconds + 3).contains(&asked), "{asked} requests in {seconds} s");
    world.finish().await;
}

#[tokio::test]
async fn of_what_the_board_does_not_know_itop_is_asked_nothing() {
    let world = world(&["a"]).await;
    let id = world.itop.tickets().await.unwrap()[0].id;
    let before = world.reads();
    told(&world, "application/json", json!({"class": "Incident", "id": 4_711}).to_string()).await;
    // Whatever is said while iTop is away is left to polling.
    let down = world.itop.faults().switch_on(Fault::new(FaultKind::Maintenance));
    told(&world, "application/json", json!({"class": "Incident", "id": id}).to_string()).await;
    world
        .until("the gate is closed", async || {
            let ready = world.get("/readyz").await.expect(200);
            (ready["gate"]["state"] == "closed").then_some(())
        })
        .await;
    assert!(world.reads() - before <= 1);
    world.itop.faults().switch_off(down);
    world
        .until("the gate is open", async || {
            world.clock.advance(Duration::from_secs(31));
            let ready = world.get("/readyz").await.expect(200);
            (ready["gate"]["state"] == "open").then_some(())
        })
        .await;
    let later = with(event("a"), "/event_id", json!("later"));
    world.acknowledge(&later).await.expect(200);
    world.finish().await;
}
