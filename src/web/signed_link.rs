//! Links for browsers that carry no token: signed for one control of one company, read-only, revoked by
//! changing the key.

use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;

use crate::{
    domain::marker::{hex, unhex},
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

    /// The signature of a control of a company, in hexadecimal.
    #[must_use]
    pub fn sign(&self, instance: &str, company: &str, control: &str) -> String {
        hex(&self.mac(instance, company, control).finalize().into_bytes())
    }

    /// Whether the signature is right, in constant time.
    #[must_use]
    pub fn verify(&self, instance: &str, company: &str, control: &str, signature: &str) -> bool {
        let signature = unhex(signature).unwrap_or_default();
        self.mac(instance, company, control).verify_slice(&signature).is_ok()
    }

    fn mac(&self, instance: &str, company: &str, control: &str) -> Hmac<Sha256> {
        // Neither an instance nor a company has a line break, so they are unambiguous.
        ["open\n", instance, "\n", company, "\n", control]
            .into_iter()
            .fold(self.keyed.clone(), Mac::chain_update)
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
    fn a_signature_is_for_one_control_of_one_company_and_one_key() {
        let signer = Signer::new(&Secret::new("key".to_owned()));
        let signature = signer.sign("default", "id:1", "svc-1");
        assert!(signer.verify("default", "id:1", "svc-1", &signature));
        assert!(!signer.verify("default", "id:1", "svc-2", &signature));
        assert!(!signer.verify("default", "id:2", "svc-1", &signature));
        assert!(!signer.verify("other", "id:1", "svc-1", &signature));
        assert!(!signer.verify("default", "id:1", "svc-1", ""));
        let revoked = Signer::new(&Secret::new("another".to_owned()));
        assert!(!revoked.verify("default", "id:1", "svc-1", &signature));
    }
}
