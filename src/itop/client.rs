//! The HTTP client: one for all calls, bounded in flight.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::body::Bytes;
use reqwest::{
    RequestBuilder, Response, Url,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION},
};
use rustix::io::Errno;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Answer, ItopError, ItopZone, Latencies,
    answer::{self, Objects, Raw},
    obstacle,
    redact::Redactor,
    route,
    tls::{Credentials, TlsFiles},
};
use crate::{clock::Stopwatch, lifecycle::to_its_end, secret::Secret};

/// The version of the REST protocol, the newest that iTop 3.1 and 3.2 offer.
const VERSION: &str = "1.3";

/// Apache closes an idle connection after five seconds; a request on a connection that is being
/// closed is one whose fate is unknown.
const IDLE: Duration = Duration::from_secs(3);

/// The header of iTop's token extension.
const AUTH_TOKEN: HeaderName = HeaderName::from_static("auth-token");

/// How the bridge logs in, on each call anew.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A basic login at what stands before iTop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontLogin {
    /// The user there.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// What the client needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The web root of iTop: `https://itop.example/` or `https://itop.example/itop`.
    pub url: Url,
    /// How to log in.
    pub login: Login,
    /// The login that is asked for before iTop's own, which is then not [`Login::Basic`].
    pub front: Option<FrontLogin>,
    /// The certificates.
    pub tls: TlsFiles,
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
    /// A file of certificates or of a key cannot be read or is not PEM.
    #[error("{key}: {path} cannot be used: {reason}")]
    PemFile {
        /// The key of the configuration that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key of the bridge cannot be used.
    #[error("itop.client_cert_file and itop.client_key_file cannot be used together: {0}")]
    OwnCertificate(rustls::Error),
    /// The certificates cannot be used, or this system has none.
    #[error("the certificates cannot be used: {0}")]
    Tls(rustls::Error),
    /// The token cannot stand in a header.
    #[error("the token of iTop has characters that cannot stand in an HTTP header")]
    Token,
    /// Anything else.
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
    line: Arc<RwLock<Arc<Line>>>,
    zone: ItopZone,
    slots: Slots,
    latencies: Latencies,
}

/// How iTop is called: replaced as a whole when secrets or certificates change.
struct Line {
    http: reqwest::Client,
    endpoint: Url,
    settings: Settings,
    credentials: Credentials,
    redactor: Redactor,
}

#[derive(Clone)]
struct Slots {
    all: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    on_demand: Arc<Semaphore>,
}

/// Of the calls in flight this part, and at least one, may be such that anybody can cause at any time.
const ON_DEMAND: usize = 4;

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let endpoint = self.endpoint();
        f.debug_struct("Client").field("endpoint", &endpoint.as_str()).finish_non_exhaustive()
    }
}

impl Line {
    fn new(settings: &Settings, credentials: Credentials) -> Result<Self, ClientError> {
        // A second call finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if let Login::Token(token) = &settings.login {
            HeaderValue::from_str(token.expose()).map_err(|_| ClientError::Token)?;
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("servicenav-itop-bridge/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .pool_idle_timeout(IDLE)
            .tls_backend_preconfigured(credentials.config()?);
        // Docker puts HTTP_PROXY into every container, and what it names reaches other machines.
        if route::is_loopback(&settings.url) {
            builder = builder.no_proxy();
        }
        Ok(Self {
            http: builder.build()?,
            endpoint: endpoint(&settings.url, &settings.login),
            redactor: redactor(settings),
            settings: settings.clone(),
            credentials,
        })
    }

    /// A call to iTop, with all logins, and what of them belongs into the form.
    fn request(&self) -> (RequestBuilder, Vec<(&'static str, &str)>) {
        let mut request = self.http.post(self.endpoint.clone());
        let mut form = Vec::with_capacity(3);
        match &self.settings.login {
            Login::Form { user, password } => {
                form.push(("auth_user", user.as_str()));
                form.push(("auth_pwd", password.expose()));
            }
            Login::Token(token) => {
                // One that cannot stand in a header was refused when this was made.
                if let Ok(mut value) = HeaderValue::from_str(token.expose()) {
                    value.set_sensitive(true);
                    request = request.header(AUTH_TOKEN, value);
                }
            }
            Login::Basic { user, password } => {
                request = request.basic_auth(user, Some(password.expose()));
            }
        }
        if let Some(FrontLogin { user, password }) = &self.settings.front {
            request = request.basic_auth(user, Some(password.expose()));
        }
        (request, form)
    }
}

/// Of everything that is sent and that nobody else may see.
fn redactor(settings: &Settings) -> Redactor {
    let (Login::Form { password: login, .. }
    | Login::Basic { password: login, .. }
    | Login::Token(login)) = &settings.login;
    let mut secrets = vec![login.expose().to_owned()];
    // A basic login is sent as one text.
    if let Login::Basic { user, password } = &settings.login {
        secrets.push(format!("{user}:{}", password.expose()));
    }
    if let Some(FrontLogin { user, password }) = &settings.front {
        secrets.push(format!("{user}:{}", password.expose()));
        secrets.push(password.expose().to_owned());
    }
    let proxy = route::proxy(&settings.url).and_then(|proxy| proxy.password);
    secrets.extend(proxy.map(|password| password.expose().to_owned()));
    Redactor::new(secrets.iter().map(String::as_str))
}

impl Client {
    /// Makes the one client of the process.
    pub fn new(settings: &Settings) -> Result<Self, ClientError> {
        let line = Line::new(settings, Credentials::read(&settings.tls)?)?;
        // At least two, so that a write never takes the last slot from the reads.
        let all = settings.max_in_flight.max(2);
        Ok(Self {
            line: Arc::new(RwLock::new(Arc::new(line))),
            zone: settings.zone.clone(),
            latencies: Latencies::default(),
            slots: Slots {
                all: Arc::new(Semaphore::new(all)),
                writes: Arc::new(Semaphore::new(all - 1)),
                on_demand: Arc::new(Semaphore::new((all / ON_DEMAND).max(1))),
            },
        })
    }

    /// Calls with these settings from now on, and with what their files hold now; what is in flight
    /// ends as it began. Tells whether anything is different. Time zone and number of calls stay what
    /// they were.
    ///
    /// # Errors
    /// Nothing is changed then.
    pub fn renew(&self, settings: &Settings) -> Result<bool, ClientError> {
        let credentials = Credentials::read(&settings.tls)?;
        let known = self.line();
        if known.settings == *settings && known.credentials == credentials {
            return Ok(false);
        }
        let line = Arc::new(Line::new(settings, credentials)?);
        *self.line.write().unwrap_or_else(PoisonError::into_inner) = line;
        Ok(true)
    }

    fn line(&self) -> Arc<Line> {
        self.line.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time zone of this iTop.
    #[must_use]
    pub fn zone(&self) -> &ItopZone {
        &self.zone
    }

    /// How long iTop takes to answer, but for lists, which are long by themselves.
    #[must_use]
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// The address that is called.
    #[must_use]
    pub fn endpoint(&self) -> Url {
        self.line().endpoint.clone()
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

    /// A place among the few questions that callers cause at will: previews, lists read anew because
    /// somebody insists. Whatever they ask, most of the slots stay for deliveries and statuses.
    pub async fn place_on_demand(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.slots.on_demand.clone().acquire_owned().await.ok()
    }

    async fn send(&self, purpose: Use, operation: &Value) -> Result<Raw, ItopError> {
        let slot = self.slot(purpose).await;
        let line = self.line();
        let json = operation.to_string();
        let (mut request, mut form) = line.request();
        form.push(("json_data", &json));
        if purpose == Use::Create {
            request = request.timeout(line.settings.create_timeout);
        }
        let request = request.form(&form);
        let (redactor, longest) = (line.redactor.clone(), purpose.longest_answer());
        let latencies = (purpose != Use::List).then(|| self.latencies.clone());
        // iTop works on although whoever waited is gone, and so the slot stays taken until it answers.
        to_its_end(async move {
            let _slot = slot;
            let watch = Stopwatch::start();
            let answer = exchange(request, longest, redactor).await;
            if let Some(latencies) = latencies.filter(|_| answer.is_ok()) {
                latencies.add(watch.micros());
            }
            answer
        })
        .await
    }

    async fn slot(&self, purpose: Use) -> [Option<OwnedSemaphorePermit>; 2] {
        let Slots { all, writes, .. } = self.slots.clone();
        // The semaphores are never closed; without a permit a call would only be unbounded.
        let write = match purpose {
            Use::Write | Use::Create => writes.acquire_owned().await.ok(),
            Use::Read | Use::List => None,
        };
        [write, all.acquire_owned().await.ok()]
    }
}

/// The body of an answer that is not longer than this.
async fn bounded(
    mut response: Response,
    most: usize,
    failure: impl Fn(reqwest::Error) -> ItopError,
) -> Result<Bytes, ItopError> {
    let too_long = || {
        let reason = format!("the answer is longer than {} MB", most >> 20);
        Err(ItopError::NoClearAnswer { reason })
    };
    let announced = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > most {
        return too_long();
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(&failure)? {
        if body.len() + chunk.len() > most {
            return too_long();
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// Sends a request and reads what comes back, of which no more than `longest` bytes are taken: the one
/// place where foreign text enters, and what it gives shows itself without secrets only.
async fn exchange(
    request: RequestBuilder,
    longest: usize,
    redactor: Redactor,
) -> Result<Raw, ItopError> {
    let failure = |error: reqwest::Error| failure(&error, &redactor);
    let response = request.send().await.map_err(failure)?;
    let status = response.status().as_u16();
    let header = |name: HeaderName| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let (content_type, location) = (header(CONTENT_TYPE), header(LOCATION));
    let body = bounded(response, longest, failure).await?;
    let content_type = content_type.unwrap_or_default();
    Ok(Raw { status, content_type, location, body, redactor })
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
fn failure(error: &reqwest::Error, redactor: &Redactor) -> ItopError {
    let causes = causes(error);
    let shown = redactor.text(&causes);
    if lacks_files(error) {
        return ItopError::NoConnectionLeft { reason: shown.into_owned() };
    }
    let reason = obstacle::broken(&causes, &shown);
    if error.is_connect() || error.is_builder() {
        ItopError::Unreachable { reason }
    } else {
        ItopError::NoClearAnswer { reason }
    }
}

/// Whether this process, or this machine, has as many files open as it may.
fn lacks_files(error: &dyn std::error::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let system = error.downcast_ref::<std::io::Error>().and_then(Errno::from_io_error);
        if matches!(system, Some(Errno::MFILE | Errno::NFILE)) {
            return true;
        }
        cause = error.source();
    }
    false
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

    #[derive(Debug, thiserror::Error)]
    #[error("the call failed")]
    struct Wrapped(#[source] std::io::Error);

    #[test]
    fn files_that_are_all_in_use_are_told_from_an_itop_that_is_away() {
        let lacks = |errno: Errno| lacks_files(&Wrapped(errno.into()));
        assert!(lacks(Errno::MFILE) && lacks(Errno::NFILE));
        assert!(!lacks(Errno::CONNREFUSED));
        assert!(!lacks_files(&Wrapped(std::io::Error::other("cut"))));
    }

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
