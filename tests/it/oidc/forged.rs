//! What does not come from the provider, is not of this attempt, or not for the bridge: nobody is signed in.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    refused,
    stand_in::{
        Begun, CLIENT, Key, SECRET, StandIn, begin, come_back, cookie, sign_in, unsigned,
        with_shared_key,
    },
    world,
};
use crate::world::World;

const NOT_VALID: &str = "could not be verified";
const LOST: &str = "has not begun that sign-in";

/// What a test makes of the claims.
type Change = fn(&mut Value);

#[tokio::test]
async fn what_is_not_said_of_this_attempt_for_this_client_is_not_believed() {
    let (world, provider) = world(|_| {}).await;
    let forged: [(&str, Change); 13] = [
        ("another nonce", |claims| claims["nonce"] = json!("0".repeat(64))),
        ("no nonce", |claims| claims["nonce"] = Value::Null),
        ("another audience", |claims| claims["aud"] = json!("another")),
        ("one more audience", |claims| claims["aud"] = json!([CLIENT, "another"])),
        ("no audience", |claims| claims["aud"] = json!([])),
        ("of another party", |claims| claims["azp"] = json!("another")),
        ("expired", |claims| {
            claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61);
        }),
        ("not yet issued", |claims| {
            claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 120);
        }),
        ("without an end", |claims| claims["exp"] = Value::Null),
        ("of another issuer", |claims| claims["iss"] = json!("https://evil.example")),
        ("of none", |claims| claims["iss"] = Value::Null),
        ("of nobody", |claims| claims["sub"] = Value::Null),
        ("with another access token", |claims| claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ];
    for (what, change) in forged {
        let answer = sign_in(&world, &provider, change).await;
        assert_ne!(answer.status, 303, "{what}");
        assert_eq!(cookie(&answer, "bridge_session"), None, "{what}");
        let is_unreadable = ["without an end", "of none", "of nobody"].contains(&what);
        if !is_unreadable {
            refused(&answer, 403, NOT_VALID);
        }
    }
    // What is as it should be is; clocks may differ by a minute.
    let fine: [(&str, Change); 4] = [
        ("in a list", |claims| claims["aud"] = json!([CLIENT])),
        ("of this party", |claims| claims["azp"] = json!(CLIENT)),
        ("just expired", |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 30)),
        // The left half of the digest of "access".
        ("with its access token", |claims| {
            claims["at_hash"] = json!("oFYf1knNtrqnhAVfBRuteQ");
        }),
    ];
    for (what, change) in fine {
        let answer = sign_in(&world, &provider, change).await;
        assert_eq!(answer.status, 303, "{what}: {}", answer.text);
    }
    world.finish().await;
}

/// What comes of a token that a test makes of the claims.
async fn with_token(
    world: &World,
    provider: &StandIn,
    token: impl FnOnce(&Value, &Key) -> String,
) -> crate::world::Answer {
    let begun: Begun = begin(world, "/").await;
    let claims = provider.claims(world, &begun);
    let token = token(&claims, &provider.state().key);
    come_back(world, &begun, &provider.back(&begun, &token)).await
}

#[tokio::test]
async fn what_the_provider_has_not_signed_is_not_believed() {
    let (world, provider) = world(|_| {}).await;
    let other = Key::new("first");
    let told = provider.state().told[0].to_string();
    for (what, answer) in [
        (
            "none",
            with_token(&world, &provider, |claims, _| {
                format!("{}.", unsigned(&json!({"alg": "none"}), claims))
            })
            .await,
        ),
        (
            "the secret of the client",
            with_token(&world, &provider, |claims, _| {
                with_shared_key(claims, "first", SECRET.as_bytes())
            })
            .await,
        ),
        (
            "what everybody knows of the key",
            with_token(&world, &provider, |claims, _| {
                with_shared_key(claims, "first", told.as_bytes())
            })
            .await,
        ),
        (
            "another key of that name",
            with_token(&world, &provider, |claims, _| other.token(claims)).await,
        ),
        (
            "changed after it was signed",
            with_token(&world, &provider, |claims, key| {
                let token = key.token(claims);
                let (signed, signature) = token.rsplit_once('.').unwrap();
                let header = signed.split('.').next().unwrap();
                let mut boss = claims.clone();
                boss["groups"] = json!(["boss"]);
                let forged = unsigned(&json!({}), &boss);
                format!("{header}.{}.{signature}", forged.split('.').nth(1).unwrap())
            })
            .await,
        ),
    ] {
        assert_eq!(answer.status, 403, "{what}: {}", answer.text);
        refused(&answer, 403, NOT_VALID);
    }
    world.finish().await;
}

#[tokio::test]
async fn only_the_browser_that_has_begun_comes_back_and_once() {
    let (world, provider) = world(|_| {}).await;
    let begun = begin(&world, "/inbox").await;
    let path = provider.back(&begun, &{
        let claims = provider.claims(&world, &begun);
        provider.state().key.token(&claims)
    });
    // Somebody's link, in the browser of somebody else: they are not signed in as whoever has sent it.
    let other = begin(&world, "/").await;
    for headers in [&[][..], &[("cookie", other.cookie.as_str())]] {
        let answer = world.send(Method::GET, &path, headers, None).await;
        refused(&answer, 400, LOST);
    }
    let stateless = path.split("&state").next().unwrap();
    refused(&come_back(&world, &begun, stateless).await, 400, LOST);
    refused(&come_back(&world, &begun, &format!("{stateless}&state=0")).await, 400, LOST);
    assert_eq!(provider.seen("/token"), 0);
    let forged = begun.cookie.replace("bridge_sign_in=", "bridge_sign_in=9");
    let answer = world.send(Method::GET, &path, &[("cookie", &forged)], None).await;
    refused(&answer, 400, LOST);

    let answer = come_back(&world, &begun, &path).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/inbox"), "{}", answer.text);
    // The cookie of the attempt goes with it.
    assert_eq!(cookie(&answer, "bridge_sign_in"), None);
    // And whoever saw all of it comes too late.
    refused(&come_back(&world, &begun, &path).await, 400, LOST);
    assert_eq!(provider.seen("/token"), 1);
    // Who has a session meanwhile, from another tab, is led on.
    let session = cookie(&answer, "bridge_session").unwrap();
    let answer = world.send(Method::GET, &path, &[("cookie", &session)], None).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/"));

    let late = begin(&world, "/").await;
    world.clock.advance(Duration::from_secs(601));
    let token = provider.state().key.token(&provider.claims(&world, &late));
    refused(&come_back(&world, &late, &provider.back(&late, &token)).await, 400, LOST);
    world.finish().await;
}

#[tokio::test]
async fn what_the_provider_declines_is_told_plainly() {
    let (world, provider) = world(|_| {}).await;
    for (query, status, says) in [
        ("error=access_denied&error_description=no", 403, "Acme ID has not signed you in"),
        ("error=temporarily_unavailable", 502, "(it says: temporarily_unavailable)"),
        // Nothing of what anybody can write into an address is shown.
        ("error=Call+555-1234+now", 502, "(it says: ?)"),
        ("code=a&iss=https%3A%2F%2Fevil.example", 403, NOT_VALID),
        ("code=unknown", 502, "does not accept this bridge"),
    ] {
        let begun = begin(&world, "/").await;
        let path = format!("/sign-in/callback?{query}&state={}", begun.parameter("state"));
        let answer = come_back(&world, &begun, &path).await;
        refused(&answer, status, says);
        assert!(!answer.text.contains("555") && !answer.text.contains(SECRET), "{}", answer.text);
        // It is used up.
        refused(&come_back(&world, &begun, &path).await, 400, LOST);
        // Whoever has not begun is told nothing of it.
        refused(&world.get(&format!("/sign-in/callback?{query}")).await, 400, LOST);
    }
    for broken in ["code=a&code=b", "state=a&state=b"] {
        let answer = world.get(&format!("/sign-in/callback?{broken}")).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    assert_eq!(provider.seen("/token"), 1);
    world.finish().await;
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let (world, provider) = world(|_| {}).await;
    for (next, location) in [
        ("%2Fcompanies%3Fq%3Da%26group%3Dall", "/companies?q=a&group=all"),
        ("%2F%2Fevil.example", "/"),
        ("https%3A%2F%2Fevil.example%2F", "/"),
        ("%2F%5Cevil.example", "/"),
    ] {
        let begun = begin(&world, next).await;
        assert_eq!(begun.parameter("redirect_uri"), format!("{}/sign-in/callback", world.base));
        let token = provider.state().key.token(&provider.claims(&world, &begun));
        let answer = come_back(&world, &begun, &provider.back(&begun, &token)).await;
        assert_eq!((answer.status, answer.header("location")), (303, location), "{next}");
    }
    world.finish().await;
}
