//! Judging what came back: by the status of HTTP, then by the codes in the body.

use serde::Deserialize;
use serde_json::Value;

use super::{Error, Refusal, error::TOO_MANY};
use crate::outgoing::Raw;

/// One error of an answer. Of a part of a collection the code is called `statusCode`.
#[derive(Debug, Deserialize)]
struct Said {
    #[serde(alias = "statusCode")]
    #[serde(rename = "errorCode")]
    code: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    fields: Option<Vec<String>>,
}

/// What is known when an answer is judged.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known<'a> {
    /// How many requests of the day were used, of how many.
    pub(super) used: Option<(u64, u64)>,
    /// The version of the API.
    pub(super) version: &'a str,
}

/// The JSON of a success; null where it has no body.
pub(super) fn read(raw: &Raw, known: Known<'_>) -> Result<Value, Error> {
    let Raw { status, body, .. } = raw;
    let json = serde_json::from_slice::<Value>(body);
    match (status, json) {
        (200..=299, Ok(json)) => Ok(json),
        (200..=299, Err(_)) if body.is_empty() => Ok(Value::Null),
        // Cut on its way, or a page of something else.
        (200..=299, Err(_)) if raw.content_type().starts_with("application/json") => {
            Err(Error::NoClearAnswer { reason: reason(raw) })
        }
        (300, Ok(Value::Array(records))) => Err(Error::Several { count: records.len() }),
        (400..=599, Ok(json)) => Err(of_part(*status, &json, known, &|text| raw.echo(text))
            .unwrap_or_else(|| without_code(raw))),
        _ => Err(without_code(raw)),
    }
}

/// The same, of an answer that is not needed any more.
#[expect(clippy::needless_pass_by_value, reason = "what judges a table keeps its bytes")]
pub(super) fn json(raw: Raw, known: Known<'_>) -> Result<Value, Error> {
    read(&raw, known)
}

/// The table of a success.
pub(super) fn table(raw: Raw, known: Known<'_>) -> Result<Vec<u8>, Error> {
    if (200..=299).contains(&raw.status) && raw.content_type().starts_with("text/csv") {
        return Ok(raw.body);
    }
    read(&raw, known).and(Err(Error::NotSalesforce { reason: reason(&raw) }))
}

/// What the body of a failure means, of a whole answer or of a part of one; `None` if it has no code.
pub(super) fn of_part(
    status: u16,
    body: &Value,
    known: Known<'_>,
    echo: &dyn Fn(&str) -> String,
) -> Option<Error> {
    let said = match body {
        Value::Array(errors) => errors.first()?,
        one => one,
    };
    let Said { code, message, fields } = Said::deserialize(said).ok()?;
    let (message, fields) = (message.unwrap_or_default(), fields.unwrap_or_default());
    // Codes are short; what has none of their form is somebody else's.
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    Some(match code.as_str() {
        // Whatever the code: it was not looked at.
        _ if status == 401 => Error::Session { code },
        "DUPLICATE_VALUE" => Error::DuplicateValue,
        "UNABLE_TO_LOCK_ROW"
        | "QUERY_TIMEOUT"
        | "SERVER_UNAVAILABLE"
        | "API_CURRENTLY_DISABLED" => Error::Busy { code },
        // A trigger or a flow passes on what it met: the code of it stands in its words.
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER"
            if message.contains("UNABLE_TO_LOCK_ROW") =>
        {
            Error::Busy { code: "UNABLE_TO_LOCK_ROW".to_owned() }
        }
        // One code for both; the numbers tell them apart, and lag: without them it is that of the day.
        "REQUEST_LIMIT_EXCEEDED" => Error::RequestLimit {
            daily: known.used.is_none_or(|(used, most)| used >= most),
            used: known.used,
        },
        "STORAGE_LIMIT_EXCEEDED" => Error::StorageLimit,
        "API_DISABLED_FOR_ORG" | "FUNCTIONALITY_NOT_ENABLED" => Error::NotAllowed { code },
        _ => match status {
            410 => Error::Version { version: known.version.to_owned(), offered: String::new() },
            TOO_MANY => Error::TurnedAway { status, reason: format!("HTTP {status}, {code}") },
            // An ErrorId stands in it, by which Salesforce's support finds it.
            500..=599 => {
                let message = echo(&message);
                Error::NoClearAnswer { reason: format!("HTTP {status}, {code}: {message}") }
            }
            _ => {
                let message = tellable(&code, &message).map(echo).unwrap_or_default();
                Error::Refused(Refusal { status, code, fields, message, kind: None })
            }
        },
    })
}

/// What may be told of a message: some repeat what was sent, which may be anything.
fn tellable<'m>(code: &str, message: &'m str) -> Option<&'m str> {
    match code {
        "REQUIRED_FIELD_MISSING"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        | "INVALID_CROSS_REFERENCE_KEY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        | "CANNOT_EXECUTE_FLOW_TRIGGER"
        | "DUPLICATES_DETECTED"
        | "NOT_FOUND"
        | "ENTITY_IS_DELETED"
        | "PROCESSING_HALTED" => Some(message),
        // The query and a mark below it stand before it.
        "INVALID_FIELD" | "INVALID_TYPE" | "MALFORMED_QUERY" => message.lines().last(),
        _ => None,
    }
}

/// An answer without a code: of something between, or of an edge of Salesforce.
fn without_code(raw: &Raw) -> Error {
    let reason = reason(raw);
    match raw.status {
        // 420 is what Salesforce's edge says of a host that it does not know yet.
        408 | 420 | 500..=599 => Error::NoClearAnswer { reason },
        status @ 400..=499 => Error::TurnedAway { status, reason },
        _ => Error::NotSalesforce { reason },
    }
}

/// What came instead of an answer, in words.
pub(super) fn reason(raw: &Raw) -> String {
    if let (300..=399, Some(location)) = (raw.status, raw.location()) {
        // What stands behind a `?` may be a secret.
        let to = location.split(['?', '#']).next().unwrap_or_default();
        return format!("HTTP {}: it redirects to {}", raw.status, raw.echo(to));
    }
    let shown = if raw.body.is_empty() { "(empty)".to_owned() } else { raw.shown(&raw.body) };
    format!("HTTP {}, {}: {shown}", raw.status, raw.echo(raw.content_type()))
}

#[cfg(test)]
mod tests;
