//! One receiver: how messages are posted to it, and what its answers mean.

use std::time::Duration;

use reqwest::{
    Response, StatusCode, Url,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use super::HookError;
use crate::{
    config,
    domain::{
        hook_body::{HookBody, Message},
        standard_webhooks::{ID_HEADER, Key, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign},
        text::{cut_chars, one_line},
    },
    no_answer,
    outgoing::{Redactor, is_loopback},
    secret::Secret,
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How much of an answer is read, in bytes: what it says of a failure stands at its beginning.
const READ: usize = 4 * 1024;

/// How much of it is shown, in characters.
const SHOWN: usize = 200;

/// The longest wait that an answer can ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was taken, or its template gives nothing to send.
    Taken,
    /// The receiver takes nothing now: another message would fare the same.
    Away {
        /// What happened.
        why: String,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// The receiver, or the template, does not want this very message.
    Refused(String),
}

impl Sent {
    fn away(why: impl Into<String>) -> Self {
        Self::Away { why: why.into(), wait: None }
    }
}

/// A receiver.
pub(super) struct Receiver {
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    keys: Vec<Key>,
    body: HookBody,
    redactor: Redactor,
}

impl Receiver {
    /// Of a checked configuration.
    pub(super) fn new(hook: &config::Hook) -> Result<Self, HookError> {
        let wrong = |what: &str| HookError { hook: hook.name.clone(), reason: what.to_owned() };
        let url = hook.url.as_ref().ok_or_else(|| wrong("url is not set"))?;
        let url: Url = url.expose().parse().map_err(|_| wrong("url cannot be used"))?;
        let body = HookBody::new(hook.template.as_deref(), &hook.content_type, &hook.events)
            .map_err(|error| wrong(&format!("template: {error}")))?;
        let secrets = hook.secret.iter().flat_map(|secret| secret.expose().split_whitespace());
        let keys: Result<Vec<_>, _> = secrets.map(Key::parse).collect();
        let keys = keys.map_err(|error| wrong(&format!("secret {error}")))?;
        // A second call finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("servicenav-itop-bridge/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT.min(hook.timeout.duration()))
            .timeout(hook.timeout.duration());
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| wrong(&error.without_url().to_string()))?;
        Ok(Self {
            http,
            headers: headers(hook).ok_or_else(|| wrong("its headers cannot be used"))?,
            redactor: redactor(hook, &url),
            url,
            keys,
            body,
        })
    }

    /// Posts a message, signed for this second since 1970.
    pub(super) async fn send(&self, message: &Message, now: i64) -> Sent {
        let body = match self.body.render(message) {
            Ok(Some(body)) => body,
            Ok(None) => return Sent::Taken,
            Err(error) => return Sent::Refused(error.to_string()),
        };
        let mut request = self
            .http
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(ID_HEADER, &message.id)
            .header(TIMESTAMP_HEADER, now);
        let signatures: Vec<_> =
            self.keys.iter().map(|key| sign(key, &message.id, now, body.as_bytes())).collect();
        if !signatures.is_empty() {
            request = request.header(SIGNATURE_HEADER, signatures.join(" "));
        }
        match request.body(body).send().await {
            Ok(response) => self.judged(response).await,
            Err(error) => Sent::away(self.shown(&no_answer::why(&error))),
        }
    }

    async fn judged(&self, mut response: Response) -> Sent {
        let status = response.status();
        let is_page = header_text(&response, &header::CONTENT_TYPE).starts_with("text/html");
        let wait = header_text(&response, &header::RETRY_AFTER).parse().ok();
        let wait = wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_ASKED));
        let mut read = Vec::new();
        while read.len() < READ {
            match response.chunk().await {
                Ok(Some(chunk)) => read.extend_from_slice(&chunk),
                Ok(None) => break,
                // The status has been told: what would follow is for people.
                Err(_) if status.is_success() => break,
                Err(error) => return Sent::away(self.shown(&no_answer::why(&error))),
            }
        }
        read.truncate(READ);
        let text = String::from_utf8_lossy(&read);
        let told = |what: &str| {
            let text = self.shown(&text);
            if text.is_empty() { what.to_owned() } else { format!("{what}: {text}") }
        };
        let answered = format!("it answered {}", status.as_u16());
        if status.is_success() {
            // A receiver answers with a word or JSON: a page is that of a sign-in or a proxy.
            if is_page && text.trim_start().starts_with('<') {
                return Sent::away(told(&format!("{answered} with a page of its own")));
            }
            return match refusal(&text) {
                Some(error) => Sent::Refused(self.shown(&format!("{answered}: {error}"))),
                None => Sent::Taken,
            };
        }
        match status {
            StatusCode::BAD_REQUEST
            | StatusCode::CONFLICT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY => Sent::Refused(told(&answered)),
            _ => Sent::Away { why: told(&answered), wait },
        }
    }

    /// Foreign text as it may be shown.
    fn shown(&self, text: &str) -> String {
        cut_chars(&one_line(&self.redactor.text(text)), SHOWN).into_owned()
    }
}

fn header_text(response: &Response, name: &HeaderName) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim().to_ascii_lowercase()
}

/// JSON-RPC (Zabbix) answers 200 whatever became of the request.
fn refusal(text: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let error = answer.get("error").filter(|error| !error.is_null())?;
    answer.get("jsonrpc").map(|_| error.to_string())
}

fn headers(hook: &config::Hook) -> Option<HeaderMap> {
    let secret = |text: &str| {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &hook.headers {
        headers.insert(name.parse::<HeaderName>().ok()?, secret(value.expose())?);
    }
    if let Some(token) = &hook.token {
        headers.insert(header::AUTHORIZATION, secret(&format!("Bearer {}", token.expose()))?);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&hook.content_type).ok()?);
    Some(headers)
}

/// Of everything that is sent and that nobody else may see.
fn redactor(hook: &config::Hook, url: &Url) -> Redactor {
    let kept = [&hook.url, &hook.secret, &hook.token].into_iter().flatten();
    let mut secrets: Vec<&str> = kept.chain(hook.headers.values()).map(Secret::expose).collect();
    // A receiver that shows what it was asked for shows the path alone.
    if url.path().len() > 1 {
        secrets.push(url.path());
    }
    secrets.extend(url.query());
    Redactor::new(secrets)
}
