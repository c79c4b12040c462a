//! When two values are the same: as far as Salesforce writes things in its own way.

use jiff::Timestamp;
use serde_json::Value;

use crate::salesforce::is_same;

/// Whether a value that was sent and one that was read back are the same, for a field of this kind.
pub(in crate::migrate::target) fn is_equal(kind: &str, sent: &Value, read: &Value) -> bool {
    let (sent, read) = match (said(sent), said(read)) {
        (Some(sent), Some(read)) => (sent, read),
        (sent, read) => return sent == read,
    };
    match kind {
        "datetime" => time(&sent).is_some_and(|sent| time(&read) == Some(sent)),
        "reference" | "id" => is_same(&sent, &read),
        // What an org knows already keeps the letters that it has.
        "picklist" | "multipicklist" | "email" => sent.to_lowercase() == read.to_lowercase(),
        "int" | "double" | "currency" | "percent" => {
            let number = |text: &str| text.parse::<f64>().ok();
            number(&sent).zip(number(&read)).is_some_and(|(sent, read)| (sent - read).abs() < 1e-9)
        }
        _ => sent == read,
    }
}

/// A value as text, without what storing changes: blanks at the ends, line ends. Nothing for what is empty.
fn said(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned(),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// A time in either of its forms, to the second.
fn time(text: &str) -> Option<i64> {
    let text =
        text.strip_suffix("+0000").map_or_else(|| text.to_owned(), |text| format!("{text}Z"));
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_salesforce_writes_in_its_own_way_is_the_same() {
        for (kind, sent, read) in [
            ("datetime", json!("2026-07-15T12:00:00Z"), json!("2026-07-15T12:00:00.000+0000")),
            ("reference", json!("001D000000IRFma"), json!("001D000000IRFmaIAH")),
            ("picklist", json!("high"), json!("High")),
            ("double", json!(3), json!(3.0)),
            ("textarea", json!(" a\r\nb "), json!("a\nb")),
            ("string", json!(""), Value::Null),
            ("boolean", json!(true), json!(true)),
        ] {
            assert!(is_equal(kind, &sent, &read), "{kind}");
        }
        for (kind, sent, read) in [
            ("datetime", json!("2026-07-15T12:00:00Z"), json!("2026-07-15T12:00:01.000+0000")),
            ("datetime", json!("never"), json!("never")),
            ("reference", json!("001D000000IRFma"), json!("001D000000IRFmb")),
            ("string", json!("High"), json!("high")),
            ("string", json!("a"), Value::Null),
            ("double", json!(3), json!(3.1)),
        ] {
            assert!(!is_equal(kind, &sent, &read), "{kind}");
        }
    }
}
