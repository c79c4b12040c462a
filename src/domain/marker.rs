//! The text by which a ticket is found again when its creation was never answered.

use std::fmt;

use sha2::{Digest, Sha256};

use super::keys::{EventId, Instance};

/// `[ack <32 hex>]`: the same acknowledgement always has the same marker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Marker(String);

impl Marker {
    /// The first half of SHA-256 over instance and event id. An instance has no control
    /// characters, so that the line break between the two makes the pair unambiguous.
    #[must_use]
    pub fn new(instance: &Instance, event_id: &EventId) -> Self {
        let digest = Sha256::digest(format!("{instance}\n{event_id}"));
        Self(hex(&digest[..16]))
    }

    /// A marker that was stored: its 32 hexadecimal digits.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        (digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .then(|| Self(digits.to_owned()))
    }

    /// The 32 hexadecimal digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[ack {}]", self.0)
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS[usize::from(nibble)];
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    // They are all ASCII.
    String::from_utf8(digits).unwrap_or_default()
}

/// The bytes of hexadecimal digits of either case; `None` where the text is something else.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_stable_and_separates_instances() {
        let event: EventId = "sn-prod:svc-48213:2026-11-21T08:14:09Z".parse().unwrap();
        let one = Marker::new(&Instance::default(), &event);
        assert_eq!(one.to_string(), "[ack aae0591fea694d087277b48cb0ba6cf5]");
        assert_eq!(one, Marker::new(&Instance::default(), &event));
        assert_ne!(one, Marker::new(&"other".parse().unwrap(), &event));
        assert_eq!(Marker::from_digits(one.digits()), Some(one));
        assert_eq!(Marker::from_digits("%' OR '1'='1"), None);
    }

    #[test]
    fn hexadecimal_there_and_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(unhex(&hex(&bytes)), Some(bytes.clone()));
        assert_eq!(unhex(&hex(&bytes).to_uppercase()), Some(bytes));
        for wrong in ["0", "0g", "+1", "é"] {
            assert_eq!(unhex(wrong), None);
        }
    }
}
