//! A provider that is away, changes its keys, or is none: only signing in there fails.

use std::time::Duration;

use serde_json::json;
use servicenav_itop_bridge::{check::Verdict, config::Oidc};

use super::{
    refused,
    stand_in::{Key, SECRET, begin, come_back, sign_in},
    world,
};
use crate::{check::findings, session};

const AWAY: &str = "Acme ID does not answer";

#[tokio::test]
async fn while_the_provider_is_away_only_signing_in_there_fails() {
    let (mut world, provider) = world(|_| {}).await;
    let begun = begin(&world, "/").await;
    let token = provider.state().key.token(&provider.claims(&world, &begun));
    let path = provider.back(&begun, &token);
    provider.state().broken = Some(503);
    // Between the way there and the way back.
    refused(&come_back(&world, &begun, &path).await, 503, AWAY);
    // From the start: nothing has asked it.
    world.stop_bridge().await;
    let asked = provider.seen("/.well-known/openid-configuration");
    world.start_bridge().await;
    world.get("/readyz").await.expect(200);
    assert_eq!(provider.seen("/.well-known/openid-configuration"), asked);
    let page = world.get("/sign-in").await;
    assert_eq!(page.status, 200, "{}", page.text);
    for _ in 0..2 {
        refused(&world.get("/sign-in/start").await, 503, AWAY);
    }
    // Who asks right after is told the same, without asking it.
    assert_eq!(provider.seen("/.well-known/openid-configuration"), asked + 1);
    session::sign_in(&world, "desk").await;
    provider.state().broken = None;
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(sign_in(&world, &provider, |_| {}).await.status, 303);
    // It was asked once more, and then not for an hour.
    sign_in(&world, &provider, |_| {}).await;
    assert_eq!(provider.seen("/.well-known/openid-configuration"), asked + 2);
    assert_eq!(provider.seen("/keys"), 2);
    world.clock.advance(Duration::from_mins(61));
    sign_in(&world, &provider, |_| {}).await;
    assert_eq!(provider.seen("/.well-known/openid-configuration"), asked + 3);
    world.finish().await;
}

#[tokio::test]
async fn a_key_that_is_not_known_is_looked_for_once() {
    let (world, provider) = world(|_| {}).await;
    assert_eq!(sign_in(&world, &provider, |_| {}).await.status, 303);
    assert_eq!(provider.seen("/keys"), 1);
    let rotate = |id: &str, is_told: bool| {
        let mut state = provider.state();
        state.key = Key::new(id);
        if is_told {
            state.told = vec![state.key.public()];
        }
    };
    // The provider signs with a new one from now on.
    world.clock.advance(Duration::from_secs(10));
    rotate("second", true);
    assert_eq!(sign_in(&world, &provider, |_| {}).await.status, 303);
    assert_eq!(sign_in(&world, &provider, |_| {}).await.status, 303);
    assert_eq!(provider.seen("/keys"), 2);
    // One that it does not tell of is none; and nobody can have it asked as often as they like.
    world.clock.advance(Duration::from_secs(10));
    rotate("third", false);
    for _ in 0..5 {
        refused(&sign_in(&world, &provider, |_| {}).await, 403, "could not be verified");
    }
    assert_eq!(provider.seen("/keys"), 3);
    assert_eq!(provider.seen("/.well-known/openid-configuration"), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_says_something_else_of_itself_is_no_provider() {
    let (mut world, provider) = world(|_| {}).await;
    let name = |number: usize| format!("Acme ID {number}");
    let wrong = [
        json!({"issuer": "https://evil.example"}),
        json!({"issuer": format!("{}/", provider.issuer)}),
        json!({"token_endpoint": "http://evil.example/token"}),
        json!({"authorization_endpoint": "http://evil.example/authorize"}),
        json!({"jwks_uri": "http://evil.example/keys"}),
        json!({"token_endpoint": null}),
        json!({"jwks_uri": null}),
        json!({"jwks_uri": format!("{}/nowhere", provider.issuer)}),
        json!({"issuer": "x".repeat(2 << 20)}),
    ];
    for (number, discovery) in wrong.into_iter().enumerate() {
        provider.state().discovery = discovery.clone();
        // What was learned before is forgotten with another configuration.
        world.config.auth.oidc.as_mut().unwrap().name = name(number);
        world.reload().await.unwrap();
        let answer = world.get("/sign-in/start").await;
        refused(&answer, 503, &format!("{} does not answer", name(number)));
    }
    world.finish().await;
}

#[tokio::test]
async fn the_secret_of_the_client_goes_where_the_provider_wants_it() {
    let (mut world, provider) = world(|_| {}).await;
    provider.state().discovery =
        json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    assert_eq!(sign_in(&world, &provider, |_| {}).await.status, 303);
    world.config.auth.oidc.as_mut().unwrap().client_secret = None;
    world.reload().await.unwrap();
    assert_eq!(sign_in(&world, &provider, |_| {}).await.status, 303);
    // A public client has none: the proof of PKCE is all.
    assert_eq!(
        provider.state().proofs,
        [format!("body bridge:{SECRET}"), "(None, None) bridge".into()]
    );
    world.finish().await;
}

/// What `check` finds of signing in.
async fn checked(world: &crate::world::World, change: impl FnOnce(&mut Oidc)) -> (Verdict, String) {
    let mut config = world.config.clone();
    config.server.public_url = Some("https://bridge.example/tools/".to_owned());
    change(config.auth.oidc.as_mut().unwrap());
    let findings = findings(&config, &world.clock, None, false).await;
    let found = findings.iter().find(|finding| finding.what == "sign-in").unwrap();
    (found.verdict, found.to_string())
}

#[tokio::test]
async fn check_asks_the_provider_and_says_what_to_register() {
    let (world, provider) = world(|_| {}).await;
    let (verdict, said) = checked(&world, |_| {}).await;
    assert_eq!(verdict, Verdict::Ok, "{said}");
    assert!(
        said.contains("also for signing out: https://bridge.example/tools/sign-in/callback"),
        "{said}"
    );
    provider.state().discovery = json!({"id_token_signing_alg_values_supported": ["HS256"]});
    let (verdict, said) = checked(&world, |_| {}).await;
    assert_eq!(verdict, Verdict::Failure, "{said}");
    assert!(said.contains("signs with no algorithm that is safe here"), "{said}");
    provider.state().discovery = json!({});
    let (verdict, said) = checked(&world, |oidc| oidc.issuer.push('/')).await;
    assert_eq!(verdict, Verdict::Failure, "{said}");
    assert!(said.contains("unexpected issuer URI") && said.contains("to the letter"), "{said}");
    provider.state().broken = Some(500);
    let (verdict, said) = checked(&world, |_| {}).await;
    assert_eq!(verdict, Verdict::Failure, "{said}");
    assert!(said.contains("500") && said.contains("tokens work"), "{said}");
    world.finish().await;
}
