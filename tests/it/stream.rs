//! Changes as they happen, and what is kept of answers between them.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Options};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Config, Period, Scope};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::world::{ACKNOWLEDGEMENTS, World, event, limited, token, with};

const STREAM: &str = "/api/v1/tickets/stream";
const LOOKUP: &str = "/api/v1/tickets/lookup";

/// A dashboard that listens.
pub struct Listener {
    response: reqwest::Response,
    text: String,
}

impl Listener {
    /// Connects, and waits until changes are told.
    pub async fn start(world: &World, query: &str) -> Self {
        let token = world.token.as_ref().map(|token| ("authorization", format!("Bearer {token}")));
        Self::start_with(world, query, token).await
    }

    /// The same with this header alone.
    pub async fn start_with(world: &World, query: &str, header: Option<(&str, String)>) -> Self {
        let mut request = world.http.get(format!("{}{STREAM}{query}", world.base));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        Self::reading(request.send().await.unwrap()).await
    }

    /// Waits until changes are told.
    pub async fn reading(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut listener = Self { response, text: String::new() };
        assert_eq!(listener.next().await, Some(("ready".to_owned(), json!({}))));
        listener
    }

    /// The next event and its data; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, _)) = self.text.split_once("\n\n") {
                let end = event.len() + 2;
                let member = |name: &str| {
                    event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default()
                };
                let (kind, data) = (member("event: ").to_owned(), member("data: ").to_owned());
                self.text.drain(..end);
                if !kind.is_empty() {
                    return Some((kind, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_mins(1), self.response.chunk()).await;
            let chunk = chunk.expect("an event comes").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Reads on until a control is as wanted; gives the names of the controls told of till then.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let (kind, data) = self.next().await.expect("the stream goes on");
            assert_eq!(kind, "control", "{data}");
            told.push(data["control"]["id"].as_str().unwrap().to_owned());
            if wanted(&data) {
                return told;
            }
        }
    }
}

fn has_ticket(data: &Value) -> bool {
    data["ticket"]["ref"].is_string() && data["pending"].is_null()
}

#[tokio::test]
async fn a_listener_is_told_of_each_change_that_can_be_seen() {
    let world = World::linked().await;
    let mut listener = Listener::start(&world, "").await;
    world.acknowledge(&event("a")).await.expect(201);
    listener.until(has_ticket).await;
    let answered = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(answered["ticket"]["status"], "new");

    // Its age alone is no change; that it was assigned is one.
    let id = world.itop.tickets().await.unwrap()[0].id;
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(10));
        world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    }
    world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    let known = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(known["ticket"]["status"], "assigned");
    loop {
        let (kind, told) = listener.next().await.unwrap();
        assert_eq!(kind, "control");
        if told == known {
            break;
        }
        // Of two changes in a row the first may have been told with what came of the second.
        assert_eq!(told, answered);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_listener_is_told_of_what_it_may_see_and_asked_for() {
    let acme = limited("acme", &[Scope::Read], "", &["id:7"]);
    let tokens = vec![token("all", &[Scope::Admin]), acme];
    let mut world =
        World::with(Options::default(), |config: &mut Config| config.auth.tokens = tokens).await;
    world.token = Some("all".to_owned());
    world.link_demo().await;
    world.link(7, json!({"organization": "ACME Logistics"})).await;
    let mut by_company = Listener::start(&world, "?company=7").await;
    let mut by_instance = Listener::start(&world, "?instance=default").await;
    let mut elsewhere = Listener::start(&world, "?instance=elsewhere").await;
    world.token = Some("acme".to_owned());
    let mut limited = Listener::start(&world, "").await;
    world.token = Some("all".to_owned());

    world.acknowledge(&event("a")).await.expect(201);
    let acme = with(event("b"), "/company", json!({"id": 7, "name": "ACME"}));
    world.acknowledge(&acme).await.expect(201);
    let is_b = |data: &Value| data["control"]["id"] == "control-b" && has_ticket(data);
    for listener in [&mut by_company, &mut limited] {
        let told = listener.until(is_b).await;
        assert!(told.iter().all(|control| control == "control-b"), "{told:?}");
    }
    assert!(by_instance.until(is_b).await.contains(&"control-a".to_owned()));
    // A stop ends the streams at once; one that heard nothing of all this only then.
    world.stop_bridge().await;
    assert_eq!(elsewhere.next().await, None);
    world.finish().await;
}

/// Reads from a connection until it says this.
async fn read_until(connection: &mut TcpStream, text: &str) {
    let mut read = String::new();
    let mut chunk = vec![0; 65_536];
    while !read.contains(text) {
        let bytes = connection.read(&mut chunk);
        let bytes = tokio::time::timeout(Duration::from_mins(1), bytes).await;
        let bytes = bytes.expect("it goes on").unwrap();
        assert!(bytes > 0, "it ended without '{text}'");
        read.push_str(&String::from_utf8_lossy(&chunk[..bytes]));
    }
}

#[tokio::test]
async fn a_listener_that_is_too_slow_is_told_to_read_anew() {
    let world = World::linked().await;
    world.itop.faults().switch_on(Fault::new(FaultKind::Maintenance));
    let connection = TcpSocket::new_v4().unwrap();
    // With little room in between, what is not read stays in the bridge.
    connection.set_recv_buffer_size(65_536).unwrap();
    let address = world.base.trim_start_matches("http://").parse().unwrap();
    let mut connection = connection.connect(address).await.unwrap();
    let request = format!("GET {STREAM} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    read_until(&mut connection, "event: ready").await;
    let long = |key: String| with(event(&key), "/control/name", json!("\u{1f6a8}".repeat(250)));
    for list in 0..13 {
        let events: Vec<_> = (0..1_000).map(|number| long(format!("{list}-{number}"))).collect();
        world.post(ACKNOWLEDGEMENTS, &json!(events)).await.expect(200);
    }
    read_until(&mut connection, "event: reset").await;
    // Then it goes on.
    world.post(ACKNOWLEDGEMENTS, &json!([event("afterwards")])).await.expect(200);
    read_until(&mut connection, "control-afterwards").await;
    world.finish().await;
}

/// Nobody but those who ask reads a status, and it is old after ten minutes.
fn patient(config: &mut Config) {
    config.board.max_age = Period::minutes(10);
    config.board.refresh = Period::days(30);
}

#[tokio::test]
async fn what_is_kept_of_a_control_is_never_older_than_what_happened_to_it() {
    let world = World::with(Options::default(), patient).await;
    world.link_demo().await;
    let path = "/api/v1/controls/control-a/ticket";
    for number in 0..5 {
        let next = with(event("a"), "/event_id", json!(format!("event-{number}")));
        let next = with(next, "/ticket", json!({"new": true}));
        let answer = world.acknowledge(&next).await.expect(201);
        // Twice: what is kept, and what was read anew.
        for _ in 0..2 {
            let known = world.get(path).await.expect(200);
            assert_eq!(known["ticket"]["ref"], answer["ticket"]["ref"]);
            let body = json!({"items": [{"control": "control-a"}, {"control": "never"}]});
            let looked_up = world.post(LOOKUP, &body).await.expect(200);
            assert_eq!(looked_up["items"][0], known);
            assert_eq!(looked_up["items"][1]["ticket"], Value::Null);
        }
    }
    // One that cannot be delivered shows as pending, beside the ticket that there is.
    world.delete("/api/v1/links/42").await;
    let blocked = with(event("a"), "/event_id", json!("event-blocked"));
    world.acknowledge(&blocked).await.expect(202);
    let known = world.get(path).await.expect(200);
    assert_eq!(known["pending"]["state"], "blocked");
    let looked_up = world.post(LOOKUP, &json!({"items": [{"control": "control-a"}]})).await;
    assert_eq!(looked_up.expect(200)["items"][0], known);
    world.finish().await;
}

#[tokio::test]
async fn a_control_has_an_entity_tag_that_its_age_does_not_change() {
    let world = World::with(Options::default(), patient).await;
    world.link_demo().await;
    world.acknowledge(&event("a")).await.expect(201);
    let path = "/api/v1/controls/control-a/ticket";
    let first = world.get(path).await;
    let tag = first.header("etag").to_owned();
    let known = async || {
        let headers = [("if-none-match", tag.as_str())];
        world.send(reqwest::Method::GET, path, &headers, None).await.status
    };
    assert_eq!(known().await, 304);
    world.clock.advance(Duration::from_mins(11));
    assert_eq!(known().await, 304);
    assert_ne!(world.get(path).await.expect(200)["as_of"], first.body["as_of"]);
    let id = world.itop.tickets().await.unwrap()[0].id;
    world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
    world.clock.advance(Duration::from_mins(11));
    assert_eq!(known().await, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_status_that_will_soon_be_old_is_read_before_anybody_waits() {
    let world = World::with(Options::default(), patient).await;
    world.link_demo().await;
    world.read_lists().await;
    for key in ["a", "b", "c"] {
        world.acknowledge(&event(key)).await.expect(201);
    }
    let reads = || world.reads();
    let path = "/api/v1/controls/control-a/ticket";
    let first = world.get(path).await.expect(200);
    let before = reads();
    world.clock.advance(Duration::from_mins(8));
    // It is young enough to be given, and old enough to be read again meanwhile.
    assert_eq!(world.get(path).await.expect(200), first);
    world
        .until("it was read again", async || {
            (world.get(path).await.expect(200)["as_of"] != first["as_of"]).then_some(())
        })
        .await;
    assert_eq!(reads() - before, 1);
    // The request brought the other open tickets along.
    for control in ["b", "c"] {
        let path = format!("/api/v1/controls/control-{control}/ticket");
        assert_ne!(world.get(&path).await.expect(200)["as_of"], first["as_of"]);
    }
    assert_eq!(reads() - before, 1);
    world.finish().await;
}

#[tokio::test]
async fn ended_tickets_are_read_rarely_and_a_reopened_one_is_seen() {
    let world = World::with(Options::default(), |config| {
        config.board.refresh = Period::minutes(1);
        config.board.refresh_ended = Period::minutes(120);
    })
    .await;
    world.link_demo().await;
    world.acknowledge(&event("a")).await.expect(201);
    let id = world.itop.tickets().await.unwrap()[0].id;
    let path = "/api/v1/controls/control-a/ticket";
    let status = async || world.get(path).await.expect(200)["ticket"]["status"].clone();
    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus("Incident", id, stimulus).await.unwrap();
    }
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(status().await, "resolved");
    world.itop.apply_stimulus("Incident", id, "ev_reopen").await.unwrap();
    world.clock.advance(Duration::from_mins(30));
    assert_eq!(status().await, "resolved");
    let reopened = async || {
        // Nobody asks about the ticket itself.
        world.clock.advance(Duration::from_mins(20));
        let open = world.get("/api/v1/tickets?open=true").await.expect(200);
        (!open["items"].as_array().unwrap().is_empty()).then_some(())
    };
    world.until("the reopened ticket is seen", reopened).await;
    assert_eq!(status().await, "assigned");
    world.finish().await;
}
