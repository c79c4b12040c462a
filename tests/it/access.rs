//! Who may call. What each kind of token may call is tested by `tenancy`.

use itop_sandbox as sandbox;
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::{App, StartError},
    clock::Clock,
    config::{Config, Scope, Token},
    web::{Access, Call, calls, hash_token},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{self, ACKNOWLEDGEMENTS, Answer, World, event, with};

/// The token of this name.
fn secret(name: &str) -> String {
    format!("{name}-5f1d7c9e0b3a4e6f8a2c")
}

fn token(name: &str, scopes: &[Scope]) -> Token {
    Token { hash: hash_token(&secret(name)), ..world::token(name, scopes) }
}

/// Demo is company 42, and has a ticket.
async fn world() -> World {
    let tokens = |config: &mut Config| {
        config.auth.tokens = vec![
            token("ingest", &[Scope::Ingest]),
            token("read", &[Scope::Read]),
            token("admin", &[Scope::Admin]),
            Token {
                instance: Some("sn-b".to_owned()),
                ..token("sn-b", &[Scope::Ingest, Scope::Read])
            },
        ];
    };
    let mut world = World::with(sandbox::Options::default(), tokens).await;
    world.token = Some(secret("admin"));
    world.link_demo().await;
    world.acknowledge(&event("own")).await.expect(201);
    world.token = None;
    world
}

async fn ask(world: &World, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {}", secret(token));
    let headers = [("authorization", authorization.as_str()), ("prefer", "wait=20")];
    let body = (!body.is_null()).then(|| body.to_string());
    world.send(method.parse().unwrap(), path, &headers, body).await
}

async fn get(world: &World, token: &str, path: &str) -> Answer {
    ask(world, token, "GET", path, &Value::Null).await
}

#[tokio::test]
async fn without_a_known_token_there_is_no_answer() {
    let world = world().await;
    let unknown = format!("Bearer {}", secret("nobody"));
    let hash = format!("Bearer {}", hash_token(&secret("admin")));
    let other_scheme = format!("Basic {}", secret("admin"));
    let headers: [&[(&str, &str)]; 6] = [
        &[],
        &[("authorization", &unknown)],
        &[("authorization", &hash)],
        &[("authorization", &other_scheme)],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
    ];
    for (method, path, body) in [
        (Method::POST, ACKNOWLEDGEMENTS, Some(event("own").to_string())),
        (Method::GET, "/api/v1/tickets", None),
        (Method::DELETE, "/api/v1/links/42", None),
    ] {
        for headers in headers {
            let answer = world.send(method.clone(), path, headers, body.clone()).await;
            answer.problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
        }
    }
    // Whoever may not call learns nothing of what is wrong with the body.
    let text = [("content-type", "text/plain")];
    let answer = world.send(Method::POST, ACKNOWLEDGEMENTS, &text, Some("{".to_owned())).await;
    answer.problem(401, "unauthorized");
    // The scheme's name is read whatever its case.
    let lower = format!("bearer  {}", secret("read"));
    let answer = world.send(Method::GET, "/api/v1/teams", &[("authorization", &lower)], None).await;
    answer.expect(200);
    for open in ["/healthz", "/readyz"] {
        world.get(open).await.expect(200);
    }
    // Browsers come with a signature instead.
    world.get("/controls/open?control=control-own").await.expect(403);
    world.finish().await;
}

#[tokio::test]
async fn no_address_takes_a_parameter_that_it_does_not_have() {
    let world = world().await;
    let parts = [("{id}", "1"), ("{control}", "control-own"), ("{number}", "I-000109")];
    let parts = parts.into_iter().chain([("{company}", "42"), ("{site}", "1"), ("{org}", "3")]);
    let parts = parts.chain([
        ("{version}", "0"),
        ("{name}", "live.js"),
        ("{language}", "fr"),
        ("{report}", "verify"),
    ]);
    // A provider adds what it likes to where it leads people back to.
    let is_checked = |call: &Call| call.path != "/sign-in/callback";
    for Call { method, path, access } in calls().filter(is_checked) {
        let path = parts.clone().fold(path.to_owned(), |path, (part, own)| path.replace(part, own));
        let path = format!("{path}?limit=5&nonsense=a%20secret");
        let body = if method == "get" { Value::Null } else { json!({}) };
        let answer = ask(&world, "admin", &method.to_uppercase(), &path, &body).await;
        // Pages that are for everyone.
        let is_page = ["/session", "/sign-in", "/api?"].iter().any(|page| path.starts_with(page));
        let detail = if is_page || matches!(access, Access::Page(_) | Access::PageOfOverseers) {
            assert_eq!(answer.status, 400, "{path}");
            assert!(answer.header("content-type").starts_with("text/html"), "{path}");
            answer.text.replace("&#x27;", "'")
        } else {
            answer.problem(400, "bad-parameter")
        };
        // Where a list has a limit, that is not what is wrong.
        assert!(detail.contains("'nonsense'") || detail.contains("'limit'"), "{path}: {detail}");
        assert!(!detail.contains("secret"), "{path}: {detail}");
    }
    // Nothing of it was done.
    let row = get(&world, "admin", "/api/v1/acknowledgements/1").await.expect(200);
    assert_eq!(row["state"], "created");
    for (path, says) in [
        ("/api/v1/tickets?status=in%20work", "'status' must be a code of iTop, such as new,"),
        ("/api/v1/tickets?status=", "'status' must be a code of iTop, such as new,"),
        ("/api/v1/tickets?open=maybe", "open: provided string was not `true` or `false`"),
        ("/api/v1/tickets?company=", "The company or site '' must not be empty"),
        ("/api/v1/teams?refresh=1", "refresh: provided string was not `true` or `false`"),
        ("/api/v1/acknowledgements?state=done", "'state' must be one of accepted, creating, "),
        ("/api/v1/acknowledgements?state=failed&state=blocked", "duplicate field `state`"),
    ] {
        let detail = get(&world, "read", path).await.problem(400, "bad-parameter");
        assert!(detail.starts_with(says), "{path}: {detail}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_token_of_an_instance_speaks_for_no_other() {
    let world = world().await;
    // Without an instance in the body it is the token's: another installation's company 42.
    let posted = ask(&world, "sn-b", "POST", ACKNOWLEDGEMENTS, &event("mine")).await.expect(202);
    assert_eq!(posted["instance"], "sn-b");
    assert_eq!(posted["problem"]["code"], "company-not-linked");
    let same = with(event("mine"), "/source/instance", json!("sn-b"));
    let same = ask(&world, "sn-b", "POST", ACKNOWLEDGEMENTS, &same).await.expect(202);
    assert_eq!(same["id"], posted["id"]);

    let other = with(event("other"), "/source/instance", json!("default"));
    for path in [ACKNOWLEDGEMENTS, "/api/v1/acknowledgements/preview"] {
        let detail = ask(&world, "sn-b", "POST", path, &other).await.problem(403, "forbidden");
        assert_eq!(
            detail,
            "This token speaks for instance 'sn-b', and the request names 'default'."
        );
    }
    let list = json!([other, event("in-list")]);
    let list = ask(&world, "sn-b", "POST", ACKNOWLEDGEMENTS, &list).await.expect(200);
    assert_eq!(
        (&list["items"][0]["status"], &list["items"][1]["status"]),
        (&json!(403), &json!(202))
    );
    assert_eq!(list["items"][1]["instance"], "sn-b");

    for path in [
        "/api/v1/controls/control-own/ticket?instance=default",
        "/api/v1/acknowledgements?instance=default",
        "/api/v1/tickets?instance=default",
        "/api/v1/links/42?instance=default",
    ] {
        get(&world, "sn-b", path).await.problem(403, "forbidden");
    }
    for path in
        ["/api/v1/controls/control-own/ticket", "/api/v1/acknowledgements/1", "/api/v1/links/42"]
    {
        get(&world, "sn-b", path).await.problem(404, "not-found");
    }
    for path in ["/api/v1/tickets", "/api/v1/links"] {
        let items = get(&world, "sn-b", path).await.expect(200);
        assert_eq!(items["items"], json!([]), "{path}");
    }
    let inbox = get(&world, "sn-b", ACKNOWLEDGEMENTS).await.expect(200);
    let inbox = inbox["items"].as_array().unwrap();
    // What it may not do is kept as its own.
    let rejected = inbox.iter().filter(|row| row["state"] == "rejected");
    assert_eq!((inbox.len(), rejected.count()), (4, 2));
    assert!(inbox.iter().all(|row| row["instance"] == "sn-b"), "{inbox:?}");
    world.finish().await;
}

#[tokio::test]
async fn beyond_loopback_the_bridge_listens_with_tokens_only() {
    let mut world = World::start().await;
    world.stop_bridge().await;
    let everywhere = async || tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let open = App::build(world.config.clone(), Clock::system(), everywhere().await).await;
    let error = open.unwrap_err();
    assert!(matches!(error, StartError::Open(address) if address.ip().is_unspecified()), "{error}");
    assert!(error.to_string().contains("there is no token: anyone could post"), "{error}");
    world.config.auth.tokens = vec![token("ingest", &[Scope::Ingest])];
    App::build(world.config.clone(), Clock::system(), everywhere().await).await.unwrap();
    world.finish().await;
}

/// Sends the beginning of a post, and waits until the bridge wants the rest of it.
async fn begun(world: &World, token: &str, length: usize) -> TcpStream {
    let address = world.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {ACKNOWLEDGEMENTS} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\
         expect: 100-continue\r\n\r\n",
        secret(token)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn a_flood_of_one_token_leaves_room_for_the_others() {
    let world = world().await;
    // As much as one token may have under way.
    let begun = begun(&world, "admin", 8 << 20).await;
    let event_that_waits = event("waits");
    let mut waiting = Box::pin(ask(&world, "admin", "POST", ACKNOWLEDGEMENTS, &event_that_waits));
    for key in ["one", "two"] {
        let event = event(key);
        let other = ask(&world, "ingest", "POST", ACKNOWLEDGEMENTS, &event);
        tokio::select! {
            biased;
            answer = &mut waiting => panic!("it had to wait: {}", answer.text),
            answer = other => drop(answer.expect(201)),
        }
    }
    // Reads are not held up.
    get(&world, "admin", "/api/v1/tickets").await.expect(200);
    drop(begun);
    waiting.await.expect(201);
    world.finish().await;
}
