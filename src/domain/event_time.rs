//! Times as senders write them: RFC 3339, seconds or milliseconds since 1970, or a date and a time of
//! day in a zone that is told elsewhere.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The beginning of 2000, in seconds since 1970. A time before it is what programs write that have
/// none: the zero of Unix, Go and .NET, or a control that was never checked.
const FIRST_SECOND: i64 = 946_684_800;

/// The beginning of 2100. A number above it counts something else.
const LAST_SECOND: i64 = 4_102_444_800;

/// From here on a number counts milliseconds: as seconds it would be the year 5138.
const FIRST_MILLIS: u64 = 100_000_000_000;

/// What is said of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// This instant.
    Time(Timestamp),
    /// That there is none.
    Never,
    /// A date and a time of day, and nothing tells where.
    NoOffset,
    /// Something that is no time.
    Unreadable,
}

/// What a text says; a date and a time of day without an offset are those of `zone`.
#[must_use]
pub fn of_text(text: &str, zone: Option<&TimeZone>) -> Said {
    if let Ok(time) = text.parse() {
        return since_2000(time);
    }
    let text = text.trim();
    if let Ok(whole) = text.parse() {
        return of_integer(whole);
    }
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    if is_decimal && let Ok(number) = text.parse() {
        return of_decimal(number);
    }
    // Databases write 0000-00-00 00:00:00.
    if text.contains('0') && text.bytes().all(|byte| b"0-:. TZ+".contains(&byte)) {
        return Said::Never;
    }
    match (text.parse::<DateTime>(), zone) {
        (Err(_), _) => text.parse().map_or(Said::Unreadable, since_2000),
        (Ok(local), _) if local.year() < 2000 => Said::Never,
        (Ok(_), None) => Said::NoOffset,
        (Ok(local), Some(zone)) => zone.to_timestamp(local).map_or(Said::Unreadable, since_2000),
    }
}

/// What an integer says: seconds since 1970, or milliseconds.
#[must_use]
pub fn of_integer(number: i64) -> Said {
    if number.unsigned_abs() < FIRST_MILLIS { of_millis(number * 1_000) } else { of_millis(number) }
}

/// What a decimal number says: seconds since 1970 with their fraction, or milliseconds.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "what is out of range is no time")]
pub fn of_decimal(number: f64) -> Said {
    let is_seconds = number.abs() < 1e11;
    of_millis((if is_seconds { number * 1e3 } else { number }).round() as i64)
}

fn of_millis(millis: i64) -> Said {
    match Timestamp::from_millisecond(millis) {
        Ok(time) if time.as_second() < LAST_SECOND => since_2000(time),
        Err(_) if millis < 0 => Said::Never,
        _ => Said::Unreadable,
    }
}

fn since_2000(time: Timestamp) -> Said {
    if time.as_second() < FIRST_SECOND { Said::Never } else { Said::Time(time) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    #[test]
    fn one_instant_in_each_spelling() {
        let noon = Said::Time("2026-11-21T08:14:09Z".parse().unwrap());
        for text in [
            "2026-11-21T08:14:09Z",
            "2026-11-21T09:14:09+01:00",
            "2026-11-21 09:14:09+01:00",
            "2026-11-21T09:14:09+01:00[Europe/Paris]",
            "2026-11-21T08:14:09.0000000Z",
            "2026-11-21T09:14:09",
            "2026-11-21 09:14:09",
            " 2026-11-21T08:14:09Z ",
            "1795248849",
            "1795248849000",
            "1795248849.0",
        ] {
            assert_eq!(of_text(text, Some(&paris())), noon, "{text}");
        }
        assert_eq!(of_integer(1_795_248_849), noon);
        assert_eq!(of_integer(1_795_248_849_000), noon);
        assert_eq!(of_decimal(1_795_248_849.0), noon);
        assert_eq!(of_decimal(1_795_248_849_000.0), noon);
        let half = Said::Time("2026-11-21T08:14:09.5Z".parse().unwrap());
        assert_eq!(of_decimal(1_795_248_849.5), half);
        // In the hour that a clock shows twice it is the first one.
        let twice = Said::Time("2026-10-25T00:30:00Z".parse().unwrap());
        assert_eq!(of_text("2026-10-25T02:30:00", Some(&paris())), twice);
    }

    #[test]
    fn what_stands_for_no_time_is_none() {
        for text in [
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00",
            "1970-01-01T00:00:00Z",
            "1970-01-01 01:00:00",
            "1999-12-31T23:59:59Z",
            "0000-00-00 00:00:00",
            "0000-00-00T00:00:00Z",
            "0",
            "-1",
            "0.0",
            "-62135596800",
            "-62135596800000",
            "-9999999999999999",
        ] {
            assert_eq!(of_text(text, None), Said::Never, "{text}");
        }
        assert_eq!(of_integer(0), Said::Never);
        assert_eq!(of_integer(i64::MIN), Said::Never);
        assert_eq!(of_decimal(-1e300), Said::Never);
    }

    #[test]
    fn what_is_no_time_is_told() {
        for text in [
            "yesterday",
            "21/11/2026 08:14",
            "2026-13-41T00:00:00Z",
            "1e400",
            "NaN",
            "-",
            "20261121091502",
        ] {
            assert_eq!(of_text(text, Some(&paris())), Said::Unreadable, "{text}");
        }
        assert_eq!(of_integer(i64::MAX), Said::Unreadable);
        assert_eq!(of_decimal(1e300), Said::Unreadable);
        assert_eq!(of_text("2026-11-21T09:14:09", None), Said::NoOffset);
        assert_eq!(of_text("2026-11-21", None), Said::NoOffset);
    }

    proptest! {
        #[test]
        fn a_time_with_an_offset_is_what_it_always_was(seconds in FIRST_SECOND..253_402_207_200_i64, nanos in 0..1_000_000_000_i32) {
            let time = Timestamp::new(seconds, nanos).unwrap();
            prop_assert_eq!(of_text(&time.to_string(), None), Said::Time(time));
        }

        #[test]
        fn seconds_milliseconds_and_texts_agree(seconds in FIRST_SECOND..LAST_SECOND) {
            let expected = Said::Time(Timestamp::from_second(seconds).unwrap());
            prop_assert_eq!(of_integer(seconds), expected);
            prop_assert_eq!(of_integer(seconds * 1_000), expected);
            prop_assert_eq!(of_text(&seconds.to_string(), None), expected);
            prop_assert_eq!(of_text(&format!("{seconds}000"), None), expected);
            prop_assert_eq!(of_text(&format!("{seconds}.000"), None), expected);
        }

        #[test]
        fn nothing_is_ever_before_2000(number in any::<i64>(), decimal in any::<f64>(), text in r"[0-9TZ:.+ -]{0,24}|\PC*") {
            for said in [of_integer(number), of_decimal(decimal), of_text(&text, Some(&paris()))] {
                if let Said::Time(time) = said {
                    prop_assert!(time.as_second() >= FIRST_SECOND, "{}", time);
                }
            }
        }
    }
}
