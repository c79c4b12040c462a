//! One value of a body: its type, its length, what a picklist allows.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, civil::Date, fmt::temporal::DateTimeParser};
use serde_json::{Value, json};

use super::{Work, stamp};
use crate::{
    ids,
    options::LineBreaks,
    refusal::Refusal,
    schema::{Field, Kind, Object},
    store::fold,
};

impl Work<'_> {
    /// The value as it is stored.
    pub(super) fn value(
        &self,
        object: &Object,
        field: &Field,
        raw: &Value,
    ) -> Result<Value, Refusal> {
        if raw.is_null() {
            return Ok(crate::store::empty(field));
        }
        match field.kind {
            Kind::Boolean => flag(field, raw),
            Kind::Int | Kind::Double => number(field, raw),
            Kind::Date => {
                let text = text_of(field, raw)?;
                if text.is_empty() {
                    return Ok(Value::Null);
                }
                date(&text).map(|date| json!(date)).ok_or_else(|| unreadable(field, raw))
            }
            Kind::DateTime => {
                let text = text_of(field, raw)?;
                if text.is_empty() {
                    return Ok(Value::Null);
                }
                date_time(&text).map(|time| json!(time)).ok_or_else(|| unreadable(field, raw))
            }
            Kind::Id | Kind::Reference => self.id(field, &text_of(field, raw)?),
            Kind::Base64 => {
                let text = text_of(field, raw)?;
                STANDARD.decode(&text).map_err(|_| unreadable(field, raw))?;
                Ok(json!(text))
            }
            Kind::Picklist => self.pick(object, field, &text_of(field, raw)?),
            Kind::String | Kind::TextArea | Kind::Email | Kind::Phone | Kind::Url => {
                self.text(field, &text_of(field, raw)?)
            }
        }
    }

    fn text(&self, field: &Field, raw: &str) -> Result<Value, Refusal> {
        let lf = || raw.replace("\r\n", "\n").replace('\r', "\n");
        let text = match self.options.switches.line_breaks {
            LineBreaks::Kept => raw.to_owned(),
            LineBreaks::Lf => lf(),
            LineBreaks::CrLf => lf().replace('\n', "\r\n"),
        };
        let text = text.trim();
        if text.is_empty() {
            return Ok(Value::Null);
        }
        let length = if field.length_in_bytes { text.len() } else { text.chars().count() };
        if field.length > 0 && length > field.length as usize {
            let message = format!(
                "{}: data value too large: {text} (max length={})",
                field.label, field.length
            );
            return Err(Refusal::bad("STRING_TOO_LONG", message).on(&[&field.name]));
        }
        if field.kind == Kind::Email && !is_address(text) {
            let message = format!("{}: invalid email address: {text}", field.label);
            return Err(Refusal::bad("INVALID_EMAIL_ADDRESS", message).on(&[&field.name]));
        }
        Ok(json!(text))
    }

    fn pick(&self, object: &Object, field: &Field, raw: &str) -> Result<Value, Refusal> {
        let text = raw.trim();
        if text.is_empty() {
            return Ok(Value::Null);
        }
        let known = field.values.iter().find(|entry| fold(&entry.value) == fold(text));
        match known {
            Some(entry) if entry.active || !field.restricted => Ok(json!(entry.value)),
            _ if field.restricted => {
                let message =
                    format!("{}: bad value for restricted picklist field: {text}", field.label);
                Err(Refusal::bad("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message)
                    .on(&[&field.name]))
            }
            _ => {
                let value = self.text(field, text)?;
                let grown = (object.name.clone(), field.name.clone(), text.to_owned());
                self.grown.borrow_mut().push(grown);
                Ok(value)
            }
        }
    }

    fn id(&self, field: &Field, raw: &str) -> Result<Value, Refusal> {
        let text = raw.trim();
        if text.is_empty() {
            return Ok(Value::Null);
        }
        let fits = |id: &String| {
            let of = self.state.schema.of_id(id).map(|object| &object.name);
            of.is_some_and(|name| field.reference_to.contains(name))
        };
        ids::long(text).filter(fits).map(|id| json!(id)).ok_or_else(|| {
            let message = format!("{}: id value of incorrect type: {text}", field.label);
            Refusal::bad("MALFORMED_ID", message).on(&[&field.name])
        })
    }
}

/// A text; a number where a text belongs is an error of the parser, as other wrong types are.
fn text_of(field: &Field, raw: &Value) -> Result<String, Refusal> {
    raw.as_str().map(ToOwned::to_owned).ok_or_else(|| unreadable(field, raw))
}

fn flag(field: &Field, raw: &Value) -> Result<Value, Refusal> {
    let said = match raw {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" | "" => Some(false),
            _ => None,
        },
        _ => None,
    };
    said.map(|flag| json!(flag)).ok_or_else(|| unreadable(field, raw))
}

fn number(field: &Field, raw: &Value) -> Result<Value, Refusal> {
    let said = match raw {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => return Ok(Value::Null),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let Some(said) = said else { return Err(unreadable(field, raw)) };
    if field.kind == Kind::Double {
        return Ok(json!(said));
    }
    if said.fract() != 0.0 || said.abs() > 999_999_999.0 {
        return Err(unreadable(field, raw));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of nine digits")]
    let whole = said as i64;
    Ok(json!(whole))
}

/// `2026-11-27`, nothing else.
pub(crate) fn date(text: &str) -> Option<String> {
    let whole = text.len() == 10 && text.is_char_boundary(10);
    let date: Date = whole.then(|| text.parse().ok())??;
    in_range(date.year()).then(|| date.to_string())
}

fn in_range(year: i16) -> bool {
    (1700..=4000).contains(&year)
}

/// With `Z` or an offset with a colon; what Salesforce itself writes, milliseconds and `+0000`, is
/// taken as well, and `+0000` without milliseconds was seen refused.
pub(crate) fn date_time(text: &str) -> Option<String> {
    let plain = text.strip_suffix("+0000").map(|rest| (rest.contains('.'), rest));
    let text = match plain {
        Some((true, rest)) => format!("{rest}Z"),
        Some((false, _)) => return None,
        None => text.to_owned(),
    };
    // Strict: with T, an offset, and no name of a zone.
    if text.len() < 20 || text.as_bytes().get(10) != Some(&b'T') || text.ends_with(']') {
        return None;
    }
    let offset = text.ends_with('Z') || text.as_bytes().get(text.len() - 3) == Some(&b':');
    let time: Timestamp = offset.then(|| DateTimeParser::new().parse_timestamp(&text).ok())??;
    in_range(time.to_zoned(jiff::tz::TimeZone::UTC).year()).then(|| stamp(time))
}

/// A body whose JSON is fine and whose value is not. Where it stands is told by the caller, who has
/// the text.
fn unreadable(field: &Field, raw: &Value) -> Refusal {
    let kind = match field.kind {
        Kind::Int => "int",
        Kind::Double => "double",
        Kind::Boolean => "boolean",
        Kind::Date => "date",
        Kind::DateTime => "datetime",
        Kind::Base64 => "base64Binary",
        Kind::Id | Kind::Reference => "id",
        _ => "string",
    };
    let token = match raw {
        Value::String(_) => "VALUE_STRING",
        Value::Number(number) if number.is_i64() || number.is_u64() => "VALUE_NUMBER_INT",
        Value::Number(_) => "VALUE_NUMBER_FLOAT",
        Value::Bool(true) => "VALUE_TRUE",
        Value::Bool(false) => "VALUE_FALSE",
        Value::Array(_) => "START_ARRAY",
        _ => "START_OBJECT",
    };
    let shown = raw.as_str().map_or_else(|| raw.to_string(), ToOwned::to_owned);
    let shown = if raw.is_string() { format!("\"{shown}\"") } else { shown };
    Refusal::bad(
        "JSON_PARSER_ERROR",
        format!("Cannot deserialize instance of {kind} from {token} value {shown}"),
    )
}

/// Roughly what Salesforce takes for an address.
fn is_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty()
        && text.is_ascii()
        && !text.contains(|letter: char| letter.is_whitespace() || "(),:;<>[]\\\"".contains(letter))
        && host.contains('.')
        && !host.contains('@')
        && host.split('.').all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{date, date_time, is_address};

    #[test]
    fn times_are_read_as_documented() {
        let read = |text| date_time(text);
        let whole = Some("2013-08-12T15:20:00.000+0000".to_owned());
        assert_eq!(read("2013-08-12T15:20:00Z"), whole);
        assert_eq!(read("2013-08-12T17:20:00+02:00"), whole);
        assert_eq!(read("2013-08-12T15:20:00.123Z"), whole);
        // As it is read back.
        assert_eq!(read("2013-08-12T15:20:00.000+0000"), whole);
        for wrong in [
            "2013-08-12T15:20:00+0000",
            "2013-08-12T15:20:00",
            "2013-08-12 15:20:00Z",
            "2013-08-12",
            "1600-08-12T15:20:00Z",
            "2013-08-12T15:20:00+02:00[Europe/Paris]",
            "",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(date("2013-08-12").as_deref(), Some("2013-08-12"));
        assert_eq!(date("2013-08-12T00:00:00Z"), None);
    }

    #[test]
    fn addresses_are_told_from_texts() {
        assert!(is_address("jane.doe@example.com"));
        for wrong in ["jane", "jane@", "@example.com", "jane@example", "a b@example.com", "a@b..c"]
        {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
