//! `[itop]`: the way to iTop.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Period;
use crate::secret::Secret;

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
