//! The token endpoint: both flows, and every way in which they end.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use salesforce_sandbox::{
    CLIENT_ID, CLIENT_SECRET, Fault, FaultKind, Operation, PRIVATE_KEY, USERNAME,
};
use serde_json::{Value, json};

use crate::org::{Org, Said};

const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An assertion that is signed with the key of the sandbox.
pub fn assertion(claims: &Value) -> String {
    let der: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "RS256"})), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Claims that are taken.
pub fn claims() -> Value {
    // The sandbox takes any time ahead.
    json!({"iss": CLIENT_ID, "sub": USERNAME, "aud": "https://test.salesforce.com", "exp": 32_000_000_000_u64})
}

async fn token(org: &Org, form: &[(&str, &str)]) -> Said {
    token_from(org, form, &[]).await
}

async fn token_from(org: &Org, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Said {
    let mut request = org.client.post(format!("{}/services/oauth2/token", org.url)).form(form);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Said::of(request.send().await.unwrap()).await
}

async fn by_jwt(org: &Org, claims: &Value) -> Said {
    token(org, &[("grant_type", JWT), ("assertion", &assertion(claims))]).await
}

fn pair(said: &Said) -> (String, String) {
    assert_eq!(said.status, 400, "{}", said.text);
    assert_eq!(said.headers["cache-control"], "no-store");
    let text = |name: &str| said.json()[name].as_str().unwrap().to_owned();
    (text("error"), text("error_description"))
}

#[tokio::test]
async fn both_flows_open_a_session() {
    let org = Org::new().await;
    let mut milliseconds = claims();
    milliseconds["exp"] = json!(32_000_000_000_000_u64);
    let mut text = claims();
    text["exp"] = json!("32000000000");
    let mut slash = claims();
    slash["aud"] = json!(format!("{}/", org.url));
    for claims in [claims(), milliseconds, text, slash] {
        let said = by_jwt(&org, &claims).await;
        assert_eq!(said.status, 200, "{}", said.text);
        let body = said.json();
        assert_eq!(body["instance_url"], json!(org.url));
        assert!(body.get("expires_in").is_none() && body["issued_at"].is_string());
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let said = org.ask("GET", "/limits", &[("Authorization", &bearer)], None).await;
        assert_eq!(said.status, 200, "{}", said.text);
    }
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ];
    assert_eq!(token(&org, &form).await.json()["token_format"], "opaque");
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    let said = token_from(&org, &form[..1], &[("Authorization", &basic)]).await;
    assert_eq!(said.status, 200, "{}", said.text);
}

#[tokio::test]
async fn whatever_is_wrong_has_its_pair() {
    let org = Org::new().await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    for (claims, error, description) in [
        (with("iss", json!("another")), "invalid_client_id", "client identifier invalid"),
        (with("aud", json!("https://example.com")), "invalid_grant", "audience is invalid"),
        (with("exp", json!(1_000_000_000)), "invalid_grant", "expired authorization code"),
        (
            with("sub", json!("nobody@example.com")),
            "invalid_grant",
            "user hasn't approved this consumer",
        ),
    ] {
        let said = by_jwt(&org, &claims).await;
        assert_eq!(pair(&said), (error.to_owned(), description.to_owned()));
    }
    let mut forged = assertion(&claims());
    forged.replace_range(forged.len() - 8..forged.len() - 4, "AAAA");
    let said = token(&org, &[("grant_type", JWT), ("assertion", &forged)]).await;
    assert_eq!(pair(&said).1, "invalid assertion");
    let said = token(&org, &[("grant_type", "password")]).await;
    assert_eq!(pair(&said).0, "unsupported_grant_type");

    org.sandbox.app(|app| app.approved = false);
    assert_eq!(pair(&by_jwt(&org, &claims()).await).1, "user hasn't approved this consumer");
    org.sandbox.app(|app| app.admin_approved = false);
    assert_eq!(pair(&by_jwt(&org, &claims()).await).0, "invalid_app_access");

    let form = |secret| {
        [("grant_type", "client_credentials"), ("client_id", CLIENT_ID), ("client_secret", secret)]
    };
    assert_eq!(pair(&token(&org, &form("wrong")).await).0, "invalid_client");
    let host = [("X-Original-Host", "login.salesforce.com")];
    let said = token_from(&org, &form(CLIENT_SECRET), &host).await;
    assert_eq!(pair(&said).1, "request not supported on this domain");
    org.sandbox.app(|app| app.run_as = None);
    let said = token(&org, &form(CLIENT_SECRET)).await;
    assert_eq!(pair(&said).1, "no client credentials user enabled");
    let locked = FaultKind::Refuse {
        status: 400,
        code: "invalid_grant".to_owned(),
        message: "user is locked".to_owned(),
    };
    org.sandbox.fail(Fault::new(Operation::Token, locked).times(1));
    assert_eq!(pair(&by_jwt(&org, &claims()).await).1, "user is locked");
}

#[tokio::test]
async fn sessions_end() {
    let org = Org::new().await;
    assert_eq!(org.get("/limits").await.status, 200);
    let said = org.ask("GET", "/limits", &[("Authorization", "Token abc")], None).await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (401, "INVALID_AUTH_HEADER"));
    org.sandbox.expire_sessions();
    let said = org.get("/limits").await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (401, "INVALID_SESSION_ID"));
    // Versions need none.
    let said = org.get("/services/data").await;
    assert_eq!(said.json()[2]["label"], "Summer '26");
    assert!(!said.headers.contains_key("sforce-limit-info"));
}
