//! How Salesforce is called: with which login and certificates. Where to, the login tells.

use std::sync::{Arc, atomic::AtomicBool};

use reqwest::{RequestBuilder, Url, header::HeaderValue};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    Error, Login, Settings, answer,
    assertion::{self, SigningKey},
};
use crate::{
    clock::Clock,
    outgoing::{ClientError, Credentials, Raw, Redactor, Way, exchange, http_client, proxy},
    secret::Secret,
};

/// The longest answer to a login, in bytes.
const LONGEST: usize = 1 << 20;

/// How Salesforce is called: replaced as a whole when secrets or certificates change.
pub(super) struct Line {
    pub(super) http: reqwest::Client,
    pub(super) settings: Settings,
    pub(super) credentials: Credentials,
    pub(super) key: Option<SigningKey>,
    /// Whether the org was seen to offer the version of the API.
    pub(super) is_offered: AtomicBool,
    secrets: Vec<Secret>,
}

/// What files hold for a line.
pub(super) struct Files {
    pub(super) credentials: Credentials,
    pub(super) key: Option<SigningKey>,
}

impl Files {
    pub(super) fn read(settings: &Settings) -> Result<Self, ClientError> {
        let key = match &settings.login {
            Login::Jwt { key_file, .. } => Some(SigningKey::read(key_file)?),
            Login::ClientCredentials { .. } => None,
        };
        Ok(Self { credentials: Credentials::read("salesforce", &settings.tls)?, key })
    }
}

/// What a login has given.
pub(super) struct Session {
    /// By which it was had: with another one it is not used.
    pub(super) line: Arc<Line>,
    /// `Bearer …`.
    authorization: HeaderValue,
    /// The host of the org.
    pub(super) instance: Url,
    /// Of all that is sent in it.
    pub(super) redactor: Redactor,
}

/// The answer of a login. It never says for how long.
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    #[serde(deserialize_with = "url")]
    instance_url: Url,
}

/// An address out of a text: the crate of addresses knows serde only where another one asks it to.
fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

impl Line {
    pub(super) fn new(settings: &Settings, files: Files) -> Result<Self, ClientError> {
        let Settings { login_url: url, connect_timeout, timeout, .. } = settings;
        let way = Way { url, connect_timeout: *connect_timeout, timeout: *timeout };
        let mut secrets: Vec<_> = proxy(url).and_then(|proxy| proxy.password).into_iter().collect();
        if let Login::ClientCredentials { client_id, secret } = &settings.login {
            secrets.push(secret.clone());
            secrets.push(Secret::new(format!("{client_id}:{}", secret.expose())));
        }
        let Files { credentials, key } = files;
        let http = http_client(&way, &credentials)?;
        Ok(Self {
            http,
            settings: settings.clone(),
            credentials,
            key,
            is_offered: AtomicBool::new(false),
            secrets,
        })
    }

    fn redactor<'s>(&'s self, more: impl IntoIterator<Item = &'s str>) -> Redactor {
        Redactor::new(self.secrets.iter().map(Secret::expose).chain(more))
    }

    /// Logs in.
    pub(super) async fn log_in(self: &Arc<Self>, clock: &Clock) -> Result<Session, Error> {
        let mut form = Vec::with_capacity(3);
        let signed;
        match &self.settings.login {
            Login::Jwt { client_id, user, audience, .. } => {
                let usual = || assertion::audience(&self.settings.login_url);
                let audience = audience.clone().unwrap_or_else(usual);
                let sign =
                    |key: &SigningKey| key.assertion(client_id, user, &audience, clock.now());
                signed = self.key.as_ref().and_then(sign).ok_or_else(|| Error::Login {
                    code: "no-signature".to_owned(),
                    description: "the key could not sign".to_owned(),
                })?;
                form.push(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"));
                form.push(("assertion", signed.as_str()));
            }
            Login::ClientCredentials { client_id, secret } => {
                form.push(("grant_type", "client_credentials"));
                form.push(("client_id", client_id));
                form.push(("client_secret", secret.expose()));
            }
        }
        let sent = form.iter().filter(|(name, _)| *name == "assertion").map(|(_, text)| *text);
        let redactor = self.redactor(sent);
        let request = self.http.post(token_endpoint(&self.settings.login_url)).form(&form);
        let Granted { access_token, instance_url } =
            granted(&exchange(request, LONGEST, redactor).await?)?;
        // Else everything, the session above all, would cross the network in clear.
        if self.settings.login_url.scheme() == "https" && instance_url.scheme() != "https" {
            let reason = "it named a host without https".to_owned();
            return Err(Error::NotSalesforce { reason });
        }
        let authorization = HeaderValue::from_str(&format!("Bearer {}", access_token.expose()));
        let mut authorization = authorization.map_err(|_| Error::NotSalesforce {
            reason: "the session that it gave cannot stand in a header".to_owned(),
        })?;
        authorization.set_sensitive(true);
        let redactor = self.redactor([access_token.expose()]);
        Ok(Session { line: self.clone(), authorization, instance: instance_url, redactor })
    }
}

impl Session {
    /// A request in this session, by its path below the host.
    pub(super) fn request(
        &self,
        method: reqwest::Method,
        path: &str,
    ) -> Result<RequestBuilder, Error> {
        let url = self.instance.join(path).ok();
        // What an answer names as its next page leads to no other host.
        let url = url.filter(|url| url.origin() == self.instance.origin());
        let url = url.ok_or_else(|| Error::NotSalesforce {
            reason: "it named a page of another host".to_owned(),
        })?;
        Ok(self
            .line
            .http
            .request(method, url)
            .header(reqwest::header::AUTHORIZATION, self.authorization.clone())
            // Names the bridge in the logs of the org, and leaves no trace in what its user has seen last.
            .header("Sforce-Call-Options", "client=servicenav-itop-bridge")
            .header("Sforce-Mru", "updateMru=false"))
    }
}

/// The token endpoint of a login address.
fn token_endpoint(login_url: &Url) -> Url {
    let mut url = login_url.clone();
    url.set_path(&format!("{}/services/oauth2/token", login_url.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Judges the answer of the token endpoint, whose errors have another form than all others.
fn granted(raw: &Raw) -> Result<Granted, Error> {
    #[derive(Deserialize)]
    struct Denied {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let json = serde_json::from_slice::<Value>(&raw.body).unwrap_or_default();
    match raw.status {
        200..=299 => Granted::deserialize(json).map_err(|_| Error::NotSalesforce {
            // What it holds may be a session.
            reason: format!("HTTP {}, and no session in the answer to the login", raw.status),
        }),
        // Its server is in trouble, whatever it says.
        500..=599 => Err(Error::NoClearAnswer { reason: answer::reason(raw) }),
        _ => match Denied::deserialize(json) {
            Ok(Denied { error, error_description }) => Err(Error::Login {
                code: raw.echo(&error),
                description: raw.echo(&error_description),
            }),
            Err(_) => answer::read(raw, answer::Known::default())
                .and_then(|_| Err(Error::NotSalesforce { reason: answer::reason(raw) })),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{gate::Reason, salesforce::examples::example};

    #[test]
    fn a_login_gives_session_and_host_and_nothing_that_it_must_not_have() {
        for name in ["01-token-jwt-ok", "02-token-client-credentials-ok"] {
            let Granted { access_token, instance_url } = granted(&example(name)).unwrap();
            assert_eq!(access_token.expose(), "00Dxx0000000001!AQ0.invented");
            assert_eq!(instance_url.as_str(), "https://acme.my.salesforce.com/");
        }
    }

    #[test]
    fn a_login_that_is_denied_says_why_and_closes_the_way() {
        for (name, says) in [
            ("03-token-invalid-grant-not-approved", "user hasn't approved this consumer"),
            ("04-token-invalid-grant-audience", "audience is invalid"),
            ("05-token-invalid-grant-expired-assertion", "expired authorization code"),
            ("06-token-invalid-grant-no-run-as-user", "no client credentials user enabled"),
            ("07-token-invalid-grant-wrong-host", "request not supported on this domain"),
        ] {
            let error = granted(&example(name)).err().unwrap();
            let expected = Error::Login { code: "invalid_grant".into(), description: says.into() };
            assert_eq!(error, expected);
            assert_eq!(error.reason(), Some(Reason::Credentials));
            assert!(error.mend().unwrap().contains("salesforce.client_id"));
        }
        let of = |status, kind, body: &str| granted(&Raw::of(status, kind, body)).err().unwrap();
        assert!(matches!(of(503, "text/html", "<h1>"), Error::NoClearAnswer { .. }));
        assert!(matches!(of(200, "text/html", "<h1>"), Error::NotSalesforce { .. }));
        assert!(matches!(of(403, "text/html", "<h1>"), Error::TurnedAway { .. }));
    }

    #[test]
    fn the_endpoint_stands_below_the_login_address() {
        let at = |url: &str| token_endpoint(&url.parse().unwrap()).to_string();
        let token = "https://login.salesforce.com/services/oauth2/token";
        assert_eq!(at("https://login.salesforce.com"), token);
        assert_eq!(
            at("https://acme.my.site.com/support/?x#y"),
            "https://acme.my.site.com/support/services/oauth2/token"
        );
    }
}
