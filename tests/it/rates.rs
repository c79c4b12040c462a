//! How often each caller may call, and that nobody but the one who calls too often notices.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use servicenav_itop_bridge::{
    config::{Config, Scope, Token},
    domain::standard_webhooks::{Key, sign},
    secret::Secret,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    metrics::{Sample, scrape},
    program::{command, output, text},
    serve::Serving,
    world::{ACKNOWLEDGEMENTS, Answer, World, event, token},
};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What a rate of one a second allows at once.
const ALLOWED: usize = 10;

/// A sender that may make one request a second, and its like in each way to post.
fn tokens() -> Vec<Token> {
    let seldom = |name: &str| Token { rate: Some(1), ..token(name, &[Scope::Ingest, Scope::Read]) };
    let in_path = Token { in_path: true, scopes: vec![Scope::Ingest], ..seldom("in-path") };
    let signs = Token {
        hash: String::new(),
        signing_secret: Some(Secret::new(SECRET.to_owned())),
        ..seldom("signs")
    };
    vec![seldom("seldom"), in_path, signs]
}

async fn world(change: impl FnOnce(&mut Config)) -> World {
    World::closed(tokens(), change).await
}

async fn post(world: &World, key: &str, how: &str) -> Answer {
    let body = event(key).to_string();
    let request = match how {
        "in-path" => world.http.post(format!("{}{ACKNOWLEDGEMENTS}/by/in-path", world.base)),
        "signs" => {
            let at = world.clock.now().as_second();
            let signature = sign(&Key::parse(SECRET).unwrap(), key, at, body.as_bytes());
            let request = world.http.post(format!("{}{ACKNOWLEDGEMENTS}", world.base));
            let request = request.header("webhook-id", key).header("webhook-timestamp", at);
            request.header("webhook-signature", signature)
        }
        token => world.http.post(format!("{}{ACKNOWLEDGEMENTS}", world.base)).bearer_auth(token),
    };
    let request = request.header("content-type", "application/json").header("prefer", "wait=0");
    let answer = Answer::read(request.body(body).send().await.unwrap()).await;
    crate::description::assert_described(&Method::POST, ACKNOWLEDGEMENTS, &answer);
    answer
}

/// Posts until one is refused; how many were taken, and the refusal. What a second gives back while that
/// goes on is taken too.
async fn until_refused(world: &World, how: &str) -> (usize, Answer) {
    for number in 0..5 * ALLOWED {
        let answer = post(world, &format!("{how}-{number}"), how).await;
        if answer.status == 429 {
            assert!(number >= ALLOWED, "{how}: {number}");
            return (number, answer);
        }
        answer.expect(202);
    }
    panic!("{how}: nothing was refused");
}

async fn rows(world: &World) -> usize {
    let rows = world.get(&format!("{ACKNOWLEDGEMENTS}?limit=1000")).await.expect(200);
    rows["items"].as_array().unwrap().len()
}

async fn refused(world: &World, by: &str) -> u64 {
    let samples = scrape(world).await;
    let name = "servicenav_bridge_requests_refused_by_rate_total";
    let counted = samples.iter().filter(|sample| sample.name == name && sample.has("by", by));
    counted.map(Sample::count).sum()
}

#[tokio::test]
async fn whoever_calls_too_often_is_told_when_to_come_again_and_loses_nothing() {
    let world = world(|_| {}).await;
    for how in ["seldom", "in-path", "signs"] {
        let before = rows(&world).await;
        let (taken, answer) = until_refused(&world, how).await;
        let detail = answer.problem(429, "too-many-requests");
        assert!(
            detail.contains(&format!("The token '{how}' may make 1 requests a second")),
            "{detail}"
        );
        let after: u64 = answer.header("retry-after").parse().unwrap();
        assert_eq!(after, 1, "{how}");
        assert_eq!(rows(&world).await, before + taken, "{how}");
        // As told.
        world.clock.advance(Duration::from_secs(after));
        post(&world, &format!("{how}-{taken}"), how).await.expect(202);
    }
    assert_eq!((refused(&world, "token").await, refused(&world, "address").await), (3, 0));
    world.finish().await;
}

#[tokio::test]
async fn the_storm_of_one_token_is_nothing_to_others_and_to_those_who_watch() {
    let mut world = world(|_| {}).await;
    world.token = Some("seldom".to_owned());
    let (mut statuses, mut late) = (Vec::new(), 0);
    while late < 2 * ALLOWED {
        let status = world.get("/api/v1/session").await.status;
        late += usize::from(status == 429);
        statuses.push(status);
    }
    assert_eq!(statuses[..ALLOWED], [200; ALLOWED]);
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    // Whoever watches would take a refusal for the end of the bridge.
    for path in ["/healthz", "/readyz", "/readyz/"] {
        world.get(path).await.expect(200);
    }
    world.token = Some("all".to_owned());
    for path in ["/", "/inbox", ACKNOWLEDGEMENTS, "/metrics"] {
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    world.acknowledge(&event("other")).await.expect(201);
    assert_eq!(refused(&world, "token").await, 2 * ALLOWED as u64);
    world.finish().await;
}

#[tokio::test]
async fn what_is_refused_is_refused_before_its_body() {
    let world = world(|_| {}).await;
    let address = world.base.trim_start_matches("http://");
    // Of the body nothing ever comes.
    let head = format!(
        "POST {ACKNOWLEDGEMENTS} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         authorization: Bearer seldom\r\ncontent-length: 1000000\r\n\r\n"
    );
    let mut waiting = Vec::new();
    let answer = loop {
        let mut sender = TcpStream::connect(address).await.unwrap();
        sender.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        // One that is taken is waited for.
        let read = tokio::time::timeout(Duration::from_millis(50), sender.read(&mut answer)).await;
        if let Ok(Ok(read)) = read {
            break String::from_utf8_lossy(&answer[..read]).into_owned();
        }
        waiting.push(sender);
        assert!(waiting.len() < 10 * ALLOWED, "none was refused");
    };
    assert!(answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(waiting.len() >= ALLOWED, "{}", waiting.len());
    assert_eq!(rows(&world).await, 0);
    drop(waiting);
    world.finish().await;
}

/// What an address without a token, or with a wrong one, is answered.
async fn stranger(world: &World, path: &str, token: Option<&str>, forwarded: &str) -> u16 {
    let mut request = world.http.get(format!("{}{path}", world.base));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if !forwarded.is_empty() {
        request = request.header("x-forwarded-for", forwarded);
    }
    request.send().await.unwrap().status().as_u16()
}

/// Whether all is used up: one that has its whole allowance is asked fewer times than that has.
async fn is_used_up(ask: impl AsyncFn() -> u16) -> bool {
    for _ in 0..ALLOWED - 1 {
        if ask().await == 429 {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn those_who_are_not_known_have_a_rate_for_each_address() {
    let world = world(|config| config.auth.rate_per_address = 1).await;
    for number in 0..ALLOWED {
        let token = format!("guess-{number}");
        assert_eq!(stranger(&world, "/api/v1/session", Some(&token), "").await, 401);
    }
    // Nobody is believed about where it comes from.
    for forwarded in ["", "203.0.113.9", "127.0.0.1"] {
        let guess = async || stranger(&world, "/api/v1/session", Some("guess"), forwarded).await;
        assert!(is_used_up(guess).await, "{forwarded}");
        assert!(is_used_up(async || stranger(&world, "/sign-in", None, forwarded).await).await);
    }
    assert_eq!(stranger(&world, "/healthz", None, "").await, 200);
    // Whoever has a token comes from there too.
    post(&world, "known", "seldom").await.expect(202);
    post(&world, "in-path", "in-path").await.expect(202);
    // What is signed says who has sent it only when it was read.
    assert!(is_used_up(async || post(&world, "signed", "signs").await.status).await);
    world.clock.advance(Duration::from_secs(1));
    assert!(post(&world, "signed", "signs").await.status < 300);
    assert_eq!(refused(&world, "address").await, 7);
    world.finish().await;
}

#[tokio::test]
async fn a_trusted_proxy_tells_which_address_it_is_and_nobody_else_does() {
    let world = world(|config| {
        config.auth.rate_per_address = 1;
        config.server.trusted_proxies = vec!["127.0.0.0/8".to_owned(), "10.0.0.0/8".to_owned()];
    })
    .await;
    let ask = async |forwarded: &str| stranger(&world, "/sign-in", None, forwarded).await;
    for number in 0..ALLOWED {
        // Whatever the client has written there before the proxy adds to it.
        let forged = format!("198.51.100.{number}, 203.0.113.9");
        assert_eq!(ask(&forged).await, 200);
    }
    for same in ["203.0.113.9", "198.51.100.77, 203.0.113.9", "203.0.113.9, 10.0.0.7"] {
        assert!(is_used_up(async || ask(same).await).await, "{same}");
    }
    for other in ["203.0.113.10", "203.0.113.9, 203.0.113.10", "", "2001:db8::1"] {
        assert_eq!(ask(other).await, 200, "{other}");
    }
    world.finish().await;
}

#[tokio::test]
async fn another_rate_holds_without_a_restart() {
    let mut world = world(|_| {}).await;
    world.token = Some("seldom".to_owned());
    // Up to what the next rate allows.
    let answered = async |world: &World| {
        let mut answered = 0;
        while answered < 100 && world.get("/api/v1/session").await.status == 200 {
            answered += 1;
        }
        answered / ALLOWED
    };
    assert_eq!(answered(&world).await, 1);
    world.config.auth.tokens[0].rate = Some(3);
    assert!(!world.reload().await.unwrap());
    assert_eq!(answered(&world).await, 3);
    world.config.auth.tokens[0].rate = None;
    world.config.auth.rate = 2;
    assert!(!world.reload().await.unwrap());
    assert_eq!(answered(&world).await, 2);
    world.finish().await;
}

#[tokio::test]
async fn send_keeps_what_comes_too_often_and_sends_it_later() {
    let mut world = world(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let (spool, file) = (folder.path().join("spool"), folder.path().join("token"));
    std::fs::write(&file, "seldom\n").unwrap();
    let program = |more: &[&str]| {
        let mut command = command(&["send", "--url", &world.base, "--spool"]);
        command.arg(&spool).arg("--token-file").arg(&file).args(more);
        command
    };
    let keep = async |key: &str| {
        let event = folder.path().join("event.json");
        std::fs::write(&event, event_text(key)).unwrap();
        let mut command = program(&[]);
        command.stdin(std::fs::File::open(&event).unwrap());
        let ended = output(command).await;
        assert!(ended.status.success(), "{}", text(&ended));
    };
    let events = || std::fs::read_dir(&spool).unwrap().filter(is_event).count();
    let mut key = String::new();
    let (mut taken, _) = until_refused(&world, "seldom").await;
    // What each second gives back is used up by somebody else of that token.
    let (http, session) = (world.http.clone(), format!("{}/api/v1/session", world.base));
    let others = tokio::spawn(async move {
        loop {
            http.get(&session).bearer_auth("seldom").send().await.unwrap();
        }
    });
    for attempt in 0..50 {
        // By chance it may have come first.
        key = format!("kept-{attempt}");
        keep(&key).await;
        if events() == 1 {
            break;
        }
        taken += 1;
    }
    others.abort();
    assert_eq!((events(), rows(&world).await), (1, taken));
    world.clock.advance(Duration::from_mins(1));
    let flushed = output(program(&["--flush"])).await;
    assert!(flushed.status.success(), "{}", text(&flushed));
    assert_eq!((events(), rows(&world).await), (0, taken + 1));
    world.token = Some("all".to_owned());
    world
        .until("it has its ticket", async || {
            let known = world.get(&format!("/api/v1/controls/control-{key}/ticket")).await;
            known.body["ticket"]["ref"].is_string().then_some(())
        })
        .await;
    world.finish().await;
}

fn event_text(key: &str) -> String {
    let event: Value = event(key);
    event.to_string()
}

fn is_event(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".json")
}

#[tokio::test]
async fn a_storm_is_one_line_in_the_log() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let hash = servicenav_itop_bridge::web::hash_token("storm");
    let more = format!(
        "[[auth.tokens]]\nname = 'of the storm'\nhash = '{hash}'\nscopes = ['ingest', 'read']\nrate = 1\n"
    );
    let config = crate::program::configuration(&world, folder.path(), &more);
    let serving = Serving::start(&world, &config).await;
    for number in 0..5 * ALLOWED {
        let request = world.http.post(format!("{}{ACKNOWLEDGEMENTS}", serving.base()));
        let request = request.bearer_auth("storm").header("content-type", "application/json");
        let request =
            request.header("prefer", "wait=0").body(event_text(&format!("storm-{number}")));
        request.send().await.unwrap();
    }
    let lines = serving.lines();
    let said = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
    assert_eq!(said("it calls more often than its rate allows"), 1, "{lines:#?}");
    assert_eq!(said("caller=\"token 'of the storm'\""), 1, "{lines:#?}");
    assert_eq!(said("status=429"), 0, "{lines:#?}");
    let answered = said("client=127.0.0.1 status=202");
    assert!((ALLOWED..3 * ALLOWED).contains(&answered), "{lines:#?}");
    serving.stop().await;
    world.finish().await;
}
