//! A running bridge, asked through its API: there is no other way to what it knows.

use std::{ffi::OsString, time::Duration};

use anyhow::Context as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, ClientBuilder, Method, RequestBuilder, StatusCode, Url, header::CONTENT_TYPE,
};
use serde_json::Value;
use thiserror::Error;

use super::{ConfigFile, screen::plain, token};
use crate::{app::local_token_file, secret::Secret};

/// How long the bridge may take to let somebody in.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take that waits for nobody.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// What the type of a problem of the bridge begins with.
const PROBLEM: &str = "urn:servicenav-itop-bridge:problem:";

/// Which bridge, and who calls.
#[derive(Debug, clap::Args)]
pub(super) struct Bridge {
    /// The configuration file; without it, /etc/servicenav-itop-bridge/config.toml if that is there
    // Not a flattened ConfigFile: its heading would stand over the options of each command too.
    #[arg(short, long, env = "BRIDGE_CONFIG", help_heading = BRIDGE)]
    config: Option<OsString>,
    /// The address of the bridge; without it, where the configuration says that it listens
    #[arg(long, env = "BRIDGE_URL", value_name = "URL", help_heading = BRIDGE)]
    url: Option<String>,
    /// A file with an API token; without it, that of this machine, for the user of the bridge and root
    #[arg(long, env = "BRIDGE_TOKEN_FILE", value_name = "FILE", help_heading = BRIDGE)]
    token_file: Option<OsString>,
}

/// The heading over what says which bridge is asked.
const BRIDGE: &str = "Which bridge";

/// Why a bridge has not done what it was asked for; each says what to do.
#[derive(Debug, Error)]
pub(super) enum BridgeError {
    /// Nobody, or nobody in time.
    #[error(
        "no bridge answers at {url} ({why}): start it with 'servicenav-itop-bridge serve', or say \
         where it is with --url"
    )]
    Away {
        /// Where it was looked for.
        url: String,
        /// In words.
        why: String,
    },
    /// It lets in who has a token, and none was sent.
    #[error(
        "this bridge asks for a token: name a file with one by --token-file or BRIDGE_TOKEN_FILE \
         ('servicenav-itop-bridge token' makes one), or call this on its machine as its user or as root"
    )]
    NoToken,
    /// It knows no such token.
    #[error(
        "the bridge at {url} does not know this token: see --token-file, and whether its hash stands in \
         auth.tokens there"
    )]
    WrongToken {
        /// Which bridge.
        url: String,
    },
    /// It is another program that answers.
    #[error(
        "what answers at {url} is no bridge (status {status}): say where it is with --url, without a path \
         of its own"
    )]
    Stranger {
        /// Where.
        url: String,
        /// What it said.
        status: u16,
    },
    /// It has said no.
    #[error("{said}")]
    Refused {
        /// What it said.
        status: u16,
        /// Its words, as a terminal may show them.
        said: String,
        /// The whole of it.
        body: Box<Value>,
    },
}

/// A call of the API that is being put together.
pub(super) struct Call {
    request: RequestBuilder,
    url: String,
    has_token: bool,
}

/// What a bridge has answered; a success.
pub(super) struct Answer {
    /// As it was sent.
    pub(super) text: String,
    /// The same, read.
    pub(super) body: Value,
}

impl Bridge {
    /// The configuration that it is of, where that is on this machine.
    pub(super) fn file(&self) -> ConfigFile {
        ConfigFile { config: self.config.clone() }
    }

    /// A call of an address, such as `/readyz`.
    pub(super) fn call(&self, method: Method, path: &str) -> anyhow::Result<Call> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().connect_timeout(CONNECT);
        let named = token::from_file(self.token_file.as_deref())?;
        let elsewhere = self.url.as_deref().filter(|url| !url.is_empty());
        let (client, url, token) = if let Some(url) = elsewhere {
            (client, url.trim_end_matches('/').to_owned(), named)
        } else {
            let (url, local) = self.configured()?;
            (of_this_machine(client), url, named.or(local))
        };
        let address = Url::parse(&format!("{url}{path}"))
            .with_context(|| format!("'{}' is no address of a bridge", plain(&url)))?;
        let mut shown = address.clone();
        // Whatever was written into the address to sign in with is not shown.
        let _ = shown.set_username("").and_then(|()| shown.set_password(None));
        let url = plain(&shown.origin().ascii_serialization());
        let mut request = client.build()?.request(method, address);
        if let Some(token) = &token {
            request = request.bearer_auth(Secret::expose(token));
        }
        Ok(Call { request, url, has_token: token.is_some() })
    }

    /// The one that the configuration is of, and the token that it has written for this machine, if this may
    /// be read. It is asked without a proxy, which would ask another one; and no other is sent that token.
    fn configured(&self) -> anyhow::Result<(String, Option<Secret>)> {
        let place = self.file().place().context(
            "where the bridge listens is not known: name its address with --url, or its \
             configuration with --config",
        )?;
        let local = local_token_file(&place.database);
        let local = token::from_file(Some(local.as_os_str())).unwrap_or_default();
        Ok((place.url(), local))
    }

    /// Reads something.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        Ok(self.call(Method::GET, path)?.with(|request| request.timeout(PATIENCE)).send().await?)
    }

    /// Has something done.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let call = self.call(Method::POST, path)?.json(body);
        Ok(call.with(|request| request.timeout(PATIENCE)).send().await?)
    }
}

/// A client of a bridge on this machine. A proxy would ask another one. And its certificate is for the names by
/// which others reach it: here it is known by its address, as one without a certificate is.
pub(super) fn of_this_machine(client: ClientBuilder) -> ClientBuilder {
    client.no_proxy().tls_danger_accept_invalid_certs(true)
}

impl Call {
    /// Adds what the request is to have.
    #[must_use]
    pub(super) fn with(self, add: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self { request: add(self.request), ..self }
    }

    /// Gives it a body.
    #[must_use]
    pub(super) fn json(self, body: &Value) -> Self {
        let body = body.to_string();
        self.with(|request| request.header(CONTENT_TYPE, "application/json").body(body))
    }

    /// Sends it, and gives what a success says.
    pub(super) async fn send(self) -> Result<Answer, BridgeError> {
        let Self { request, url, has_token } = self;
        let away =
            |error: reqwest::Error| BridgeError::Away { url: url.clone(), why: cause(&error) };
        let answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let text = answer.text().await.map_err(away)?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(Answer { text, body });
        }
        let is_of_a_bridge =
            body["type"].as_str().is_some_and(|problem| problem.starts_with(PROBLEM));
        Err(match status {
            _ if !is_of_a_bridge => BridgeError::Stranger { url, status: status.as_u16() },
            StatusCode::UNAUTHORIZED if has_token => BridgeError::WrongToken { url },
            StatusCode::UNAUTHORIZED => BridgeError::NoToken,
            _ => BridgeError::Refused {
                status: status.as_u16(),
                said: plain(body["detail"].as_str().unwrap_or_default()),
                body: Box::new(body),
            },
        })
    }
}

/// The innermost reason, without the address: the outer ones say that a request has failed.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    plain(&cause.to_string())
}

/// The query of an address, of what is asked for.
#[derive(Default)]
pub(super) struct Query(String);

impl Query {
    /// Adds a parameter, if it has a value.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.extend(utf8_percent_encode(&value.to_string(), NON_ALPHANUMERIC));
        }
        self
    }

    /// An address with it.
    pub(super) fn of(&self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

/// A part of a path.
pub(super) fn part(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
