//! The HTTP client, as all that is called has it.

use std::{path::PathBuf, time::Duration};

use reqwest::Url;

use super::{Credentials, route};

/// Apache closes an idle connection after five seconds; a request on a connection that is being
/// closed is one whose fate is unknown.
const IDLE: Duration = Duration::from_secs(3);

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A file of certificates or of a key cannot be read or is not PEM.
    #[error("{key}: {path} cannot be used: {reason}")]
    PemFile {
        /// The key of the configuration that names it.
        key: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key of the bridge cannot be used.
    #[error(
        "{section}.client_cert_file and {section}.client_key_file cannot be used together: {error}"
    )]
    OwnCertificate {
        /// The section of the configuration that names them.
        section: &'static str,
        /// What is wrong with them.
        error: rustls::Error,
    },
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

/// Where calls go, and how long they may take.
pub(crate) struct Way<'a> {
    /// An address there.
    pub(crate) url: &'a Url,
    /// How long a connection may take.
    pub(crate) connect_timeout: Duration,
    /// How long a whole call may take.
    pub(crate) timeout: Duration,
}

/// The HTTP client for one system: it follows no redirect, and takes no proxy on this machine.
pub(crate) fn http_client(
    way: &Way<'_>,
    credentials: &Credentials,
) -> Result<reqwest::Client, ClientError> {
    // A second call finds the provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("servicenav-itop-bridge/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(way.connect_timeout)
        .timeout(way.timeout)
        .pool_idle_timeout(IDLE)
        .tls_backend_preconfigured(credentials.config()?);
    // Docker puts HTTP_PROXY into every container, and what it names reaches other machines.
    if route::is_loopback(way.url) {
        builder = builder.no_proxy();
    }
    Ok(builder.build()?)
}
