//! `[itop]`: the way to iTop.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Period, Unusable};
use crate::{
    itop::{FrontLogin, ItopZone, Login, Settings, TlsFiles},
    secret::Secret,
};

/// The way to iTop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItopSection {
    /// The web root of iTop, as the bridge reaches it.
    pub url: String,
    /// The web root of iTop, as operators reach it.
    pub public_url: Option<String>,
    /// How to log in.
    pub login: LoginKind,
    /// The login of the account.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// A file that holds its password.
    pub password_file: Option<PathBuf>,
    /// A token of iTop.
    pub token: Option<Secret>,
    /// A file that holds a token of iTop.
    pub token_file: Option<PathBuf>,
    /// The user for what asks for a basic login before iTop does.
    pub front_user: Option<String>,
    /// The password for that.
    pub front_password: Option<Secret>,
    /// A file that holds the password for that.
    pub front_password_file: Option<PathBuf>,
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// The certificate that the bridge shows to what asks for one, with its chain, PEM.
    pub client_cert_file: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub client_key_file: Option<PathBuf>,
    /// The IANA name of the time zone that iTop is set to.
    pub time_zone: String,
    /// How long a connection may take.
    pub connect_timeout: Period,
    /// How long a whole call may take.
    pub timeout: Period,
    /// How long the creation of a ticket may take.
    pub create_timeout: Period,
    /// Calls in flight at most; one is kept for reads.
    pub max_in_flight: usize,
}

impl Default for ItopSection {
    fn default() -> Self {
        Self {
            url: String::new(),
            public_url: None,
            login: LoginKind::Form,
            user: String::new(),
            password: None,
            password_file: None,
            token: None,
            token_file: None,
            front_user: None,
            front_password: None,
            front_password_file: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            time_zone: "Europe/Paris".to_owned(),
            connect_timeout: Period::seconds(5),
            timeout: Period::seconds(30),
            create_timeout: Period::seconds(120),
            max_in_flight: 18,
        }
    }
}

impl ItopSection {
    /// The settings of its client.
    ///
    /// # Errors
    /// Where what stands here was not checked.
    pub fn settings(&self) -> Result<Settings, Unusable> {
        let secret = |secret: &Option<Secret>, key| secret.clone().ok_or(Unusable::Key(key));
        let password = || secret(&self.password, "itop.password");
        let user = self.user.clone();
        let login = match self.login {
            LoginKind::Form => Login::Form { user, password: password()? },
            LoginKind::Basic => Login::Basic { user, password: password()? },
            LoginKind::Token => Login::Token(secret(&self.token, "itop.token")?),
        };
        let front = self.front_user.as_ref().zip(self.front_password.clone());
        let client = self.client_cert_file.clone().zip(self.client_key_file.clone());
        Ok(Settings {
            url: self.url.parse().map_err(|_| Unusable::Key("itop.url"))?,
            public_url: self.public_url.as_ref().unwrap_or(&self.url).clone(),
            login,
            front: front.map(|(user, password)| FrontLogin { user: user.clone(), password }),
            tls: TlsFiles { ca_file: self.ca_file.clone(), client },
            connect_timeout: self.connect_timeout.duration(),
            timeout: self.timeout.duration(),
            create_timeout: self.create_timeout.duration(),
            max_in_flight: self.max_in_flight,
            zone: ItopZone::named(&self.time_zone).map_err(|_| Unusable::Key("itop.time_zone"))?,
        })
    }

    /// Takes over how another one logs in: what a running bridge can change.
    pub(super) fn take_login(&mut self, read: &Self) {
        self.login = read.login;
        self.user.clone_from(&read.user);
        self.password.clone_from(&read.password);
        self.password_file.clone_from(&read.password_file);
        self.token.clone_from(&read.token);
        self.token_file.clone_from(&read.token_file);
        self.front_user.clone_from(&read.front_user);
        self.front_password.clone_from(&read.front_password);
        self.front_password_file.clone_from(&read.front_password_file);
        self.ca_file.clone_from(&read.ca_file);
        self.client_cert_file.clone_from(&read.client_cert_file);
        self.client_key_file.clone_from(&read.client_key_file);
    }
}

/// How the bridge logs in to iTop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginKind {
    /// User and password in the form.
    Form,
    /// A token in the header `Auth-Token`.
    Token,
    /// HTTP basic.
    Basic,
}
