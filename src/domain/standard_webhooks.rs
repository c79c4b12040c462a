//! The Standard Webhooks scheme: a message is signed together with its id and the time of its attempt, so
//! that whoever knows the secret can tell that nobody has changed it or sent it again later.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;

/// The header with the id of a message, which stays the same each time it is sent.
pub const ID_HEADER: &str = "webhook-id";

/// The header with the time of the attempt, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";

/// The header with the signatures: `v1,` and base64 each, separated by blanks.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// The fewest and the most bytes that a key may have.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// How many signatures of a header are looked at; the rest is noise.
const MOST_SIGNATURES: usize = 16;

/// Secrets are copied by hand: with padding and without.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key of a secret that is written `whsec_<base64>`; the prefix may be missing. `Debug` does not
/// show it.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A text that is no secret of this scheme. The words name no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It cannot be decoded.
    #[error("must be 'whsec_' and base64, such as 'openssl rand -base64 32' prints it")]
    NoBase64,
    /// It is too short to be safe, or too long to be one.
    #[error("has {0} bytes behind its base64, and must have 24 to 64")]
    Length(usize),
}

impl Key {
    /// Reads a secret.
    pub fn parse(secret: &str) -> Result<Self, KeyError> {
        let text = secret.trim();
        let text = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = TOLERANT.decode(text).map_err(|_| KeyError::NoBase64)?;
        if !KEY_BYTES.contains(&bytes.len()) {
            return Err(KeyError::Length(bytes.len()));
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| KeyError::Length(bytes.len()))
    }

    fn mac(&self, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(format!("{id}.{timestamp}.")).chain_update(body)
    }
}

/// The value of [`SIGNATURE_HEADER`] for a message. `timestamp` is in seconds since 1970.
#[must_use]
pub fn sign(key: &Key, id: &str, timestamp: i64, body: &[u8]) -> String {
    format!("v1,{}", STANDARD.encode(key.mac(id, timestamp, body).finalize().into_bytes()))
}

/// Whether one of the signatures of a header is that of one of the keys: several while one takes the
/// place of another. Takes the same time wherever a signature differs. How old the timestamp may be is
/// its caller's to say.
#[must_use]
pub fn verify(keys: &[Key], id: &str, timestamp: i64, body: &[u8], signatures: &str) -> bool {
    let offered: Vec<_> = signatures
        .split_ascii_whitespace()
        .take(MOST_SIGNATURES)
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let mut is_right = false;
    for key in keys {
        let mac = key.mac(id, timestamp, body);
        for signature in &offered {
            is_right |= mac.clone().verify_slice(signature).is_ok();
        }
    }
    is_right
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn key(secret: &str) -> Key {
        Key::parse(secret).unwrap()
    }

    #[test]
    fn the_published_example_is_signed_as_published() {
        assert_eq!(sign(&key(SECRET), ID, TIMESTAMP, BODY), SIGNATURE);
        let bare = SECRET.strip_prefix("whsec_").unwrap();
        assert_eq!(sign(&key(bare), ID, TIMESTAMP, BODY), SIGNATURE);
    }

    #[test]
    fn what_was_changed_is_refused() {
        let keys = [key(SECRET)];
        assert!(verify(&keys, ID, TIMESTAMP, BODY, SIGNATURE));
        assert!(!verify(&keys, "msg_other", TIMESTAMP, BODY, SIGNATURE));
        assert!(!verify(&keys, ID, TIMESTAMP + 1, BODY, SIGNATURE));
        assert!(!verify(&keys, ID, TIMESTAMP, br#"{"test": 2432232315}"#, SIGNATURE));
        for signatures in ["", "v1,", "v1", &SIGNATURE[3..], &SIGNATURE.replace("v1,", "v1a,")] {
            assert!(!verify(&keys, ID, TIMESTAMP, BODY, signatures), "{signatures}");
        }
        // A part of the right one is not enough.
        assert!(!verify(&keys, ID, TIMESTAMP, BODY, "v1,g0hM9SsE+OTPJTGt"));
    }

    #[test]
    fn any_of_several_keys_and_signatures_will_do() {
        let other = key("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
        let signatures = format!("v1a,bm9uZQ== {} {SIGNATURE}", sign(&other, ID, 7, BODY));
        assert!(verify(&[other.clone(), key(SECRET)], ID, TIMESTAMP, BODY, &signatures));
        assert!(!verify(std::slice::from_ref(&other), ID, TIMESTAMP, BODY, &signatures));
        assert!(!verify(&[], ID, TIMESTAMP, BODY, &signatures));
        // A header that is nothing but signatures is no way to have many of them computed.
        let late = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(MOST_SIGNATURES));
        assert!(!verify(&[key(SECRET)], ID, TIMESTAMP, BODY, &late));
    }

    #[test]
    fn a_secret_that_is_none_says_why_and_shows_nothing() {
        for (secret, error) in [
            ("whsec_no base64!", KeyError::NoBase64),
            ("", KeyError::Length(0)),
            ("whsec_c2hvcnQ=", KeyError::Length(5)),
        ] {
            assert_eq!(Key::parse(secret).unwrap_err(), error);
        }
        assert_eq!(format!("{:?}", key(SECRET)), "***");
    }
}
