//! What somebody may do whom the provider has signed in, and until when.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Oidc, Scope};

use super::{
    group, refused,
    stand_in::{CLIENT, SECRET, begin, come_back, cookie, session_of, sign_in},
    world,
};
use crate::{
    session,
    world::{ACKNOWLEDGEMENTS, Answer, World, event, with},
};

const SESSION: &str = "/api/v1/session";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn get(world: &World, cookie: &str, path: &str) -> Answer {
    world.send(Method::GET, path, &[("cookie", cookie)], None).await
}

#[tokio::test]
async fn groups_give_scopes_and_a_name_stands_in_what_is_done() {
    let (world, provider) = world(|_| {}).await;
    let begun = begin(&world, "/inbox").await;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
        ("ui_locales", "en"),
    ] {
        assert_eq!(begun.parameter(name), value, "{}", begun.address);
    }
    let token = provider.state().key.token(&provider.claims(&world, &begun));
    let answer = come_back(&world, &begun, &provider.back(&begun, &token)).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/inbox"), "{}", answer.text);
    let noc = cookie(&answer, "bridge_session").unwrap();
    let told = get(&world, &noc, SESSION).await.expect(200);
    let expected = json!({
        "name": "zoe", "scopes": ["read", "operate"], "instance": null, "companies": null,
        "by": "cookie",
    });
    assert_eq!(told, expected);
    let detail = get(&world, &noc, "/api/v1/links/unlinked").await.problem(403, "forbidden");
    assert_eq!(detail, "The user 'zoe' lacks the scope 'admin'.");
    assert!(get(&world, &noc, "/").await.text.contains("<span class=\"name\">zoe</span>"));
    // The secret of the client goes in the header, and in no address.
    let encoded = SECRET.replace(' ', "+").replace(':', "%3A");
    assert_eq!(provider.state().proofs, [format!("header {CLIENT}:{encoded}")]);

    let send = async |method: Method, path: &str, body: Value| {
        let cookie = session_of(&world, &provider, "Zoé Müller", &["unknown", "boss", "noc"]).await;
        let headers = [
            ("cookie", cookie.as_str()),
            OWN,
            ("prefer", "wait=20"),
            ("content-type", "application/json"),
        ];
        world.send(method, path, &headers, Some(body.to_string())).await
    };
    let link = json!({"organization": "Demo", "team": "Helpdesk"});
    let linked = send(Method::PUT, "/api/v1/links/42", link).await.expect(201);
    assert_eq!(linked["updated_by"], "Zoé Müller");
    let failed = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    let failed = send(Method::POST, ACKNOWLEDGEMENTS, failed).await.expect(202);
    let path = failed["links"]["self"].as_str().unwrap();
    send(Method::POST, &format!("{path}/discard"), json!({"reason": "planned"})).await.expect(200);
    let row = get(&world, &noc, path).await.expect(200);
    assert_eq!(row["actions"][0]["by"], "Zoé Müller");
    // Only pages of the bridge do something by a session.
    let foreign = [("cookie", noc.as_str()), ("sec-fetch-site", "cross-site")];
    let answer = world.send(Method::POST, &format!("{path}/retry"), &foreign, None).await;
    answer.problem(403, "foreign-caller");
    world.finish().await;
}

#[tokio::test]
async fn whoever_is_in_no_known_group_is_told_whom_to_ask() {
    let (world, provider) = world(|config| {
        let groups = &mut config.auth.oidc.as_mut().unwrap().groups;
        groups.push(group("senders", &[Scope::Ingest], &[]));
        let mut site = group("site", &[Scope::Read], &[]);
        site.instance = Some("site".to_owned());
        groups.push(site);
    })
    .await;
    provider.state().userinfo = json!({"sub": "4711"});
    for (groups, says) in [
        (json!(["visitors-7af3", "NOC"]), "none of your groups may use the bridge"),
        (json!([]), "none of your groups may use the bridge"),
        (Value::Null, "none of your groups may use the bridge"),
        (json!({"noc": true}), "none of your groups may use the bridge"),
        (json!(["senders"]), "with the scope “read”"),
        (json!(["demo", "site"]), "belong to several instances"),
    ] {
        let answer = sign_in(&world, &provider, |claims| {
            claims["preferred_username"] = json!("zoe <b>");
            claims["groups"] = groups.clone();
        })
        .await;
        refused(&answer, 403, says);
        assert!(answer.text.contains("“zoe &lt;b&gt;”"), "{}", answer.text);
        // Which groups there are, or would do, is for whoever runs the bridge.
        assert!(!answer.text.contains("visitors-7af3"), "{}", answer.text);
        // They can use a token, or try again.
        assert!(session::shown(&answer).contains("action=\"/session\""), "{}", answer.text);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_provider_that_signs_little_is_asked_for_the_rest() {
    let (world, provider) = world(|config| {
        config.auth.oidc.as_mut().unwrap().groups_claim = "realm_access.roles".to_owned();
    })
    .await;
    let little = |claims: &mut Value| {
        for claim in ["preferred_username", "groups"] {
            claims.as_object_mut().unwrap().remove(claim);
        }
    };
    provider.state().userinfo =
        json!({"sub": "4711", "name": "Zoé", "realm_access": {"roles": ["noc"]}});
    let answer = sign_in(&world, &provider, little).await;
    let cookie = cookie(&answer, "bridge_session").unwrap();
    let told = get(&world, &cookie, SESSION).await.expect(200);
    assert_eq!((&told["name"], &told["scopes"]), (&json!("Zoé"), &json!(["read", "operate"])));
    // What it tells there of somebody else is nothing.
    provider.state().userinfo = json!({"sub": "4712", "realm_access": {"roles": ["boss"]}});
    refused(&sign_in(&world, &provider, little).await, 403, "could not be verified");
    // Nothing is asked of what is there.
    let asked = provider.seen("/userinfo");
    let answer = sign_in(&world, &provider, |claims| {
        claims["realm_access"] = json!({"roles": ["noc"]});
    })
    .await;
    assert_eq!((answer.status, provider.seen("/userinfo")), (303, asked));
    world.finish().await;
}

#[tokio::test]
async fn a_session_ends_after_eight_hours_whatever_is_done() {
    let (world, provider) = world(|_| {}).await;
    let cookie = session_of(&world, &provider, "zoe", &["noc"]).await;
    for _ in 0..7 {
        world.clock.advance(Duration::from_hours(1));
        let page = [("cookie", cookie.as_str()), ("sec-fetch-mode", "navigate")];
        let page = world.send(Method::GET, "/", &page, None).await;
        // That of a token is given anew.
        assert_eq!((page.status, page.header("set-cookie")), (200, ""));
    }
    world.clock.advance(Duration::from_mins(61));
    get(&world, &cookie, SESSION).await.problem(401, "unauthorized");
    assert_eq!(get(&world, &cookie, "/").await.status, 303);
    world.finish().await;
}

#[tokio::test]
async fn what_the_configuration_no_longer_gives_ends_at_once() {
    let (mut world, provider) = world(|_| {}).await;
    let noc = session_of(&world, &provider, "zoe", &["noc"]).await;
    let both = session_of(&world, &provider, "jean", &["noc", "boss"]).await;
    get(&world, &both, "/api/v1/links/unlinked").await.expect(200);
    let oidc = world.config.auth.oidc.clone().unwrap();

    // A group that is gone gives nothing; what the others give is left.
    world.config.auth.oidc.as_mut().unwrap().groups.retain(|group| group.name != "boss");
    assert!(!world.reload().await.unwrap());
    let told = get(&world, &both, SESSION).await.expect(200);
    assert_eq!(told["scopes"], json!(["read", "operate"]));
    world.config.auth.oidc.as_mut().unwrap().groups.retain(|group| group.name != "noc");
    world.reload().await.unwrap();
    for cookie in [&noc, &both] {
        get(&world, cookie, SESSION).await.problem(401, "unauthorized");
    }
    // One that gives something else gives that.
    world.config.auth.oidc = Some(oidc.clone());
    let group = &mut world.config.auth.oidc.as_mut().unwrap().groups[0];
    (group.scopes, group.companies) = (vec![Scope::Read], Some(vec!["id:42".to_owned()]));
    world.reload().await.unwrap();
    let told = get(&world, &noc, SESSION).await.expect(200);
    assert_eq!((&told["scopes"], &told["companies"]), (&json!(["read"]), &json!(["id:42"])));

    // Another provider, another client, or none: the sessions were given by somebody else.
    let changes: [fn(&mut Option<Oidc>); 3] = [
        |oidc| oidc.as_mut().unwrap().issuer = "https://other.example".to_owned(),
        |oidc| oidc.as_mut().unwrap().client_id = "other".to_owned(),
        |oidc| *oidc = None,
    ];
    for change in changes {
        world.config.auth.oidc = Some(oidc.clone());
        change(&mut world.config.auth.oidc);
        world.reload().await.unwrap();
        get(&world, &noc, SESSION).await.problem(401, "unauthorized");
    }
    for path in ["/sign-in/start", "/sign-in/callback?code=a&state=b"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
    world.config.auth.oidc = Some(oidc);
    world.reload().await.unwrap();
    get(&world, &noc, SESSION).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_session_cannot_be_made_up() {
    let (world, provider) = world(|_| {}).await;
    let noc = session_of(&world, &provider, "zoe", &["noc"]).await;
    let boss = session_of(&world, &provider, "jean", &["boss"]).await;
    let parts = |cookie: &str| cookie.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (noc_parts, boss_parts) = (parts(&noc), parts(&boss));
    // Whom it shows, until when, and the signature belong together.
    let mixed = format!("{}.{}.{}", noc_parts[0], boss_parts[1], noc_parts[2]);
    let longer = format!("{}9.{}.{}", noc_parts[0], noc_parts[1], noc_parts[2]);
    let unsigned = format!("{}.{}.", noc_parts[0], boss_parts[1]);
    let token = session::sign_in(&world, "desk").await;
    let of_token = format!("{}.{}.{}", noc_parts[0], boss_parts[1], parts(&token)[2]);
    for forged in [mixed, longer, unsigned, of_token] {
        get(&world, &forged, SESSION).await.problem(401, "unauthorized");
    }
    for cookie in [noc, boss, token] {
        get(&world, &cookie, SESSION).await.expect(200);
    }
    world.finish().await;
}

#[tokio::test]
async fn signing_out_ends_it_here_and_leads_to_where_it_ends_there() {
    let (mut world, provider) = world(|_| {}).await;
    let cookie = session_of(&world, &provider, "zoe", &["noc"]).await;
    let end = async |world: &World, cookie: &str| {
        let headers =
            [("cookie", cookie), OWN, ("content-type", "application/x-www-form-urlencoded")];
        world.send(Method::POST, "/session/end", &headers, Some(String::new())).await
    };
    let ended = end(&world, &cookie).await;
    assert_eq!(ended.status, 200, "{}", ended.text);
    assert!(ended.header("set-cookie").starts_with("bridge_session=; "), "{:?}", ended.headers);
    let back = format!("{}/sign-in/callback", world.base);
    let back: String = reqwest::Url::parse_with_params("http://x/", [("u", back)]).unwrap().into();
    let back = back.split_once('=').unwrap().1;
    let address =
        format!("{}/end?client_id={CLIENT}&amp;post_logout_redirect_uri={back}", provider.issuer);
    let page = session::shown(&ended);
    assert!(page.contains(&format!("content=\"0; url={address}\"")), "{page}");
    assert!(page.contains(&format!("href=\"{address}\"")), "{page}");
    // From there they come back without a word.
    let answer = world.get("/sign-in/callback").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in?way=ended"));
    assert!(world.get("/sign-in?way=ended").await.text.contains("You are signed out."));
    // Whoever came by a token has nothing to end there.
    let token = session::sign_in(&world, "desk").await;
    let answer = end(&world, &token).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in?way=ended"));
    // Nor where the provider knows no such thing.
    provider.state().discovery = json!({"end_session_endpoint": null});
    world.config.auth.oidc.as_mut().unwrap().name = "Other".to_owned();
    world.reload().await.unwrap();
    let answer = end(&world, &cookie).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in?way=ended"));
    world.finish().await;
}

#[tokio::test]
async fn the_page_offers_the_provider_beside_a_token_or_leads_there_at_once() {
    let (mut world, _provider) = world(|_| {}).await;
    let page = world.get("/sign-in?next=%2Finbox").await;
    let shown = session::shown(&page);
    assert!(shown.contains("href=\"/sign-in/start?next=%2Finbox\""), "{shown}");
    assert!(shown.contains("Sign in with Acme ID") && shown.contains("name=\"token\""), "{shown}");
    let french = [("accept-language", "fr")];
    let page = world.send(Method::GET, "/sign-in", &french, None).await;
    assert!(page.text.contains("Se connecter avec Acme ID"), "{}", page.text);

    world.config.auth.oidc.as_mut().unwrap().straight = true;
    world.reload().await.unwrap();
    let led = world.get("/sign-in?next=%2Finbox").await;
    assert_eq!((led.status, led.header("location")), (303, "/sign-in/start?next=%2Finbox"));
    // Whoever has a token, or has just signed out, stays.
    for way in ["token", "ended"] {
        let page = world.get(&format!("/sign-in?way={way}&next=%2Finbox")).await;
        assert_eq!(page.status, 200, "{}", page.text);
    }
    session::sign_in(&world, "desk").await;

    world.config.auth.oidc = None;
    world.reload().await.unwrap();
    let page = world.get("/sign-in").await;
    assert!(!page.text.contains("Acme ID") && page.text.contains("name=\"token\""));
    world.finish().await;
}
