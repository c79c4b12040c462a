//! What works and should be looked at: `serve` logs it, `check` reports it.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use schemars::JsonSchema;
use serde::Serialize;

use super::Config;
use crate::outgoing::is_loopback;

/// Something in a configuration that works and harms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ConfigurationWarning")]
pub struct Warning {
    /// What it does.
    pub seen: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

impl Config {
    /// What harms although it works.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let is_plain = |url: &reqwest::Url| url.scheme() == "http" && !is_loopback(url);
        let url = self.itop.as_ref().and_then(|itop| itop.url.parse().ok());
        if url.is_some_and(|url| is_plain(&url)) {
            warnings.push(Warning {
                seen: "itop.url is not https: the password crosses the network in clear",
                mend: "Use https; for a certificate of your own set itop.ca_file.",
            });
        }
        let listen = self.server.listen;
        if listen.ip().is_unspecified() && self.server.public_url.is_none() {
            warnings.push(Warning {
                seen: "server.public_url is not set: links in answers lead to the address that the \
                       bridge listens on, where no browser finds it",
                mend: "Set server.public_url to how browsers and dashboards reach the bridge.",
            });
        }
        if self.auth.proxy.is_some() && self.server.public_url.is_none() {
            warnings.push(Warning {
                seen: "auth.proxy is set and server.public_url is not: behind a proxy that asks by \
                       another host than browsers do, pages could change nothing",
                mend: "Set server.public_url to how browsers reach the bridge.",
            });
        }
        if self.server.tls_key.as_deref().is_some_and(is_open) {
            warnings.push(Warning {
                seen: "server.tls_key can be read by every user of this machine, who could pass for the \
                       bridge",
                mend: "Let its user alone read it (chmod o= FILE).",
            });
        }
        let key = self.salesforce.as_ref().and_then(|salesforce| salesforce.key_file.as_deref());
        if key.is_some_and(is_open) {
            warnings.push(Warning {
                seen: "salesforce.key_file can be read by every user of this machine, who could be the \
                       bridge in Salesforce",
                mend: "Let its user alone read it (chmod o= FILE).",
            });
        }
        let both = self.cmdb.as_ref().zip(self.itop.as_ref());
        if both.is_some_and(|(cmdb, itop)| cmdb.user == itop.user) {
            warnings.push(Warning {
                seen: "cmdb.user is itop.user: whoever has the password of the bridge can rewrite the CMDB",
                mend: "Give [cmdb] an account of its own, with the profiles \"Configuration Manager\" and \
                       \"REST Services User\".",
            });
        }
        let public_url = self.server.public_url.as_deref();
        if self.auth.oidc.is_some() && public_url.is_none() {
            warnings.push(Warning {
                seen: "auth.oidc is set and server.public_url is not: the provider leads people back to the \
                       address that the bridge listens on, where no browser elsewhere finds it",
                mend: "Set server.public_url to how browsers reach the bridge.",
            });
        }
        if self.auth.oidc.is_some()
            && public_url.and_then(|url| url.parse().ok()).is_some_and(|url| is_plain(&url))
        {
            warnings.push(Warning {
                seen: "auth.oidc is set and server.public_url is not https: who listens on the network can \
                       take over a session",
                mend: "Put a proxy with TLS in front of the bridge, and write https in server.public_url.",
            });
        }
        warnings
    }
}

/// Whether everybody may read a file.
fn is_open(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::super::load::tests::{LEAST, from};
    use super::*;

    #[test]
    fn a_key_that_everybody_can_read_is_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("bridge.key");
        std::fs::write(&key, "key").unwrap();
        let at = key.display();
        let config = format!("{LEAST}[server]\ntls_certificate = '/x'\ntls_key = '{at}'\n");
        let config = from(&config, &[]).unwrap();
        for (mode, is_warned_of) in [(0o644, true), (0o640, false), (0o600, false)] {
            std::fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
            let seen = |warning: &Warning| warning.seen.contains("server.tls_key");
            assert_eq!(config.warnings().iter().any(seen), is_warned_of, "{mode:o}");
        }
    }

    #[test]
    fn a_password_in_clear_on_the_network_is_warned_of() {
        for (url, warned) in [
            ("http://itop.example/", true),
            ("http://127.0.0.1.example/", true),
            ("http://localhost.example:8080/", true),
            ("HTTP://10.0.0.1/", true),
            ("https://itop.example/", false),
            ("http://127.0.0.1:8081/", false),
            ("http://127.3.2.1/", false),
            ("http://LOCALHOST/itop", false),
            ("http://[::1]:80/", false),
        ] {
            let config = from(&LEAST.replace("https://itop.example/", url), &[]).unwrap();
            assert_eq!(!config.warnings().is_empty(), warned, "{url}");
        }
    }

    #[test]
    fn where_people_are_led_back_to_browsers_find_over_tls() {
        let oidc = "[auth.oidc]\nissuer = 'https://sso.example'\nclient_id = 'bridge'\n\
                    [[auth.oidc.groups]]\nname = 'noc'\nscopes = ['read']\n";
        for (server, warned) in [
            ("", Some("server.public_url is not: the provider")),
            ("[server]\npublic_url = 'http://bridge.example'\n", Some("is not https: who listens")),
            ("[server]\npublic_url = 'http://127.0.0.1:8080'\n", None),
            ("[server]\npublic_url = 'https://bridge.example'\n", None),
        ] {
            let config = from(&format!("{LEAST}{server}{oidc}"), &[]).unwrap();
            let seen: Vec<_> = config.warnings().iter().map(|warning| warning.seen).collect();
            assert_eq!(seen.len(), usize::from(warned.is_some()), "{seen:?}");
            assert!(warned.is_none_or(|warned| seen[0].contains(warned)), "{seen:?}");
        }
    }
}
