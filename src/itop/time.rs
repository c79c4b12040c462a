//! iTop's dates: `Y-m-d H:i:s` in its own time zone, without an offset.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// The time zone that iTop is set to (default Europe/Paris).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItopZone(TimeZone);

impl ItopZone {
    /// The zone of an IANA name such as `Europe/Paris`.
    pub fn named(name: &str) -> Result<Self, jiff::Error> {
        TimeZone::get(name).map(Self)
    }

    /// The rules of the zone.
    #[must_use]
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// An instant as iTop writes it.
    #[must_use]
    pub fn write(&self, time: Timestamp) -> String {
        time.to_zoned(self.0.clone()).strftime(FORMAT).to_string()
    }

    /// The instant of a date that iTop wrote; `None` for an empty or unreadable one.
    ///
    /// In the hour that autumn repeats, the first pass is taken: nothing in the text tells.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let civil = DateTime::strptime(FORMAT, text).ok()?;
        self.0.to_timestamp(civil).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn daylight_saving_is_respected() {
        let paris = ItopZone::named("Europe/Paris").unwrap();
        assert_eq!(paris.write(at("2026-01-15T12:00:00Z")), "2026-01-15 13:00:00");
        assert_eq!(paris.write(at("2026-07-15T12:00:00Z")), "2026-07-15 14:00:00");
        // The night of 25 October 2026: 02:30 happens twice.
        assert_eq!(paris.write(at("2026-10-25T00:30:00Z")), "2026-10-25 02:30:00");
        assert_eq!(paris.write(at("2026-10-25T01:30:00Z")), "2026-10-25 02:30:00");
        assert_eq!(paris.read("2026-10-25 02:30:00"), Some(at("2026-10-25T00:30:00Z")));
        // The night of 29 March 2026: 02:30 does not happen; iTop would not write it.
        assert_eq!(paris.read("2026-03-29 02:30:00"), Some(at("2026-03-29T01:30:00Z")));
        assert_eq!(paris.read(""), None);
        assert_eq!(paris.read("2026-11-20T10:00:00Z"), None);
    }

    #[test]
    fn an_unknown_zone_is_an_error() {
        assert!(ItopZone::named("Europe/Pariss").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(seconds in 0_i64..4_000_000_000, zone in 0_usize..4) {
            let zones = ["Europe/Paris", "UTC", "America/New_York", "Asia/Kolkata"];
            let zone = ItopZone::named(zones[zone]).unwrap();
            let time = Timestamp::from_second(seconds).unwrap();
            let back = zone.read(&zone.write(time)).unwrap();
            // Equal, but for the repeated hour, of which the first pass is taken.
            let off = time.duration_since(back).as_secs();
            prop_assert!(off == 0 || off == 3600);
        }
    }
}
