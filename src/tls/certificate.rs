//! A certificate with its key: read from its files, and what can be said of it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use rustls::{
    CertificateError as Refused, Error, RootCertStore, ServerConfig,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::pem;
use crate::config::Server;

/// How long before its end a certificate should have been renewed: those of most authorities that renew by
/// themselves are by then.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The first second after all that a certificate can name, in seconds since 1970: that of the year 10000.
const AFTER_ALL: u64 = 253_402_300_800;

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate with its chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A certificate that cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or holds something else.
    #[error("{key}: {path} cannot be used: {reason}", path = path.display())]
    File {
        /// The key of the configuration that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The two do not belong together, or TLS cannot use them.
    #[error("server.tls_certificate and server.tls_key cannot be used together: {0}")]
    Pair(String),
}

/// A certificate that can be shown.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) config: Arc<ServerConfig>,
    own: CertificateDer<'static>,
    ends: Timestamp,
}

impl Files {
    /// Those of a configuration, if the bridge is to speak TLS.
    #[must_use]
    pub fn of(server: &Server) -> Option<Self> {
        let (certificate, key) = (server.tls_certificate.clone()?, server.tls_key.clone()?);
        Some(Self { certificate, key })
    }

    /// What stands in them.
    pub(super) fn read(&self) -> Result<Contents, CertificateError> {
        let certificate = read("server.tls_certificate", &self.certificate)?;
        Ok(Contents { certificate, key: read("server.tls_key", &self.key)? })
    }
}

/// What stands in the files of a certificate.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|error| named(key, path, error.to_string()))
}

fn named(key: &'static str, path: &Path, reason: String) -> CertificateError {
    CertificateError::File { key, path: path.to_owned(), reason }
}

impl Certificate {
    /// Reads the files of one.
    pub fn read(files: &Files) -> Result<Self, CertificateError> {
        Self::of(files, &files.read()?)
    }

    /// The one that stands in these files.
    pub(super) fn of(files: &Files, contents: &Contents) -> Result<Self, CertificateError> {
        let of_certificate = |reason| named("server.tls_certificate", &files.certificate, reason);
        let chain = pem::certificates(&contents.certificate).map_err(of_certificate)?;
        let key = pem::private_key(&contents.key)
            .map_err(|reason| named("server.tls_key", &files.key, reason))?;
        let own = chain[0].clone();
        let ends = end_of(&own).map_err(|error| of_certificate(error.to_string()))?;
        let pair = |error: Error| {
            CertificateError::Pair(match error {
                Error::InconsistentKeys(_) => "this is the key of another certificate".to_owned(),
                error => error.to_string(),
            })
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), own, ends })
    }

    /// Until when it is good.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        self.ends
    }

    /// Whether it is for this host, a name or an address.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let verified = ParsedCertificate::try_from(&self.own).and_then(|own| {
            let name = ServerName::try_from(bare).map_err(|_| Error::UnsupportedNameType)?;
            verify_server_name(&own, &name)
        });
        verified.is_ok()
    }

    /// What is to be said of its end, if that is near or past.
    #[must_use]
    pub fn warning(&self, now: Timestamp) -> Option<String> {
        let left = self.ends.duration_since(now);
        if left.is_negative() {
            Some(format!(
                "the certificate of the bridge has ended at {}: nobody trusts it",
                self.ends
            ))
        } else if left < SOON {
            let days = left.as_hours() / 24;
            Some(format!("the certificate of the bridge ends in {days} days, at {}", self.ends))
        } else {
            None
        }
    }
}

/// Until when a certificate is good. Whoever is asked about a time that no certificate reaches says so; that is
/// looked at before anything else, whoever has signed it.
fn end_of(own: &CertificateDer<'_>) -> Result<Timestamp, Error> {
    let parsed = ParsedCertificate::try_from(own)?;
    let after_all = UnixTime::since_unix_epoch(Duration::from_secs(AFTER_ALL));
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let roots = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], after_all, algorithms) {
        Err(Error::InvalidCertificate(Refused::ExpiredContext { not_after, .. })) => {
            let seconds = i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX);
            Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
        }
        Err(error) => Err(error),
        Ok(()) => Ok(Timestamp::MAX),
    }
}
