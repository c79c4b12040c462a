//! Reading an answer: by the `code` of its body, then HTTP status, then content type.

mod typed;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(super) use typed::{Objects, read_objects};

use super::ItopError;
use crate::domain::text::{cut_chars, one_line};

/// How much of a foreign text goes into an error, in characters. iTop can echo 64 kB back.
const MAX_ECHO_CHARS: usize = 300;

/// A successful answer: `code` 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The whole body.
    pub body: Map<String, Value>,
}

impl Answer {
    /// Class, key and fields of each object, in iTop's order; empty where `objects` is `null`.
    pub fn objects(&self) -> impl Iterator<Item = (&str, u64, &Map<String, Value>)> {
        let objects = self.body.get("objects").and_then(Value::as_object);
        objects.into_iter().flatten().filter_map(|(name, object)| {
            let (class, id) = class_and_id(name)?;
            Some((class, id, object.get("fields")?.as_object()?))
        })
    }

    /// The `N` of `Found: N`: how many objects there are in all, not on this page.
    #[must_use]
    pub fn found(&self) -> Option<usize> {
        found(self.body.get("message")?.as_str()?)
    }
}

fn found(message: &str) -> Option<usize> {
    message.strip_prefix("Found: ")?.trim().parse().ok()
}

/// `Class::id`, the name of an object: the class is the concrete one, whatever was asked for.
fn class_and_id(name: &str) -> Option<(&str, u64)> {
    let (class, id) = name.split_once("::")?;
    Some((class, id.parse().ok()?))
}

/// Judges what came back from `rest.php`.
pub(super) fn read(status: u16, content_type: &str, body: &[u8]) -> Result<Answer, ItopError> {
    if let Some(Value::Object(object)) = parse(body) {
        if let Some(code) = object.get("code").and_then(Value::as_i64) {
            let message = object.get("message").and_then(Value::as_str).unwrap_or_default();
            return match code {
                0 => Ok(Answer { body: object }),
                1 => Err(unauthorized(message)),
                _ => Err(ItopError::Refused { code, message: echo(message) }),
            };
        }
        if let Some(message) = maintenance(status, &object) {
            return Err(ItopError::Maintenance { message });
        }
        return Err(ItopError::NotItop {
            reason: format!("HTTP {status} with JSON of another shape: {}", shown(body)),
        });
    }
    let came = format!("HTTP {status}, {content_type}: {}", shown(body));
    let reason = if came.ends_with(": ") { came + "(empty)" } else { came };
    let is_json = content_type.starts_with("application/json");
    Err(match status {
        500..=599 => ItopError::NoClearAnswer { reason },
        200 if is_json || body.is_empty() => ItopError::NoClearAnswer { reason },
        _ => ItopError::NotItop { reason },
    })
}

/// The JSON of a body; PHP may have printed notices before it (ITOP.md, last section).
fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Some(value);
    }
    let start = body.windows(8).position(|window| window == b"{\"code\":")?;
    serde_json::from_slice(&body[start..]).ok()
}

fn unauthorized(message: &str) -> ItopError {
    if message.contains("Invalid login") {
        ItopError::BadCredentials
    } else if message.contains("not authorized to use the web services") {
        ItopError::ProfileMissing { message: echo(message) }
    } else {
        ItopError::NotAllowed { message: echo(message) }
    }
}

/// The words of `{"data":[{"code":100,"message":…}],"scripts":[]}` (recordings, outages 001).
fn maintenance(status: u16, body: &Map<String, Value>) -> Option<String> {
    let first = body.get("data")?.as_array()?.first()?;
    let message = first.get("message")?.as_str()?;
    (status == 503).then(|| echo(message))
}

fn echo(message: &str) -> String {
    cut_chars(&one_line(message), MAX_ECHO_CHARS).into_owned()
}

fn shown(body: &[u8]) -> String {
    // Four bytes are the most that a character can have.
    let start = &body[..body.len().min(MAX_ECHO_CHARS * 4)];
    echo(&String::from_utf8_lossy(start))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(status: u16, content_type: &str, body: &str) -> Result<Answer, ItopError> {
        read(status, content_type, body.as_bytes())
    }

    #[test]
    fn each_kind_of_answer_is_a_decision() {
        let json = "application/json";
        let html = "text/html; charset=UTF-8";
        assert!(judge(200, json, r#"{"code":0,"message":"Found: 0","objects":null}"#).is_ok());
        assert_eq!(
            judge(200, json, r#"{"code":1,"message":"Error: Invalid login"}"#),
            Err(ItopError::BadCredentials)
        );
        assert!(matches!(
            judge(
                200,
                json,
                r#"{"code":1,"message":"Error: This user is not authorized to use the web services. (The profile …)"}"#
            ),
            Err(ItopError::ProfileMissing { .. })
        ));
        assert!(matches!(
            judge(
                200,
                json,
                r#"{"code":1,"message":"The current user does not have enough permissions for creating data of class Incident","objects":null}"#
            ),
            Err(ItopError::NotAllowed { .. })
        ));
        assert!(matches!(
            judge(
                503,
                json,
                r#"{"data":[{"code":100,"message":"This application is currently under maintenance."}],"scripts":[]}"#
            ),
            Err(ItopError::Maintenance { .. })
        ));
        assert!(matches!(
            judge(500, html, "<p>iTop: An error</p>"),
            Err(ItopError::NoClearAnswer { .. })
        ));
        assert!(matches!(
            judge(502, html, "<h1>Bad gateway</h1>"),
            Err(ItopError::NoClearAnswer { .. })
        ));
        assert!(matches!(
            judge(200, html, "<title>iTop login</title>"),
            Err(ItopError::NotItop { .. })
        ));
        assert!(matches!(judge(302, html, ""), Err(ItopError::NotItop { .. })));
        assert!(matches!(judge(404, html, "not found"), Err(ItopError::NotItop { .. })));
        assert!(matches!(judge(200, json, r#"{"hello":1}"#), Err(ItopError::NotItop { .. })));
        assert!(matches!(
            judge(200, json, r#"{"code":0,"mess"#),
            Err(ItopError::NoClearAnswer { .. })
        ));
        assert!(matches!(judge(200, "", ""), Err(ItopError::NoClearAnswer { .. })));
    }

    #[test]
    fn a_notice_of_php_before_the_json_is_passed_over() {
        let body = "<br />\n<b>Notice</b>: Undefined index in x.php\n{\"code\":0,\"message\":null}";
        assert!(judge(200, "text/html", body).is_ok());
    }

    #[test]
    fn an_echoed_text_is_cut() {
        let body = format!(r#"{{"code":1406,"message":"Data too long {}"}}"#, "é".repeat(70_000));
        match judge(200, "application/json", &body) {
            Err(ItopError::Refused { code: 1406, message }) => {
                assert_eq!(message.chars().count(), MAX_ECHO_CHARS);
            }
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            status in 100_u16..600,
            content_type in "[a-z/]{0,20}",
            body in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let _ = read(status, &content_type, &body);
        }
    }
}
