//! Posts that are signed by the Standard Webhooks scheme.

use std::time::Duration;

use itop_sandbox::Options;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Config, Scope, Token},
    domain::standard_webhooks::{Key, sign},
    secret::Secret,
};

use crate::{
    program::{command, output, text},
    world::{ACKNOWLEDGEMENTS, Answer, World, event, limited, token, with},
};

pub const OLD: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
pub const OTHER: &str = "whsec_QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=";

/// A sender that only signs.
fn signer(name: &str, secrets: &str) -> Token {
    signer_for(Scope::Ingest, name, secrets)
}

/// The same for something else.
pub fn signer_for(scope: Scope, name: &str, secrets: &str) -> Token {
    Token {
        name: name.to_owned(),
        scopes: vec![scope],
        signing_secret: Some(Secret::new(secrets.to_owned())),
        ..Token::default()
    }
}

async fn world(tokens: impl FnOnce(&mut Vec<Token>)) -> World {
    let change = |config: &mut Config| {
        config.auth.tokens = vec![token("all", &[Scope::Admin]), signer("sender", OLD)];
        tokens(&mut config.auth.tokens);
    };
    let mut world = World::with(Options::default(), change).await;
    world.token = Some("all".to_owned());
    world.link_demo().await;
    world
}

/// A post: its id, when it is signed, in seconds from now, and by which secrets.
pub struct Post<'p> {
    id: &'p str,
    pub later: i64,
    pub secrets: &'p [&'p str],
    bearer: Option<&'p str>,
    body: String,
}

pub fn post<'p>(id: &'p str, body: &Value) -> Post<'p> {
    Post { id, later: 0, secrets: &[OLD], bearer: None, body: body.to_string() }
}

impl Post<'_> {
    async fn send(self, world: &World) -> Answer {
        self.send_to(world, ACKNOWLEDGEMENTS).await
    }

    pub async fn send_to(self, world: &World, path: &str) -> Answer {
        let at = world.clock.now().as_second() + self.later;
        let of =
            |secret: &&str| sign(&Key::parse(secret).unwrap(), self.id, at, self.body.as_bytes());
        let signatures: Vec<_> = self.secrets.iter().map(of).collect();
        let mut request = world
            .http
            .post(format!("{}{path}", world.base))
            .header("content-type", "application/json")
            .header("prefer", "wait=20")
            .header("webhook-id", self.id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signatures.join(" "));
        if let Some(bearer) = self.bearer {
            request = request.bearer_auth(bearer);
        }
        Answer::read(request.body(self.body).send().await.unwrap()).await
    }
}

async fn rejected(world: &World) -> Vec<Value> {
    let rows = world.get("/api/v1/acknowledgements?state=rejected&limit=1000").await.expect(200);
    rows["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_signature_is_as_good_as_a_token() {
    let world = world(|_| {}).await;
    let created = post("msg_1", &event("one")).send(&world).await.expect(201);
    assert_eq!(created["state"], "created");
    let preview = post("msg_2", &event("two"));
    let preview = preview.send_to(&world, "/api/v1/acknowledgements/preview").await.expect(200);
    assert_eq!(preview["outcome"], "created");
    // It posts and does nothing else: no other call looks at a signature.
    let lookup =
        post("msg_3", &json!({"items": []})).send_to(&world, "/api/v1/tickets/lookup").await;
    lookup.problem(401, "unauthorized");
    let list =
        post("msg_4", &json!([event("three"), event("four")])).send(&world).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_wrong_signature_is_refused_and_leaves_nothing() {
    let world = world(|_| {}).await;
    let other_secret = Post { secrets: &[OTHER], ..post("msg_1", &event("one")) };
    other_secret.send(&world).await.problem(401, "wrong-signature");
    let at = world.clock.now().as_second();
    let body = event("one").to_string();
    let key = Key::parse(OLD).unwrap();
    let right = sign(&key, "msg_1", at, body.as_bytes());
    let send = async |headers: &[(&str, &str)], body: &str| {
        let url = format!("{}{ACKNOWLEDGEMENTS}", world.base);
        let mut request = world.http.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.body(body.to_owned()).send().await.unwrap()).await
    };
    let now = at.to_string();
    let (id, time, signature) = (
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", now.as_str()),
        ("webhook-signature", right.as_str()),
    );
    let later = (at + 1).to_string();
    for (headers, body) in [
        // Each part of what is signed is another one.
        (vec![("webhook-id", "msg_2"), time, signature], body.clone()),
        (vec![id, ("webhook-timestamp", &later), signature], body.clone()),
        (vec![id, time, signature], body.replace("Disk C:", "Disk D:")),
        (vec![id, time, ("webhook-signature", "v1,AAAA")], body.clone()),
        // One is missing, stands there twice, or is none.
        (vec![time, signature], body.clone()),
        (vec![id, signature], body.clone()),
        (vec![id, id, time, signature], body.clone()),
        (vec![id, time, signature, signature], body.clone()),
        (vec![id, ("webhook-timestamp", "now"), signature], body.clone()),
    ] {
        let answer = send(&headers, &body).await;
        answer.problem(401, "wrong-signature");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(!answer.text.contains(&right[3..]), "{}", answer.text);
    }
    send(&[id, time], &body).await.problem(401, "unauthorized");
    let all = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    assert_eq!(all["items"], json!([]));
    send(&[id, time, signature], &body).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_sender_whose_clock_is_wrong_loses_nothing() {
    let world = world(|_| {}).await;
    for (key, later) in [("old", -301), ("ahead", 302)] {
        let wrong = Post { later, ..post(key, &event(key)) };
        let detail = wrong.send(&world).await.problem(401, "wrong-time");
        assert!(detail.contains("Set the clock of the sender"), "{detail}");
        let rows = rejected(&world).await;
        assert_eq!(rows[0]["problem"], json!({"code": "wrong-time", "message": detail}));
        assert_eq!(rows[0]["event_id"], format!("event-{key}"));
    }
    // However often it tries, it lies there once.
    for _ in 0..3 {
        Post { later: -400, ..post("old", &event("old")) }
            .send(&world)
            .await
            .problem(401, "wrong-time");
    }
    assert_eq!(rejected(&world).await.len(), 2);
    // A signature that is wrong too leaves nothing at all.
    let forged = Post { later: -400, secrets: &[OTHER], ..post("forged", &event("forged")) };
    forged.send(&world).await.problem(401, "wrong-signature");
    assert_eq!(rejected(&world).await.len(), 2);
    // Within the bounds, and once its clock is set, it is taken.
    Post { later: 299, ..post("near", &event("near")) }.send(&world).await.expect(201);
    post("old", &event("old")).send(&world).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_known_id_is_answered_as_before_or_refused() {
    let mut world = world(|tokens| tokens.push(signer("another", OTHER))).await;
    // Without a key of its own, and without a time: what tells it from others is when it came.
    let bare = ["/event_id", "/created_at", "/control/status_changed_at"]
        .iter()
        .fold(event("bare"), |event, member| with(event, member, Value::Null));
    let first = post("msg_1", &bare).send(&world).await.expect(201);
    for hours in [0, 1, 30] {
        world.clock.advance(Duration::from_hours(hours));
        let again = post("msg_1", &bare).send(&world).await.expect(200);
        assert_eq!(
            (&again["id"], &again["ticket"]["ref"]),
            (&first["id"], &first["ticket"]["ref"])
        );
    }
    // Also after a restart.
    world.stop_bridge().await;
    world.start_bridge().await;
    assert_eq!(post("msg_1", &bare).send(&world).await.expect(200)["id"], first["id"]);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    // What would be the same event by all that counts elsewhere.
    let other = with(bare.clone(), "/acknowledgement/comment", json!("another comment"));
    let detail = post("msg_1", &other).send(&world).await.problem(409, "conflict");
    assert!(detail.contains("webhook-id 'msg_1'"), "{detail}");
    let rows = rejected(&world).await;
    assert_eq!((rows.len(), &rows[0]["problem"]["code"]), (1, &json!("conflict")));
    // Another sender's ids are its own.
    let elsewhere = Post { secrets: &[OTHER], ..post("msg_1", &event("other")) };
    elsewhere.send(&world).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_key_takes_the_place_of_another() {
    let mut world = world(|_| {}).await;
    let by = |id, secrets| Post { secrets, ..post(id, &event(id)) };
    by("new", &[NEW]).send(&world).await.problem(401, "wrong-signature");
    // Both are good while senders are changed; and a sender may sign by both.
    let rotated = |secrets: &str| signer("sender", secrets);
    world.config.auth.tokens[1] = rotated(&format!("{NEW} {OLD}"));
    assert!(!world.reload().await.unwrap());
    by("new", &[NEW]).send(&world).await.expect(201);
    by("old", &[OLD]).send(&world).await.expect(201);
    by("both", &[OTHER, OLD]).send(&world).await.expect(201);
    world.config.auth.tokens[1] = rotated(NEW);
    assert!(!world.reload().await.unwrap());
    by("late", &[OLD]).send(&world).await.problem(401, "wrong-signature");
    by("late", &[OLD, NEW]).send(&world).await.expect(201);
    // The new key is the same sender: it knows its ids.
    by("old", &[NEW]).send(&world).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn beside_a_token_both_must_be_right() {
    let world = world(|tokens| {
        let both = Token {
            signing_secret: Some(Secret::new(NEW.to_owned())),
            ..token("both", &[Scope::Ingest])
        };
        tokens.extend([
            both,
            token("plain", &[Scope::Ingest]),
            limited("acme", &[Scope::Ingest], "acme", &["id:7"]),
        ]);
        tokens.last_mut().unwrap().signing_secret = Some(Secret::new(OTHER.to_owned()));
    })
    .await;
    let by = |id, bearer, secrets| Post { secrets, bearer, ..post(id, &event(id)) };
    by("a", Some("both"), &[NEW]).send(&world).await.expect(201);
    by("b", None, &[NEW]).send(&world).await.expect(201);
    by("c", Some("both"), &[OLD]).send(&world).await.problem(401, "wrong-signature");
    by("c", Some("nobody"), &[NEW]).send(&world).await.problem(401, "unauthorized");
    // Half a signature is none.
    let half = world.http.post(format!("{}{ACKNOWLEDGEMENTS}", world.base)).bearer_auth("both");
    let half = half
        .header("webhook-signature", "v1,AAAA")
        .header("content-type", "application/json")
        .body(event("c").to_string());
    Answer::read(half.send().await.unwrap()).await.problem(401, "wrong-signature");
    // A token that never signs: what somebody signs on the way is theirs.
    by("d", Some("plain"), &[OTHER]).send(&world).await.expect(201);
    // Whoever signs may do what its entry says.
    let detail = by("e", None, &[OTHER]).send(&world).await.problem(403, "forbidden");
    assert!(detail.contains("'acme'"), "{detail}");
    world.finish().await;
}

#[tokio::test]
async fn send_signs_anew_at_each_attempt() {
    let world = world(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (secret, spool) = (file("secret", OLD), folder.path().join("spool"));
    let input = file("event.json", &event("one").to_string());
    let send = |url: &str, more: &[&str]| {
        let mut send = command(&["send", "--url", url, "--spool", spool.to_str().unwrap()]);
        send.args(["--signing-secret-file", &secret, "--timeout", "2s"]).args(more);
        send.stdin(std::fs::File::open(&input).unwrap());
        output(send)
    };
    let kept = send("http://127.0.0.1:9", &[]).await;
    assert!(text(&kept).contains("kept in"), "{}", text(&kept));
    // To the bridge it is later than the sender thinks: it waits there until the clock is right.
    world.clock.step(jiff::SignedDuration::from_hours(1));
    let late = send(&world.base, &["--flush"]).await;
    assert!(!late.status.success() && text(&late).contains("1 wait: 401"), "{}", text(&late));
    assert_eq!(rejected(&world).await.len(), 1);
    world.clock.step(jiff::SignedDuration::from_hours(-1));
    let flushed = send(&world.base, &["--flush"]).await;
    assert!(flushed.status.success(), "{}", text(&flushed));
    let again = send(&world.base, &[]).await;
    assert!(again.status.success(), "{}", text(&again));
    let rows = world.get("/api/v1/acknowledgements?control=control-one").await.expect(200);
    let states: Vec<_> =
        rows["items"].as_array().unwrap().iter().map(|row| row["state"] != "rejected").collect();
    assert_eq!(states, [true, false], "{rows}");
    let wrong = file("wrong", "not a secret");
    let mut wrong_secret =
        command(&["send", "--url", &world.base, "--flush", "--spool", spool.to_str().unwrap()]);
    wrong_secret.args(["--signing-secret-file", &wrong]);
    let told = text(&output(wrong_secret).await);
    assert!(
        told.contains("the signing secret must be 'whsec_'") && !told.contains("not a secret"),
        "{told}"
    );
    world.finish().await;
}

#[tokio::test]
async fn the_command_makes_a_secret_that_the_bridge_takes() {
    let made = text(&output(command(&["token", "--signing", "--name", "zabbix"])).await);
    let secret = made.lines().find(|line| line.starts_with("whsec_")).unwrap();
    assert!(Key::parse(secret).is_ok());
    assert!(made.contains("name = \"zabbix\"") && made.contains("scopes = [\"ingest\"]"), "{made}");
    let of_itop = text(&output(command(&["token", "--signing", "--scope", "changes"])).await);
    assert!(of_itop.contains("scopes = [\"changes\"]"), "{of_itop}");
}
