//! A stand-in of a provider, which signs whatever a test wants: what no real one would.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
    response::Response,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac};
use reqwest::{Method, Url};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use servicenav_itop_bridge::{config::Oidc, secret::Secret};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::world::{Answer, World};

/// What the bridge is called there, and its secret.
pub const CLIENT: &str = "bridge";
pub const SECRET: &str = "s3cret of: the client";

/// A key that it signs with.
pub struct Key {
    pub id: String,
    pair: EcdsaKeyPair,
}

impl Key {
    pub fn new(id: &str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self { id: id.to_owned(), pair }
    }

    /// What everybody may know of it.
    pub fn public(&self) -> Value {
        // An uncompressed point: 4, then both numbers.
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }

    pub fn token(&self, claims: &Value) -> String {
        let signed = unsigned(&json!({"alg": "ES256", "kid": self.id}), claims);
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Header and claims of a token.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A token that is signed with a text that two know.
pub fn with_shared_key(claims: &Value, kid: &str, key: &[u8]) -> String {
    let signed = unsigned(&json!({"alg": "HS256", "kid": kid}), claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// What it does, and has seen.
pub struct State {
    pub key: Key,
    /// The keys that it tells of.
    pub told: Vec<Value>,
    /// What differs in what it says of itself; null leaves something out.
    pub discovery: Value,
    pub userinfo: Value,
    /// Answered with this status whatever is asked, as one that is away.
    pub broken: Option<u16>,
    /// Codes that were not used yet: the proof that belongs to each, and what it gives.
    codes: HashMap<String, (String, Value)>,
    /// How often each path was asked for.
    pub seen: HashMap<String, u32>,
    /// How the client was proven, of each code.
    pub proofs: Vec<String>,
}

pub struct StandIn {
    pub issuer: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A browser that was led to the provider.
pub struct Begun {
    /// Where to.
    pub address: Url,
    /// The cookie of the attempt.
    pub cookie: String,
}

impl Begun {
    pub fn parameter(&self, name: &str) -> String {
        let mut pairs = self.address.query_pairs();
        pairs.find(|(own, _)| own == name).map_or(String::new(), |(_, value)| value.into_owned())
    }
}

/// What a browser keeps of a cookie that an answer sets, if it sets one with this name.
pub fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let of_name = set.filter(|value| value.starts_with(&format!("{name}=")));
    let mut pairs = of_name.map(|value| value.split(';').next().unwrap().to_owned());
    pairs.rfind(|pair| !pair.ends_with('='))
}

impl StandIn {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = Key::new("first");
        let state = Arc::new(Mutex::new(State {
            told: vec![key.public()],
            key,
            discovery: json!({}),
            userinfo: json!({}),
            broken: None,
            codes: HashMap::new(),
            seen: HashMap::new(),
            proofs: Vec::new(),
        }));
        let (told, served) = (issuer.clone(), state.clone());
        let answer = move |request: Request| answered(told.clone(), served.clone(), request);
        let routes = Router::new().fallback(answer);
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { issuer, state, task }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn seen(&self, path: &str) -> u32 {
        self.state().seen.get(path).copied().unwrap_or_default()
    }

    /// The configuration of a bridge that trusts it.
    pub fn config(&self) -> Oidc {
        Oidc {
            issuer: self.issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(Secret::new(SECRET.to_owned())),
            ..Oidc::default()
        }
    }

    /// What it says of somebody who was led here.
    pub fn claims(&self, world: &World, begun: &Begun) -> Value {
        let now = world.clock.now().as_second();
        json!({
            "iss": self.issuer, "sub": "4711", "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": begun.parameter("nonce"), "preferred_username": "zoe", "groups": ["noc"],
        })
    }

    /// Takes what a browser was led here with as signed in; gives where it is led back to.
    pub fn back(&self, begun: &Begun, token: &str) -> String {
        let tokens = json!({
            "access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token,
        });
        let mut state = self.state();
        let code = format!("code-{}", state.proofs.len() + state.codes.len());
        assert_eq!(begun.parameter("code_challenge_method"), "S256");
        state.codes.insert(code.clone(), (begun.parameter("code_challenge"), tokens));
        format!("/sign-in/callback?code={code}&state={}", begun.parameter("state"))
    }
}

/// Begins to sign in as a browser does.
pub async fn begin(world: &World, next: &str) -> Begun {
    let answer = world.get(&format!("/sign-in/start?next={next}")).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let cookie = cookie(&answer, "bridge_sign_in").unwrap();
    Begun { address: answer.header("location").parse().unwrap(), cookie }
}

/// Comes back to the bridge.
pub async fn come_back(world: &World, begun: &Begun, path: &str) -> Answer {
    world.send(Method::GET, path, &[("cookie", &begun.cookie)], None).await
}

/// What comes of signing in with what a test makes of the claims.
pub async fn sign_in(world: &World, provider: &StandIn, change: impl FnOnce(&mut Value)) -> Answer {
    let begun = begin(world, "/").await;
    let mut claims = provider.claims(world, &begun);
    change(&mut claims);
    let token = provider.state().key.token(&claims);
    come_back(world, &begun, &provider.back(&begun, &token)).await
}

/// The cookie of the session of somebody in these groups.
pub async fn session_of(world: &World, provider: &StandIn, name: &str, groups: &[&str]) -> String {
    let answer = sign_in(world, provider, |claims| {
        claims["preferred_username"] = json!(name);
        claims["groups"] = json!(groups);
    })
    .await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    cookie(&answer, "bridge_session").unwrap()
}

async fn answered(issuer: String, state: Arc<Mutex<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    let path = parts.uri.path().to_owned();
    let mut state = state.lock().unwrap();
    *state.seen.entry(path.clone()).or_default() += 1;
    if let Some(status) = state.broken {
        return json_answer(status, &json!({"error": "temporarily_unavailable"}));
    }
    match path.as_str() {
        "/.well-known/openid-configuration" => {
            let mut document = json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
                "userinfo_endpoint": format!("{issuer}/userinfo"),
                "end_session_endpoint": format!("{issuer}/end"),
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            });
            for (name, value) in state.discovery.as_object().unwrap() {
                document[name] = value.clone();
            }
            document.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            json_answer(200, &document)
        }
        "/keys" => json_answer(200, &json!({"keys": state.told})),
        "/userinfo" => {
            let is_asked = parts.headers["authorization"] == "Bearer access";
            json_answer(if is_asked { 200 } else { 401 }, &state.userinfo)
        }
        "/token" => {
            let text = format!("http://form/?{}", String::from_utf8(body.to_vec()).unwrap());
            let form: HashMap<_, _> =
                text.parse::<Url>().unwrap().query_pairs().into_owned().collect();
            let code = state.codes.remove(&form["code"]);
            let header = parts.headers.get("authorization").map(|value| value.to_str().unwrap());
            let basic = header.and_then(|value| value.strip_prefix("Basic "));
            let proof =
                basic.map(|value| String::from_utf8(STANDARD.decode(value).unwrap()).unwrap());
            state.proofs.push(match (proof, form.get("client_secret")) {
                (Some(proof), None) => format!("header {proof}"),
                (None, Some(secret)) => format!("body {}:{secret}", form["client_id"]),
                other => format!("{other:?} {}", form["client_id"]),
            });
            let made = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
            match code {
                Some((challenge, tokens)) if challenge == made => json_answer(200, &tokens),
                _ => {
                    let said = format!("no {} for {SECRET}", form["code"]);
                    json_answer(400, &json!({"error": "invalid_grant", "error_description": said}))
                }
            }
        }
        _ => json_answer(404, &json!({})),
    }
}

fn json_answer(status: u16, body: &Value) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}
