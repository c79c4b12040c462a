//! Values between JSON and SQLite.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::{Value, json};

use crate::schema::Kind;

pub(crate) fn to_sql(kind: Kind, value: &Value) -> Sql {
    match (kind, value) {
        (_, Value::Null) => Sql::Null,
        (Kind::Base64, Value::String(text)) => STANDARD.decode(text).map_or(Sql::Null, Sql::Blob),
        (_, Value::String(text)) => Sql::Text(text.clone()),
        (_, Value::Bool(flag)) => Sql::Integer(i64::from(*flag)),
        (_, Value::Number(number)) => number
            .as_i64()
            .map_or_else(|| Sql::Real(number.as_f64().unwrap_or_default()), Sql::Integer),
        (_, other) => Sql::Text(other.to_string()),
    }
}

pub(crate) fn from_sql(kind: Kind, value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) if kind == Kind::Boolean => json!(number != 0),
        ValueRef::Integer(number) if kind == Kind::Double => json!(float(number)),
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => json!(STANDARD.encode(bytes)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a double of Salesforce has 18 digits at most")]
fn float(number: i64) -> f64 {
    number as f64
}
