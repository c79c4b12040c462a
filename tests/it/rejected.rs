//! Whatever is refused of a known sender is kept, counted and told, within bounds.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use itop_sandbox::Options;
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, limited, token, with};

async fn rejected(world: &World) -> Vec<Value> {
    let rows = world.get("/api/v1/acknowledgements?state=rejected&limit=1000").await.expect(200);
    rows["items"].as_array().unwrap().clone()
}

async fn counted(world: &World) -> u64 {
    world.get("/readyz").await.expect(200)["inbox"]["rejected"].as_u64().unwrap()
}

async fn post(world: &World, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let mut request = world.http.post(format!("{}{ACKNOWLEDGEMENTS}", world.base));
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    if let Some(token) = &world.token {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.body(body.into()).send().await.unwrap()).await
}

/// An event that is larger than one may be.
fn too_large(key: &str) -> Value {
    with(event(key), "/control/output", json!("line of a log\n".repeat(24_000)))
}

fn broken(key: &str) -> String {
    event(key).to_string().replace("Disk C:", "Disk \"C:\"")
}

#[tokio::test]
async fn each_kind_of_refusal_leaves_a_row_that_says_what_it_was() {
    let world = World::linked().await;
    world.acknowledge(&event("known")).await.expect(201);
    let wrong = with(event("wrong"), "/control/state", json!("ON FIRE"));
    let conflict = with(event("known"), "/ticket/new", json!(true));
    let recovery = with(event("large"), "/event_type", json!("recovery"));
    let recovery = with(recovery, "/control/output", json!("x".repeat(300_000)));
    // Headers, body, status, code, and which control could be read.
    let plain = [("content-type", "text/plain")];
    let packed = [("content-encoding", "br")];
    let cases = [
        (&[][..], wrong.to_string(), 422, "invalid", "wrong"),
        (&[], conflict.to_string(), 409, "conflict", "known"),
        (&[], recovery.to_string(), 413, "too-large", "large"),
        (&plain, event("plain").to_string(), 415, "unsupported-media-type", "plain"),
        (&packed, event("packed").to_string(), 415, "unsupported-media-type", "packed"),
        (&[], broken("broken"), 400, "unreadable", "broken"),
    ];
    for (number, (headers, body, status, code, control)) in cases.into_iter().enumerate() {
        let answer = post(&world, headers, body.clone()).await;
        let detail = answer.problem(status, code);
        let rows = rejected(&world).await;
        assert_eq!(rows.len(), number + 1, "{code}");
        let row = &rows[0];
        assert_eq!(row["problem"], json!({"code": code, "message": detail}));
        assert_eq!(row["event_id"], format!("event-{control}"));
        assert_eq!(row["company"], json!({"key": "id:42", "name": "Demo"}));
        // Of a broken one what stands before the mistake.
        let name = if control == "broken" { Value::Null } else { json!("Disk C:") };
        assert_eq!(row["control"], json!({"id": format!("control-{control}"), "name": name}));
        let kind = if control == "large" { "recovery" } else { "acknowledgement" };
        assert_eq!(row["event_type"], kind);
        let whole = world.get(row["links"]["self"].as_str().unwrap()).await.expect(200);
        let kept = whole["body"].as_str().map_or_else(|| whole["body"].to_string(), str::to_owned);
        assert!(body.starts_with(&kept) && kept.len() <= 16 * 1024, "{kept}");
    }
    assert_eq!(counted(&world).await, 6);
    // None of them is what is known of a control.
    let known = world.get("/api/v1/controls/control-known/ticket").await.expect(200);
    assert_eq!((&known["pending"], &known["ticket"]["open"]), (&json!(null), &json!(true)));
    world.get("/api/v1/controls/control-wrong/ticket").await.expect(404);
    world.finish().await;
}

#[tokio::test]
async fn each_refused_item_of_a_list_leaves_a_row_and_spoils_no_other() {
    let world = World::linked().await;
    world.acknowledge(&event("known")).await.expect(201);
    let wrong = with(event("wrong"), "/control/state", json!("ON FIRE"));
    let conflict = with(event("known"), "/ticket/new", json!(true));
    let torn = event("torn").to_string().replace("Disk C:", "Disk \\ud83d");
    let list = format!("[{},{wrong},{conflict},{torn},{}]", too_large("large"), event("good"));
    let answer = post(&world, &[], list).await.expect(200);
    let statuses: Vec<_> =
        answer["items"].as_array().unwrap().iter().map(|item| item["status"].clone()).collect();
    assert_eq!(statuses, [413, 422, 409, 400, 202]);
    let rows = rejected(&world).await;
    let mut told: Vec<_> = rows
        .iter()
        .map(|row| (row["event_id"].as_str().unwrap_or("-"), row["problem"]["code"].as_str()))
        .collect();
    told.sort_unstable();
    let expected = [
        ("event-known", Some("conflict")),
        ("event-large", Some("too-large")),
        ("event-torn", Some("unreadable")),
        ("event-wrong", Some("invalid")),
    ];
    assert_eq!(told, expected);
    world.until_state(&answer["items"][4]["id"], "created").await;

    // A list that cannot be taken as a whole is one row.
    for list in [format!("[{}", event("cut")), json!(vec![1; 1_001]).to_string()] {
        assert!(post(&world, &[], list).await.status >= 400);
    }
    assert_eq!(counted(&world).await, 6);
    world.finish().await;
}

#[tokio::test]
async fn what_a_token_may_not_post_is_kept_in_its_own_instance() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![
            token("admin", &[Scope::Admin]),
            token("default-reader", &[Scope::Read]),
            limited("sn-a", &[Scope::Ingest], "sn-a", &["id:42"]),
        ];
        config.auth.tokens[1].instance = Some("default".to_owned());
    })
    .await;
    let foreign = with(event("foreign"), "/company", json!({"id": 43, "name": "Other"}));
    let elsewhere = with(event("elsewhere"), "/source", json!({"instance": "sn-b"}));
    world.token = Some("sn-a".to_owned());
    for event in [&foreign, &elsewhere] {
        post(&world, &[], event.to_string()).await.problem(403, "forbidden");
    }
    let list = json!([event("own"), foreign, elsewhere]);
    let answer = post(&world, &[], list.to_string()).await.expect(200);
    let statuses = [0, 1, 2].map(|place| answer["items"][place]["status"].as_u64().unwrap());
    assert_eq!(statuses, [202, 403, 403]);

    world.token = Some("admin".to_owned());
    let rows = rejected(&world).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |pointer| row.pointer(pointer).unwrap().as_str().unwrap();
            (text("/instance"), text("/event_id"), text("/company/key"), text("/problem/code"))
        })
        .collect();
    let of_foreign = ("sn-a", "event-foreign", "id:43", "forbidden");
    let of_elsewhere = ("sn-a", "event-elsewhere", "id:42", "forbidden");
    assert_eq!(told, [of_elsewhere, of_foreign, of_elsewhere, of_foreign]);
    // Nobody puts a row into the inbox of another installation.
    world.token = Some("default-reader".to_owned());
    assert_eq!(rejected(&world).await, [json!(null); 0]);
    world.finish().await;
}

#[tokio::test]
async fn a_day_keeps_so_many_rows_and_the_oldest_go_first() {
    let world = World::start().await;
    let wrong = |number: usize| json!({"event_id": number.to_string()});
    for batch in 0..3 {
        let list: Vec<_> = (0..1_000).map(|place| wrong(batch * 1_000 + place)).collect();
        post(&world, &[], json!(list).to_string()).await.expect(200);
    }
    assert_eq!(counted(&world).await, 2_000);
    assert_eq!(rejected(&world).await[0]["event_id"], "2999");
    let rows = async |control: &str| {
        let query = format!("/api/v1/acknowledgements?state=rejected&limit=1&cursor={control}");
        world.get(&query).await.expect(200)["items"].clone()
    };
    assert_eq!(rows("1001").await, json!([]));
    assert_eq!(rows("1002").await[0]["event_id"], "1000");

    // The next day has room of its own, and what was kept stays until it is purged.
    world.clock.advance(Duration::from_hours(24));
    post(&world, &[], json!([wrong(3_000)]).to_string()).await.expect(200);
    assert_eq!(counted(&world).await, 2_001);
    world.finish().await;
}

#[tokio::test]
async fn a_day_keeps_so_many_bytes() {
    let world = World::start().await;
    let wrong = json!({"event_id": "x", "title": "x".repeat(20_000)});
    let list = json!(vec![wrong; 350]).to_string();
    post(&world, &[], list).await.expect(200);
    let kept = counted(&world).await;
    // Each has 16 KiB of its body and a sentence.
    assert!((240..256).contains(&kept), "{kept}");
    world.finish().await;
}

/// What the bridge warns of, of all worlds of this process.
fn warnings() -> Arc<Mutex<Vec<u8>>> {
    static WARNINGS: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = WARNINGS.get_or_init(|| {
        let log = Arc::<Mutex<Vec<u8>>>::default();
        let kept = log.clone();
        // With RUST_LOG set the log goes to whoever looks on, and this test has nothing to look at.
        let _ = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
            .with_ansi(false)
            .with_writer(move || Log(kept.clone()))
            .try_init();
        log
    });
    log.clone()
}

#[tokio::test]
async fn each_refusal_is_warned_of_with_its_reason() {
    if std::env::var("RUST_LOG").is_ok() {
        return;
    }
    let warnings = warnings();
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens =
            vec![token("warned", &[Scope::Ingest]), token("blind", &[Scope::Read])];
    })
    .await;
    world.token = Some("warned".to_owned());
    let wrong = with(event("warned-422"), "/control/state", json!("ON\n2026 INFO fine"));
    post(&world, &[], json!([wrong]).to_string()).await.expect(200);
    post(&world, &[], json!([too_large("warned-413")]).to_string()).await.expect(200);
    post(&world, &[("content-type", "text/plain")], event("warned-415").to_string()).await;
    world.token = Some("blind".to_owned());
    post(&world, &[], event("blind").to_string()).await.problem(403, "forbidden");
    let log = String::from_utf8_lossy(&warnings.lock().unwrap()).into_owned();
    let line = |part: &str| {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(part)).collect();
        assert_eq!(lines.len(), 1, "{part}: {log}");
        lines[0]
    };
    for (event, code, reason) in [
        ("warned-422", "invalid", "'state' must be one of"),
        ("warned-413", "too-large", "at most 262144 bytes"),
        ("warned-415", "unsupported-media-type", "text/plain"),
    ] {
        let line = line(&format!("event_id=\"event-{event}\""));
        assert!(line.contains(" WARN ") && line.contains("token=\"warned\""), "{line}");
        assert!(line.contains(&format!("problem=\"{code}\"")) && line.contains(reason), "{line}");
        assert!(line.contains("company=\"id:42\""), "{line}");
    }
    assert!(line("token=\"blind\"").contains("lacks the scope"));
    world.finish().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_kept() {
    let world = World::start().await;
    let address = world.base.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let beginning = event("cut-off").to_string();
    write!(
        stream,
        "POST {ACKNOWLEDGEMENTS} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{beginning}",
        beginning.len() + 10
    )
    .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let row = world.until("it is kept", async || rejected(&world).await.first().cloned()).await;
    let sentence = row["problem"]["message"].as_str().unwrap();
    assert_eq!(sentence, format!("It broke off after {} bytes.", beginning.len()));
    assert_eq!(row["event_id"], "event-cut-off");
    let gone = world.send(Method::GET, "/readyz", &[], None).await;
    assert_eq!(gone.body["inbox"]["rejected"], 1);
    world.finish().await;
}
