//! The HTTP client: one for all calls, bounded in flight.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::body::Bytes;
use reqwest::{
    Certificate, Response, Url,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION},
};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    Answer, ItopError, ItopZone,
    answer::{self, Objects, Raw},
    obstacle,
};
use crate::secret::Secret;

/// The version of the REST protocol, the newest that iTop 3.1 and 3.2 offer.
const VERSION: &str = "1.3";

/// Apache closes an idle connection after five seconds; a request on a connection that is being
/// closed is one whose fate is unknown.
const IDLE: Duration = Duration::from_secs(3);

/// How the bridge logs in, on each call anew.
#[derive(Clone, Debug)]
pub enum Login {
    /// `auth_user` and `auth_pwd` in the form.
    Form {
        /// The login.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// The header `Auth-Token`; iTop needs its token extension.
    Token(Secret),
    /// HTTP basic with `login_mode=basic`; iTop cuts the password at its second `:`.
    Basic {
        /// The login.
        user: String,
        /// Its password.
        password: Secret,
    },
}

impl Login {
    /// The same with another secret.
    fn with(&self, secret: Secret) -> Self {
        match self {
            Self::Form { user, .. } => Self::Form { user: user.clone(), password: secret },
            Self::Basic { user, .. } => Self::Basic { user: user.clone(), password: secret },
            Self::Token(_) => Self::Token(secret),
        }
    }

    fn secret(&self) -> &Secret {
        match self {
            Self::Form { password, .. } | Self::Basic { password, .. } => password,
            Self::Token(token) => token,
        }
    }
}

/// What the client needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The web root of iTop: `https://itop.example/` or `https://itop.example/itop`.
    pub url: Url,
    /// How to log in.
    pub login: Login,
    /// The file that its secret was read from, if it was.
    pub secret_file: Option<PathBuf>,
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a whole call may take.
    pub timeout: Duration,
    /// How long a create may take: it waits for locks that nothing else waits for, and one that is
    /// given up too early has to be looked for.
    pub create_timeout: Duration,
    /// Calls in flight at most, of which one is kept for reads.
    pub max_in_flight: usize,
    /// The time zone of iTop's dates.
    pub zone: ItopZone,
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The CA file cannot be read or is not PEM.
    #[error("the CA file {path} cannot be used: {reason}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The token cannot stand in a header.
    #[error("the token of iTop has characters that cannot stand in an HTTP header")]
    Token,
    /// Anything else, such as no certificates on this system.
    #[error("the HTTP client cannot be made: {0}")]
    Http(#[from] reqwest::Error),
}

/// What a call is for: reads keep a slot that writes never use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Changes nothing in iTop.
    Read,
    /// May change something.
    Write,
    /// Creates a ticket: a write that may take longer.
    Create,
    /// Reads a whole list.
    List,
}

impl Use {
    /// How long an answer may be, in bytes: what answers is not trusted with all the memory. The
    /// longest list seen, of 50,000 CIs, has 6.8 MB (ITOP.md); a status has half a kilobyte, and what
    /// a search for markers finds brings its whole log.
    fn longest_answer(self) -> usize {
        match self {
            Self::Write | Self::Create => 4 << 20,
            Self::Read => 64 << 20,
            Self::List => 128 << 20,
        }
    }
}

/// The way to one iTop. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Url,
    login: Arc<RwLock<Login>>,
    secret_file: Option<PathBuf>,
    zone: ItopZone,
    create_timeout: Duration,
    slots: Arc<Slots>,
}

struct Slots {
    all: Semaphore,
    writes: Semaphore,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes the one client of the process.
    pub fn new(settings: &Settings) -> Result<Self, ClientError> {
        // A second call finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("servicenav-itop-bridge/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .pool_idle_timeout(IDLE);
        if let Some(path) = &settings.ca_file {
            let failure = |reason: String| ClientError::CaFile { path: path.clone(), reason };
            let pem = std::fs::read(path).map_err(|error| failure(error.to_string()))?;
            let certificates =
                Certificate::from_pem_bundle(&pem).map_err(|error| failure(error.to_string()))?;
            if certificates.is_empty() {
                return Err(failure("it holds no PEM certificate".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        if let Login::Token(token) = &settings.login {
            token_header(token).ok_or(ClientError::Token)?;
        }
        // At least two, so that a write never takes the last slot from the reads.
        let all = settings.max_in_flight.max(2);
        Ok(Self {
            http: builder.build()?,
            endpoint: endpoint(&settings.url, &settings.login),
            login: Arc::new(RwLock::new(settings.login.clone())),
            secret_file: settings.secret_file.clone(),
            zone: settings.zone.clone(),
            create_timeout: settings.create_timeout,
            slots: Arc::new(Slots { all: Semaphore::new(all), writes: Semaphore::new(all - 1) }),
        })
    }

    /// The time zone of this iTop.
    #[must_use]
    pub fn zone(&self) -> &ItopZone {
        &self.zone
    }

    /// The address that is called.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Sends one operation and judges the answer. It is never repeated here: whether that is safe
    /// depends on what was asked.
    pub async fn call(&self, purpose: Use, operation: &Value) -> Result<Answer, ItopError> {
        answer::read(&self.send(purpose, operation).await?)
    }

    /// The same for a read whose objects are decoded into a list at once. Tells also how many
    /// there are in all, as [`Answer::found`] does.
    pub(super) async fn read_objects<L: Objects>(
        &self,
        operation: &Value,
    ) -> Result<(L, Option<usize>), ItopError> {
        answer::read_objects(&self.send(Use::List, operation).await?)
    }

    async fn send(&self, purpose: Use, operation: &Value) -> Result<Raw, ItopError> {
        let _slot = self.slot(purpose).await;
        let json = operation.to_string();
        let mut form = vec![("json_data", json.as_str())];
        let mut request = self.http.post(self.endpoint.clone());
        if purpose == Use::Create {
            request = request.timeout(self.create_timeout);
        }
        let login = self.login();
        match &login {
            Login::Form { user, password } => {
                form.push(("auth_user", user));
                form.push(("auth_pwd", password.expose()));
            }
            Login::Token(token) => {
                if let Some(value) = token_header(token) {
                    request = request.header(AUTH_TOKEN, value);
                }
            }
            Login::Basic { user, password } => {
                request = request.basic_auth(user, Some(password.expose()));
            }
        }
        let response = request.form(&form).send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let header = |name: HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let (content_type, location) = (header(CONTENT_TYPE), header(LOCATION));
        let body = bounded(response, purpose.longest_answer()).await?;
        Ok(Raw { status, content_type: content_type.unwrap_or_default(), location, body })
    }

    fn login(&self) -> Login {
        self.login.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the secret of the login from its file once more, where it was read from one: somebody may
    /// have written another one there.
    pub async fn read_secret_again(&self) {
        let Some(path) = self.secret_file.clone() else { return };
        let shown = path.display().to_string();
        let read = tokio::task::spawn_blocking(move || Secret::in_file(&path)).await;
        let secret = match read {
            Ok(Ok(secret)) => secret,
            Ok(Err(error)) => return tracing::warn!(%error, "{shown} cannot be read"),
            Err(_) => return,
        };
        let login = self.login();
        if *login.secret() != secret {
            tracing::info!("{shown} holds another secret by now, which is tried");
            *self.login.write().unwrap_or_else(PoisonError::into_inner) = login.with(secret);
        }
    }

    async fn slot(&self, purpose: Use) -> [Option<SemaphorePermit<'_>>; 2] {
        // The semaphores are never closed; without a permit a call would only be unbounded.
        let write = match purpose {
            Use::Write | Use::Create => self.slots.writes.acquire().await.ok(),
            Use::Read | Use::List => None,
        };
        [write, self.slots.all.acquire().await.ok()]
    }
}

/// The header of iTop's token extension.
const AUTH_TOKEN: HeaderName = HeaderName::from_static("auth-token");

/// `None` where the token cannot stand in a header.
fn token_header(token: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(token.expose()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The body of an answer that is not longer than this.
async fn bounded(mut response: Response, most: usize) -> Result<Bytes, ItopError> {
    let too_long = || ItopError::NoClearAnswer {
        reason: format!("the answer is longer than {} MB", most >> 20),
    };
    let announced =
        response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced > most {
        return Err(too_long());
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > most {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

fn endpoint(root: &Url, login: &Login) -> Url {
    let mut url = root.clone();
    let path = format!("{}/webservices/rest.php", root.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_fragment(None);
    url.set_query(None);
    url.query_pairs_mut().append_pair("version", VERSION);
    if matches!(login, Login::Basic { .. }) {
        url.query_pairs_mut().append_pair("login_mode", "basic");
    }
    url
}

/// Whether a request that failed can have reached iTop: only one whose connection was never made
/// certainly did not.
fn failure(error: &reqwest::Error) -> ItopError {
    let reason = obstacle::broken(causes(error));
    if error.is_connect() || error.is_builder() {
        ItopError::Unreachable { reason }
    } else {
        ItopError::NoClearAnswer { reason }
    }
}

/// The chain of causes without the URL, which every message would repeat.
fn causes(error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
        cause = error.source();
    }
    match texts.is_empty() {
        true if error.is_timeout() => "the call took too long".to_owned(),
        true => "the connection broke".to_owned(),
        false => texts.join(": "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_stands_below_any_web_root() {
        let form = Login::Form { user: "u".into(), password: Secret::new("p".into()) };
        let basic = Login::Basic { user: "u".into(), password: Secret::new("p".into()) };
        let at = |root: &str, login| endpoint(&root.parse().unwrap(), login).to_string();
        assert_eq!(
            at("https://i.example", &form),
            "https://i.example/webservices/rest.php?version=1.3"
        );
        assert_eq!(
            at("https://i.example/itop/web/?x=1#y", &basic),
            "https://i.example/itop/web/webservices/rest.php?version=1.3&login_mode=basic"
        );
    }
}
