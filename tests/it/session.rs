//! Signing in with a token: the session of a page.

use std::time::Duration;

use itop_sandbox::Options;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Config, Scope},
    secret::Secret,
    web::hash_token,
};

use crate::{
    stream::Listener,
    world::{ACKNOWLEDGEMENTS, Answer, World, event, limited, token, with},
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const SESSION: &str = "/api/v1/session";

fn tokens(config: &mut Config) {
    config.auth.tokens = vec![
        token("admin", &[Scope::Admin]),
        token("desk", &[Scope::Read, Scope::Operate]),
        limited("acme", &[Scope::Read], "", &["id:7"]),
    ];
}

async fn world() -> World {
    World::with(Options::default(), tokens).await
}

async fn post(world: &World, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
    let headers = [&[FORM], headers].concat();
    world.send(Method::POST, path, &headers, Some(form.to_owned())).await
}

/// What a browser sends back of the cookie that an answer gives.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Signs in as a page does; gives the cookie.
pub async fn sign_in(world: &World, token: &str) -> String {
    let answer = post(world, "/session", &[OWN], &format!("token={token}")).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    cookie(&answer)
}

/// Checks that a form is refused in a page that says why.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.text);
    assert!(answer.text.contains(code), "{}", answer.text);
}

/// A page as a browser reads its paths.
pub fn shown(page: &Answer) -> String {
    page.text.replace("&#x2f;", "/")
}

async fn get(world: &World, cookie: &str, path: &str) -> Answer {
    world.send(Method::GET, path, &[("cookie", cookie)], None).await
}

#[tokio::test]
async fn a_token_gives_a_session_with_all_that_it_may() {
    let world = world().await;
    let form = "token=desk&next=%2Finbox%3Fstate%3Dfailed";
    let begun = post(&world, "/session", &[("origin", &world.base)], form).await;
    assert_eq!((begun.status, begun.header("location")), (303, "/inbox?state=failed"));
    assert_eq!(begun.header("cache-control"), "no-store");
    let given = begun.header("set-cookie");
    assert!(given.starts_with("bridge_session="), "{given}");
    assert!(given.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"), "{given}");
    let hash = hash_token("desk");
    assert!(!given.contains("desk") && !given.contains(&hash["sha256:".len()..]), "{given}");

    let cookie = cookie(&begun);
    let session = get(&world, &cookie, SESSION).await;
    assert_eq!(session.header("cache-control"), "no-store");
    let expected = json!({
        "name": "desk", "scopes": ["read", "operate"], "instance": null, "companies": null,
        "by": "cookie",
    });
    assert_eq!(session.expect(200), expected);
    get(&world, &cookie, "/api/v1/teams").await.expect(200);
    get(&world, &cookie, "/api/v1/links/unlinked").await.problem(403, "forbidden");
    // A browser sends along what else it has.
    get(&world, &format!("theme=dark; {cookie}; x=1"), SESSION).await.expect(200);
    get(&world, &format!("bridge_session=1.2.3; {cookie}"), SESSION).await.expect(200);
    // And whoever sends a token is whoever has that.
    let both = [("cookie", cookie.as_str()), ("authorization", "Bearer admin")];
    let session = world.send(Method::GET, SESSION, &both, None).await.expect(200);
    assert_eq!((&session["name"], &session["by"]), (&json!("admin"), &json!("token")));
    let wrong = [("cookie", cookie.as_str()), ("authorization", "Bearer nobody")];
    world.send(Method::GET, SESSION, &wrong, None).await.problem(401, "unauthorized");
    // What asks for another login in front of the bridge is none of its business.
    let front = [("cookie", cookie.as_str()), ("authorization", "Basic ZGVzazpkZXNr")];
    world.send(Method::GET, SESSION, &front, None).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_token_gives_no_session() {
    let world = world().await;
    for form in ["token=nobody", "token=", "token=bridge_session", "token=%00"] {
        let answer = post(&world, "/session", &[OWN], &format!("{form}&next=/inbox")).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (401, ""), "{form}");
        // The page again, with a sentence, and nothing of what was typed.
        assert!(answer.text.contains("does not know this token"), "{}", answer.text);
        assert!(shown(&answer).contains("value=\"/inbox\""), "{}", answer.text);
        assert!(!answer.text.contains("nobody"), "{}", answer.text);
    }
    let french = [OWN, ("accept-language", "fr")];
    let answer = post(&world, "/session", &french, "token=nobody").await;
    assert!(answer.text.contains("ne connaît pas ce jeton"), "{}", answer.text);
    let hash = format!("token={}", hash_token("admin"));
    assert_eq!(post(&world, "/session", &[OWN], &hash).await.status, 401);
    for (form, status) in [("", 400), ("next=/", 400), (&"a".repeat(20_000), 413)] {
        let answer = post(&world, "/session", &[OWN], form).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (status, ""), "{}", answer.text);
    }
    let json = [OWN, ("content-type", "application/json")];
    let body = json!({"token": "admin"}).to_string();
    let answer = world.send(Method::POST, "/session", &json, Some(body)).await;
    refused(&answer, 400, "unreadable");
    // Whether there is such a token is told to pages of the bridge alone.
    for foreign in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        for form in ["token=admin", "token=nobody"] {
            let answer = post(&world, "/session", foreign, form).await;
            assert_eq!(answer.header("set-cookie"), "");
            refused(&answer, 403, "foreign-caller");
        }
        let answer = post(&world, "/session/end", foreign, "").await;
        refused(&answer, 403, "foreign-caller");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_sign_in_leads_to_pages_of_the_bridge_alone() {
    let world = world().await;
    for (next, location) in [
        ("/tickets/detail?control=a%26b", "/tickets/detail?control=a%26b"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/.//evil.example", "/"),
    ] {
        let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
        let answer = post(&world, "/session", &[OWN], &format!("token=desk&next={next}")).await;
        assert_eq!((answer.status, answer.header("location")), (303, location), "{next}");
    }
    world.finish().await;
}

#[tokio::test]
async fn behind_a_proxy_the_cookie_is_for_its_place_alone() {
    for (public_url, name, path) in [
        ("https://bridge.example", "__Host-bridge_session=", "/"),
        ("https://example.org/tools/bridge/", "__Secure-bridge_session=", "/tools/bridge"),
    ] {
        let world = World::with(Options::default(), |config| {
            tokens(config);
            config.server.public_url = Some(public_url.to_owned());
        })
        .await;
        let origin = public_url.split('/').take(3).collect::<Vec<_>>().join("/");
        let origin = ("origin", origin.as_str());
        let next = format!("{}/inbox", path.trim_end_matches('/'));
        let begun = post(&world, "/session", &[origin], &format!("token=desk&next={next}")).await;
        assert_eq!(begun.header("location"), next);
        let given = begun.header("set-cookie");
        let rest = format!("; Path={path}; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
        assert!(given.starts_with(name) && given.ends_with(&rest), "{given}");
        let cookie = cookie(&begun);
        get(&world, &cookie, SESSION).await.expect(200);
        // One that another site of the domain could have put there.
        let (_, value) = cookie.split_once('=').unwrap();
        let other = format!("bridge_session={value}");
        get(&world, &other, SESSION).await.problem(401, "unauthorized");
        // The host by which the proxy asks is not what the browser knows.
        let mut headers = vec![origin, ("cookie", &cookie)];
        let ended = post(&world, "/session/end", &headers, "").await;
        assert_eq!(ended.status, 303);
        let ends = format!("{name}; Path={path}; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(ended.header("set-cookie"), ends);
        headers[0].1 = "https://evil.example";
        let answer = post(&world, "/session/end", &headers, "").await;
        refused(&answer, 403, "foreign-caller");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_token_and_its_key() {
    let mut world = world().await;
    let (desk, admin) = (sign_in(&world, "desk").await, sign_in(&world, "admin").await);
    let (name, value) = desk.split_once('=').unwrap();
    let parts: Vec<_> = value.split('.').collect();
    let [expires, digits, signature] = parts[..] else { panic!("{value}") };
    let of_admin = admin.split('.').nth(1).unwrap();
    let later = (expires.parse::<i64>().unwrap() + 60).to_string();
    for tampered in [
        format!("{later}.{digits}.{signature}"),
        format!("{expires}.{of_admin}.{signature}"),
        format!("{expires}.{digits}.{}", "0".repeat(64)),
        format!("{expires}.{digits}."),
        format!("{expires}.{digits}"),
        format!("{expires}..{signature}"),
        format!("9223372036854775807.{digits}.{signature}"),
        String::new(),
        "..".to_owned(),
    ] {
        let cookie = format!("{name}={tampered}");
        get(&world, &cookie, SESSION).await.problem(401, "unauthorized");
    }
    // It is renewed while its person is there, and not each time.
    assert_eq!(visit(&world, &desk, "/").await.header("set-cookie"), "");
    world.clock.advance(Duration::from_hours(7));
    let used = visit(&world, &desk, "/").await;
    let renewed = cookie(&used);
    assert!(used.header("set-cookie").contains("HttpOnly") && renewed != desk, "{renewed}");
    let ended = post(&world, "/session/end", &[OWN, ("cookie", &desk)], "").await;
    assert_eq!((ended.status, ended.header("location")), (303, "/sign-in"));
    assert!(ended.header("set-cookie").contains("=; Path=/; Max-Age=0; HttpOnly"));
    world.clock.advance(Duration::from_hours(6));
    get(&world, &desk, SESSION).await.problem(401, "unauthorized");
    get(&world, &renewed, SESSION).await.expect(200);
    get(&world, &admin, SESSION).await.problem(401, "unauthorized");

    // With its token it ends at once, and no token of the same name goes on with it.
    let desk = sign_in(&world, "desk").await;
    let admin = sign_in(&world, "admin").await;
    world.config.auth.tokens[1].hash = hash_token("another");
    assert!(!world.reload().await.unwrap());
    get(&world, &desk, SESSION).await.problem(401, "unauthorized");
    get(&world, &admin, SESSION).await.expect(200);
    // A restart does not end it, another key does.
    world.stop_bridge().await;
    world.start_bridge().await;
    get(&world, &admin, SESSION).await.expect(200);
    let key = "another key of at least 32 characters";
    world.config.server.link_key = Some(Secret::new(key.to_owned()));
    world.reload().await.unwrap();
    get(&world, &admin, SESSION).await.problem(401, "unauthorized");
    world.finish().await;
}

/// Goes to a page, as browsers do by https.
async fn visit(world: &World, cookie: &str, path: &str) -> Answer {
    let headers = [("cookie", cookie), ("sec-fetch-mode", "navigate")];
    world.send(Method::GET, path, &headers, None).await
}

#[tokio::test]
async fn a_screen_that_nobody_looks_at_is_signed_out_in_the_end() {
    let world = world().await;
    let desk = sign_in(&world, "desk").await;
    let cookie = ("cookie", desk.as_str());
    // All that a page asks by itself, by https and without.
    let by_itself: [(&str, &[(&str, &str)]); 5] = [
        ("/", &[("accept", "text/html"), ("sec-fetch-mode", "cors")]),
        ("/", &[("accept", "text/html")]),
        ("/api/v1/tickets", &[("accept", "application/json"), ("sec-fetch-mode", "cors")]),
        ("/api/v1/tickets", &[("accept", "application/json")]),
        ("/assets/0/live.js", &[("accept", "*/*"), ("sec-fetch-mode", "cors")]),
    ];
    for _ in 0..11 {
        world.clock.advance(Duration::from_hours(1));
        for (path, headers) in &by_itself {
            let headers = [&[cookie], *headers].concat();
            let answer = world.send(Method::GET, path, &headers, None).await;
            assert_eq!((answer.status, answer.header("set-cookie")), (200, ""), "{path}");
        }
        let stream = format!("{}/api/v1/tickets/stream", world.base);
        let headers = [cookie, ("accept", "text/event-stream"), ("sec-fetch-mode", "cors")];
        let listened = headers
            .iter()
            .fold(world.http.get(stream), |request, (name, value)| request.header(*name, *value));
        let listened = listened.send().await.unwrap();
        assert!(listened.status() == 200 && !listened.headers().contains_key("set-cookie"));
    }
    // Whoever comes back in time goes on: by a page, without https too, or by what they change.
    let browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let visited = [cookie, ("accept", browsers)];
    let visited = world.send(Method::GET, "/", &visited, None).await;
    assert!(visited.header("set-cookie").contains("Max-Age=43200"), "{visited:?}");
    assert!(visit(&world, &desk, "/inbox").await.header("set-cookie").contains("Max-Age=43200"));
    let write = [cookie, OWN, ("content-type", "application/json"), ("sec-fetch-mode", "cors")];
    let retried = format!("{ACKNOWLEDGEMENTS}/1/retry");
    let changed = world.send(Method::POST, &retried, &write, None).await;
    assert!(changed.header("set-cookie").contains("Max-Age=43200"), "{changed:?}");
    world.clock.advance(Duration::from_hours(2));
    get(&world, &desk, SESSION).await.problem(401, "unauthorized");
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_may_not_read_is_told_so_where_one_signs_in() {
    let mut world = World::with(Options::default(), |config| {
        tokens(config);
        config.auth.tokens.push(token("sender", &[Scope::Ingest]));
    })
    .await;
    let answer = post(&world, "/session", &[OWN], "token=sender&next=/inbox").await;
    assert_eq!((answer.status, answer.header("set-cookie")), (403, ""));
    assert!(answer.text.contains("This token may not read pages"), "{}", answer.text);
    assert!(shown(&answer).contains("name=\"next\" value=\"/inbox\""), "{}", answer.text);
    let french = [OWN, ("accept-language", "fr")];
    let answer = post(&world, "/session", &french, "token=sender").await;
    assert!(answer.text.contains("ne permet pas de lire les pages"), "{}", answer.text);
    // So is whoever has a session of one from which the right was taken.
    let desk = sign_in(&world, "desk").await;
    world.config.auth.tokens[1].scopes = vec![Scope::Ingest];
    world.reload().await.unwrap();
    assert_eq!(get(&world, &desk, "/inbox").await.status, 403);
    let page = get(&world, &desk, "/sign-in").await;
    assert!(page.status == 200 && page.text.contains("This token may not read pages"));
    world.finish().await;
}

#[tokio::test]
async fn a_page_elsewhere_changes_nothing_by_a_session() {
    let world = World::with(Options::default(), |config| {
        tokens(config);
        config.server.cors_origins = vec!["https://board.example".to_owned()];
    })
    .await;
    let admin = sign_in(&world, "admin").await;
    let cookie = ("cookie", admin.as_str());
    let link = json!({"organization": "Demo", "team": "Helpdesk"}).to_string();
    let own_host = world.base.strip_prefix("http://").unwrap();
    let host_elsewhere = format!("http://evil.example/{own_host}");
    for foreign in [
        None,
        Some(("origin", "https://evil.example")),
        // It may call with a token of its own.
        Some(("origin", "https://board.example")),
        Some(("origin", "null")),
        Some(("origin", host_elsewhere.as_str())),
        Some(("sec-fetch-site", "same-site")),
        Some(("referer", world.base.as_str())),
    ] {
        let headers: Vec<_> = [cookie].into_iter().chain(foreign).collect();
        for (method, path, body) in [
            (Method::PUT, "/api/v1/links/42", Some(link.clone())),
            (Method::DELETE, "/api/v1/links/42", None),
            (Method::POST, ACKNOWLEDGEMENTS, Some(event("a").to_string())),
            (Method::POST, "/api/v1/acknowledgements/1/retry", None),
            (Method::POST, "/api/v1/tickets/stream/address", None),
        ] {
            let answer = world.send(method, path, &headers, body).await;
            let detail = answer.problem(403, "foreign-caller");
            assert!(detail.contains("only pages of the bridge itself may write here"), "{detail}");
        }
        let read = world.send(Method::GET, "/api/v1/links", &headers, None).await;
        assert_eq!(read.header("access-control-allow-credentials"), "");
        assert_eq!(read.expect(200)["items"], json!([]));
    }
    for own in [OWN, ("origin", &world.base)] {
        let headers = [cookie, own];
        let put = world.send(Method::PUT, "/api/v1/links/42", &headers, Some(link.clone())).await;
        assert!(put.status < 300, "{}", put.text);
    }
    // A token is no thing that a browser adds by itself.
    let bearer = [("authorization", "Bearer admin"), ("origin", "https://evil.example")];
    let put = world.send(Method::PUT, "/api/v1/links/42", &bearer, Some(link)).await;
    assert_eq!(put.status, 200, "{}", put.text);
    world.finish().await;
}

#[tokio::test]
async fn the_session_of_a_limited_token_listens_to_its_companies_alone() {
    let mut world = world().await;
    world.token = Some("admin".to_owned());
    world.link_demo().await;
    world.link(7, json!({"organization": "ACME Logistics"})).await;
    world.token = None;
    let acme = sign_in(&world, "acme").await;
    let session = get(&world, &acme, SESSION).await.expect(200);
    let seen = (&session["instance"], &session["companies"], &session["by"]);
    assert_eq!(seen, (&json!("default"), &json!(["id:7"]), &json!("cookie")));

    let mut stream = Listener::start_with(&world, "", Some(("cookie", acme.clone()))).await;
    world.token = Some("admin".to_owned());
    world.acknowledge(&event("a")).await.expect(201);
    let of_acme = with(event("b"), "/company", json!({"id": 7, "name": "ACME"}));
    world.acknowledge(&of_acme).await.expect(201);
    let told = stream.until(|control| !control["ticket"].is_null()).await;
    assert!(told.iter().all(|control| control == "control-b"), "{told:?}");
    world.token = None;
    let items = get(&world, &acme, ACKNOWLEDGEMENTS).await.expect(200)["items"].clone();
    let of: Vec<_> = items.as_array().unwrap().iter().map(|row| &row["company"]["key"]).collect();
    assert_eq!(of, ["id:7"]);
    // With the token goes what listens by it.
    world.config.auth.tokens.retain(|token| token.name != "acme");
    world.reload().await.unwrap();
    while stream.next().await.is_some() {}
    world.finish().await;
}

#[tokio::test]
async fn a_stranger_is_led_to_the_page_and_back() {
    let world = world().await;
    let led = world.get("/?x=1").await;
    assert_eq!((led.status, led.text.as_str()), (303, ""));
    let place = led.header("location");
    assert_eq!(place, "/sign-in?next=%2F%3Fx%3D1");
    let page = world.get(place).await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
    assert!(page.header("content-security-policy").contains("form-action 'self'"));
    for part in [
        "<form class=\"card alone\" method=\"post\" action=\"/session\">",
        "name=\"token\" type=\"password\"",
        "name=\"next\" value=\"/?x=1\"",
        "/language/fr?next=%2Fsign-in%3Fnext%3D%252F%253Fx%253D1",
    ] {
        assert!(shown(&page).contains(part), "{part}: {}", page.text);
    }
    // Nobody is signed in, and so nobody can sign out.
    assert!(!shown(&page).contains("/session/end"), "{}", page.text);
    let french = world.send(Method::GET, place, &[("accept-language", "fr")], None).await;
    assert!(french.text.contains("Se connecter") && french.text.contains("lang=\"fr\""));
    // Where it leads then is not for whoever made the link to say.
    let odd = world.get("/sign-in?next=%22%3E%3Cscript%3E").await;
    assert!(!odd.text.contains("script>\""), "{}", odd.text);
    assert!(shown(&odd).contains("name=\"next\" value=\"/\""), "{}", odd.text);

    let desk = sign_in(&world, "desk").await;
    let home = get(&world, &desk, "/").await;
    assert_eq!(home.status, 200);
    assert!(home.text.contains("<span class=\"name\">desk</span>"), "{}", home.text);
    assert!(shown(&home).contains("action=\"/session/end\""), "{}", home.text);
    // Whoever is signed in already goes on.
    let on = get(&world, &desk, "/sign-in?next=%2Finbox").await;
    assert_eq!((on.status, on.header("location")), (303, "/inbox"));
    world.finish().await;
}

#[tokio::test]
async fn without_tokens_nobody_signs_in() {
    let world = World::start().await;
    let session = world.get(SESSION).await.expect(200);
    let anyone = json!({
        "name": "anyone", "scopes": ["admin"], "instance": null, "companies": null, "by": "anyone",
    });
    assert_eq!(session, anyone);
    let answer = post(&world, "/session", &[OWN], "token=x&next=/inbox").await;
    let seen = (answer.status, answer.header("location"), answer.header("set-cookie"));
    assert_eq!(seen, (303, "/inbox", ""));
    let page = world.get("/sign-in?next=%2F%3Fx%3D1").await;
    assert_eq!((page.status, page.header("location")), (303, "/?x=1"));
    let home = world.get("/").await;
    let home = shown(&home);
    assert!(!home.contains("anyone") && !home.contains("/session/end"), "{home}");
    world.finish().await;
}

/// What a token says of itself.
#[tokio::test]
async fn a_program_asks_who_it_is() {
    let mut world = world().await;
    for (name, scopes, companies) in
        [("admin", json!(["admin"]), Value::Null), ("acme", json!(["read"]), json!(["id:7"]))]
    {
        world.token = Some(name.to_owned());
        let session = world.get(SESSION).await.expect(200);
        assert_eq!((&session["name"], &session["by"]), (&json!(name), &json!("token")));
        assert_eq!((&session["scopes"], &session["companies"]), (&scopes, &companies));
    }
    world.token = None;
    world.get(SESSION).await.problem(401, "unauthorized");
    world.finish().await;
}
