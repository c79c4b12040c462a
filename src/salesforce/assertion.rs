//! The signed text by which the bridge says who it is (JWT bearer, RFC 7523, RS256).

use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use reqwest::Url;
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;

use crate::{outgoing::ClientError, tls::pem};

/// How long a text is good for, in seconds: Salesforce takes three minutes at most, and clocks differ.
const GOOD_FOR: i64 = 120;

/// A private key that signs.
#[derive(Clone)]
pub(super) struct SigningKey {
    der: Arc<PrivateKeyDer<'static>>,
    pair: Arc<RsaKeyPair>,
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl SigningKey {
    /// That of a file: RSA, PKCS#8 or PKCS#1, PEM.
    pub(super) fn read(path: &Path) -> Result<Self, ClientError> {
        let pem = std::fs::read(path).map_err(|error| error.to_string());
        pem.and_then(|pem| Self::of_pem(&pem)).map_err(|reason| ClientError::PemFile {
            key: "salesforce.key_file".to_owned(),
            path: path.to_owned(),
            reason,
        })
    }

    fn of_pem(pem: &[u8]) -> Result<Self, String> {
        let der = pem::private_key(pem)?;
        let pair = match &der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(NO_RSA.to_owned()),
        };
        let pair = pair.map_err(|error| format!("{NO_RSA} ({error})"))?;
        Ok(Self { der: Arc::new(der), pair: Arc::new(pair) })
    }

    /// Says that the app `issuer` acts as `user`, to `audience`; `None` where nothing random is to be
    /// had, which signing wants.
    pub(super) fn assertion(
        &self,
        issuer: &str,
        user: &str,
        audience: &str,
        now: Timestamp,
    ) -> Option<String> {
        let claims =
            json!({"iss": issuer, "sub": user, "aud": audience, "exp": now.as_second() + GOOD_FOR});
        let encoded = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let header = br#"{"alg":"RS256","typ":"JWT"}"#;
        let signed = format!("{}.{}", encoded(header), encoded(claims.to_string().as_bytes()));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .ok()?;
        Some(format!("{signed}.{}", encoded(&signature)))
    }
}

const NO_RSA: &str = "it must hold an RSA key of 2,048 bits or more, as PKCS#8 or PKCS#1";

/// Whom a text is for where nothing else is named: Salesforce takes `login` or `test`, or the address of
/// a site; a sandbox has it in its name.
pub(super) fn audience(login_url: &Url) -> String {
    let host = login_url.host_str().unwrap_or_default();
    if host == "test.salesforce.com" || host.ends_with(".sandbox.my.salesforce.com") {
        "https://test.salesforce.com".to_owned()
    } else if host.ends_with(".salesforce.com") {
        "https://login.salesforce.com".to_owned()
    } else {
        login_url.origin().ascii_serialization()
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    const PKCS8: &str = include_str!("../../tests/fixtures/salesforce/keys/pkcs8.pem");
    const PKCS1: &str = include_str!("../../tests/fixtures/salesforce/keys/pkcs1.pem");

    #[test]
    fn what_is_signed_by_either_form_of_the_key_holds_and_says_who_and_until_when() {
        let now = "2026-11-27T12:00:00.9Z".parse().unwrap();
        let [one, other] = [PKCS8, PKCS1].map(|pem| SigningKey::of_pem(pem.as_bytes()).unwrap());
        for key in [one, other] {
            let text = key.assertion("consumer", "bridge@acme.example", "aud", now).unwrap();
            let (signed, signature) = text.rsplit_once('.').unwrap();
            let public = UnparsedPublicKey::new(
                &RSA_PKCS1_2048_8192_SHA256,
                key.pair.public().as_ref().to_vec(),
            );
            let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
            public.verify(signed.as_bytes(), &decoded(signature)).unwrap();
            let (header, claims) = signed.split_once('.').unwrap();
            assert_eq!(decoded(header), br#"{"alg":"RS256","typ":"JWT"}"#);
            let claims: serde_json::Value = serde_json::from_slice(&decoded(claims)).unwrap();
            let expected = json!({
                "iss": "consumer", "sub": "bridge@acme.example", "aud": "aud",
                "exp": 1_795_780_920_u64,
            });
            assert_eq!(claims, expected);
        }
    }

    #[test]
    fn what_is_no_such_key_says_what_it_must_be() {
        let ec = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (pem, says) in
            [(ec.as_str(), "RSA"), ("", "no private key"), (certificate, "no private")]
        {
            let reason = SigningKey::of_pem(pem.as_bytes()).err().unwrap();
            assert!(reason.contains(says), "{reason}");
        }
    }

    #[test]
    fn sandboxes_are_told_from_production_by_their_host() {
        for (url, expected) in [
            ("https://login.salesforce.com", "https://login.salesforce.com"),
            ("https://test.salesforce.com/", "https://test.salesforce.com"),
            ("https://acme.my.salesforce.com/", "https://login.salesforce.com"),
            ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
            ("http://127.0.0.1:8082/x", "http://127.0.0.1:8082"),
        ] {
            assert_eq!(audience(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
