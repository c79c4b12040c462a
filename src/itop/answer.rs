//! Reading an answer: by the `code` of its body, then HTTP status, then content type.

mod typed;
mod within;

use serde_json::{Map, Value};

pub(super) use typed::{Objects, read_objects};

use super::{ItopError, error::PORTAL_USER, obstacle};
use crate::outgoing::Raw;

/// A successful answer: `code` 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The whole body.
    pub body: Map<String, Value>,
    /// What was printed before and after it, if anything was: a notice of PHP.
    pub beside: Option<String>,
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
    Some((class, read_id(id)?))
}

/// The key of an object. iTop numbers with integers of its database, which end where what the bridge
/// can store does: what is above is none.
pub(super) fn read_id(text: &str) -> Option<u64> {
    text.parse().ok().filter(|id| i64::try_from(*id).is_ok())
}

/// Judges what came back from `rest.php`.
pub(super) fn read(raw: &Raw) -> Result<Answer, ItopError> {
    let Raw { status, body, .. } = raw;
    let (status, content_type) = (*status, raw.content_type());
    if let Some(Found { object, beside }) = Found::of(body) {
        if let Some(code) = object.get("code").and_then(Value::as_i64) {
            let message = object.get("message").and_then(Value::as_str).unwrap_or_default();
            return match code {
                0 => Ok(Answer { body: object, beside: beside.map(|text| raw.shown(&text)) }),
                // The login was not even found in the request.
                5 | 6 => Err(ItopError::BadCredentials),
                1 => Err(unauthorized(message, raw)),
                _ if message.contains(NO_CONSOLE) => {
                    Err(ItopError::ProfileMissing { message: raw.echo(message) })
                }
                _ => Err(ItopError::Refused { code, message: raw.echo(message) }),
            };
        }
        if let Some(message) = maintenance(status, &object) {
            return Err(ItopError::Maintenance { message: raw.echo(message) });
        }
        if status < 400 {
            let reason = format!("HTTP {status} with JSON of another shape: {}", raw.shown(body));
            return Err(ItopError::NotItop { reason });
        }
    }
    let reason = reason(raw);
    let is_json = content_type.starts_with("application/json");
    Err(match status {
        // 408: whoever says so may have lost patience with iTop as well as with the bridge.
        408 | 500..=599 => ItopError::NoClearAnswer { reason },
        200 if is_json || body.is_empty() => ItopError::NoClearAnswer { reason },
        400..=499 => ItopError::TurnedAway { status, reason },
        _ => ItopError::NotItop { reason },
    })
}

/// The message of an answer, whole.
pub(super) fn message(raw: &Raw) -> Option<String> {
    let Found { object, .. } = Found::of(&raw.body)?;
    Some(raw.redactor.text(object.get("message")?.as_str()?).into_owned())
}

/// What came instead of an answer, in words.
fn reason(raw: &Raw) -> String {
    let location = raw.location().map(|location| raw.echo(location));
    let content_type = raw.echo(raw.content_type());
    obstacle::instead(raw.status, &content_type, location.as_deref(), &raw.shown(&raw.body))
}

/// Judges what came back from a page beside REST, of which a success has the status 200 and is no JSON.
pub(super) fn of_a_page(raw: &Raw) -> Result<(), ItopError> {
    match raw.status {
        200 if !raw.content_type().starts_with("application/json") => Ok(()),
        _ => match read(raw) {
            // JSON that says that all is well says nothing of what was asked here.
            Ok(_) => Err(ItopError::NotItop { reason: reason(raw) }),
            Err(error) => Err(error),
        },
    }
}

/// The object of an answer, and what was printed around it.
struct Found {
    object: Map<String, Value>,
    beside: Option<Vec<u8>>,
}

impl Found {
    fn of(body: &[u8]) -> Option<Self> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Some(Self { object, beside: None }),
            Ok(_) => None,
            Err(_) => {
                let range = within::json(body)?;
                let object = serde_json::from_slice(&body[range.clone()]).ok()?;
                let beside = [&body[..range.start], &body[range.end..]].concat();
                Some(Self { object, beside: Some(beside) })
            }
        }
    }
}

/// What iTop says of an account that may use neither console nor portal.
const NO_CONSOLE: &str = "Nowhere to go";

fn unauthorized(message: &str, raw: &Raw) -> ItopError {
    if ["Invalid login", "Unknown authentication error"].iter().any(|known| message.contains(known))
    {
        ItopError::BadCredentials
    } else if [PORTAL_USER, "not authorized to use the web services"]
        .iter()
        .any(|known| message.contains(known))
    {
        ItopError::ProfileMissing { message: raw.echo(message) }
    } else {
        ItopError::NotAllowed { message: raw.echo(message) }
    }
}

/// The words of `{"data":[{"code":100,"message":…}],"scripts":[]}` (recordings, outages 001).
fn maintenance(status: u16, body: &Map<String, Value>) -> Option<&str> {
    let first = body.get("data")?.as_array()?.first()?;
    let message = first.get("message")?.as_str()?;
    (status == 503).then_some(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::LOCATION;

    use super::*;
    use crate::outgoing::{MAX_ECHO_CHARS, Redactor};

    pub(super) fn raw(status: u16, content_type: &str, body: &[u8]) -> Raw {
        Raw::of(status, content_type, body)
    }

    fn judge(status: u16, content_type: &str, body: &str) -> Result<Answer, ItopError> {
        read(&raw(status, content_type, body.as_bytes()))
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
        for status in [400, 401, 403, 404, 406, 413, 429] {
            let turned_away = |judged| matches!(judged, Err(ItopError::TurnedAway { status: of, .. }) if of == status);
            assert!(turned_away(judge(status, html, "blocked")));
            assert!(turned_away(judge(status, json, r#"{"message":"Forbidden"}"#)));
        }
        for status in [408, 502, 504] {
            let judged = judge(status, json, r#"{"message":"Endpoint request timed out"}"#);
            assert!(matches!(judged, Err(ItopError::NoClearAnswer { .. })));
        }
        assert!(matches!(judge(200, json, r#"{"hello":1}"#), Err(ItopError::NotItop { .. })));
        assert!(matches!(
            judge(200, json, r#"{"code":0,"mess"#),
            Err(ItopError::NoClearAnswer { .. })
        ));
        assert!(matches!(judge(200, "", ""), Err(ItopError::NoClearAnswer { .. })));
    }

    #[test]
    fn an_id_that_no_database_can_hold_is_none() {
        let named = |id: &str| {
            let body = format!(r#"{{"code":0,"objects":{{"Incident::{id}":{{"fields":{{}}}}}}}}"#);
            judge(200, "application/json", &body).unwrap().objects().map(|(_, id, _)| id).next()
        };
        assert_eq!(named("9223372036854775807"), Some(9_223_372_036_854_775_807));
        for id in ["9223372036854775808", "18446744073709551615", "-1", "1e3"] {
            assert_eq!(named(id), None, "{id}");
        }
    }

    #[test]
    fn what_is_printed_around_the_json_is_passed_over() {
        for (body, beside) in [
            ("<b>Notice</b>: Undefined index in x.php {closure}\n{\"code\":0}", "Notice"),
            ("\u{feff}{\"message\":null,\"code\":0,\"objects\":null}", "\u{feff}"),
            ("{\"code\":0}\n<br />\n<b>Warning</b>: x", "Warning"),
            ("{\"a\":1}{\"message\":\"}\",\"code\":0} {", "{\"a\":1}"),
            ("<b>Notice</b>: x\n{\"objects\":{\"A::1\":{\"code\":0}},\"code\":0}", "Notice"),
        ] {
            let answer = judge(200, "text/html", body).unwrap();
            assert!(answer.beside.unwrap().contains(beside), "{body}");
        }
        assert_eq!(judge(200, "", " {\"code\":0}\r\n").unwrap().beside, None);
    }

    #[test]
    fn maintenance_is_known_whatever_is_printed_around_it() {
        let words = r#"{"data":[{"code":100,"message":"This application is under maintenance."}],"scripts":[]}"#;
        for body in [
            format!("\u{feff}{words}"),
            format!("<br />\n<b>Deprecated</b>: {{closure}} in x.php\n{words}<br />"),
        ] {
            let judged = judge(503, "text/html", &body);
            assert!(matches!(judged, Err(ItopError::Maintenance { .. })), "{judged:?}");
        }
    }

    #[test]
    fn a_part_of_an_answer_is_no_answer() {
        let whole = r#"{"code":0,"objects":{"A::1":{"code":0,"fields":{}},"A::2":{"code":0}}}"#;
        for cut in 1..whole.len() {
            for after in ["", "<br />\n<b>Fatal error</b>: Allowed memory size exhausted"] {
                let body = format!("{}{after}", &whole[..cut]);
                let judged = judge(200, "application/json", &body);
                assert!(matches!(judged, Err(ItopError::NoClearAnswer { .. })), "{body}");
            }
        }
    }

    #[test]
    fn accounts_that_cannot_be_used_are_told_apart() {
        let said = |code: i64, message: &str| {
            judge(200, "application/json", &format!(r#"{{"code":{code},"message":"{message}"}}"#))
        };
        for known in [said(5, "Error: Missing parameter 'auth_user'"), said(6, "Error: x")] {
            assert_eq!(known, Err(ItopError::BadCredentials));
        }
        let portal = said(1, "Error: Portal user is not allowed").unwrap_err();
        assert!(matches!(portal, ItopError::ProfileMissing { .. }));
        let nowhere = said(100, "Error: Nowhere to go: Your combination of user Profiles denies …");
        assert!(matches!(nowhere, Err(ItopError::ProfileMissing { .. })));
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

    #[test]
    fn what_the_request_held_is_shown_nowhere() {
        // Behind it stands more than is shown: nothing of it may come into sight by a cut.
        let echoed = "auth_user=bridge&auth_pwd=s3cret&".repeat(40);
        let page = format!("<pre>{echoed}</pre>");
        for (status, content_type, body) in [
            (200, "text/html", page.clone()),
            (403, "text/html", page.clone()),
            (500, "text/html", page.clone()),
            (302, "text/html", String::new()),
            (200, "text/plain; s3cret", String::new()),
            (200, "application/json", page.clone()),
            (200, "application/json", format!(r#"{{"request":"{echoed}"}}"#)),
            (200, "application/json", format!(r#"{{"code":1,"message":"{echoed}"}}"#)),
            (200, "application/json", format!(r#"{{"code":100,"message":"{echoed}"}}"#)),
            (
                200,
                "application/json",
                format!(r#"{{"code":100,"message":"Nowhere to go {page}"}}"#),
            ),
            (200, "application/json", format!(r#"{{"code":1,"message":"{PORTAL_USER} {page}"}}"#)),
            (503, "application/json", format!(r#"{{"data":[{{"message":"{echoed}"}}]}}"#)),
        ] {
            let mut raw = raw(status, content_type, body.as_bytes());
            raw.redactor = Redactor::new(["s3cret"]);
            let location = format!("https://sso.example/s3cret/{echoed}");
            raw.headers.insert(LOCATION, location.parse().unwrap());
            let error = read(&raw).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("s3cr"), "{error}");
        }
        let mut notice = raw(200, "text/html", format!("{page}{{\"code\":0}}").as_bytes());
        notice.redactor = Redactor::new(["s3cret"]);
        let beside = read(&notice).unwrap().beside.unwrap();
        assert!(beside.contains("auth_pwd=***") && !beside.contains("s3cr"), "{beside}");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            status in 100_u16..600,
            content_type in "[a-z/]{0,20}",
            body in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let _ = read(&raw(status, &content_type, &body));
        }
    }
}
