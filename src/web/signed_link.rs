//! Links for browsers that carry no token: signed for one control, read-only, revoked by changing
//! the key.

use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;

use crate::{
    domain::hex::{hex, unhex},
    secret::Secret,
};

/// Signs and verifies.
#[derive(Clone, Debug)]
pub struct Signer {
    /// With the key in it; cloned for each signature.
    keyed: Hmac<Sha256>,
}

impl Signer {
    /// A signer with the key of `server.link_key` or of the database.
    #[must_use]
    pub fn new(key: &Secret) -> Self {
        Self { keyed: keyed(key) }
    }

    /// The signature of a control, in hexadecimal.
    #[must_use]
    pub fn sign(&self, instance: &str, control: &str) -> String {
        hex(&self.mac(instance, control).finalize().into_bytes())
    }

    /// Whether the signature is right, in constant time.
    #[must_use]
    pub fn verify(&self, instance: &str, control: &str, signature: &str) -> bool {
        let signature = unhex(signature).unwrap_or_default();
        self.mac(instance, control).verify_slice(&signature).is_ok()
    }

    fn mac(&self, instance: &str, control: &str) -> Hmac<Sha256> {
        // An instance has no line break, so the pair is unambiguous.
        ["open\n", instance, "\n", control].into_iter().fold(self.keyed.clone(), Mac::chain_update)
    }
}

fn keyed(key: &Secret) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "the type allows an error that HMAC does not have")]
    Hmac::new_from_slice(key.expose().as_bytes()).expect("a key of any length is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_for_one_control_and_one_key() {
        let signer = Signer::new(&Secret::new("key".to_owned()));
        let signature = signer.sign("default", "svc-1");
        assert!(signer.verify("default", "svc-1", &signature));
        assert!(!signer.verify("default", "svc-2", &signature));
        assert!(!signer.verify("other", "svc-1", &signature));
        assert!(!signer.verify("default", "svc-1", ""));
        let revoked = Signer::new(&Secret::new("another".to_owned()));
        assert!(!revoked.verify("default", "svc-1", &signature));
    }
}
