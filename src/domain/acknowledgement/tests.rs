//! What is read of an event, and what makes it the same event.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::notice::Fault;

fn event() -> Value {
    json!({
        "event_id": "sn-prod:svc-48213:2026-11-21T08:14:09Z",
        "created_at": "2026-11-21T09:15:02+01:00",
        "company": {"id": 42, "name": "Demo"},
        "equipment": {"name": "Server4"},
        "control": {
            "id": "svc-48213", "element_type": "service", "name": "Disk C:", "state": "CRITICAL",
            "status_changed_at": "2026-11-21T08:14:09Z"
        },
        "acknowledgement": {"author": "jdupont", "comment": "Purge in progress"}
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut event = event();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    event
}

fn receipt() -> Receipt {
    Receipt { at: "2026-11-21T08:15:30Z".parse().unwrap(), instance: Instance::default() }
}

fn read_event(event: &Value) -> Acknowledgement {
    read(&event.to_string(), &receipt()).unwrap()
}

/// The codes of what refuses an event.
fn refusal(event: &Value) -> Vec<&'static str> {
    match read(&event.to_string(), &receipt()) {
        Err(ReadError::Invalid(errors)) => errors.iter().map(|error| error.code).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_accepted_before_is_the_same_event_still() {
    // As version 0.1.0 stored them.
    let known = "ee20f72b491c27293b22262bc1c0acba3eea8db0f238e3bf42e445905aab3e9e";
    assert_eq!(read_event(&event()).fingerprint(), known);
    let later = with("/control/status_changed_at", json!("2026-11-21T09:14:09.000+01:00"));
    assert_eq!(read_event(&later).fingerprint(), known);
    let id = "sn-prod:svc-48213:2026-11-21T08:14:09Z";
    assert_eq!(read_event(&event()).event_id.as_str(), id);
}

#[test]
fn a_control_that_was_never_checked_has_no_time_in_its_fingerprint() {
    let mut absent = event();
    absent["control"].as_object_mut().unwrap().remove("status_changed_at");
    let absent = read_event(&absent);
    assert_eq!(absent.notices, [Notice::NoStatusTime]);
    assert_eq!(absent.state_since(), absent.created_at);
    for zero in [json!(0), json!("0"), json!("0001-01-01T00:00:00Z"), json!(""), json!(null)] {
        let never = read_event(&with("/control/status_changed_at", zero));
        assert_eq!(never.fingerprint(), absent.fingerprint());
        assert_eq!(never.notices, [Notice::NoStatusTime]);
    }
    let wrong = read_event(&with("/control/status_changed_at", json!("yesterday")));
    assert_eq!(wrong.fingerprint(), absent.fingerprint());
    let left_out = Notice::LeftOut {
        member: "control.status_changed_at".to_owned(),
        sent: "yesterday".to_owned(),
        fault: Fault::Unusable,
    };
    assert_eq!(wrong.notices, [left_out, Notice::NoStatusTime]);
}

#[test]
fn an_event_without_a_key_has_one_that_is_the_same_each_time() {
    let without_key = |mut event: Value| {
        event.as_object_mut().unwrap().remove("event_id");
        event
    };
    let first = read_event(&without_key(event())).event_id;
    // Nagios posts once per contact, an hour later too.
    let later = Receipt { at: "2026-11-21T09:30:00Z".parse().unwrap(), ..receipt() };
    let other = without_key(with("/acknowledgement/comment", json!("Another contact")));
    assert_eq!(read(&other.to_string(), &later).unwrap().event_id, first);
    for (pointer, value) in [
        ("/control/id", json!("svc-1")),
        ("/control/status_changed_at", json!("2026-11-21T08:14:10Z")),
        ("/control/status_changed_at", json!(null)),
        ("/acknowledgement/acknowledged_at", json!("2026-11-21T09:16:00+01:00")),
        ("/created_at", json!("2026-11-21T09:16:00+01:00")),
        ("/event_type", json!("recovery")),
        ("/source", json!({"instance": "other"})),
    ] {
        let other = read_event(&without_key(with(pointer, value.clone())));
        assert_ne!(other.event_id, first, "{pointer} = {value}");
    }
    let elsewhere = Receipt { instance: "other".parse().unwrap(), ..receipt() };
    assert_ne!(read(&without_key(event()).to_string(), &elsewhere).unwrap().event_id, first);
    // A key that cannot be one is none.
    for key in [json!("x".repeat(201)), json!("a\u{0}b"), json!("$EVENTID$"), json!(1.5)] {
        assert_eq!(read_event(&with("/event_id", key)).event_id, first);
    }

    // Where nothing tells when, what comes soon after is one event, and what comes later another.
    let timeless = without_key(with("/created_at", json!(null))).to_string();
    let at = |time: &str| Receipt { at: time.parse().unwrap(), ..receipt() };
    let key = |time| read(&timeless, &at(time)).unwrap().event_id;
    assert_eq!(key("2026-11-21T08:15:30Z"), key("2026-11-21T08:16:30Z"));
    assert_ne!(key("2026-11-21T08:15:30Z"), key("2026-11-21T09:15:30Z"));
}

#[test]
fn words_of_other_engines_are_understood() {
    for (element, state, expected) in [
        ("host", "PROBLEM", (ElementType::Equipment, ControlState::Down)),
        ("Service", "problem", (ElementType::Service, ControlState::Critical)),
        ("user service", "Problem", (ElementType::UserService, ControlState::OutOfOrder)),
        ("SERVICE", "crit", (ElementType::Service, ControlState::Critical)),
        ("HOST", "Warn", (ElementType::Equipment, ControlState::Warning)),
        ("UserService", "out of order", (ElementType::UserService, ControlState::OutOfOrder)),
    ] {
        let event = with("/control/element_type", json!(element));
        let mut event = event;
        event["control"]["state"] = json!(state);
        event["equipment"] = json!("Server4");
        let read = read_event(&event);
        assert_eq!((read.control.element_type, read.control.state), expected);
        assert_eq!(read.equipment.unwrap().name, "Server4");
        assert_eq!(read.notices, []);
    }
    // A notification of a problem is no acknowledgement.
    assert_eq!(refusal(&with("/event_type", json!("PROBLEM"))), ["value"]);
}

#[test]
fn whole_numbers_are_integers_however_they_are_written() {
    for (text, expected) in [("42.0", "42"), ("4.2e1", "42"), ("42", "42"), ("-0.0", "0")] {
        let body = event().to_string().replace("\"id\":42", &format!("\"id\":{text}"));
        let read = read(&body, &receipt()).unwrap();
        assert_eq!(read.company.id.as_deref(), Some(expected), "{text}");
    }
    for number in [json!(4.5), json!(1e300), json!(18_446_744_073_709_551_616.0)] {
        assert_eq!(refusal(&with("/company/id", number)), ["type"]);
    }
}

#[test]
fn what_decides_is_never_guessed() {
    for (pointer, value, code) in [
        ("/event_type", json!("reboot"), "value"),
        ("/source", json!("sn-b"), "type"),
        ("/source", json!({"instance": "a\u{7}b"}), "format"),
        ("/source", json!({"instance": "$INSTANCE$"}), "macro"),
        ("/company", json!({"id": "$_HOSTCOMPANYID$", "name": "Demo"}), "macro"),
        ("/company", json!("{COMPANY}"), "macro"),
        ("/control/id", json!("$SERVICEID$"), "macro"),
        ("/control/id", json!("host-{HOST.ID}"), "macro"),
        ("/control/id", json!("undefined"), "macro"),
        ("/control/id", json!("%s"), "macro"),
        ("/control/name", json!("$SERVICEDESC$"), "macro"),
        ("/equipment", json!("$HOSTNAME$"), "macro"),
        ("/equipment/name", json!("{HOST.NAME} "), "macro"),
        ("/acknowledgement/author", json!("$NOTIFICATIONAUTHOR$"), "macro"),
        ("/created_at", json!("2026-11-21T09:15:02"), "offset"),
        ("/control/status_changed_at", json!("2026-11-21 09:14:09"), "offset"),
    ] {
        assert_eq!(refusal(&with(pointer, value.clone())), [code], "{pointer} = {value}");
    }
}

#[test]
fn a_time_without_an_offset_is_that_of_the_senders_zone() {
    for zone in ["Europe/Paris", "+01:00"] {
        let mut event = with("/created_at", json!("2026-11-21 09:15:02"));
        event["source"] = json!({"time_zone": zone});
        event["control"]["status_changed_at"] = json!("2026-11-21T09:14:09");
        let read = read_event(&event);
        assert_eq!(read.created_at, "2026-11-21T08:15:02Z".parse().unwrap());
        assert_eq!(read.fingerprint(), read_event(&self::event()).fingerprint());
        assert_eq!(read.notices, []);
    }
    // A zone that there is not is none.
    let mut event = with("/created_at", json!("2026-11-21 09:15:02"));
    event["source"] = json!({"time_zone": "Europe/Lutetia"});
    assert_eq!(refusal(&event), ["value", "offset"]);
    event["created_at"] = json!(1_795_248_902);
    assert_eq!(read_event(&event).notices.len(), 1);
}

#[test]
fn raw_control_characters_are_spaces_and_told() {
    let raw = event().to_string().replace("Purge in progress", "Purge\nin\tprogress");
    let read = read(&raw, &receipt()).unwrap();
    assert_eq!(read.acknowledgement.comment.as_deref(), Some("Purge in progress"));
    assert_eq!(read.notices, [Notice::RawControls]);
    assert_eq!(read.fingerprint(), read_event(&event()).fingerprint());
}

/// Members that an event can do without.
const OPTIONAL: [&str; 24] = [
    "/event_id",
    "/created_at",
    "/site",
    "/contact",
    "/team",
    "/contract",
    "/service",
    "/service_element",
    "/ci",
    "/priority",
    "/equipment/id",
    "/equipment/address",
    "/equipment/category",
    "/equipment/itsm_id",
    "/control/criticality",
    "/control/state_type",
    "/control/output",
    "/control/url",
    "/title",
    "/description",
    "/acknowledgement/comment",
    "/acknowledgement/sticky",
    "/acknowledgement/expires_at",
    "/ticket",
];

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::from),
        "[a-z $%{}\u{0}\u{1b}:/.-]{0,40}".prop_map(Value::from),
        Just(json!(["a", {"b": 1}])),
        Just(json!({"id": ["x"], "name": {"y": 2}})),
    ]
}

proptest! {
    #[test]
    fn nothing_optional_ever_costs_the_ticket(
        changes in proptest::collection::vec((0..OPTIONAL.len(), anything()), 1..6),
    ) {
        let mut event = event();
        for (which, value) in changes {
            // A date without an offset is refused; random text is none.
            let (parent, name) = OPTIONAL[which].rsplit_once('/').unwrap();
            event.pointer_mut(parent).unwrap()[name] = value;
        }
        let text = event.to_string();
        let read_once = read(&text, &receipt());
        prop_assert!(read_once.is_ok(), "{text}: {read_once:?}");
        prop_assert_eq!(&read_once, &read(&text, &receipt()));
    }

    #[test]
    fn any_text_is_read_or_refused_and_can_be_glimpsed(text in any::<String>(), value in anything()) {
        for text in [text, value.to_string(), json!({"control": value}).to_string()] {
            let _ = Glimpse::of(&text);
            prop_assert!(read(&text, &receipt()).is_err());
        }
    }
}

#[test]
fn what_was_refused_is_told_as_far_as_it_can_be_read() {
    let glimpse = Glimpse::of(&with("/control/state", json!("ON FIRE")).to_string());
    assert_eq!(glimpse.event_id.unwrap().as_str(), "sn-prod:svc-48213:2026-11-21T08:14:09Z");
    assert_eq!(glimpse.event_type, Some(EventType::Acknowledgement));
    assert_eq!(glimpse.company.unwrap().key.to_string(), "id:42");
    assert_eq!(glimpse.control_id.unwrap().as_str(), "svc-48213");
    assert_eq!(glimpse.control_name.as_deref(), Some("Disk C:"));
    let glimpse = Glimpse::of(&with("/control/id", json!("$SERVICEID$")).to_string());
    assert_eq!((glimpse.control_id, glimpse.control_name.is_some()), (None, true));
    assert_eq!(Glimpse::of(&with("/event_type", json!("reboot")).to_string()).event_type, None);
    assert_eq!(Glimpse::of("[1]"), Glimpse::default());
    assert_eq!(Glimpse::of("{"), Glimpse::default());
    // Of what is not even JSON, what stands before the mistake.
    let glued = event().to_string().replace("Disk C:", "Disk \"C:\"");
    let glimpse = Glimpse::of(&glued);
    assert_eq!(glimpse.control_id.unwrap().as_str(), "svc-48213");
    assert_eq!((glimpse.company.is_some(), glimpse.control_name), (true, None));
}
