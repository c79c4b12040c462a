//! Finding the JSON of an answer in what else was printed.

use std::{
    fmt,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

/// Whether it was told that something is printed around the answers: it would be told thousands of
/// times a day.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Where the answer stands: the first whole JSON object that has a `code`, or the `data` of iTop's
/// maintenance, wherever among its members. PHP may print notices before it and after it, and a file
/// that was saved with a byte order mark prints that.
///
/// What an object that breaks off has inside is never looked at: the objects in a list have a
/// `code` too, and one of them is no answer.
pub(super) fn json(body: &[u8]) -> Option<Range<usize>> {
    let mut from = 0;
    loop {
        let start = from + memchr::memchr(b'{', body.get(from..)?)?;
        let mut objects =
            serde_json::Deserializer::from_slice(&body[start..]).into_iter::<IsAnswer>();
        match objects.next()? {
            Ok(IsAnswer(true)) => {
                if !TOLD.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "iTop prints text around its answers, which is read past; mend what the \
                         text complains of, or set display_errors = Off in php.ini"
                    );
                }
                return Some(start..start + objects.byte_offset());
            }
            Ok(IsAnswer(false)) => from = start + objects.byte_offset(),
            Err(error) if error.is_eof() => return None,
            // Behind where it broke.
            Err(error) => from = start + offset(&body[start..], &error).max(1),
        }
    }
}

/// How far an error is from the start.
fn offset(text: &[u8], error: &serde_json::Error) -> usize {
    let lines = memchr::memchr_iter(b'\n', text).map(|end| end + 1);
    let line = std::iter::once(0).chain(lines).nth(error.line().saturating_sub(1));
    line.unwrap_or(text.len()) + error.column().saturating_sub(1)
}

/// Whether an object has a `code` that is a number, or `data` that is a list.
struct IsAnswer(bool);

impl<'de> Deserialize<'de> for IsAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = IsAnswer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<IsAnswer, A::Error> {
                let (mut has_code, mut has_data) = (false, false);
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "code" => has_code = map.next_value::<Value>()?.is_i64(),
                        "data" => has_data = map.next_value::<Value>()?.is_array(),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(IsAnswer(has_code || has_data))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
