//! From when on a figure is worth a warning, or is critical.

use std::{fmt, str::FromStr};

use crate::config::Period;

/// How something is, as monitoring plugins say it; the worse the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Ok = 0,
    Warning = 1,
    Critical = 2,
    /// It could not be found out.
    Unknown = 3,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        })
    }
}

/// What a figure may be without a warning, and without being critical; none where it may be anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    warning: Option<u64>,
    critical: Option<u64>,
}

impl Limits {
    pub(super) fn judge(self, figure: u64) -> Verdict {
        let exceeds = |limit: Option<u64>| limit.is_some_and(|limit| figure > limit);
        if exceeds(self.critical) {
            Verdict::Critical
        } else if exceeds(self.warning) {
            Verdict::Warning
        } else {
            Verdict::Ok
        }
    }

    /// The figure as performance data of a plugin: the limits stand behind it.
    pub(super) fn performance(self, label: &str, figure: u64, unit: &str) -> String {
        let text = |limit: Option<u64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        format!("{label}={figure}{unit};{};{};0", text(self.warning), text(self.critical))
    }

    /// Reads `10,100`, `10`, `,100` or `none`.
    fn read(text: &str, one: impl Fn(&str) -> Result<u64, String>) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::default());
        }
        let (warning, critical) = text.split_once(',').unwrap_or((text, ""));
        let one =
            |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(&one).transpose();
        let limits = Self { warning: one(warning)?, critical: one(critical)? };
        match limits {
            Self { warning: None, critical: None } => {
                Err("give WARNING,CRITICAL, one of them, or none".to_owned())
            }
            Self { warning: Some(warning), critical: Some(critical) } if warning > critical => {
                Err("the first is for a warning, and must not be above the second".to_owned())
            }
            limits => Ok(limits),
        }
    }
}

/// Limits of a number.
pub(super) fn numbers(text: &str) -> Result<Limits, String> {
    Limits::read(text, |text| text.parse().map_err(|_| format!("'{text}' is no number")))
}

/// Limits of a length of time.
pub(super) fn times(text: &str) -> Result<Limits, String> {
    Limits::read(text, |text| {
        let period = Period::from_str(text).map_err(ToString::to_string)?;
        Ok(period.duration().as_secs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_judged_by_what_it_exceeds() {
        let limits = numbers("10,100").unwrap();
        let judged = [0, 10, 11, 100, 101].map(|figure| limits.judge(figure));
        let (ok, warning) = (Verdict::Ok, Verdict::Warning);
        assert_eq!(judged, [ok, ok, warning, warning, Verdict::Critical]);
        assert_eq!(limits.performance("failed", 3, ""), "failed=3;10;100;0");
        assert_eq!(numbers("none").unwrap().judge(u64::MAX), ok);
        assert_eq!(numbers(",5").unwrap().judge(6), Verdict::Critical);
        assert_eq!(numbers("5").unwrap().judge(6), warning);
        assert_eq!(times("15m,2h").unwrap().performance("oldest", 9, "s"), "oldest=9s;900;7200;0");
        assert_eq!(times("0s").unwrap().judge(1), warning);
    }

    #[test]
    fn what_is_no_limit_is_refused_in_words() {
        for (text, why) in
            [("", "give"), (",", "give"), ("9,8", "must not"), ("x", "'x' is no number")]
        {
            assert!(numbers(text).unwrap_err().contains(why), "{text}");
        }
        assert!(times("15").is_err());
    }
}
