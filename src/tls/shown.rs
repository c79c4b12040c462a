//! The certificate that the bridge shows, which is exchanged while it runs: whoever renews it changes its files,
//! and nothing else tells the bridge.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio_rustls::TlsAcceptor;

use super::{Certificate, CertificateError, Files, certificate::Contents};
use crate::clock::Clock;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(30);

/// The certificate that is shown. Cheap to clone.
#[derive(Clone)]
pub struct Shown {
    now: Arc<Mutex<Now>>,
    clock: Clock,
}

struct Now {
    files: Files,
    /// What was last found in them.
    found: Result<Contents, CertificateError>,
    certificate: Certificate,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

impl Shown {
    /// The one in these files.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn read(files: Files, clock: Clock) -> Result<Self, CertificateError> {
        let contents = files.read()?;
        let certificate = Certificate::of(&files, &contents)?;
        tell_end(&certificate, clock.now());
        let now = Now { files, found: Ok(contents), certificate };
        Ok(Self { now: Arc::new(Mutex::new(now)), clock })
    }

    /// What takes the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.now().certificate.config.clone())
    }

    /// Until when the certificate is good.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        self.now().certificate.ends()
    }

    /// Takes the certificate from these files from now on. One that cannot be used is warned of, and the one
    /// that there is goes on.
    pub fn take_from(&self, files: Files) {
        self.now().files = files;
        self.look();
    }

    /// Looks at the files again and again, until it is dropped.
    pub(crate) async fn watch(self) {
        loop {
            self.clock.sleep(LOOK).await;
            let this = self.clone();
            // The next look does what this one did not.
            let _ = tokio::task::spawn_blocking(move || this.look()).await;
        }
    }

    /// Takes what has changed in the files.
    fn look(&self) {
        let mut now = self.now();
        let found = now.files.read();
        if found == now.found {
            return;
        }
        let certificate = match &found {
            Ok(contents) => Certificate::of(&now.files, contents),
            Err(error) => Err(error.clone()),
        };
        now.found = found;
        match certificate {
            Ok(certificate) => {
                tracing::info!(ends = %certificate.ends(), "the certificate was read again");
                tell_end(&certificate, self.clock.now());
                now.certificate = certificate;
            }
            // A pair of files is written one after the other: the next look may find both.
            Err(error) => tracing::warn!(
                %error,
                ends = %now.certificate.ends(),
                "the certificate could not be read again, and the one before is shown on"
            ),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_end(certificate: &Certificate, now: Timestamp) {
    if let Some(warning) = certificate.warning(now) {
        let mend = "renew it; the bridge reads its files again by itself";
        tracing::warn!(mend, "{warning}");
    }
}
