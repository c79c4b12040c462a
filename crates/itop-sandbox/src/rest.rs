//! `webservices/rest.php`: one request from its bytes to its answer.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::{Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    Itop,
    faults::FaultKind,
    front,
    line::Line,
    login,
    operations::Effect,
    work::{self, Order},
};

pub(super) const HTML: &str = "text/html; charset=UTF-8";
/// PHP's `post_max_size` of a generous installation.
pub(super) const BODY_LIMIT: usize = 64 << 20;

/// What the client gets.
pub(super) enum Reply {
    Answer(Response),
    /// The connection closes without an answer.
    Cut,
}

pub(super) async fn rest(
    State(itop): State<Arc<Itop>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let call = Call {
        query: form(parts.uri.query().unwrap_or_default().as_bytes()),
        form: form(&body),
        headers: parts.headers,
        body,
    };
    answered(&itop, &line, {
        let itop = Arc::clone(&itop);
        async move { serve(&itop, call).await }
    })
    .await
}

/// What a client gets of some work. One that hangs up does not stop PHP: the work has a task of its
/// own.
pub(super) async fn answered(
    itop: &Itop,
    line: &Line,
    work: impl Future<Output = Reply> + Send + 'static,
) -> Response {
    let dead = itop.dead.clone();
    let work = itop.tasks.spawn(async move {
        tokio::select! {
            biased;
            () = dead.cancelled() => Reply::Cut,
            reply = work => reply,
        }
    });
    match work.await {
        Ok(Reply::Answer(response)) => response,
        Ok(Reply::Cut) => {
            line.cut();
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(_) => database_down(),
    }
}

struct Call {
    query: HashMap<String, String>,
    form: HashMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// PHP looks into the form and the query alike.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.form.get(name).or_else(|| self.query.get(name)).map(String::as_str)
    }

    fn operation(&self) -> String {
        self.parameter("json_data")
            .and_then(|json| serde_json::from_str::<Value>(json).ok())
            .and_then(|data| data.get("operation")?.as_str().map(ToOwned::to_owned))
            .unwrap_or_default()
    }
}

async fn serve(itop: &Arc<Itop>, mut call: Call) -> Reply {
    let operation = call.operation();
    let effect = Effect::of(&operation);
    let (_at_work, busy) = itop.load.enter(&operation, effect);
    let strike = itop.faults.strike(effect);
    let strike = strike.of_text(call.parameter("json_data").unwrap_or_default());
    let latency = itop.options.latency;
    let halves = latency.map(|latency| latency.halves(effect, busy, itop.clock.now()));
    let [before, inside] = halves.unwrap_or_default();
    itop.clock.sleep(before + strike.before).await;
    let in_front = |(kind, _): &(FaultKind, bool)| front::answer(kind, &call.headers, &call.body);
    if let Some(page) = strike.kinds.iter().find_map(in_front) {
        return Reply::Answer(page);
    }
    if let Some(reply) = strike
        .kinds
        .iter()
        .find_map(|(kind, after)| if *after { None } else { instead_of_the_effect(kind) })
    {
        return reply;
    }
    if strike.drops_form(call.body.len()) {
        call.form.clear();
    }
    let parameter = |name: &str| call.parameter(name).map(ToOwned::to_owned);
    let user = || login::user(&call.headers, parameter);
    let answer = match Order::read(&strike, user, parameter) {
        Ok(order) => work::done(itop, order, &strike, inside + strike.inside).await,
        Err(refusal) => Err(refusal),
    };
    itop.clock.sleep(strike.after).await;
    let Some(body) = answer.map_or_else(|refusal| refusal.body(), Some) else {
        let cut = strike.kinds.iter().any(|(kind, after)| match kind {
            FaultKind::CutAfter => true,
            FaultKind::CutBefore => *after,
            _ => false,
        });
        return if cut { Reply::Cut } else { Reply::Answer(database_down()) };
    };
    strike
        .kinds
        .iter()
        .find_map(|(kind, after)| instead_of_the_answer(kind, *after, &body))
        .unwrap_or_else(|| Reply::Answer(json_text(body.to_string())))
}

pub(super) fn instead_of_the_effect(kind: &FaultKind) -> Option<Reply> {
    match kind {
        FaultKind::CutBefore => Some(Reply::Cut),
        FaultKind::Refuse { code, message } => {
            Some(Reply::Answer(json_text(json!({ "code": code, "message": message }).to_string())))
        }
        _ => page(kind).map(Reply::Answer),
    }
}

fn instead_of_the_answer(kind: &FaultKind, after_effect: bool, body: &Value) -> Option<Reply> {
    match kind {
        FaultKind::CutAfter => Some(Reply::Cut),
        FaultKind::CutBefore if after_effect => Some(Reply::Cut),
        FaultKind::NoticeBeforeJson => Some(Reply::Answer(json_text(format!(
            "<br />\n<b>Notice</b>:  Undefined index: name in \
             <b>/var/www/html/itop/application/utils.inc.php</b> on line <b>42</b><br />\n{body}"
        )))),
        FaultKind::EndlessAnswer { megabytes } => {
            let blanks = " ".repeat(megabytes * 1_000_000);
            Some(Reply::Answer(json_text(format!("{body}{blanks}"))))
        }
        FaultKind::TruncatedJson => {
            let mut text = body.to_string();
            let mut half = text.len() / 2;
            while !text.is_char_boundary(half) {
                half -= 1;
            }
            text.truncate(half);
            Some(Reply::Answer(json_text(text)))
        }
        // What was refused before the commit keeps its own words.
        FaultKind::Code100AfterCommit if body["code"] == 0 => {
            let message = "Error: Failed to send the notification: connection refused";
            Some(Reply::Answer(json_text(json!({ "code": 100, "message": message }).to_string())))
        }
        FaultKind::Refuse { code, message } if after_effect => {
            Some(Reply::Answer(json_text(json!({ "code": code, "message": message }).to_string())))
        }
        _ if after_effect => page(kind).map(Reply::Answer),
        _ => None,
    }
}

/// The kinds that answer with a page of their own.
pub(super) fn page(kind: &FaultKind) -> Option<Response> {
    let response = match kind {
        FaultKind::Maintenance => {
            let body = json!({
                "data": [{
                    "code": 100,
                    "message": "This application is currently under maintenance.",
                }],
                "scripts": [],
            });
            (StatusCode::SERVICE_UNAVAILABLE, json_text(body.to_string())).into_response()
        }
        FaultKind::DatabaseDown => database_down(),
        FaultKind::Unavailable => html(
            StatusCode::SERVICE_UNAVAILABLE,
            "<html><head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n\
             <center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr>\
             <center>nginx</center>\r\n</body>\r\n</html>\r\n",
        ),
        FaultKind::BadGateway => html(
            StatusCode::BAD_GATEWAY,
            "<html><head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
             <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n\
             </body>\r\n</html>\r\n",
        ),
        FaultKind::LoginPage => html(
            StatusCode::OK,
            "<!DOCTYPE html>\n<html><head><title>iTop login</title></head><body>\
             <form method=\"post\"><input name=\"auth_user\"><input name=\"auth_pwd\" \
             type=\"password\"></form></body></html>\n",
        ),
        FaultKind::Redirect => {
            (StatusCode::FOUND, [(header::LOCATION, "/sso/login?next=rest.php")]).into_response()
        }
        FaultKind::Firewall { status, .. } => html(
            StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN),
            "<html><head><title>Request blocked</title></head><body>Blocked by the security policy. \
             Support ID 77120</body></html>",
        ),
        FaultKind::WrongJson => json_text(r#"{"status":"ok","items":[1,2,3]}"#.to_owned()),
        _ => return None,
    };
    Some(response)
}

pub(super) fn database_down() -> Response {
    html(
        StatusCode::INTERNAL_SERVER_ERROR,
        "<p>iTop: An error occurred, check server error log for more information.</p>\n",
    )
}

fn html(status: StatusCode, page: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, HTML)], page).into_response()
}

fn json_text(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn form(bytes: &[u8]) -> HashMap<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    raw_form(bytes).into_iter().map(|(name, value)| (name, text(value))).collect()
}

/// Form-encoded pairs, the values in the bytes that were sent; as in PHP, a later one wins.
pub(super) fn raw_form(bytes: &[u8]) -> HashMap<String, Vec<u8>> {
    let decode = |text: &[u8]| -> Vec<u8> {
        let spaced: Vec<u8> =
            text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_encoding::percent_decode(&spaced).collect()
    };
    let name = |text: &[u8]| String::from_utf8_lossy(&decode(text)).into_owned();
    bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (name(&pair[..at]), decode(&pair[at + 1..])),
            None => (name(pair), Vec::new()),
        })
        .collect()
}
