//! What stands before iTop and answers in its place by what the request has.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{faults::FaultKind, login::credentials};

/// The answer to a request with these headers and this body, unless it goes on to iTop.
pub(super) fn answer(kind: &FaultKind, headers: &HeaderMap, body: &[u8]) -> Option<Response> {
    match kind {
        FaultKind::FrontLogin { user, password } => {
            let known = format!("{user}:{password}");
            (credentials(headers) != Some(known)).then(|| {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"support\"")];
                let page = "<html><head><title>401 Unauthorized</title></head></html>\n";
                (StatusCode::UNAUTHORIZED, challenge, html(page.to_owned())).into_response()
            })
        }
        FaultKind::EchoPage { status } => {
            let page = format!("<h1>Debug</h1><pre>{}</pre>", request(headers, body));
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::OK);
            Some((status, html(page)).into_response())
        }
        FaultKind::EchoMessage => {
            let message = format!("Error: cannot read {}", request(headers, body));
            let answer = json!({"code": 100, "message": message}).to_string();
            Some(([(header::CONTENT_TYPE, "application/json")], answer).into_response())
        }
        _ => None,
    }
}

fn html(page: String) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page).into_response()
}

/// The body first: it holds the password, and what shows a page cuts it.
fn request(headers: &HeaderMap, body: &[u8]) -> String {
    let headers = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    let headers = headers.collect::<Vec<_>>().join("; ");
    format!("{} {headers}", String::from_utf8_lossy(body))
}
