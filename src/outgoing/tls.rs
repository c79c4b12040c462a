//! Whom the bridge trusts at the other end, and what it shows of itself there.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use super::ClientError;
use crate::tls::pem;

/// The files of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// The certificate of the bridge with its chain, and its key, PEM.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// What stands in them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The section of the configuration that names the files.
    section: &'static str,
    trusted: Vec<CertificateDer<'static>>,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Credentials {
    /// Reads the files that a section of the configuration names.
    pub(crate) fn read(section: &'static str, files: &TlsFiles) -> Result<Self, ClientError> {
        let certificates = |key, path: &Path| of_file(section, key, path, pem::certificates);
        let trusted = match &files.ca_file {
            Some(path) => certificates("ca_file", path)?,
            None => Vec::new(),
        };
        let own = match &files.client {
            Some((certificate, key)) => {
                let chain = certificates("client_cert_file", certificate)?;
                Some((chain, of_file(section, "client_key_file", key, pem::private_key)?))
            }
            None => None,
        };
        Ok(Self { section, trusted, own })
    }

    /// The settings of TLS for the HTTP client.
    pub(super) fn config(&self) -> Result<ClientConfig, ClientError> {
        let mut config = self.of_connections()?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// The settings of TLS for any connection.
    pub(crate) fn of_connections(&self) -> Result<ClientConfig, ClientError> {
        let provider = Arc::new(ring::default_provider());
        let by_chain =
            Verifier::new_with_extra_roots(self.trusted.iter().cloned(), provider.clone())
                .map_err(ClientError::Tls)?;
        let verifier = Named { by_chain, named: self.trusted.clone() };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(ClientError::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        Ok(match &self.own {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| ClientError::OwnCertificate { section: self.section, error })?,
            None => builder.with_no_client_auth(),
        })
    }
}

fn of_file<T>(
    section: &str,
    key: &str,
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, ClientError> {
    let pem = std::fs::read(path).map_err(|error| error.to_string());
    pem.and_then(|pem| read(&pem)).map_err(|reason| ClientError::PemFile {
        key: format!("{section}.{key}"),
        path: path.to_owned(),
        reason,
    })
}

/// Trusts what the system and the named certificates vouch for, and a certificate that is itself
/// named: what `openssl req -x509` makes is one of an authority, which rules for the web refuse as a
/// server's, and what is taken from a browser has an authority that nobody named. curl takes both.
#[derive(Debug)]
struct Named {
    by_chain: Verifier,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.by_chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            Err(Error::InvalidCertificate(error))
                if is_about_who_vouches(&error) && self.named.contains(end_entity) =>
            {
                // Its time was looked at before that, and its name is looked at after it.
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_chain.supported_verify_schemes()
    }
}

/// Whether a certificate was refused for who signed it or for being an authority's, and for nothing
/// else: that it is expired is found before.
fn is_about_who_vouches(error: &CertificateError) -> bool {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => true,
        // webpki has no name for it in rustls.
        CertificateError::Other(other) => other.to_string().contains("CaUsedAsEndEntity"),
        _ => false,
    }
}
