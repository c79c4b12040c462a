//! Links for browsers that carry no token: signed for one control of one company, read-only, revoked by
//! changing the key.

use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;

use crate::{
    domain::hex::{hex, unhex},
    secret::Secret,
};

/// Signs and verifies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Signer {
    keyed: Arc<RwLock<Keyed>>,
}

#[derive(Debug)]
struct Keyed {
    key: Secret,
    /// With the key in it; cloned for each signature.
    hmac: Hmac<Sha256>,
}

impl Keyed {
    fn new(key: &Secret) -> Self {
        #[expect(clippy::expect_used, reason = "the type allows an error that HMAC does not have")]
        let hmac = Hmac::new_from_slice(key.expose().as_bytes()).expect("any length is valid");
        Self { key: key.clone(), hmac }
    }
}

impl Signer {
    /// A signer with the key of `server.link_key` or of the database.
    #[must_use]
    pub fn new(key: &Secret) -> Self {
        Self { keyed: Arc::new(RwLock::new(Keyed::new(key))) }
    }

    /// Signs with this key from now on, and takes no signature of another one; tells whether it is
    /// another one.
    pub fn replace(&self, key: &Secret) -> bool {
        let mut keyed = self.keyed.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = keyed.key != *key;
        if is_other {
            *keyed = Keyed::new(key);
        }
        is_other
    }

    /// The signature of these texts for a purpose, in hexadecimal. Only the last one may have line
    /// breaks.
    #[must_use]
    pub fn sign(&self, purpose: &str, texts: &[&str]) -> String {
        hex(&self.mac(purpose, texts).finalize().into_bytes())
    }

    /// Whether the signature is right, in constant time.
    #[must_use]
    pub fn verify(&self, purpose: &str, texts: &[&str], signature: &str) -> bool {
        let signature = unhex(signature).unwrap_or_default();
        self.mac(purpose, texts).verify_slice(&signature).is_ok()
    }

    fn mac(&self, purpose: &str, texts: &[&str]) -> Hmac<Sha256> {
        let hmac = self.keyed.read().unwrap_or_else(PoisonError::into_inner).hmac.clone();
        let purpose = hmac.chain_update(purpose);
        texts.iter().fold(purpose, |mac, text| mac.chain_update("\n").chain_update(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_for_one_purpose_one_control_and_one_key() {
        let signer = Signer::new(&Secret::new("key".to_owned()));
        let signature = signer.sign("open", &["default", "svc-1"]);
        assert!(signer.verify("open", &["default", "svc-1"], &signature));
        assert!(!signer.verify("open", &["default", "svc-2"], &signature));
        assert!(!signer.verify("open", &["other", "svc-1"], &signature));
        assert!(!signer.verify("stream", &["default", "svc-1"], &signature));
        assert!(!signer.verify("open", &["default", "svc-1"], ""));
        assert!(!signer.replace(&Secret::new("key".to_owned())));
        assert!(signer.verify("open", &["default", "svc-1"], &signature));
        assert!(signer.clone().replace(&Secret::new("another".to_owned())));
        assert!(!signer.verify("open", &["default", "svc-1"], &signature));
    }
}
