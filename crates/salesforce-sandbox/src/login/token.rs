//! `POST /services/oauth2/token`.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::{App, public_key, session::org_id};
use crate::{
    fault::Operation,
    options::AudienceSaid,
    org::Org,
    refusal::Refusal,
    web::{Answer, Call, form},
};

const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Why there is no token.
struct Denied(String, String);

fn denied<T>(error: &str, description: &str) -> Result<T, Denied> {
    Err(Denied(error.to_owned(), description.to_owned()))
}

impl Org {
    /// Answers a request for a token.
    pub(crate) fn token(&self, call: &Call) -> Answer {
        let (status, body) = match self.login(call) {
            Ok(body) => (200, body),
            Err(Denied(error, description)) => {
                (400, json!({"error": error, "error_description": description}))
            }
        };
        Answer::json(status, body).header("Cache-Control", "no-store")
    }

    fn login(&self, call: &Call) -> Result<Value, Denied> {
        if call.method != "POST" {
            return denied("invalid_request", "must use HTTP POST");
        }
        if let Err(refusal) = self.faults.refuse(Operation::Token, "", "") {
            let Refusal { errors, .. } = refusal;
            let problem = errors.into_iter().next();
            return problem.map_or_else(
                || denied("unknown_error", "retry your request"),
                |problem| Err(Denied(problem.code, problem.message)),
            );
        }
        let fields = form(&String::from_utf8_lossy(&call.body));
        let field = |name: &str| {
            let found = fields.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let app = self.app();
        let user = match field("grant_type") {
            JWT => self.by_jwt(&app, field("assertion"), call)?,
            "client_credentials" => {
                let basic = basic(call.get("authorization"));
                let (id, secret) = basic
                    .as_ref()
                    .map_or((field("client_id"), field("client_secret")), |(id, secret)| {
                        (id.as_str(), secret.as_str())
                    });
                by_secret(&app, id, secret, call)?
            }
            _ => return denied("unsupported_grant_type", "grant type not supported"),
        };
        let Some((user, active)) = self.user_named(&user) else {
            return denied("invalid_grant", "user hasn't approved this consumer");
        };
        if !active {
            return denied("invalid_grant", "inactive user");
        }
        let now = self.options.now.get();
        let token = self.sessions.open(&user, now.as_second());
        let base = self.base(call);
        let mut said = json!({
            "access_token": token,
            "signature": STANDARD.encode("invented"),
            "scope": "api",
            "instance_url": base,
            "id": format!("{base}/id/{}/{user}", org_id()),
            "token_type": "Bearer",
            "issued_at": now.as_millisecond().to_string(),
        });
        if field("grant_type") != JWT {
            said["token_format"] = json!("opaque");
        }
        Ok(said)
    }

    /// The user name that a signed assertion is for.
    fn by_jwt(&self, app: &App, assertion: &str, call: &Call) -> Result<String, Denied> {
        let parts: Vec<&str> = assertion.split('.').collect();
        let [head, claims, signature] = parts[..] else {
            return denied("invalid_grant", "invalid assertion");
        };
        let read = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        };
        let (Some(header), Some(said)) = (read(head), read(claims)) else {
            return denied("invalid_grant", "invalid assertion");
        };
        if said["iss"] != json!(app.client_id) {
            return denied("invalid_client_id", "client identifier invalid");
        }
        if !app.jwt {
            return denied("unsupported_grant_type", "grant type not supported");
        }
        let key = public_key(&app.key).unwrap_or_default();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
        let signature = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('='));
        let signed = signature.is_ok_and(|signature| {
            key.verify(format!("{head}.{claims}").as_bytes(), &signature).is_ok()
        });
        if header["alg"] != "RS256" || !signed {
            return denied("invalid_grant", "invalid assertion");
        }
        let audience = said["aud"].as_str().unwrap_or_default().trim_end_matches('/');
        let known = ["https://login.salesforce.com", "https://test.salesforce.com"];
        if !known.contains(&audience) && !audience.eq_ignore_ascii_case(&self.base(call)) {
            return match self.options.switches.audience {
                AudienceSaid::Invalid => denied("invalid_grant", "audience is invalid"),
                AudienceSaid::ValidationFailed => {
                    denied("invalid_grant", "Audience validation failed")
                }
            };
        }
        // A text and milliseconds are taken as well, as clients send them; the future has no end.
        let expires = match &said["exp"] {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds of this age")]
        let now = self.options.now.get().as_second() as f64;
        match expires {
            None => return denied("invalid_grant", "invalid assertion"),
            Some(expires) if expires < now => {
                return denied("invalid_grant", "expired authorization code");
            }
            Some(_) => {}
        }
        if !app.admin_approved {
            return denied("invalid_app_access", "user is not admin approved to access this app");
        }
        if !app.approved {
            return denied("invalid_grant", "user hasn't approved this consumer");
        }
        Ok(said["sub"].as_str().or(said["prn"].as_str()).unwrap_or_default().to_owned())
    }

    /// The sandbox's own address, as the caller knows it.
    pub(crate) fn base(&self, call: &Call) -> String {
        self.options
            .instance_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", call.get("host").unwrap_or("localhost")))
    }
}

fn by_secret(app: &App, id: &str, secret: &str, call: &Call) -> Result<String, Denied> {
    // Where a program is led here from another host, it says which it meant.
    let host = call.get("x-original-host").or(call.get("host")).unwrap_or_default();
    if ["login.salesforce.com", "test.salesforce.com"].contains(&host) {
        return denied("invalid_grant", "request not supported on this domain");
    }
    if id != app.client_id {
        return denied("invalid_client_id", "client identifier invalid");
    }
    if secret != app.client_secret {
        return denied("invalid_client", "invalid client credentials");
    }
    if !app.client_credentials {
        return denied("unsupported_grant_type", "grant type not supported");
    }
    match &app.run_as {
        Some(user) => Ok(user.clone()),
        None => denied("invalid_grant", "no client credentials user enabled"),
    }
}

fn basic(header: Option<&str>) -> Option<(String, String)> {
    let encoded = header?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
