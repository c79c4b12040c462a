//! Pages in browsers: those that may call, the stream that they open by an address, and those that may
//! not call although the bridge asks nobody for a token.

use std::time::Duration;

use itop_sandbox::Options;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Config, Scope, Token},
    web::hash_token,
};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, limited, token, with};

const STREAM: &str = "/api/v1/tickets/stream";
const ADDRESS: &str = "/api/v1/tickets/stream/address";
const PAGE: &str = "https://board.example";

fn tokens(config: &mut Config) {
    config.auth.tokens = vec![
        token("admin", &[Scope::Admin]),
        token("reader", &[Scope::Read]),
        limited("acme", &[Scope::Read], "", &["id:7"]),
        token("sender", &[Scope::Ingest]),
    ];
}

/// Opens a stream as a page does: by its address, without a header of its own.
async fn open(world: &World, address: &str) -> reqwest::Response {
    world.http.get(address).send().await.unwrap()
}

async fn address(world: &World, query: &str) -> String {
    let answer = world.send(Method::POST, &format!("{ADDRESS}{query}"), &[], None).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.expect(200)["address"].as_str().unwrap().to_owned()
}

/// Reads on until the stream has said this.
async fn until_said(stream: &mut reqwest::Response, said: &str) -> String {
    let mut read = String::new();
    while !read.contains(said) {
        let chunk = tokio::time::timeout(Duration::from_mins(1), stream.chunk()).await;
        let chunk = chunk.expect("something comes").unwrap().expect("the stream goes on");
        read.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    read
}

#[tokio::test]
async fn pages_of_named_origins_may_call() {
    let world = World::with(Options::default(), |config| {
        tokens(config);
        config.server.cors_origins = vec![PAGE.to_owned(), "http://localhost:3000".to_owned()];
    })
    .await;
    let asks = |origin: &'static str| {
        [
            ("origin", origin),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "authorization,content-type"),
        ]
    };
    for origin in [PAGE, "http://localhost:3000"] {
        let asked = world.send(Method::OPTIONS, "/api/v1/links/42", &asks(origin), None).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        assert_eq!(asked.header("access-control-allow-origin"), origin);
        assert!(asked.header("access-control-allow-methods").contains("PUT"));
        let headers = asked.header("access-control-allow-headers");
        assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
        assert_eq!(asked.header("access-control-allow-credentials"), "");
        let headers = [("origin", origin), ("authorization", "Bearer reader")];
        let read = world.send(Method::GET, "/api/v1/teams", &headers, None).await;
        assert_eq!((read.status, read.header("access-control-allow-origin")), (200, origin));
        assert!(read.header("access-control-expose-headers").contains("etag"));
        assert!(read.header("vary").contains("origin"), "{}", read.header("vary"));
        // Errors can be read too.
        let missing = world.send(Method::GET, "/api/v1/teams", &[("origin", origin)], None).await;
        assert_eq!((missing.status, missing.header("access-control-allow-origin")), (401, origin));
    }
    for origin in
        ["https://board.example.evil", "http://board.example", "https://evil.example", "null"]
    {
        let asked = world.send(Method::OPTIONS, "/api/v1/links/42", &asks(origin), None).await;
        assert_eq!(asked.header("access-control-allow-origin"), "", "{origin}");
        let headers = [("origin", origin), ("authorization", "Bearer reader")];
        let read = world.send(Method::GET, "/api/v1/teams", &headers, None).await;
        assert_eq!(
            (read.status, read.header("access-control-allow-origin")),
            (200, ""),
            "{origin}"
        );
    }
    world.finish().await;
}

#[tokio::test]
async fn where_no_origin_is_named_no_page_may_call() {
    let world = World::start().await;
    let asks = [("origin", PAGE), ("access-control-request-method", "POST")];
    let asked = world.send(Method::OPTIONS, ACKNOWLEDGEMENTS, &asks, None).await;
    asked.problem(405, "method-not-allowed");
    let read = world.send(Method::GET, "/api/v1/teams", &[("origin", PAGE)], None).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, ""));
    world.finish().await;
}

#[tokio::test]
async fn a_page_listens_by_an_address_that_was_signed_for_it() {
    let mut world = World::with(Options::default(), |config| {
        tokens(config);
        config.server.cors_origins = vec![PAGE.to_owned()];
    })
    .await;
    world.token = Some("admin".to_owned());
    world.link_demo().await;
    world.link(7, json!({"organization": "ACME Logistics"})).await;
    world.token = Some("reader".to_owned());
    let answer = world.send(Method::POST, ADDRESS, &[], None).await;
    let expires: jiff::Timestamp = answer.body["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(expires > world.clock.now(), "{}", answer.text);
    let all = answer.body["address"].as_str().unwrap().to_owned();
    assert!(all.starts_with(&format!("{}{STREAM}?", world.base)), "{all}");
    let of_acme = address(&world, "?company=7&instance=default").await;
    world.token = Some("acme".to_owned());
    let limited = address(&world, "").await;

    // A page has no token; its browser says where it is from.
    world.token = None;
    let stream = world.http.get(&all).header("origin", PAGE).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["access-control-allow-origin"], PAGE);
    let (mut all, mut of_acme) = (stream, open(&world, &of_acme).await);
    let mut limited = open(&world, &limited).await;
    for stream in [&mut all, &mut of_acme, &mut limited] {
        until_said(stream, "event: ready").await;
    }
    world.token = Some("admin".to_owned());
    world.acknowledge(&event("a")).await.expect(201);
    let acme = with(event("b"), "/company", json!({"id": 7, "name": "ACME"}));
    world.acknowledge(&acme).await.expect(201);
    assert!(until_said(&mut all, "control-b").await.contains("control-a"));
    for stream in [&mut of_acme, &mut limited] {
        let said = until_said(stream, "control-b").await;
        assert!(!said.contains("control-a"), "{said}");
    }
    drop((all, of_acme, limited));
    world.finish().await;
}

#[tokio::test]
async fn an_address_is_good_for_what_it_was_signed_for_and_for_a_moment() {
    let mut world = World::with(Options::default(), tokens).await;
    for (name, status) in [("sender", 403), ("nobody", 401)] {
        world.token = Some(name.to_owned());
        assert_eq!(world.send(Method::POST, ADDRESS, &[], None).await.status, status);
    }
    world.token = Some("reader".to_owned());
    let narrowed = address(&world, "?instance=default").await;
    let of_all = narrowed.replace("&instance=default", "");
    assert_ne!(of_all, narrowed);
    Answer::read(open(&world, &of_all).await).await.problem(401, "unauthorized");
    // A token that is limited to companies is one of an instance.
    world.token = Some("acme".to_owned());
    let good = address(&world, "").await;
    world.token = None;
    let changed = |name: &str, value: Option<&str>| {
        let mut url: Url = good.parse().unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        assert!(name == "company" || pairs.iter().any(|(known, _)| known == name), "{name}");
        let kept = pairs.into_iter().filter(|(known, _)| known != name);
        let kept = kept.chain(value.map(|value| (name.to_owned(), value.to_owned())));
        let kept: Vec<_> = kept.collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
        url.to_string()
    };
    let later = (world.clock.now().as_second() + 50).to_string();
    let far = (world.clock.now().as_second() + 3_600).to_string();
    for wrong in [
        changed("signature", None),
        changed("signature", Some("")),
        changed("signature", Some(&"0".repeat(64))),
        changed("instance", Some("other")),
        changed("company", Some("42")),
        changed("caller", Some("admin")),
        changed("caller", Some("reader")),
        changed("caller", None),
        changed("expires", None),
        changed("expires", Some(&later)),
        changed("expires", Some(&far)),
    ] {
        Answer::read(open(&world, &wrong).await).await.problem(401, "unauthorized");
    }
    // It opens nothing else.
    for other in ["/api/v1/tickets", ACKNOWLEDGEMENTS] {
        Answer::read(open(&world, &good.replace(STREAM, other)).await)
            .await
            .problem(401, "unauthorized");
    }
    until_said(&mut open(&world, &good).await, "event: ready").await;
    world.clock.advance(Duration::from_secs(61));
    Answer::read(open(&world, &good).await).await.problem(401, "unauthorized");

    // With the token goes what was signed for it.
    world.token = Some("acme".to_owned());
    let signed = address(&world, "").await;
    let path = signed.strip_prefix(&world.base).unwrap().to_owned();
    world.stop_bridge().await;
    world.config.auth.tokens.retain(|token| token.name != "acme");
    world
        .config
        .auth
        .tokens
        .push(Token { hash: hash_token("another"), ..token("acme", &[Scope::Admin]) });
    world.token = None;
    world.start_bridge().await;
    world.get(&path).await.problem(401, "unauthorized");
    world.finish().await;
}

#[tokio::test]
async fn a_token_in_an_address_is_none() {
    let mut world = World::with(Options::default(), tokens).await;
    world.token = None;
    for name in ["access_token", "token", "bearer", "authorization", "api_key"] {
        for path in ["/api/v1/tickets", STREAM, ACKNOWLEDGEMENTS] {
            let answer = world.get(&format!("{path}?{name}=admin")).await;
            answer.problem(401, "unauthorized");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn without_tokens_no_foreign_page_reaches_the_bridge() {
    let world = World::linked().await;
    let failed = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    let row = world.acknowledge(&failed).await.body["id"].clone();
    // A page whose own name was made to lead here.
    for path in ["/api/v1/tickets", "/healthz", "/readyz", "/controls/open", "/nowhere"] {
        let answer = world.send(Method::GET, path, &[("host", "evil.example")], None).await;
        answer.problem(403, "foreign-caller");
    }
    let body = Some(event("a").to_string());
    let rebound = [("host", "evil.example:8080")];
    let answer = world.send(Method::POST, ACKNOWLEDGEMENTS, &rebound, body).await;
    answer.problem(403, "foreign-caller");
    // A page elsewhere sends what its browser lets it without asking.
    let retry = format!("{ACKNOWLEDGEMENTS}/{row}/retry");
    for content in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let headers = [("origin", "https://evil.example"), ("content-type", content)];
        let answer = world.send(Method::POST, &retry, &headers, None).await;
        answer.problem(403, "foreign-caller");
        let answer = world.send(Method::POST, ADDRESS, &headers, None).await;
        answer.problem(403, "foreign-caller");
    }
    let state =
        world.get(&format!("{ACKNOWLEDGEMENTS}/{row}")).await.expect(200)["history"].clone();
    assert_eq!(state.as_array().unwrap().len(), 1, "{state}");
    let own = world.base.clone();
    let answer = world.send(Method::POST, &retry, &[("origin", own.as_str())], None).await;
    answer.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn event_streams_leave_room_for_everything_else() {
    let world = World::with(Options::default(), |config| config.server.max_connections = 8).await;
    world.link_demo().await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = open(&world, &format!("{}{STREAM}", world.base)).await;
        until_said(&mut stream, "event: ready").await;
        streams.push(stream);
    }
    let refused = world.get(STREAM).await;
    refused.problem(503, "streams-taken");
    assert_eq!(refused.header("retry-after"), "5");
    world.acknowledge(&event("a")).await.expect(201);
    // Those that listen are no idle connections, and hear the heartbeat.
    for _ in 0..16 {
        let mut heard = false;
        for _ in 0..40 {
            world.clock.advance(Duration::from_secs(15));
            let chunk = tokio::time::timeout(Duration::from_millis(100), streams[0].chunk()).await;
            heard = chunk.is_ok_and(|chunk| chunk.unwrap().unwrap().starts_with(b":"));
            if heard {
                break;
            }
        }
        assert!(heard, "no heartbeat came");
    }
    streams.truncate(3);
    world
        .until("there is room again", async || {
            // Only what is sent tells that a listener has gone.
            world.clock.advance(Duration::from_secs(15));
            let stream = open(&world, &format!("{}{STREAM}", world.base)).await;
            (stream.status() == 200).then_some(stream)
        })
        .await;
    assert_eq!(streams[0].headers()["x-accel-buffering"], "no");
    assert_eq!(streams[0].headers()["cache-control"], "no-cache");
    let _: Value = world.get("/healthz").await.expect(200);
    drop(streams);
    world.finish().await;
}
