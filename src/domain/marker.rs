//! The text by which a ticket is found again when its creation was never answered.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{
    hex::hex,
    keys::{EventId, Instance},
};

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

    /// All that stand in a text, in their order.
    pub fn all_in(text: &str) -> impl Iterator<Item = Self> {
        text.split("[ack ").skip(1).filter_map(|rest| Self::from_digits(rest.split(']').next()?))
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
        let text = format!("[ack x] {one} words\n{one}[ack ");
        assert_eq!(Marker::all_in(&text).collect::<Vec<_>>(), [one.clone(), one.clone()]);
        assert_eq!(Marker::from_digits(one.digits()), Some(one));
        assert_eq!(Marker::from_digits("%' OR '1'='1"), None);
    }
}
