//! Public keys out of PEM.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{KeyPair as _, RsaKeyPair};

/// The public key (PKCS#1, DER) of a PEM that holds it or its private half.
pub(crate) fn public_key(pem: &str) -> Option<Vec<u8>> {
    let kind = pem.lines().find_map(|line| line.trim().strip_prefix("-----BEGIN "))?;
    let text: String = pem
        .lines()
        .skip_while(|line| !line.trim().starts_with("-----BEGIN "))
        .skip(1)
        .take_while(|line| !line.trim().starts_with("-----END "))
        .map(str::trim)
        .collect();
    let der = STANDARD.decode(text).ok()?;
    let pair = match kind.trim_end_matches('-') {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der).ok()?,
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok()?,
        "RSA PUBLIC KEY" => return Some(der),
        // What stands around a PKCS#1 key there has a fixed length for each size of key; the key
        // begins with the second sequence and ends the text.
        "PUBLIC KEY" => {
            let begin =
                (20..der.len().min(30)).find(|place| der[*place..].starts_with(&[0x30, 0x82]))?;
            return Some(der[begin..].to_vec());
        }
        _ => return None,
    };
    Some(pair.public_key().as_ref().to_vec())
}
