//! The certificate of the bridge itself, where it has one.

use reqwest::Url;

use super::Report;
use crate::{
    clock::Clock,
    config::Config,
    tls::{Certificate, Files},
};

const CERTIFICATE: &str = "certificate";

/// Whether it can be shown, for how long, and whether it is for the name by which the bridge is reached.
pub(super) fn examine(config: &Config, clock: &Clock, report: &mut Report<'_>) {
    let Some(files) = Files::of(&config.server) else { return };
    let certificate = match Certificate::read(&files) {
        Ok(certificate) => certificate,
        Err(error) => {
            report.failure(
                CERTIFICATE,
                error.to_string(),
                "The bridge does not start like this, and shows on what it has where it runs.",
            );
            return;
        }
    };
    let now = clock.now();
    if let Some(warning) = certificate.warning(now) {
        let mend = "Renew it; a bridge that runs reads its files again by itself.";
        if certificate.ends() < now {
            report.failure(CERTIFICATE, warning, mend);
        } else {
            report.warning(CERTIFICATE, warning, mend);
        }
    } else {
        report.ok(CERTIFICATE, format!("can be shown until {}", certificate.ends()));
    }
    let public = config.server.public_url.as_ref().and_then(|url| url.parse::<Url>().ok());
    let host = public.as_ref().and_then(Url::host_str);
    if let Some(host) = host.filter(|host| !certificate.is_for(host)) {
        report.warning(
            CERTIFICATE,
            format!("it is not for '{host}', the host of server.public_url"),
            "Name that host in the certificate (subjectAltName), or correct server.public_url.",
        );
    }
}
