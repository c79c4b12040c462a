//! One post to the bridge, and what its answer means for the event.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Client, StatusCode, Url, header};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    domain::{
        hex::hex,
        standard_webhooks::{ID_HEADER, Key, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign},
        text::cut_chars,
    },
    secret::Secret,
};

/// How much of an answer that is not the bridge's is shown, in characters.
const SHOWN: usize = 200;

/// The bridge as senders reach it.
#[derive(Clone, Debug)]
pub struct Bridge {
    client: Client,
    url: Url,
    token: Option<Secret>,
    keys: Vec<Key>,
}

/// What came of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is stored; and what the bridge says of it.
    Taken(String),
    /// The bridge has refused this event, and keeps it where an operator sees it.
    Refused(String),
    /// This event is not taken now; another may be.
    Held(String),
    /// Nothing is taken now: the bridge is away, or something lets nobody in.
    Away(String),
}

impl Bridge {
    /// A bridge at this address (`https://bridge.example`), with or without a token. Certificates
    /// are those of the system, proxies those of the environment.
    ///
    /// # Errors
    /// A sentence, where no client can be made of that.
    pub fn new(url: &str, token: Option<Secret>) -> Result<Self, String> {
        let url = format!("{}/api/v1/acknowledgements", url.trim().trim_end_matches('/'));
        let url =
            Url::parse(&url).map_err(|error| format!("the address of the bridge: {error}"))?;
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.build().map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { client, url, token, keys: Vec::new() })
    }

    /// The same, which signs what it posts by each of these secrets of the Standard Webhooks scheme, separated
    /// by blanks.
    ///
    /// # Errors
    /// A sentence, where one of them is none.
    pub fn signing(self, secrets: &Secret) -> Result<Self, String> {
        let keys = secrets.expose().split_ascii_whitespace().map(Key::parse);
        let keys: Vec<_> = keys
            .collect::<Result<_, _>>()
            .map_err(|error| format!("the signing secret {error}"))?;
        if keys.is_empty() {
            return Err("the file of the signing secret is empty".to_owned());
        }
        Ok(Self { keys, ..self })
    }

    /// Posts an event, at this time of day. The bridge is not asked to wait for the ticket: that the event
    /// is stored is what counts.
    pub async fn post(&self, event: &[u8], patience: Duration, now: Timestamp) -> Answered {
        let post = self.client.post(self.url.clone()).timeout(patience);
        let post = post.header(header::CONTENT_TYPE, "application/json").header("Prefer", "wait=0");
        let post = match &self.token {
            Some(token) => post.bearer_auth(token.expose()),
            None => post,
        };
        let post = if self.keys.is_empty() {
            post
        } else {
            // The same event is the same message; each attempt has its own time.
            let id = format!("msg_{}", hex(&Sha256::digest(event)[..16]));
            let (at, keys) = (now.as_second(), self.keys.iter());
            let signatures: Vec<_> = keys.map(|key| sign(key, &id, at, event)).collect();
            post.header(ID_HEADER, &id)
                .header(TIMESTAMP_HEADER, at)
                .header(SIGNATURE_HEADER, signatures.join(" "))
        };
        let answer = match post.body(event.to_vec()).send().await {
            Ok(answer) => answer,
            Err(error) => return Answered::Away(reason(&error)),
        };
        let status = answer.status();
        let content_type = answer.headers().get(header::CONTENT_TYPE);
        let is_problem = content_type.is_some_and(|value| value == "application/problem+json");
        match answer.text().await {
            Ok(text) => meaning(status, is_problem, &text),
            // Whether it is stored is not known: it is sent again, under its key.
            Err(error) => Answered::Away(reason(&error)),
        }
    }
}

fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    format!("the bridge does not answer: {text}")
}

/// What an answer means. Only what the bridge itself says of an event is its last word on it: a page of
/// something in between may be another one tomorrow.
fn meaning(status: StatusCode, is_problem: bool, text: &str) -> Answered {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let said = ["message", "detail", "title"].iter().find_map(|name| body[*name].as_str());
    let said = match said {
        Some(said) => said.to_owned(),
        None => cut_chars(text, SHOWN).into_owned(),
    };
    let told = format!("{status}: {said}");
    match status {
        // A page with 200 is a login page, not a receipt.
        _ if status.is_success() && body["id"].is_number() => {
            let state = body["state"].as_str().unwrap_or_default();
            Answered::Taken(format!("{state}, acknowledgement {}", body["id"]))
        }
        StatusCode::UNAUTHORIZED
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Answered::Away(told),
        // A token that may not send this can be given what it lacks.
        StatusCode::FORBIDDEN => Answered::Held(told),
        _ if status.is_client_error() && is_problem => Answered::Refused(told),
        _ if status.is_client_error() || status == StatusCode::INTERNAL_SERVER_ERROR => {
            Answered::Held(told)
        }
        _ => Answered::Away(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_has_its_meaning() {
        let meaning = |status: u16, is_problem, text: &str| {
            meaning(StatusCode::from_u16(status).unwrap(), is_problem, text)
        };
        let taken = meaning(202, false, r#"{"id": 7, "state": "accepted"}"#);
        assert_eq!(taken, Answered::Taken("accepted, acknowledgement 7".to_owned()));
        assert!(matches!(meaning(200, false, "<html>Sign in"), Answered::Away(_)));
        assert!(matches!(meaning(302, false, ""), Answered::Away(_)));
        let problem = r#"{"title": "Invalid", "detail": "'company' is missing."}"#;
        for status in [400, 409, 413, 415, 422] {
            assert!(matches!(meaning(status, true, problem), Answered::Refused(_)), "{status}");
            assert!(matches!(meaning(status, false, "<html>"), Answered::Held(_)), "{status}");
        }
        for status in [401, 404, 405, 408, 429, 502, 503, 504] {
            assert!(matches!(meaning(status, true, problem), Answered::Away(_)), "{status}");
        }
        for status in [403, 500] {
            assert!(matches!(meaning(status, true, problem), Answered::Held(_)), "{status}");
        }
    }
}
