//! What each answer tells a browser, and what is between: who may keep it, and what a page may do.
//!
//! The calls are those that the router is made of: a new one is asked here as well.

use std::collections::BTreeSet;

use servicenav_itop_bridge::web::{Access, calls};

use super::{
    STREAM, Tenants,
    requests::{calls_about_objects, requests},
};
use crate::world::Answer;

/// What is the same for everyone, and tells nothing of anybody.
const FOR_ALL: [&str; 2] = ["/api", "/api/openapi.json"];

/// What may be kept, for so long as it says: parts of the program, and what has a signed address.
const KEPT: [&str; 3] = ["/assets/", "/controls/badge.svg", "/controls/card"];

#[tokio::test]
async fn what_depends_on_who_asks_is_kept_by_nobody() {
    let tenants = Tenants::start().await.in_sessions().await;
    for call in calls_about_objects() {
        let object = tenants.object("amber");
        for request in requests(&call, object) {
            for token in ["admin", "read", ""] {
                let answer = tenants.ask(token, request.method, &request.path, &request.body).await;
                let shown = format!("{token}: {} {}", request.method, request.path);
                let kept = answer.header("cache-control");
                let may_keep = KEPT.iter().any(|path| request.path.starts_with(path))
                    || FOR_ALL.contains(&request.path.as_str());
                assert!(kept.contains("no-store") || may_keep, "{shown}: {kept}");
                assert!(!kept.contains("public") || kept.contains("immutable"), "{shown}: {kept}");
            }
        }
    }
    let link = tenants.object("amber").open.clone();
    for path in ["badge.svg", "card"] {
        let path = link.replace("/controls/open", &format!("/controls/{path}"));
        let signed = tenants.get("", &path).await;
        assert_eq!((signed.status, signed.header("cache-control")), (200, "private, max-age=20"));
    }
    tenants.finish().await;
}

/// The headers of a page; the card is shown by pages of others, and so has its own.
#[track_caller]
fn is_protected(answer: &Answer, path: &str) {
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
    assert!(policy.contains("base-uri 'none'"), "{path}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert!(["same-origin", "no-referrer"].contains(&answer.header("referrer-policy")), "{path}");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
    let kept = answer.header("cache-control");
    let is_card = path.starts_with("/controls/card");
    assert!(kept.contains("no-store") || is_card || FOR_ALL.contains(&path), "{path}: {kept}");
    // What the policy forbids does not stand there either.
    let has_style = answer.text.contains("style=") || answer.text.contains("<style");
    assert!(!has_style || is_card, "{path}: {}", answer.text);
}

#[tokio::test]
async fn every_page_is_protected() {
    let tenants = Tenants::start().await.in_sessions().await;
    let object = tenants.object("amber");
    let mut paths: Vec<String> = vec!["/sign-in".to_owned(), "/sign-in?next=%2Finbox".to_owned()];
    for call in calls_about_objects().filter(|call| call.method == "get" && call.path != STREAM) {
        paths.extend(requests(&call, object).into_iter().map(|request| request.path));
    }
    for path in ["open", "card"] {
        // With its signature, and with that of nobody.
        let own = object.open.replace("/controls/open", &format!("/controls/{path}"));
        paths.extend([format!("{own}0"), own]);
    }
    // What is refused is told in a page too.
    paths.extend(["/inbox/0", "/inbox?nonsense=1", "/tickets/detail"].map(str::to_owned));
    let mut pages = BTreeSet::new();
    for path in &paths {
        for token in ["", "ingest", "read", "admin"] {
            let answer = tenants.get(token, path).await;
            if answer.header("content-type").starts_with("text/html") {
                is_protected(&answer, path);
                pages.insert(path.split('?').next().unwrap().to_owned());
            }
        }
    }
    for form in ["/session", "/session/end"] {
        let answer = tenants.world.post(form, &serde_json::Value::Null).await;
        assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.text);
        is_protected(&answer, form);
    }
    // Each call whose answer is a page was among them.
    let page_calls =
        calls().filter(|call| matches!(call.access, Access::Page(_) | Access::PageOfOverseers));
    for call in page_calls {
        let begin = call.path.split('{').next().unwrap();
        assert!(pages.iter().any(|page| page.starts_with(begin)), "{begin}: {pages:?}");
    }
    for page in ["/sign-in", "/controls/open", "/controls/card"] {
        assert!(pages.contains(page), "{page}: {pages:?}");
    }
    tenants.finish().await;
}
