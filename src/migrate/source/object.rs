//! From an object of iTop to a row of the staging file.

use serde_json::{Map, Value};

use super::super::staging::{Entry, Object};

/// What an attribute is, by a value of it: REST does not describe classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, number or list of texts: kept as it is.
    Value,
    /// A log.
    Log,
    /// A file.
    Document,
    /// Objects that point at this one. They are a table of their own: loaded with each object, they make
    /// reading sixteen times as slow.
    Links,
}

/// The kind of an attribute with this value.
#[must_use]
pub fn kind(value: &Value) -> Kind {
    match value {
        Value::Object(parts) if parts.contains_key("entries") => Kind::Log,
        Value::Object(parts) if parts.contains_key("mimetype") => Kind::Document,
        // Of links there is an object each; an empty list may be some.
        Value::Array(items) if items.iter().all(Value::is_object) => Kind::Links,
        _ => Kind::Value,
    }
}

/// An object as it is kept.
#[must_use]
pub fn object(class: &str, id: u64, fields: &Map<String, Value>, logs: &[String]) -> Object {
    let entries = logs.iter().filter_map(|log| Some(entries(log, fields.get(log)?))).flatten();
    let kept = fields.iter().filter(|(name, _)| !logs.contains(name));
    Object {
        class: class.to_owned(),
        id,
        entries: entries.collect(),
        fields: kept.map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

fn entries(log: &str, value: &Value) -> Vec<Entry> {
    let list =
        value.get("entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let entry = |(position, entry): (usize, &Value)| Entry {
        log: log.to_owned(),
        position,
        date: text(entry, "date"),
        user_id: text(entry, "user_id"),
        user: text(entry, "user_login"),
        html: match text(entry, "message_html") {
            html if html.is_empty() => text(entry, "message"),
            html => html,
        },
    };
    // iTop lists the oldest first.
    list.iter().enumerate().map(entry).collect()
}

/// A text, or a number as text: a log without an index has the user 0.
fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_told_by_a_value() {
        assert_eq!(kind(&json!("new")), Kind::Value);
        assert_eq!(kind(&json!(null)), Kind::Value);
        assert_eq!(kind(&json!(["a", "b"])), Kind::Value);
        assert_eq!(kind(&json!({"entries": []})), Kind::Log);
        assert_eq!(kind(&json!({"data": "", "mimetype": "", "filename": ""})), Kind::Document);
        assert_eq!(kind(&json!([{"functionalci_id": "1"}])), Kind::Links);
        assert_eq!(kind(&json!([])), Kind::Links);
    }

    #[test]
    fn a_log_becomes_entries_with_the_oldest_first() {
        let fields = json!({
            "title": "Disk full",
            "public_log": {"entries": [
                {"date": "2026-11-26 16:09:08", "user_login": "Ada Martin", "user_id": "3",
                 "message": "html line", "message_html": "<p>html <i>line</i></p>"},
                {"date": "", "user_login": "", "user_id": 0, "message": "old", "message_html": ""},
            ]},
        });
        let object = object("Incident", 7, fields.as_object().unwrap(), &["public_log".to_owned()]);
        assert_eq!(serde_json::to_value(&object.fields).unwrap(), json!({"title": "Disk full"}));
        let [first, second] = object.entries.as_slice() else { panic!("{object:?}") };
        assert_eq!((first.position, first.html.as_str()), (0, "<p>html <i>line</i></p>"));
        assert_eq!((first.user.as_str(), first.user_id.as_str()), ("Ada Martin", "3"));
        assert_eq!((second.html.as_str(), second.user_id.as_str()), ("old", "0"));
    }
}
