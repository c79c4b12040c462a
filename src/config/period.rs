//! Lengths of time as administrators write them.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Serialize};

/// A length of time such as `30s`, `2m`, `12h`, `3d`; a day has 24 hours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(Duration);

impl Period {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * 60)
    }

    /// So many days.
    #[must_use]
    pub const fn days(days: u64) -> Self {
        Self::seconds(days * 24 * 3600)
    }

    /// So many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            s if s > 0 && s.is_multiple_of(24 * 3600) => write!(f, "{} d", s / (24 * 3600)),
            s if s > 0 && s.is_multiple_of(3600) => write!(f, "{} h", s / 3600),
            s if s > 0 && s.is_multiple_of(60) => write!(f, "{} min", s / 60),
            // The standard library would say 0ns.
            _ if self.0.is_zero() => f.write_str("0s"),
            _ => write!(f, "{:?}", self.0),
        }
    }
}

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        text.parse::<Span>()
            .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .map(Self)
            .ok_or("no length of time; write 30s, 2m, 12h or 3d")
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Period {
    /// As it would be written in a configuration.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.to_string().replace(' ', ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_that_was_written_reads_as_the_same() {
        for period in ["0s", "250ms", "1500ms", "30s", "90s", "2m", "90m", "12h", "3d"] {
            let period: Period = period.parse().unwrap();
            let written = serde_json::to_value(period).unwrap();
            assert_eq!(
                serde_json::from_value::<Period>(written.clone()).unwrap(),
                period,
                "{written}"
            );
        }
    }

    #[test]
    fn periods_read_as_people_write_them() {
        assert_eq!("30s".parse(), Ok(Period::seconds(30)));
        assert_eq!("2m".parse(), Ok(Period::minutes(2)));
        assert_eq!("3d".parse(), Ok(Period::days(3)));
        assert_eq!("250ms".parse(), Ok(Period::millis(250)));
        assert_eq!("1h 30m".parse(), Ok(Period::minutes(90)));
        for wrong in ["", "30", "-5s", "soon", "1mo"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }
}
