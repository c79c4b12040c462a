//! Who may call what, and what nobody gets to see.

use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::{App, StartError},
    clock::Clock,
    config::{AutoLink, Config, Scope, Token},
    sandbox,
    web::hash_token,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

/// The token of this name.
fn secret(name: &str) -> String {
    format!("{name}-5f1d7c9e0b3a4e6f8a2c")
}

fn token(name: &str, scopes: &[Scope]) -> Token {
    let hash = hash_token(&secret(name));
    Token { name: name.to_owned(), hash, scopes: scopes.to_vec(), instance: None, companies: None }
}

fn limited(name: &str, scopes: &[Scope]) -> Token {
    Token { companies: Some(vec!["id:42".to_owned()]), ..token(name, scopes) }
}

/// Demo is company 42, ACME Logistics company 43; each has one ticket.
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
            limited("demo", &[Scope::Ingest, Scope::Read]),
            limited("demo-admin", &[Scope::Admin]),
        ];
    };
    let mut world = World::with(sandbox::Options::default(), tokens).await;
    world.token = Some(secret("admin"));
    world.link_demo().await;
    world.link(43, json!({"organization": "ACME Logistics", "team": "Helpdesk"})).await;
    world.acknowledge(&event("own")).await.expect(201);
    world.acknowledge(&of_acme("foreign")).await.expect(201);
    world.token = None;
    world
}

fn of_acme(key: &str) -> Value {
    with(event(key), "/company", json!({"id": 43, "name": "ACME Logistics"}))
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

/// Every call that needs a token: method, path, body, scope.
fn calls() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let (none, reason) = (Value::Null, json!({"reason": "test"}));
    vec![
        ("POST", ACKNOWLEDGEMENTS, event("own"), "ingest"),
        ("POST", "/api/v1/acknowledgements/preview", event("own"), "ingest"),
        ("GET", ACKNOWLEDGEMENTS, none.clone(), "read"),
        ("GET", "/api/v1/acknowledgements/1", none.clone(), "read"),
        ("GET", "/api/v1/controls/control-own/ticket", none.clone(), "read"),
        ("GET", "/api/v1/tickets", none.clone(), "read"),
        ("GET", "/api/v1/tickets/I-000109", none.clone(), "read"),
        ("POST", "/api/v1/tickets/lookup", json!({"items": []}), "read"),
        ("GET", "/api/v1/companies", none.clone(), "read"),
        ("GET", "/api/v1/teams", none.clone(), "read"),
        ("GET", "/api/v1/companies/3/contacts", none.clone(), "read"),
        ("GET", "/api/v1/companies/3/teams", none.clone(), "read"),
        ("GET", "/api/v1/companies/3/services", none.clone(), "read"),
        ("GET", "/api/v1/companies/3/cis", none.clone(), "read"),
        ("GET", "/api/v1/links", none.clone(), "read"),
        ("GET", "/api/v1/links/42", none.clone(), "read"),
        ("GET", "/api/v1/links/42/effective", none.clone(), "read"),
        ("GET", "/api/v1/links/42/sites/1/effective", none.clone(), "read"),
        ("GET", "/api/v1/links/unlinked", none.clone(), "admin"),
        ("PUT", "/api/v1/links/42", json!({"organization": "Demo"}), "admin"),
        ("PUT", "/api/v1/links/42/sites/1", json!({"organization": "Demo"}), "admin"),
        ("DELETE", "/api/v1/links/42/sites/1", none.clone(), "admin"),
        ("POST", "/api/v1/acknowledgements/1/retry", none.clone(), "admin"),
        ("POST", "/api/v1/acknowledgements/1/discard", reason, "admin"),
    ]
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
    for (method, path, body, _) in calls() {
        let method: Method = method.parse().unwrap();
        for headers in headers {
            let body = (!body.is_null()).then(|| body.to_string());
            let answer = world.send(method.clone(), path, headers, body).await;
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
async fn each_scope_opens_its_calls_and_admin_all() {
    let world = world().await;
    for (method, path, body, scope) in calls() {
        for name in ["ingest", "read", "admin"] {
            let answer = ask(&world, name, method, path, &body).await;
            if name == scope || name == "admin" {
                assert!(![401, 403].contains(&answer.status), "{name}: {method} {path}");
                assert!(answer.status < 500, "{name}: {method} {path}: {}", answer.text);
            } else {
                let detail = answer.problem(403, "forbidden");
                assert_eq!(detail, format!("The token '{name}' lacks the scope '{scope}'."));
            }
        }
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
async fn a_token_of_some_companies_sees_no_others() {
    let world = world().await;
    let foreign = get(&world, "admin", "/api/v1/controls/control-foreign/ticket").await.expect(200);
    let number = foreign["ticket"]["ref"].as_str().unwrap();
    let of_number = format!("/api/v1/tickets/{number}");
    for token in ["demo", "demo-admin"] {
        for (path, unknown) in [
            ("/api/v1/acknowledgements/2", "/api/v1/acknowledgements/9"),
            ("/api/v1/controls/control-foreign/ticket", "/api/v1/controls/control-9/ticket"),
            (&of_number, "/api/v1/tickets/I-999999"),
            ("/api/v1/links/43", "/api/v1/links/9"),
            ("/api/v1/links/43/effective", "/api/v1/links/9/effective"),
            ("/api/v1/companies/5002/contacts", "/api/v1/companies/9/contacts"),
            ("/api/v1/companies/5002/teams", "/api/v1/companies/9/teams"),
            ("/api/v1/companies/5002/services", "/api/v1/companies/9/services"),
            ("/api/v1/companies/5002/cis", "/api/v1/companies/9/cis"),
        ] {
            // What it must not see looks like what there is not, but for its name.
            let answer = get(&world, token, path).await;
            let detail = answer.problem(404, "not-found");
            let other = get(&world, token, unknown).await.problem(404, "not-found");
            let nameless =
                |text: &str| text.replace(|c: char| c.is_ascii_digit(), "").replace("foreign", "");
            assert_eq!(nameless(&detail), nameless(&other), "{path}");
            get(&world, "admin", path).await.expect(200);
        }
        for (path, pointer, own) in [
            (ACKNOWLEDGEMENTS, "/company/key", json!("id:42")),
            ("/api/v1/tickets", "/company", json!("id:42")),
            ("/api/v1/links", "/company", json!("id:42")),
            ("/api/v1/companies", "/id", json!("3")),
        ] {
            let list = get(&world, token, path).await.expect(200);
            let seen: Vec<_> = list["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item.pointer(pointer))
                .collect();
            assert_eq!(seen, [Some(&own)], "{path}");
            let all = get(&world, "admin", path).await.expect(200);
            assert!(all["items"].as_array().unwrap().len() > 1, "{path}");
        }
        let named = get(&world, token, "/api/v1/tickets?company=id:43").await.expect(200);
        assert_eq!(named["items"], json!([]));
        let asked = json!({"items": [
            {"control": "control-foreign"}, {"ref": number}, {"control": "control-own"}
        ]});
        let found = ask(&world, token, "POST", "/api/v1/tickets/lookup", &asked).await.expect(200);
        assert_eq!(
            found["items"][0],
            json!({"control": {"id": "control-foreign"}, "ticket": null})
        );
        assert_eq!(found["items"][1], json!({"ref": number, "items": []}));
        assert_eq!(found["items"][2]["ticket"]["open"], true);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_token_of_some_companies_changes_no_others() {
    let world = world().await;
    let post = async |body: &Value| ask(&world, "demo", "POST", ACKNOWLEDGEMENTS, body).await;
    let detail = post(&of_acme("new")).await.problem(403, "forbidden");
    assert_eq!(detail, "The token 'demo' is not for company 'ACME Logistics' (id:43).");
    // The same company by another key is another company.
    let by_name = with(event("new"), "/company", json!("Demo"));
    post(&by_name).await.problem(403, "forbidden");
    let preview = "/api/v1/acknowledgements/preview";
    ask(&world, "demo", "POST", preview, &of_acme("new")).await.problem(403, "forbidden");
    let list = post(&json!([of_acme("new"), event("new")])).await.expect(200);
    assert_eq!(
        (&list["items"][0]["status"], &list["items"][1]["status"]),
        (&json!(403), &json!(202))
    );

    // The key of another company's event is taken, and nothing more is told of it.
    let taken = event("foreign");
    let conflict = post(&taken).await;
    conflict.problem(409, "conflict");
    let in_list = post(&json!([taken])).await.expect(200);
    for document in [&conflict.body, &in_list["items"][0]] {
        assert_eq!(document["status"], 409);
        assert_eq!(document["acknowledgement"], json!(null));
        assert!(!document.to_string().contains("ACME"), "{document}");
        assert!(!document["detail"].as_str().unwrap().contains("(acknowledgement"), "{document}");
    }
    let own = with(event("own"), "/ticket/new", json!(true));
    assert_eq!(post(&own).await.expect(409)["acknowledgement"]["id"], 1);

    for (method, path, body) in [
        ("POST", "/api/v1/acknowledgements/2/retry", Value::Null),
        ("POST", "/api/v1/acknowledgements/2/discard", json!({"reason": "x"})),
        ("PUT", "/api/v1/links/43", json!({"organization": "Demo"})),
        ("DELETE", "/api/v1/links/43", Value::Null),
    ] {
        ask(&world, "demo-admin", method, path, &body).await.problem(404, "not-found");
    }
    let link = get(&world, "admin", "/api/v1/links/43").await.expect(200);
    assert_eq!(link["organization"]["name"], "ACME Logistics");

    // The control has moved to another company: what waits there is not told.
    let moved = with(event("moved"), "/company", json!({"id": 77, "name": "ACME Retail"}));
    let moved = with(moved, "/control/id", json!("control-own"));
    ask(&world, "admin", "POST", ACKNOWLEDGEMENTS, &moved).await.expect(202);
    let path = "/api/v1/controls/control-own/ticket";
    let seen = get(&world, "demo", path).await.expect(200);
    assert_eq!((&seen["pending"], &seen["ticket"]["open"]), (&json!(null), &json!(true)));
    assert!(!get(&world, "admin", path).await.expect(200)["pending"].is_null());

    // Who waits for a link is told of its own companies alone.
    let waits = with(event("waits"), "/company", json!({"id": 77, "name": "ACME Retail"}));
    ask(&world, "admin", "POST", ACKNOWLEDGEMENTS, &waits).await.expect(202);
    let unlinked = async |token: &str| {
        let answer = get(&world, token, "/api/v1/links/unlinked").await.expect(200);
        answer["items"].as_array().unwrap().len()
    };
    assert_eq!((unlinked("admin").await, unlinked("demo-admin").await), (1, 0));
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

#[tokio::test]
async fn a_token_of_some_companies_links_none_by_the_name_it_gives() {
    let scopes = [Scope::Ingest, Scope::Read];
    let mut world = World::with(sandbox::Options::default(), |config| {
        config.links.auto = AutoLink::ExactName;
        config.auth.tokens = vec![limited("guessing", &scopes)];
    })
    .await;
    world.token = Some(secret("guessing"));
    let other = with(event("guess"), "/company", json!({"id": 42, "name": "ACME Logistics"}));
    let row = world.acknowledge(&other).await.expect(202);
    assert_eq!(row["problem"]["code"], "company-not-linked");
    let preview = world.post("/api/v1/acknowledgements/preview", &other).await.expect(200);
    assert_eq!(preview["outcome"], "blocked");
    world.get("/api/v1/links/42").await.problem(404, "not-found");
    assert_eq!(world.get("/api/v1/companies").await.expect(200)["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_company_that_a_token_is_limited_to_is_one_however_its_name_is_written() {
    let scopes = [Scope::Ingest, Scope::Read, Scope::Admin];
    let mut world = World::with(sandbox::Options::default(), |config| {
        let companies = Some(vec!["name:Espace  Double".to_owned()]);
        config.auth.tokens =
            vec![Token { companies, ..token("espace", &scopes) }, token("all", &scopes)];
    })
    .await;
    let named = |key, name| with(event(key), "/company", json!(name));
    world.token = Some(secret("all"));
    world.acknowledge(&named("foreign", "Espace-double")).await.expect(202);
    world.token = Some(secret("espace"));
    let own = world.acknowledge(&named("own", "espâce double")).await.expect(202);
    world.acknowledge(&named("other", "Espace-double")).await.problem(403, "forbidden");
    world.link("name:ESPACE%20DOUBLE", json!({"organization": "Demo"})).await;
    world.until_state(&own["id"], "created").await;
    let counted =
        async |path: &str| world.get(path).await.expect(200)["items"].as_array().unwrap().len();
    assert_eq!(counted("/api/v1/links").await, 1);
    assert_eq!(counted(ACKNOWLEDGEMENTS).await, 1);
    assert_eq!(counted("/api/v1/tickets").await, 1);
    assert_eq!(counted("/api/v1/tickets?company=name:Espace%20double").await, 1);
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
