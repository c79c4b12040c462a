//! Every call that changes something × what a page of another place can have a browser send: whatever a
//! browser adds by itself (the cookie of a session, what a proxy says) it adds for that page too.
//!
//! The calls are those that the router is made of: a new one is asked here as well.

use std::collections::BTreeMap;

use servicenav_itop_bridge::{
    config::{Config, Proxy, Scope},
    secret::Secret,
    web::{Access, Call, calls},
};

use super::{
    Tenants,
    matrix::all_that_there_is,
    requests::{Request, requests},
    secret,
};
use crate::{
    session,
    world::{ACKNOWLEDGEMENTS, Answer},
};

const PROXY_SECRET: &str = "0123456789abcdef0123456789abcdef";
const PUBLIC: &str = "https://bridge.example";

/// The content types that a form of any page can send without being asked whether it may.
const OF_FORMS: [&str; 3] =
    ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data"];

fn behind_a_proxy(config: &mut Config) {
    config.server.public_url = Some(PUBLIC.to_owned());
    config.server.cors_origins = vec!["https://board.example".to_owned()];
    let groups = BTreeMap::from([("boss".to_owned(), vec![Scope::Admin])]);
    let secret = Some(Secret::new(PROXY_SECRET.to_owned()));
    config.auth.proxy = Some(Proxy { secret, groups, ..Proxy::default() });
}

/// The calls that change something. What has its token in its address takes nothing that a browser adds:
/// `path_tokens` tests it.
fn writes() -> impl Iterator<Item = Call> {
    calls().filter(|call| call.method != "get" && call.access != Access::InPath)
}

/// Those by which people sign in and out, with forms.
fn is_sign_in(call: &Call) -> bool {
    call.path.starts_with("/session")
}

fn requests_of(tenants: &Tenants, call: &Call) -> Vec<Request> {
    if is_sign_in(call) {
        let (method, path) = (call.method, call.path.to_owned());
        return vec![Request { method, path, body: serde_json::Value::Null }];
    }
    requests(call, tenants.object("amber"))
}

async fn send(
    tenants: &Tenants,
    request: &Request,
    headers: &[&[(&str, &str)]],
    body: Option<String>,
) -> Answer {
    let method = request.method.to_uppercase().parse().unwrap();
    tenants.world.send(method, &request.path, &headers.concat(), body).await
}

/// A problem document, or the page that is made of one.
#[track_caller]
fn is_problem(answer: &Answer, status: u16, code: &str, shown: &str) {
    assert_eq!(answer.status, status, "{shown}: {}", answer.text);
    assert!(answer.text.contains(code), "{shown}: {}", answer.text);
}

#[tokio::test]
async fn no_page_elsewhere_changes_anything_by_what_a_browser_adds() {
    let tenants = Tenants::with(behind_a_proxy).await;
    let cookie = session::sign_in(&tenants.world, &secret("admin")).await;
    let before = all_that_there_is(&tenants).await;
    // By what the bridge is asked, which is as well what a page without TLS there has as its origin.
    let here = tenants.world.base.clone();
    let by_cookie = [("cookie", cookie.as_str()), ("host", "bridge.example")];
    let by_proxy = [
        ("x-forwarded-user", "jd"),
        ("x-forwarded-groups", "boss"),
        ("x-bridge-proxy-secret", PROXY_SECRET),
        ("host", "bridge.example"),
    ];
    let foreign: &[&[(&str, &str)]] = &[
        &[],
        &[("origin", "null")],
        &[("origin", "http://bridge.example")],
        &[("origin", "https://bridge.example.evil")],
        &[("origin", &here)],
        &[("origin", "https://board.example")],
        // Where a browser says it in so many words, that alone decides.
        &[("origin", PUBLIC), ("sec-fetch-site", "cross-site")],
        &[("origin", PUBLIC), ("sec-fetch-site", "same-site")],
        &[("origin", PUBLIC), ("sec-fetch-site", "")],
        &[("origin", "http://bridge.example"), ("sec-fetch-site", "cross-site")],
    ];
    for call in writes() {
        for request in requests_of(&tenants, &call) {
            for by in [&by_cookie[..], &by_proxy] {
                for foreign in foreign {
                    let shown = format!("{} {} {foreign:?}", request.method, request.path);
                    let body = Some(request.body.to_string());
                    let answer = send(&tenants, &request, &[by, foreign], body).await;
                    is_problem(&answer, 403, "foreign-caller", &shown);
                }
                if is_sign_in(&call) {
                    continue;
                }
                // What a form sends is refused even where the browser says that it is ours.
                let own = [("sec-fetch-site", "same-origin")];
                for content in OF_FORMS {
                    for body in [None, Some("a=b".to_owned())] {
                        let shown = format!("{} {} {content}", request.method, request.path);
                        let kind = [("content-type", content)];
                        let answer = send(&tenants, &request, &[by, &own, &kind], body).await;
                        is_problem(&answer, 415, "unsupported-media-type", &shown);
                    }
                }
                let shown = format!("{} {} without content", request.method, request.path);
                let answer = send(&tenants, &request, &[by, &own], None).await;
                is_problem(&answer, 415, "unsupported-media-type", &shown);
            }
        }
    }
    assert_eq!(all_that_there_is(&tenants).await, before);
    tenants.finish().await;
}

/// A program has its token, so that nobody lends it anything: but what it sends must be what it says.
#[tokio::test]
async fn a_body_that_is_no_json_is_refused_by_every_call() {
    let tenants = Tenants::with(|_| {}).await;
    let bearer = format!("Bearer {}", secret("admin"));
    let bearer = [("authorization", bearer.as_str())];
    let before = all_that_there_is(&tenants).await;
    for call in writes().filter(|call| !is_sign_in(call)) {
        if (call.method, call.path) == ("post", ACKNOWLEDGEMENTS) {
            // What is refused there is kept: `rejected` tests it.
            continue;
        }
        for request in requests_of(&tenants, &call) {
            for content in OF_FORMS {
                // An event may be a form, and what iTop tells.
                let takes_forms =
                    ["/preview", "/itop/changes"].iter().any(|end| call.path.ends_with(end));
                if takes_forms && content.contains("urlencoded") {
                    continue;
                }
                let shown = format!("{} {} {content}", request.method, request.path);
                let kind = [("content-type", content)];
                let body = Some("a=b".to_owned());
                let answer = send(&tenants, &request, &[&bearer, &kind], body).await;
                is_problem(&answer, 415, "unsupported-media-type", &shown);
            }
        }
    }
    assert_eq!(all_that_there_is(&tenants).await, before);
    tenants.finish().await;
}
