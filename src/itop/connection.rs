//! How iTop is called: where, with which logins and certificates.

use std::time::Duration;

use reqwest::{
    RequestBuilder, Url,
    header::{HeaderName, HeaderValue},
};

use super::ItopZone;
use crate::{
    outgoing::{self, ClientError, Credentials, Redactor, TlsFiles, Way},
    secret::Secret,
};

/// The version of the REST protocol, the newest that iTop 3.1 and 3.2 offer.
const VERSION: &str = "1.3";

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
    /// The web root of iTop as people reach it.
    pub public_url: String,
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

/// How iTop is called: replaced as a whole when secrets or certificates change.
pub(super) struct Line {
    http: reqwest::Client,
    pub(super) endpoint: Url,
    pub(super) settings: Settings,
    pub(super) credentials: Credentials,
    pub(super) redactor: Redactor,
}

impl Line {
    pub(super) fn new(settings: &Settings, credentials: Credentials) -> Result<Self, ClientError> {
        if let Login::Token(token) = &settings.login {
            HeaderValue::from_str(token.expose()).map_err(|_| ClientError::Token)?;
        }
        let Settings { url, connect_timeout, timeout, .. } = settings;
        let way = Way { url, connect_timeout: *connect_timeout, timeout: *timeout };
        Ok(Self {
            http: outgoing::http_client(&way, &credentials)?,
            endpoint: endpoint(&settings.url, &settings.login),
            redactor: redactor(settings),
            settings: settings.clone(),
            credentials,
        })
    }

    /// A call to iTop's REST, with all logins, and what of them belongs into the form.
    pub(super) fn request(&self) -> (RequestBuilder, Vec<(&'static str, &str)>) {
        self.to(self.endpoint.clone())
    }

    /// The same to a page beside REST, by its path below the web root.
    pub(super) fn page(&self, path: &str) -> (RequestBuilder, Vec<(&'static str, &str)>) {
        let mut url = below(&self.settings.url, path);
        ask_basic(&mut url, &self.settings.login);
        self.to(url)
    }

    fn to(&self, url: Url) -> (RequestBuilder, Vec<(&'static str, &str)>) {
        let mut request = self.http.post(url);
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
    let proxy = outgoing::proxy(&settings.url).and_then(|proxy| proxy.password);
    secrets.extend(proxy.map(|password| password.expose().to_owned()));
    Redactor::new(secrets.iter().map(String::as_str))
}

fn endpoint(root: &Url, login: &Login) -> Url {
    let mut url = below(root, "webservices/rest.php");
    url.query_pairs_mut().append_pair("version", VERSION);
    ask_basic(&mut url, login);
    url
}

/// A page below the web root.
fn below(root: &Url, path: &str) -> Url {
    let mut url = root.clone();
    url.set_path(&format!("{}/{path}", root.path().trim_end_matches('/')));
    url.set_fragment(None);
    url.set_query(None);
    url
}

/// iTop looks at a basic login only where it is told to.
fn ask_basic(url: &mut Url, login: &Login) {
    if matches!(login, Login::Basic { .. }) {
        url.query_pairs_mut().append_pair("login_mode", "basic");
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
