//! The same with a real provider: oidc-provider, under node.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use itop_sandbox::Options;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Oidc, Scope},
    secret::Secret,
};

use super::{groups, refused, stand_in::cookie};
use crate::{
    browser::{Browser, Look},
    session,
    world::{Answer, World, token},
};

const SECRET: &str = "a-secret-of-the-client-0123456789";

/// A provider of its own, until it is dropped.
struct Provider {
    issuer: String,
    node: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.input.take());
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc")
}

impl Provider {
    /// `None` where it is not installed; `tests/run` does that, and then it must be there.
    fn start() -> Option<Self> {
        let is_there = folder().join("node_modules/oidc-provider").exists();
        if !is_there {
            let is_needed = std::env::var_os("BRIDGE_TESTS_WITH_OIDC").is_some();
            assert!(!is_needed, "oidc-provider is not installed");
            eprintln!("left out, for there is no oidc-provider: tests/run installs it");
            return None;
        }
        let mut node = Command::new("node")
            .arg("provider.mjs")
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = node.stdin.take();
        let output = BufReader::new(node.stdout.take().unwrap());
        let mut provider = Self { issuer: String::new(), node, input, output };
        provider.issuer = format!("http://127.0.0.1:{}", provider.line());
        Some(provider)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Tells it of the bridge.
    fn serve(&mut self, world: &World, more: &[(&str, Value)]) {
        let mut told = json!({"callback": format!("{}/sign-in/callback", world.base)});
        for (name, value) in more {
            told[name] = value.clone();
        }
        writeln!(self.input.as_mut().unwrap(), "{told}").unwrap();
        assert_eq!(self.line(), "ready");
    }

    fn config(&self, secret: Option<&str>) -> Oidc {
        Oidc {
            name: "Acme ID".to_owned(),
            issuer: self.issuer.clone(),
            client_id: "bridge".to_owned(),
            client_secret: secret.map(|secret| Secret::new(secret.to_owned())),
            scopes: vec!["profile".to_owned(), "groups".to_owned()],
            groups: groups(),
            ..Oidc::default()
        }
    }
}

async fn world(provider: &Provider, secret: Option<&str>) -> World {
    World::with(Options::default(), |config| {
        config.auth.tokens = vec![token("desk", &[Scope::Read])];
        config.auth.oidc = Some(provider.config(secret));
    })
    .await
}

/// A browser without its pictures: what it keeps, by name.
#[derive(Default)]
struct Visitor(BTreeMap<String, String>);

impl Visitor {
    /// Goes where it is led, and answers each form of the provider, until it is back at the bridge.
    async fn sign_in(&mut self, world: &World, login: &str) -> Answer {
        let begun = world.get("/sign-in/start?next=%2Finbox").await;
        assert_eq!(begun.status, 303, "{}", begun.text);
        let attempt = cookie(&begun, "bridge_sign_in").unwrap();
        let mut address: Url = begun.header("location").parse().unwrap();
        let mut form: Option<String> = None;
        for _ in 0..20 {
            if address.as_str().starts_with(&format!("{}/", world.base)) {
                let path = format!("{}?{}", address.path(), address.query().unwrap_or_default());
                return world.send(Method::GET, &path, &[("cookie", &attempt)], None).await;
            }
            let method = if form.is_some() { Method::POST } else { Method::GET };
            let mut request = world.http.request(method, address.clone());
            let cookies = self.0.iter().map(|(name, value)| format!("{name}={value}"));
            let cookies: Vec<_> = cookies.collect();
            request = request.header("cookie", cookies.join("; "));
            if let Some(form) = form.take() {
                request =
                    request.header("content-type", "application/x-www-form-urlencoded").body(form);
            }
            let answer = Answer::read(request.send().await.unwrap()).await;
            self.keep(&answer);
            if (300..400).contains(&answer.status) {
                address = address.join(answer.header("location")).unwrap();
                continue;
            }
            assert_eq!(answer.status, 200, "{}", answer.text);
            let action = answer.text.split("action=\"").nth(1).expect(&answer.text);
            address = address.join(action.split('"').next().unwrap()).unwrap();
            let is_login = answer.text.contains("name=\"login\"");
            form = Some(if is_login {
                let login = utf8_percent_encode(login, NON_ALPHANUMERIC);
                format!("prompt=login&login={login}&password=x")
            } else {
                "prompt=consent".to_owned()
            });
        }
        panic!("led round and round: {address}");
    }

    fn keep(&mut self, answer: &Answer) {
        for set in answer.headers.get_all("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }
}

async fn session_of(world: &World, answer: &Answer) -> Value {
    let cookie = cookie(answer, "bridge_session").expect(&answer.text);
    world.send(Method::GET, "/api/v1/session", &[("cookie", &cookie)], None).await.expect(200)
}

#[tokio::test]
async fn people_sign_in_at_a_real_provider() {
    for (secret, only_in_userinfo) in [(Some(SECRET), false), (None, false), (Some(SECRET), true)] {
        let Some(mut provider) = Provider::start() else { return };
        let world = world(&provider, secret).await;
        let more = [("clientSecret", json!(secret)), ("onlyInUserinfo", json!(only_in_userinfo))];
        provider.serve(&world, &more);
        let answer = Visitor::default().sign_in(&world, "zoe+visitors,noc").await;
        assert_eq!((answer.status, answer.header("location")), (303, "/inbox"), "{}", answer.text);
        let session = session_of(&world, &answer).await;
        let told = (&session["name"], &session["scopes"], &session["companies"]);
        assert_eq!(told, (&json!("zoe"), &json!(["read", "operate"]), &Value::Null));

        // Whoever is there already is not asked again, and whoever may do nothing here is told so.
        let mut visitor = Visitor::default();
        for _ in 0..2 {
            let answer = visitor.sign_in(&world, "jean+visitors").await;
            refused(&answer, 403, "none of your groups may use the bridge");
        }
        let answer = Visitor::default().sign_in(&world, "acme-desk+acme").await;
        let session = session_of(&world, &answer).await;
        assert_eq!(session["companies"], json!(["id:43"]));
        world.finish().await;
    }
}

#[tokio::test]
async fn a_real_provider_refuses_who_is_not_the_client() {
    let Some(mut provider) = Provider::start() else { return };
    let mut world = world(&provider, Some(SECRET)).await;
    provider.serve(&world, &[("clientSecret", json!("another-secret-0123456789"))]);
    let answer = Visitor::default().sign_in(&world, "zoe+noc").await;
    refused(&answer, 502, "does not accept this bridge");
    assert!(!answer.text.contains(SECRET));
    // Nobody is there any more.
    drop(provider);
    world.config.auth.oidc.as_mut().unwrap().name = "Other".to_owned();
    world.reload().await.unwrap();
    refused(&world.get("/sign-in/start").await, 503, "Other does not answer");
    session::sign_in(&world, "desk").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_there_with_a_browser_and_out_again() {
    let Some(mut provider) = Provider::start() else { return };
    let world = world(&provider, Some(SECRET)).await;
    provider.serve(&world, &[("clientSecret", json!(SECRET))]);
    let Some(browser) = Browser::start(Look::default()).await else { return };
    browser.open(&format!("{}/inbox?state=failed", world.base)).await;
    browser.says("Sign in with Acme ID").await;
    assert_eq!(browser.barriers().await, [""; 0]);
    browser.element("#provider").await.click().await.unwrap();
    browser.until("document.querySelector('input[name=login]')").await;
    browser.element("input[name=login]").await.send_keys("zoe+noc").await.unwrap();
    browser.element("input[name=password]").await.send_keys("x").await.unwrap();
    browser.element("button[type=submit]").await.click().await.unwrap();
    browser.until("document.querySelector('form input[value=consent]')").await;
    browser.element("button[type=submit]").await.click().await.unwrap();
    // Where they wanted to go.
    browser.until("location.pathname + location.search === '/inbox?state=failed'").await;
    browser.says("zoe").await;
    // Out here, and then there.
    browser.element("form[action='/session/end'] button").await.click().await.unwrap();
    browser.until(&format!("location.origin === '{}'", provider.issuer)).await;
    browser.element("button[value=yes], button[name=logout]").await.click().await.unwrap();
    browser.says("You are signed out.").await;
    assert_eq!(browser.js("location.search").await, json!("?way=ended"));
    browser.open(&format!("{}/inbox", world.base)).await;
    browser.says("Sign in with Acme ID").await;
    browser.quit().await;
    world.finish().await;
}
