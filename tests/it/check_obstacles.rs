//! What `check` says of what stands between the bridge and iTop: each in a sentence of its own, with
//! its mend.

use axum::{
    Router,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use servicenav_itop_bridge::{
    check::{Finding, Verdict},
    clock::Clock,
    config::{Config, ItopSection, LoginKind},
    secret::Secret,
};
use tokio::net::TcpListener;

use crate::check::findings;

/// What answers instead of iTop.
type Answer = fn(&Uri) -> Response;

/// What is told of an address at which something else answers.
async fn of(login: LoginKind, answer: Answer) -> Finding {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(async move |uri: Uri| answer(&uri));
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let finding = failure(&format!("http://{address}/"), |itop| itop.login = login).await;
    server.abort();
    finding
}

/// The one thing that is wrong.
pub async fn failure(url: &str, change: impl FnOnce(&mut ItopSection)) -> Finding {
    let mut itop = ItopSection {
        url: url.to_owned(),
        user: "bridge".to_owned(),
        password: Some(Secret::new("secret".to_owned())),
        ..ItopSection::default()
    };
    change(&mut itop);
    let config = Config { itop: Some(itop), ..Config::default() };
    let mut failures = findings(&config, &Clock::system(), None, false).await;
    failures.retain(|finding| finding.verdict == Verdict::Failure);
    assert_eq!(failures.len(), 1, "{failures:?}");
    failures.remove(0)
}

fn page(status: u16) -> Response {
    (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, "text/html")], "<h1>No</h1>")
        .into_response()
}

fn redirect(location: &'static str) -> Response {
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, location)]).into_response()
}

#[tokio::test]
async fn each_has_its_own_sentence() {
    let answers: [(LoginKind, Answer); 12] = [
        (LoginKind::Form, |_| page(401)),
        (LoginKind::Form, |_| page(403)),
        (LoginKind::Form, |_| page(404)),
        (LoginKind::Form, |_| page(429)),
        (LoginKind::Form, |_| page(500)),
        (LoginKind::Form, |_| page(502)),
        (LoginKind::Form, |_| page(503)),
        (LoginKind::Form, |_| page(504)),
        (LoginKind::Form, |_| redirect("https://i.example/itop/webservices/rest.php?version=1.3")),
        (LoginKind::Form, |_| redirect("/sso/login?token=secret")),
        (LoginKind::Form, only_basic),
        (LoginKind::Basic, |_| invalid_login()),
    ];
    let mut lines = Vec::new();
    for (login, answer) in answers {
        lines.push(of(login, answer).await.to_string());
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// An iTop whose configuration does not allow the login type "form".
fn only_basic(uri: &Uri) -> Response {
    if uri.query().is_some_and(|query| query.contains("login_mode=basic")) {
        return r#"{"code":0,"version":"1.3","operations":[]}"#.into_response();
    }
    invalid_login()
}

fn invalid_login() -> Response {
    r#"{"code":1,"message":"Error: Invalid login"}"#.into_response()
}

#[tokio::test]
async fn a_port_that_does_not_speak_https() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, Router::new()).await });
    let finding = failure(&url, |_| {}).await;
    assert!(finding.seen.contains("this port does not speak https"), "{finding}");
    assert!(finding.mend.unwrap().contains("Write http:// in itop.url"));
    server.abort();
}
