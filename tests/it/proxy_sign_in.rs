//! People whom a proxy in front of the bridge has signed in.

use std::collections::BTreeMap;

use itop_sandbox::Options;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::{App, StartError},
    clock::Clock,
    config::{Config, Proxy, Scope},
    secret::Secret,
};

use crate::{
    session,
    stream::Listener,
    world::{ACKNOWLEDGEMENTS, Answer, World, event, token, with},
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const SESSION: &str = "/api/v1/session";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// What the proxy adds for somebody in these groups.
fn by_proxy<'h>(user: &'h str, groups: &'h str) -> Vec<(&'h str, &'h str)> {
    vec![
        ("x-forwarded-user", user),
        ("x-forwarded-groups", groups),
        ("x-bridge-proxy-secret", SECRET),
    ]
}

fn proxy(config: &mut Config) {
    let groups = [
        ("noc", vec![Scope::Read, Scope::Operate]),
        ("service desk", vec![Scope::Read]),
        ("boss", vec![Scope::Admin]),
    ];
    let groups = groups.into_iter().map(|(group, scopes)| (group.to_owned(), scopes)).collect();
    config.auth.proxy =
        Some(Proxy { secret: Some(Secret::new(SECRET.to_owned())), groups, ..Proxy::default() });
}

async fn world() -> World {
    World::with(Options::default(), proxy).await
}

async fn get(world: &World, headers: &[(&str, &str)], path: &str) -> Answer {
    world.send(Method::GET, path, headers, None).await
}

#[tokio::test]
async fn whom_the_proxy_has_signed_in_may_what_its_groups_may() {
    let world = world().await;
    for (groups, scopes) in [
        ("noc", json!(["read", "operate"])),
        ("service desk", json!(["read"])),
        ("unknown, noc ,service desk", json!(["read", "operate"])),
        ("noc,boss", json!(["read", "operate", "admin"])),
    ] {
        let session = get(&world, &by_proxy("Jean Dupont", groups), SESSION).await.expect(200);
        let expected = json!({
            "name": "Jean Dupont", "scopes": scopes, "instance": null, "companies": null,
            "by": "proxy",
        });
        assert_eq!(session, expected, "{groups}");
    }
    // Names are texts of all languages.
    let session = get(&world, &by_proxy("Zoé Müller", "noc"), SESSION).await.expect(200);
    assert_eq!(session["name"], "Zoé Müller");
    let noc = by_proxy("jd", "noc");
    get(&world, &noc, "/api/v1/teams").await.expect(200);
    let detail = get(&world, &noc, "/api/v1/links/unlinked").await.problem(403, "forbidden");
    assert_eq!(detail, "The user 'jd' lacks the scope 'admin'.");
    for groups in ["", "NOC", "noc2", "service", "desk"] {
        let detail = get(&world, &by_proxy("jd", groups), SESSION).await.problem(403, "forbidden");
        assert!(
            detail.starts_with("The user 'jd' is signed in, and in none of the groups"),
            "{detail}"
        );
    }
    // Nobody is signed in.
    for headers in [&by_proxy("", "noc")[..], &by_proxy("jd", "noc")[1..], &[]] {
        get(&world, headers, SESSION).await.problem(401, "unauthorized");
    }
    // Without a token the bridge is open to nobody, by whatever name it is called.
    get(&world, &[("host", "localhost")], ACKNOWLEDGEMENTS).await.problem(401, "unauthorized");
    get(&world, &[("host", "elsewhere.example")], "/healthz").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn whoever_forges_the_header_is_nobody() {
    let mut world = World::with(Options::default(), |config| {
        proxy(config);
        config.auth.tokens = vec![token("desk", &[Scope::Read])];
    })
    .await;
    let wrong = format!("{}0", &SECRET[1..]);
    let longer = format!("{SECRET}0");
    for secret in [None, Some(""), Some(wrong.as_str()), Some(&longer), Some(&SECRET[..31])] {
        let mut headers = by_proxy("jd", "boss");
        headers.truncate(2);
        headers.extend(secret.map(|secret| ("x-bridge-proxy-secret", secret)));
        for path in [SESSION, ACKNOWLEDGEMENTS, "/api/v1/links/unlinked"] {
            get(&world, &headers, path).await.problem(401, "unauthorized");
        }
        // It takes nothing from whoever has a token.
        headers.push(("authorization", "Bearer desk"));
        let session = get(&world, &headers, SESSION).await.expect(200);
        assert_eq!((&session["name"], &session["by"]), (&json!("desk"), &json!("token")));
    }
    // Nor does the true header: programs behind the proxy are who they are.
    let mut both = by_proxy("jd", "boss");
    both.push(("authorization", "Bearer desk"));
    assert_eq!(get(&world, &both, SESSION).await.expect(200)["name"], "desk");
    both[3].1 = "Bearer nobody";
    get(&world, &both, SESSION).await.problem(401, "unauthorized");
    // What the proxy itself was shown is its own affair.
    both[3].1 = "Basic amQ6amQ=";
    assert_eq!(get(&world, &both, SESSION).await.expect(200)["name"], "jd");
    // Who has signed in here is that.
    let cookie = session::sign_in(&world, "desk").await;
    both[3] = ("cookie", &cookie);
    assert_eq!(get(&world, &both, SESSION).await.expect(200)["name"], "desk");

    // The right secret from elsewhere.
    let jd = by_proxy("jd", "boss");
    for (trusted, status) in [
        (&["10.0.0.0/8", "::1"][..], 401),
        (&["127.0.0.2"], 401),
        (&["10.0.0.0/8", "127.0.0.0/8"], 200),
    ] {
        let trusted = trusted.iter().map(ToString::to_string).collect();
        world.config.auth.proxy.as_mut().unwrap().trusted = trusted;
        assert!(!world.reload().await.unwrap());
        assert_eq!(get(&world, &jd, SESSION).await.status, status);
    }
    // Another secret is taken over, too.
    let other = "another secret of the same length";
    let other = other.replace(' ', "-");
    world.config.auth.proxy.as_mut().unwrap().secret = Some(Secret::new(other.clone()));
    world.reload().await.unwrap();
    get(&world, &jd, SESSION).await.problem(401, "unauthorized");
    let mut renewed = by_proxy("jd", "boss");
    renewed[2].1 = &other;
    get(&world, &renewed, SESSION).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_header_that_stands_there_twice_is_refused() {
    let world = world().await;
    for (name, value) in [
        ("x-forwarded-user", "admin"),
        ("x-forwarded-user", "jd"),
        ("x-forwarded-groups", "boss"),
        ("x-bridge-proxy-secret", SECRET),
    ] {
        for is_first in [true, false] {
            let mut headers = HeaderMap::new();
            let mut pairs = by_proxy("jd", "noc");
            pairs.insert(if is_first { 0 } else { 3 }, (name, value));
            for (name, value) in pairs {
                headers.append(
                    reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.parse().unwrap(),
                );
            }
            let request = world.http.get(format!("{}{SESSION}", world.base)).headers(headers);
            let answer = Answer::read(request.send().await.unwrap()).await;
            let detail = answer.problem(403, "foreign-caller");
            assert!(
                detail.starts_with(&format!("The header '{name}' stands there twice")),
                "{detail}"
            );
        }
    }
    // Several that were joined on the way.
    for user in ["admin, jd", "jd,"] {
        let answer = get(&world, &by_proxy(user, "noc"), SESSION).await;
        answer.problem(403, "foreign-caller");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_page_elsewhere_changes_nothing_through_the_proxy() {
    let world = world().await;
    let link = json!({"organization": "Demo", "team": "Helpdesk"}).to_string();
    let put = async |more: &[(&str, &str)]| {
        let headers = [&by_proxy("jd", "boss"), more].concat();
        world.send(Method::PUT, "/api/v1/links/42", &headers, Some(link.clone())).await
    };
    for foreign in [&[][..], &[("origin", "https://evil.example")], &[("origin", "null")]] {
        put(foreign).await.problem(403, "foreign-caller");
    }
    put(&[("origin", &world.base)]).await.expect(201);
    put(&[OWN]).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn what_somebody_did_bears_their_name() {
    let world = world().await;
    let send = async |user: &str, method: Method, path: &str, body: Value| {
        let mut headers = by_proxy(user, "boss");
        headers.push(OWN);
        headers.push(("prefer", "wait=20"));
        let body = (!body.is_null()).then(|| body.to_string());
        world.send(method, path, &headers, body).await
    };
    let link = json!({"organization": "Demo", "team": "Helpdesk"});
    let linked = send("Zoé", Method::PUT, "/api/v1/links/42", link).await.expect(201);
    assert_eq!(linked["updated_by"], "Zoé");
    let failed = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    let failed = send("jd", Method::POST, ACKNOWLEDGEMENTS, failed).await.expect(202);
    let path = failed["links"]["self"].as_str().unwrap();
    let reason = json!({"reason": "planned"});
    send("jd", Method::POST, &format!("{path}/discard"), reason).await.expect(200);
    let row = get(&world, &by_proxy("x", "noc"), path).await.expect(200);
    assert_eq!(
        (&row["actions"][0]["by"], &row["actions"][0]["what"]),
        (&json!("jd"), &json!("discarded"))
    );
    world.finish().await;
}

#[tokio::test]
async fn a_page_shows_who_it_is_and_leaves_signing_out_to_the_proxy() {
    let world = world().await;
    let home = get(&world, &by_proxy("Zoé <b>", "noc"), "/").await;
    assert_eq!(home.status, 200, "{}", home.text);
    assert!(home.text.contains("<span class=\"name\">Zoé &lt;b&gt;</span>"), "{}", home.text);
    assert!(!session::shown(&home).contains("/session/end"), "{}", home.text);
    // Whoever is in no group is told so, and is not led round in circles.
    for path in ["/", "/sign-in"] {
        let page = get(&world, &by_proxy("jd", "visitors"), path).await;
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert_eq!(page.status, if path == "/" { 403 } else { 200 }, "{path}: {}", page.text);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_page_behind_the_proxy_listens() {
    let mut world = world().await;
    let stream = format!("{}/api/v1/tickets/stream", world.base);
    let mut request = world.http.get(stream);
    for (name, value) in by_proxy("jd", "noc") {
        request = request.header(name, value);
    }
    let mut stream = Listener::reading(request.send().await.unwrap()).await;
    // An address is for those who have a token.
    let mut headers = by_proxy("jd", "noc");
    headers.extend([OWN, ("content-type", "application/json")]);
    let asked = world.send(Method::POST, "/api/v1/tickets/stream/address", &headers, None).await;
    asked.problem(403, "forbidden");
    world.config.auth.proxy.as_mut().unwrap().groups = BTreeMap::new();
    world.reload().await.unwrap();
    assert_eq!(stream.next().await, None);
    world.finish().await;
}

#[tokio::test]
async fn beyond_loopback_a_proxy_is_as_good_as_a_token() {
    let mut world = World::start().await;
    world.stop_bridge().await;
    let everywhere = async || tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let open = App::build(world.config.clone(), Clock::system(), everywhere().await).await;
    assert!(matches!(open, Err(StartError::Open(_))));
    proxy(&mut world.config);
    App::build(world.config.clone(), Clock::system(), everywhere().await).await.unwrap();
    world.finish().await;
}
