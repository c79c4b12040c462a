//! Traces by the W3C's Trace Context: which request of somebody else's an acknowledgement belongs to.

use std::fmt;

use super::marker::Marker;

/// How long the header is in the version that is known, 00.
const LENGTH: usize = 55;

/// What is known of a trace: the value of a `traceparent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// 32 hexadecimal digits in small letters, not all of them 0.
    id: String,
    /// The span that whatever follows is a part of: 16 digits.
    parent: String,
    is_sampled: bool,
}

impl Trace {
    /// Reads the header as the specification has it: of a version that is not known yet the beginning
    /// counts. `None` for what is to be ignored.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (known, rest) = header.split_at_checked(LENGTH)?;
        let mut parts = known.split('-');
        let mut digits = |length: usize| {
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            parts.next().filter(|part| part.len() == length && part.bytes().all(is_digit))
        };
        let (version, id, parent, flags) = (digits(2)?, digits(32)?, digits(16)?, digits(2)?);
        let is_whole = if version == "00" {
            rest.is_empty()
        } else {
            rest.is_empty() || rest.starts_with('-')
        };
        let is_nothing = |digits: &str| digits.bytes().all(|digit| digit == b'0');
        if version == "ff" || !is_whole || is_nothing(id) || is_nothing(parent) {
            return None;
        }
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { id: id.to_owned(), parent: parent.to_owned(), is_sampled })
    }

    /// The trace of an acknowledgement that came without one. It is known wherever the acknowledgement is,
    /// and by whoever reads the log of its ticket: its id is what the marker is made of.
    #[must_use]
    pub fn of_marker(marker: &Marker) -> Self {
        let id = marker.digits();
        Self { id: id.to_owned(), parent: id[..16].to_owned(), is_sampled: false }
    }

    /// The id of the trace, 32 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The header as it is passed on. The span is still the sender's: the bridge reports none of its own, so
/// that what iTop reports hangs below what is there.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.id, self.parent, u8::from(self.is_sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    #[test]
    fn what_the_specification_calls_valid_is_taken_over() {
        for (header, passed_on) in [
            (format!("00-{ID}-{PARENT}-01"), format!("00-{ID}-{PARENT}-01")),
            (format!("00-{ID}-{PARENT}-00"), format!("00-{ID}-{PARENT}-00")),
            // Flags that are not known yet are not passed on.
            (format!("00-{ID}-{PARENT}-ff"), format!("00-{ID}-{PARENT}-01")),
            // A version that is not known yet.
            (format!("cc-{ID}-{PARENT}-01"), format!("00-{ID}-{PARENT}-01")),
            (format!("cc-{ID}-{PARENT}-01-what-the-future"), format!("00-{ID}-{PARENT}-01")),
        ] {
            let trace = Trace::parse(&header).unwrap();
            assert_eq!((trace.id(), trace.to_string()), (ID, passed_on.clone()), "{header}");
            assert_eq!(Trace::parse(&passed_on).unwrap().to_string(), passed_on);
        }
    }

    #[test]
    fn what_is_malformed_is_ignored() {
        let zeros = "0".repeat(32);
        for header in [
            String::new(),
            "00".to_owned(),
            format!("ff-{ID}-{PARENT}-01"),
            format!("00-{ID}-{PARENT}-01-more"),
            format!("00-{ID}-{PARENT}-01 "),
            format!("cc-{ID}-{PARENT}-01.more"),
            format!("00-{}-{PARENT}-01", ID.to_uppercase()),
            format!("00-{zeros}-{PARENT}-01"),
            format!("00-{ID}-{}-01", &zeros[..16]),
            format!("00-{ID}-{PARENT}-0"),
            format!("00-{ID}-{PARENT}-0g"),
            format!("00-{ID}{PARENT}--01"),
            format!("00_{ID}_{PARENT}_01"),
            format!("00-{}é-{PARENT}-01", &ID[..30]),
            "é".repeat(40),
        ] {
            assert_eq!(Trace::parse(&header), None, "{header}");
        }
    }

    #[test]
    fn an_acknowledgement_without_one_has_the_digits_of_its_marker() {
        let marker = Marker::from_digits(ID).unwrap();
        let trace = Trace::of_marker(&marker);
        assert_eq!(trace.id(), ID);
        assert_eq!(Trace::parse(&trace.to_string()), Some(trace));
    }
}
