//! What answers in iTop's place can send back the request: the secrets in it are seen nowhere.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use itop_sandbox::{FaultKind, Options};
use reqwest::Method;
use servicenav_itop_bridge::{
    check::Finding,
    config::{ItopSection, LoginKind, Scope},
    secret::Secret,
};

use crate::{
    check::findings,
    world::{ACKNOWLEDGEMENTS, Answer, World, event, limited, token},
};

const PASSWORD: &str = "pa ss/wörd&1+2";
const TOKEN: &str = "itop-token-0123456789";
const FRONT: &str = "fr0nt/passw0rd";

/// Everything that a secret of these can look like.
fn forms(user: &str) -> Vec<String> {
    let mut forms = vec!["ss%2Fw".to_owned(), "ss/w".to_owned(), "ss\\/w".to_owned()];
    for secret in [PASSWORD, TOKEN, FRONT] {
        forms.push(secret.to_owned());
        forms.push(STANDARD.encode(secret));
        forms.push(STANDARD.encode(format!("{user}:{secret}")));
    }
    forms.push("fr0nt".to_owned());
    forms
}

/// Everything that tells something of iTop, without a token of the bridge and with one.
async fn answers(world: &World) -> Vec<String> {
    let mut answers = Vec::new();
    let mut add = |answer: Answer| answers.push(format!("{:?} {}", answer.headers, answer.text));
    add(world.get("/api/v1/teams?refresh=true").await);
    add(world.post(&format!("{ACKNOWLEDGEMENTS}/preview"), &event("preview")).await);
    let at_once = [("prefer", "wait=0")];
    let body = Some(event("row").to_string());
    add(world.send(Method::POST, ACKNOWLEDGEMENTS, &at_once, body).await);
    // It fails, or waits for a gate that is closed.
    let row = "/api/v1/acknowledgements/1";
    let tried = async || (!world.get(row).await.body["problem"].is_null()).then_some(());
    world.until("it says why it waits", tried).await;
    add(world.get(ACKNOWLEDGEMENTS).await);
    add(world.get("/api/v1/acknowledgements/1").await);
    add(world.get("/readyz").await);
    answers
}

#[tokio::test]
async fn a_page_that_shows_the_request_shows_no_secret() {
    let logins: [fn(&mut ItopSection); 4] = [
        |_| {},
        |itop| itop.login = LoginKind::Basic,
        |itop| {
            itop.login = LoginKind::Token;
            itop.token = Some(Secret::new(TOKEN.to_owned()));
        },
        |itop| {
            itop.front_user = Some("front".to_owned());
            itop.front_password = Some(Secret::new(FRONT.to_owned()));
        },
    ];
    let world = World::linked().await;
    for login in logins {
        for fault in [
            FaultKind::EchoPage { status: 200 },
            FaultKind::EchoPage { status: 403 },
            FaultKind::EchoPage { status: 500 },
            FaultKind::EchoMessage,
        ] {
            let mut other = World::with(Options::default(), |config| {
                config.itop.as_mut().unwrap().url = world.itop.url();
                config.itop.as_mut().unwrap().password = Some(Secret::new(PASSWORD.to_owned()));
                login(config.itop.as_mut().unwrap());
            })
            .await;
            world.itop.faults().clear();
            world.itop.faults().set(fault.clone(), true);
            other.token = None;
            let mut texts = answers(&other).await;
            let findings = findings(&other.config, &other.clock, None, false).await;
            texts.extend(findings.iter().map(Finding::to_string));
            let all = texts.join("\n");
            // It was shown to the bridge, and what is left of it is seen.
            assert!(all.contains("***"), "{fault:?}: {all}");
            for user in ["bridge", "front"] {
                for form in forms(user) {
                    assert!(!all.contains(&form), "{fault:?}: {form} in {all}");
                }
            }
            other.finish().await;
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn without_a_token_readiness_is_told_in_codes() {
    let world = World::with(Options::default(), |config| {
        config.auth.tokens =
            vec![token("all", &[Scope::Read]), limited("demo", &[Scope::Read], "", &["id:42"])];
    })
    .await;
    world.itop.faults().set(FaultKind::EchoPage { status: 200 }, true);
    let ready = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        world.send(Method::GET, "/readyz", &headers, None).await.expect(200)
    };
    let read = [("authorization", "Bearer all")];
    world.send(Method::GET, "/api/v1/teams?refresh=true", &read, None).await;
    let closed = world
        .until("the gate is closed", async || {
            let ready = ready("all").await;
            (ready["gate"]["state"] == "closed").then_some(ready)
        })
        .await;
    assert!(closed["gate"]["message"].as_str().unwrap().contains("Debug"), "{closed}");
    assert!(closed["gate"]["mend"].is_string() && closed["slow_creates"].is_array(), "{closed}");
    for token in ["nobody", "demo"] {
        let ready = ready(token).await;
        let names: Vec<_> = ready.as_object().unwrap().keys().map(String::as_str).collect();
        let told = ["status", "gate", "inbox", "waiting", "oldest_waiting_seconds"];
        assert_eq!(names, told, "{token}");
        let gate = ready["gate"].as_object().unwrap();
        let names: Vec<_> = gate.keys().map(String::as_str).collect();
        assert_eq!(names, ["state", "reason", "since"], "{token}");
        assert_eq!(gate["reason"], "not-itop");
    }
    world.finish().await;
}
