//! Clients that are slow, idle, endless or wild, and everybody else beside them. The whole form is
//! `tests/torture --crowd SECONDS`.

use std::{collections::BTreeSet, time::Duration};

use itop_sandbox::{Fault, FaultKind, Operations};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Config, Scope, Token},
    server,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, limited, token, with};

/// Places for connections in a bridge that is to be crowded.
const PLACES: usize = 8;

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.base.trim_start_matches("http://")).await.unwrap()
}

/// The head of a request with a body of that length; none for one that does not say how long it is.
fn head(method: &str, path: &str, token: &str, length: Option<usize>) -> String {
    let length = length.map_or("transfer-encoding: chunked".to_owned(), |length| {
        format!("content-length: {length}")
    });
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n{length}\r\n\r\n"
    )
}

fn tokens() -> Vec<Token> {
    ["wild", "honest"].map(|name| token(name, &[Scope::Ingest, Scope::Read])).into()
}

async fn world(change: impl FnOnce(&mut Config)) -> World {
    World::closed(tokens(), change).await
}

/// How a connection holds its place.
#[derive(Clone, Copy, Debug)]
enum Slow {
    /// A body of which no more comes.
    Body,
    /// Answers that nobody reads.
    Reader,
}

async fn slow(world: &World, how: Slow) -> TcpStream {
    let mut connection = connect(world).await;
    match how {
        Slow::Body => {
            let begun = head("POST", ACKNOWLEDGEMENTS, "wild", Some(1_000)) + "{\"event_id\":";
            connection.write_all(begun.as_bytes()).await.unwrap();
        }
        Slow::Reader => {
            // Far more than fits into the buffers of both sides.
            let request = head("GET", "/api/openapi.json", "wild", Some(0));
            let many = request.repeat(100);
            let sending = connection.write_all(many.as_bytes());
            let _ = tokio::time::timeout(Duration::from_millis(200), sending).await;
        }
    }
    connection
}

/// Whether the bridge has closed a connection, or will as soon as what it has sent is read.
async fn is_closed(mut connection: TcpStream) -> bool {
    let mut read = vec![0; 64 << 10];
    loop {
        let read = connection.read(&mut read);
        match tokio::time::timeout(Duration::from_millis(200), read).await {
            Ok(Ok(0) | Err(_)) => return true,
            Ok(Ok(_)) => {}
            Err(_) => return false,
        }
    }
}

#[tokio::test]
async fn slow_clients_make_room_when_there_is_no_other() {
    for how in [Slow::Body, Slow::Reader] {
        let world = world(|config| config.server.max_connections = PLACES).await;
        let mut crowd = Vec::new();
        for _ in 0..PLACES {
            crowd.push(slow(&world, how).await);
        }
        let asking = tokio::spawn(world.http.get(format!("{}/healthz", world.base)).send());
        world
            .until("somebody else is answered", async || {
                world.clock.advance(Duration::from_millis(100));
                asking.is_finished().then_some(())
            })
            .await;
        assert_eq!(asking.await.unwrap().unwrap().status(), 200, "{how:?}");
        // No more of them had to go than were in the way: it was not the end of their time.
        let mut open = 0;
        if let Slow::Body = how {
            for connection in crowd {
                open += usize::from(!is_closed(connection).await);
            }
            assert!(open >= PLACES / 2, "{how:?}: {open}");
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn a_thousand_idle_connections_are_nothing() {
    server::raise_limit();
    let world = world(|_| {}).await;
    let mut idle = Vec::new();
    for number in 0..1_000 {
        let mut connection = connect(&world).await;
        if number % 3 == 0 {
            connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: loc").await.unwrap();
        }
        idle.push(connection);
    }
    for number in 0..5 {
        world.acknowledge(&event(&format!("beside-{number}"))).await.expect(201);
    }
    assert_eq!(world.get("/").await.status, 200);
    // None of them was in anybody's way.
    for connection in idle.iter().step_by(100) {
        assert!(connection.try_read(&mut [0; 1]).is_err(), "it is open, and nothing came");
    }
    drop(idle);
    world.finish().await;
}

/// Sends a gigabyte until it is told to stop; how much of it went, and the answer.
async fn endless(mut connection: TcpStream, is_chunked: bool) -> (usize, String) {
    let piece = vec![b' '; 64 << 10];
    let piece = if is_chunked {
        [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat()
    } else {
        piece
    };
    let (mut sent, mut answer) = (0, Vec::new());
    let (mut reader, mut writer) = connection.split();
    let sending = async {
        while sent < GIGABYTE && writer.write_all(&piece).await.is_ok() {
            sent += piece.len();
        }
    };
    let mut read = [0; 4096];
    let reading = async {
        while let Ok(bytes @ 1..) = reader.read(&mut read).await {
            answer.extend_from_slice(&read[..bytes]);
        }
    };
    tokio::select! {
        () = sending => {}
        () = reading => {}
    }
    // What came before the connection was cut.
    let _ = tokio::time::timeout(Duration::from_secs(5), connection.read_to_end(&mut answer)).await;
    (sent, String::from_utf8_lossy(&answer).into_owned())
}

const GIGABYTE: usize = 1 << 30;

/// The memory of this process, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix("kB").unwrap().trim().parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn a_gigabyte_is_refused_long_before_its_end() {
    let world = world(|_| {}).await;
    let before = memory();
    for (path, token, status) in [
        (ACKNOWLEDGEMENTS, "wild", 413),
        ("/api/v1/tickets/lookup", "wild", 413),
        (ACKNOWLEDGEMENTS, "nobody", 401),
    ] {
        for is_chunked in [false, true] {
            let mut connection = connect(&world).await;
            let length = (!is_chunked).then_some(GIGABYTE);
            connection.write_all(head("POST", path, token, length).as_bytes()).await.unwrap();
            let (sent, answer) = endless(connection, is_chunked).await;
            let shown = format!("{path} {token} {is_chunked}: {answer}");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}");
            // What the bridge takes, and what the buffers of both sides hold.
            assert!(sent < 64 << 20, "{shown}: {sent}");
        }
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 256 << 20, "{grown}");
    world.acknowledge(&event("after")).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn the_long_bodies_of_one_token_leave_room_for_those_of_others() {
    let mut world = world(|_| {}).await;
    let list = json!((0..200).map(|n| event(&format!("list-{n}"))).collect::<Vec<_>>()).to_string();
    assert!(list.len() > 64 << 10);
    let mut unfinished = Vec::new();
    for path in [ACKNOWLEDGEMENTS, "/api/v1/tickets/lookup"] {
        for _ in 0..10 {
            let mut connection = connect(&world).await;
            let begun = head("POST", path, "wild", Some(list.len())) + &list[..1_000];
            connection.write_all(begun.as_bytes()).await.unwrap();
            unfinished.push(connection);
        }
    }
    // No time passes on the clock by which they would be given up.
    world.token = Some("honest".to_owned());
    let body: Value = serde_json::from_str(&list).unwrap();
    let answer = world.post(ACKNOWLEDGEMENTS, &body).await.expect(200);
    assert_eq!(answer["items"].as_array().unwrap().len(), 200);
    drop(unfinished);
    world.finish().await;
}

#[tokio::test]
async fn slow_posts_that_are_not_proven_hold_up_no_other_address() {
    use servicenav_itop_bridge::{
        config::Token,
        domain::standard_webhooks::{Key, sign},
        secret::Secret,
    };
    const KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let world = world(|config| {
        config.server.trusted_proxies = vec!["127.0.0.1".to_owned()];
        config.auth.tokens.push(Token {
            name: "signs".to_owned(),
            scopes: vec![Scope::Ingest],
            signing_secret: Some(Secret::new(KEY.to_owned())),
            ..Token::default()
        });
    })
    .await;
    let mut unfinished = Vec::new();
    for _ in 0..40 {
        let mut connection = connect(&world).await;
        let begun = format!(
            "POST {ACKNOWLEDGEMENTS} HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 203.0.113.9\r\n\
             content-type: application/json\r\nwebhook-id: a\r\nwebhook-timestamp: 1\r\n\
             webhook-signature: v1,AAAA\r\ncontent-length: 200000\r\n\r\n{{"
        );
        connection.write_all(begun.as_bytes()).await.unwrap();
        unfinished.push(connection);
    }
    let (body, at) = (event("signed").to_string(), world.clock.now().as_second());
    let signature = sign(&Key::parse(KEY).unwrap(), "msg_1", at, body.as_bytes());
    let request = world
        .http
        .post(format!("{}{ACKNOWLEDGEMENTS}", world.base))
        .header("x-forwarded-for", "203.0.113.10")
        .header("content-type", "application/json")
        .header("webhook-id", "msg_1")
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature)
        .header("prefer", "wait=20");
    Answer::read(request.body(body).send().await.unwrap()).await.expect(201);
    drop(unfinished);
    world.finish().await;
}

#[tokio::test]
async fn posts_that_wait_take_no_more_than_half_of_the_places() {
    let mut world = world(|config| config.server.max_connections = PLACES).await;
    world.token = Some("wild".to_owned());
    let slow =
        Fault::new(FaultKind::Slow { before_ms: 60_000, after_ms: 0 }).on(Operations::Create);
    world.itop.faults().switch_on(slow);
    let mut posting = JoinSet::new();
    for number in 0..PLACES / 2 {
        let key = format!("waits-{number}");
        let request = world.http.post(format!("{}{ACKNOWLEDGEMENTS}", world.base));
        let request = request.bearer_auth("wild").header("content-type", "application/json");
        let request = request.header("prefer", "wait=30").body(event(&key).to_string());
        posting.spawn(request.send());
    }
    world
        .until("they wait", async || {
            let rows = world.get(ACKNOWLEDGEMENTS).await.expect(200);
            (rows["items"].as_array().unwrap().len() == PLACES / 2).then_some(())
        })
        .await;
    // What comes then is stored and answered at once, and says that it was not waited.
    for number in 0..PLACES {
        let wait = [("prefer", "wait=30")];
        let body = Some(event(&format!("more-{number}")).to_string());
        let answer = world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &wait, body).await;
        assert_eq!(answer.header("preference-applied"), "");
        assert_eq!(answer.expect(202)["state"], "accepted");
    }
    posting.abort_all();
    world.itop.faults().clear();
    world.crash_bridge();
    // iTop works on for whoever is gone.
    world.clock.advance(Duration::from_mins(2));
    world.finish().await;
}

/// Requests of the storm, and how many connections it has.
const STORM: usize = 3_000;
const CONNECTIONS: usize = 32;

/// Sends all requests at once on one connection, and counts the statuses of their answers.
async fn storm(address: String, requests: Vec<String>) -> Vec<u16> {
    let connection = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = connection.into_split();
    let (all, count) = (requests.concat(), requests.len());
    let writing = tokio::spawn(async move {
        writer.write_all(all.as_bytes()).await.unwrap();
        writer
    });
    let (mut text, mut read) = (String::new(), vec![0; 64 << 10]);
    let statuses = |text: &str| -> Vec<u16> {
        let heads = text.split("HTTP/1.1 ").skip(1);
        heads.filter_map(|head| head.get(..3)?.parse().ok()).collect()
    };
    while statuses(&text).len() < count {
        let bytes = reader.read(&mut read).await.unwrap();
        assert!(bytes > 0, "it was closed after {} answers", statuses(&text).len());
        text.push_str(&String::from_utf8_lossy(&read[..bytes]));
    }
    writing.await.unwrap();
    statuses(&text)
}

/// Posts of one token as fast as it can, while another one posts, reads and gets its tickets.
async fn storm_beside_an_honest_sender(rate: Option<u32>) -> (World, Vec<u16>) {
    let mut world = world(|config| {
        config.auth.tokens[0] = limited("wild", &[Scope::Ingest, Scope::Read], "wild", &["id:77"]);
        config.auth.tokens[0].rate = rate;
    })
    .await;
    world.read_lists().await;
    world.token = Some("honest".to_owned());
    let mut storms = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let requests = (0..STORM / CONNECTIONS).map(|number| {
            let event = event(&format!("wild-{connection}-{number}"));
            let event = with(event, "/company", json!({"id": 77, "name": "Wild"})).to_string();
            let head = head("POST", ACKNOWLEDGEMENTS, "wild", Some(event.len()));
            head.replace("\r\n\r\n", "\r\nprefer: wait=0\r\n\r\n") + event.as_str()
        });
        let address = world.base.trim_start_matches("http://").to_owned();
        storms.spawn(storm(address, requests.collect()));
    }
    let mut tickets = BTreeSet::new();
    for number in 0..20 {
        let key = format!("honest-{number}");
        // Answered 201 or 202, as iTop is fast; never refused.
        let answer = world.acknowledge(&event(&key)).await;
        assert!(answer.status < 300, "{}", answer.text);
        let row = world.until_state(&answer.body["id"], "created").await;
        assert!(tickets.insert(row["ticket"]["ref"].as_str().unwrap().to_owned()), "{key}");
        assert_eq!(world.get("/").await.status, 200);
        assert_eq!(world.get("/healthz").await.status, 200);
    }
    let mut statuses = Vec::new();
    while let Some(storm) = storms.join_next().await {
        statuses.extend(storm.unwrap());
    }
    assert_eq!(statuses.len(), STORM / CONNECTIONS * CONNECTIONS);
    // Each of the honest sender has its ticket, and there is no other.
    assert_eq!(world.itop.tickets().await.unwrap().len(), 20);
    (world, statuses)
}

async fn stored(world: &World, instance: &'static str) -> usize {
    let count = "SELECT count(*) FROM acknowledgements WHERE instance = ?1";
    let stored = world.look(move |db| db.query_row(count, [instance], |row| row.get::<_, i64>(0)));
    usize::try_from(stored.await).unwrap()
}

#[tokio::test]
async fn the_storm_of_one_token_is_taken_beside_the_others() {
    let (world, statuses) = storm_beside_an_honest_sender(None).await;
    // Far below what a token may ask for: all of it was taken.
    assert!(statuses.iter().all(|status| *status == 202), "{statuses:?}");
    assert_eq!(stored(&world, "wild").await, statuses.len());
    world.finish().await;
}

#[tokio::test]
async fn the_storm_of_a_token_with_a_rate_is_refused_and_each_that_was_taken_is_there() {
    let (world, statuses) = storm_beside_an_honest_sender(Some(50)).await;
    let taken = statuses.iter().filter(|status| **status == 202).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(taken + refused, statuses.len(), "{statuses:?}");
    assert!(taken >= 500 && refused > 0, "{taken} {refused}");
    assert_eq!(stored(&world, "wild").await, taken);
    world.finish().await;
}
