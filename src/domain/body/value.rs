//! Values that senders write in several ways: flags, times, words, whole numbers.

use jiff::{Timestamp, tz::TimeZone};
use serde_json_borrow::{Number, Value};

use super::{Errors, Object, bounded, expected, shown};
use crate::domain::{
    event_time::{self, Said},
    text::one_line,
};

/// What an event says of one of its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// This instant.
    Time(Timestamp),
    /// That there is none, by a zero or a year before 2000.
    Never,
    /// Nothing that can be taken.
    Nothing,
}

impl Told {
    pub(crate) fn time(self) -> Option<Timestamp> {
        match self {
            Self::Time(time) => Some(time),
            Self::Never | Self::Nothing => None,
        }
    }
}

impl Object<'_> {
    /// True or false, also as a number or a text: macros are all texts.
    pub(crate) fn flag(&self, name: &str, errors: &mut Errors) -> Option<bool> {
        const WORDS: [(&str, bool); 8] = [
            ("true", true),
            ("false", false),
            ("1", true),
            ("0", false),
            ("yes", true),
            ("no", false),
            ("on", true),
            ("off", false),
        ];
        let value = self.member(name)?;
        let text = match value {
            Value::Bool(flag) => return Some(*flag),
            Value::Str(text) => bounded(text, 64, || self.pointer(name), errors)?.into(),
            Value::Number(number) => whole(number).unwrap_or_default(),
            _ => String::new(),
        };
        let found = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
        if found.is_none() {
            errors.push(&self.pointer(name), "type", expected("true or false", value));
        }
        found.map(|(_, flag)| *flag)
    }

    /// A time; `zone` is that of times without an offset.
    pub(crate) fn time(&self, name: &str, zone: Option<&TimeZone>, errors: &mut Errors) -> Told {
        let Some(value) = self.member(name) else { return Told::Nothing };
        let said = match value {
            Value::Str(text) => match bounded(text, 64, || self.pointer(name), errors) {
                Some(text) => event_time::of_text(text, zone),
                None => return Told::Nothing,
            },
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => event_time::of_integer(whole),
                (None, Some(decimal)) => event_time::of_decimal(decimal),
                (None, None) => Said::Unreadable,
            },
            other => {
                errors.push(&self.pointer(name), "type", expected("a time", other));
                return Told::Nothing;
            }
        };
        match said {
            Said::Time(time) => return Told::Time(time),
            Said::Never => return Told::Never,
            Said::NoOffset => {
                let message = format!(
                    "'{name}' has no offset, such as +01:00: send one, or say in \
                     source.time_zone where the clock stands, such as Europe/Paris"
                );
                errors.push(&self.pointer(name), "offset", message);
            }
            Said::Unreadable => {
                let message = format!(
                    "'{name}' must be an RFC 3339 time with an offset, such as \
                     2026-11-21T09:15:02+01:00, or seconds since 1970, not '{}'",
                    shown(value)
                );
                errors.push(&self.pointer(name), "format", message);
            }
        }
        Told::Nothing
    }

    /// One of a few words, however it is written; `others` are understood too.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
        others: &[(&str, T)],
        errors: &mut Errors,
    ) -> Option<T> {
        let text = self.borrowed(name, 64, errors)?;
        let plain = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        let found =
            plain.or_else(|| words.iter().chain(others).find(|(word, _)| is_word(word, text)));
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let message =
                format!("'{name}' must be one of {}, not '{}'", known.join(", "), one_line(text));
            errors.push(&self.pointer(name), "value", message);
        }
        found.map(|(_, value)| *value)
    }
}

/// Whether a text is this word: case, blanks, hyphens and underscores do not matter.
fn is_word(word: &str, text: &str) -> bool {
    let letters = |text| str::bytes(text).filter(|byte| !b" -_\t\r\n".contains(byte));
    letters(word)
        .map(|byte| byte.to_ascii_lowercase())
        .eq(letters(text).map(|byte| byte.to_ascii_lowercase()))
}

/// A number without a fraction, as an integer; `None` where it has one, or is so large that a decimal
/// number no longer tells one integer from the next.
pub(super) fn whole(number: &Number) -> Option<String> {
    /// 2^53.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !number.is_f64() {
        return Some(number.to_string());
    }
    let number = number.as_f64()?;
    // Adding zero makes -0 one of them.
    (number.fract() == 0.0 && number.abs() < EXACT).then(|| (number + 0.0).to_string())
}
