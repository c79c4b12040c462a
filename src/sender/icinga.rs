//! A line of Icinga's event stream (its API, "Event Streams"). Of an acknowledgement it tells who said what
//! of which host or service, and in which state that is; not its output, nor any custom variable.

use serde_json::Value;

use super::{Engine, Told, engine::Event};

/// States by their numbers.
const OF_SERVICE: [&str; 4] = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
const OF_HOST: [&str; 2] = ["UP", "DOWN"];

/// The kind of acknowledgement that lasts until the control is well again.
const STICKY: f64 = 2.0;

pub(super) fn read(line: &str) -> Result<Told, String> {
    let told: Value = serde_json::from_str(line.trim())
        .map_err(|error| format!("this line of the stream is no JSON: {error}"))?;
    let text = |name: &str| told[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let number = |name: &str| told[name].as_f64();
    let Some(kind) = text("type") else {
        // What Icinga says instead of events: a wrong password, a missing permission.
        let status = text("status").unwrap_or("it has no type");
        return Err(format!("this is no event of Icinga: {status}"));
    };
    if kind != "AcknowledgementSet" {
        return Ok(Told::Nothing(format!("{kind} is no acknowledgement")));
    }
    let (host, service) = (text("host"), text("service"));
    let control = match (host, service) {
        (Some(host), Some(service)) => format!("{host}!{service}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err("this acknowledgement names no host".to_owned()),
    };
    let mut event = Event::new("acknowledgement", Engine::Icinga);
    event.set("control.id", Some(&control));
    event.set("control.name", service.or(host));
    let (element, states, usual) = match service {
        Some(_) => ("service", &OF_SERVICE[..], "CRITICAL"),
        None => ("equipment", &OF_HOST[..], "DOWN"),
    };
    event.set("control.element_type", Some(element));
    let place = |state: f64| {
        (0_u8..).zip(states).find(|(place, _)| (f64::from(*place) - state).abs() < 0.5)
    };
    let state = number("state").and_then(place).map_or(usual, |(_, state)| state);
    event.set("control.state", Some(state));
    let is_hard = number("state_type").map(|kind| if kind == 0.0 { "SOFT" } else { "HARD" });
    event.set("control.state_type", is_hard);
    event.set("equipment.name", host);
    let (author, comment) = (text("author"), text("comment"));
    event.set("acknowledgement.author.login", author);
    event.set("acknowledgement.author.name", author.or(Some("unknown")));
    event.set("acknowledgement.comment", comment);
    let at = number("timestamp").and_then(seconds);
    event.set("acknowledgement.acknowledged_at", at.as_deref());
    let expires = number("expiry").filter(|expiry| *expiry > 0.0).and_then(seconds);
    event.set("acknowledgement.expires_at", expires.as_deref());
    if number("acknowledgement_type") == Some(STICKY) {
        event.set("acknowledgement.sticky", Some("true"));
    }
    // It is told once: its time, to the last digit, tells it from any other.
    let when = told["timestamp"].to_string();
    event.key(&control, &[Some(&when), author, comment]);
    Ok(Told::Event(event.members()))
}

/// Whole seconds, as a text.
fn seconds(number: f64) -> Option<String> {
    (number > 0.0 && number < 1e11).then(|| format!("{:.0}", number.floor()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn line(changes: &[(&str, Value)]) -> String {
        let mut event = json!({
            "acknowledgement_type": 1.0, "author": "jdupont", "comment": "it's \"97 %\" \\ é😀",
            "expiry": 0.0, "host": "srv-sql-01", "notify": true, "persistent": false,
            "service": "Disk C:", "state": 2.0, "state_type": 1.0,
            "timestamp": 1_763_713_000.418_217, "type": "AcknowledgementSet",
        });
        for (name, value) in changes {
            event[name] = value.clone();
        }
        format!("{event}\n")
    }

    fn event(changes: &[(&str, Value)]) -> Map<String, Value> {
        match read(&line(changes)) {
            Ok(Told::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_acknowledgement_is_an_event_of_the_same_control_as_by_a_notification() {
        let mut event = event(&[]);
        let key = event.remove("event_id").unwrap();
        assert!(key.as_str().unwrap().starts_with("icinga:srv-sql-01!Disk C::"), "{key}");
        assert_eq!(
            Value::Object(event),
            json!({
                "event_type": "acknowledgement",
                "source": {"product": "Icinga"},
                "control": {"id": "srv-sql-01!Disk C:", "name": "Disk C:",
                            "element_type": "service", "state": "CRITICAL", "state_type": "HARD"},
                "equipment": {"name": "srv-sql-01"},
                "acknowledgement": {"author": {"login": "jdupont", "name": "jdupont"},
                    "comment": "it's \"97 %\" \\ é😀", "acknowledged_at": "1763713000"},
            })
        );
    }

    #[test]
    fn a_host_has_states_of_its_own() {
        let host = event(&[
            ("service", json!("")),
            ("state", json!(1)),
            ("acknowledgement_type", json!(2)),
            ("expiry", json!(1_763_799_400)),
        ]);
        assert_eq!(host["control"]["id"], "srv-sql-01");
        assert_eq!(host["control"]["state"], "DOWN");
        assert_eq!(host["control"]["element_type"], "equipment");
        assert_eq!(host["acknowledgement"]["sticky"], "true");
        assert_eq!(host["acknowledgement"]["expires_at"], "1763799400");
    }

    #[test]
    fn what_else_happens_is_none_and_what_is_no_event_is_said() {
        for kind in ["AcknowledgementCleared", "StateChange", "CommentAdded", "CheckResult"] {
            let told = read(&line(&[("type", json!(kind))]));
            assert!(matches!(told, Ok(Told::Nothing(_))), "{kind}: {told:?}");
        }
        let refused = read(r#"{"error": 401, "status": "Unauthorized. Please check."}"#);
        assert!(refused.unwrap_err().contains("Unauthorized"));
        assert!(read("<html>").unwrap_err().contains("no JSON"));
        assert!(read(&line(&[("host", Value::Null)])).unwrap_err().contains("no host"));
    }

    #[test]
    fn each_acknowledgement_has_a_key_of_its_own() {
        let id = |changes: &[(&str, Value)]| event(changes)["event_id"].clone();
        assert_eq!(id(&[]), id(&[("state", json!(1))]));
        for other in [
            ("timestamp", json!(1_763_713_000.418_218)),
            ("comment", json!("x")),
            ("host", json!("b")),
        ] {
            assert_ne!(id(&[]), id(std::slice::from_ref(&other)), "{other:?}");
        }
    }
}
