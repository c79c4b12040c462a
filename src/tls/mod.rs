//! The certificate of the bridge itself, for those who have no proxy in front, and what PEM files hold.

mod certificate;
pub(crate) mod pem;
mod shown;

pub use certificate::{Certificate, CertificateError, Files};
pub use shown::Shown;
