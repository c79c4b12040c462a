//! Links for browsers that carry no token: signed for one control, read-only, revoked by changing
//! the key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{domain::marker::hex, secret::Secret};

/// Signs and verifies.
#[derive(Clone, Debug)]
pub struct Signer {
    key: Secret,
}

impl Signer {
    /// A signer with the key of `server.link_key` or of the database.
    #[must_use]
    pub fn new(key: Secret) -> Self {
        Self { key }
    }

    /// The signature of a control, in hexadecimal.
    #[must_use]
    pub fn sign(&self, instance: &str, control: &str) -> String {
        hex(&self.mac(instance, control).finalize().into_bytes())
    }

    /// Whether the signature is right, in constant time.
    #[must_use]
    pub fn verify(&self, instance: &str, control: &str, signature: &str) -> bool {
        let expected = self.sign(instance, control);
        subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), signature.as_bytes()).into()
    }

    fn mac(&self, instance: &str, control: &str) -> Hmac<Sha256> {
        // HMAC takes a key of any length.
        #[expect(clippy::expect_used, reason = "the type allows an error that HMAC does not have")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose().as_bytes())
            .expect("a key of any length is valid");
        // An instance has no line break, so the pair is unambiguous.
        mac.update(format!("open\n{instance}\n{control}").as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_for_one_control_and_one_key() {
        let signer = Signer::new(Secret::new("key".to_owned()));
        let signature = signer.sign("default", "svc-1");
        assert!(signer.verify("default", "svc-1", &signature));
        assert!(!signer.verify("default", "svc-2", &signature));
        assert!(!signer.verify("other", "svc-1", &signature));
        assert!(!signer.verify("default", "svc-1", ""));
        let revoked = Signer::new(Secret::new("another".to_owned()));
        assert!(!revoked.verify("default", "svc-1", &signature));
    }
}
