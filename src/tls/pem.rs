//! What PEM files hold.

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{Error, PemObject as _},
};

/// The certificates of a file, in their order.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    if certificates.is_empty() {
        return Err("it holds no certificate in PEM".to_owned());
    }
    Ok(certificates)
}

/// The private key of a file.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound => {
            "it holds no private key in PEM, or one with a passphrase".to_owned()
        }
        error => error.to_string(),
    })
}
