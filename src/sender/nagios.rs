//! The macros of Nagios, which Naemon, Centreon, Icinga and `ServiceNav`'s engine have too.
//!
//! Names without `$`: `HOSTNAME`, `_HOSTCOMPANY` (Nagios's list of standard macros; custom variables
//! begin with `_HOST` or `_SERVICE`).

use jiff::Timestamp;

use super::{
    Engine, Told, Values,
    engine::{self, Event},
};

/// Members that custom variables of a service or its host may set, and the ends of their names.
const CUSTOM: [(&str, &str); 14] = [
    ("company.id", "COMPANY_ID"),
    ("company.name", "COMPANY"),
    ("site.id", "SITE_ID"),
    ("site.name", "SITE"),
    ("team", "TEAM"),
    ("contact.email", "CONTACT_EMAIL"),
    ("contract", "CONTRACT"),
    ("service", "ITOP_SERVICE"),
    ("service_element", "ITOP_SERVICE_ELEMENT"),
    ("control.criticality", "CRITICALITY"),
    ("control.element_type", "ELEMENT_TYPE"),
    ("equipment.itsm_id", "ITSM_ID"),
    ("priority", "PRIORITY"),
    ("control.url", "URL"),
];

pub(super) fn read(engine: Engine, values: &Values, now: Timestamp) -> Result<Told, String> {
    let Some(kind) = values.get("NOTIFICATIONTYPE") else {
        return Err(format!(
            "NOTIFICATIONTYPE is missing: give it as an argument, NOTIFICATIONTYPE=…, or as \
             {}NOTIFICATIONTYPE in the environment",
            engine.prefix()
        ));
    };
    let event_type = match kind.to_ascii_uppercase().as_str() {
        "ACKNOWLEDGEMENT" | "ACKNOWLEDGMENT" => "acknowledgement",
        "RECOVERY" | "OK" | "UP" => "recovery",
        other => return Ok(Told::Nothing(format!("{other} is no acknowledgement"))),
    };
    let host = values.get("HOSTNAME");
    let service = values.get("SERVICEDESC");
    // Of a macro: its name has HOST or SERVICE in it, whichever the notification is about.
    let of = |before: &str, after: &str| {
        let about = if service.is_some() { "SERVICE" } else { "HOST" };
        values.get(&format!("{before}{about}{after}"))
    };
    let mut event = Event::new(event_type, engine);
    // Neither name may hold this: it is how Icinga names a service.
    let control = match (host, service) {
        (Some(host), Some(service)) => Some(format!("{host}!{service}")),
        (host, None) => host.map(ToOwned::to_owned),
        (None, service) => service.map(ToOwned::to_owned),
    };
    event.set("control.id", control.as_deref());
    event.set("control.name", of("", "DISPLAYNAME").or(service).or(host));
    event
        .set("control.element_type", Some(if service.is_some() { "service" } else { "equipment" }));
    event.set("control.state", of("", "STATE"));
    event.set("control.state_type", of("", "STATETYPE"));
    let long = of("LONG", "OUTPUT").map(|long| long.replace("\\n", "\n"));
    let output = [of("", "OUTPUT"), long.as_deref()];
    let output: Vec<_> = output.into_iter().flatten().collect();
    event.set("control.output", Some(output.join("\n")).filter(|text| !text.is_empty()).as_deref());
    let changed = of("LAST", "STATECHANGE");
    event.set("control.status_changed_at", changed);
    event.set("equipment.name", host);
    event.set("equipment.address", values.get("HOSTADDRESS"));
    for (member, end) in CUSTOM {
        let value = values.first(&[&format!("_SERVICE{end}"), &format!("_HOST{end}")]);
        if value.is_some() {
            event.set(member, value);
        }
    }
    let login = values.first(&["NOTIFICATIONAUTHORNAME", "NOTIFICATIONAUTHOR"]);
    let login = login.or_else(|| of("", "ACKAUTHORNAME")).or_else(|| of("", "ACKAUTHOR"));
    let name = values.get("NOTIFICATIONAUTHORALIAS").or_else(|| of("", "ACKAUTHORALIAS"));
    let comment = values.get("NOTIFICATIONCOMMENT").or_else(|| of("", "ACKCOMMENT"));
    event.set("acknowledgement.author.login", login);
    // The ticket matters more than the name of whoever has it made.
    event.set("acknowledgement.author.name", name.or(login).or(Some("unknown")));
    event.set("acknowledgement.comment", comment);
    let at = values.get("TIMET").and_then(|epoch| epoch.parse().ok());
    let at = at.unwrap_or_else(|| now.as_second());
    event.set("acknowledgement.acknowledged_at", Some(&at.to_string()));
    // One acknowledgement is told once to each contact, a moment apart: what tells it from another of
    // the same problem is who said what, and about when.
    let about_when = (at / engine::SAME_MOMENT).to_string();
    let problem = of("", "PROBLEMID");
    let parts =
        [control.as_deref(), problem, changed, login, comment, Some(&about_when), Some(event_type)];
    event.key(control.as_deref().unwrap_or_default(), &parts);
    Ok(Told::Event(event.members()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use serde_json::{Map, Value, json};

    use super::*;

    const SERVICE: [(&str, &str); 16] = [
        ("NOTIFICATIONTYPE", "ACKNOWLEDGEMENT"),
        ("HOSTNAME", "srv-sql-01"),
        ("HOSTADDRESS", "10.1.2.3"),
        ("HOSTSTATE", "UP"),
        ("SERVICEDESC", "Disk C:"),
        ("SERVICESTATE", "CRITICAL"),
        ("SERVICESTATETYPE", "HARD"),
        ("SERVICEOUTPUT", r#"C: "97 %" used & $HOME"#),
        ("LONGSERVICEOUTPUT", r"free: 3 GB\ntotal: 99 GB"),
        ("LASTSERVICESTATECHANGE", "1763712849"),
        ("SERVICEPROBLEMID", "4711"),
        ("NOTIFICATIONAUTHORNAME", "jdupont"),
        ("NOTIFICATIONAUTHORALIAS", "Jean Dupont"),
        ("NOTIFICATIONCOMMENT", "it's being purged"),
        ("TIMET", "1763713000"),
        ("_HOSTCOMPANY", "Demo"),
    ];

    fn told(changes: &[(&str, &str)]) -> Result<Told, String> {
        let mut values = Values::default();
        for (name, value) in SERVICE.iter().chain(changes) {
            values.set(name, OsStr::new(value));
        }
        read(Engine::Nagios, &values, Timestamp::from_second(1_763_713_100).unwrap())
    }

    fn event(changes: &[(&str, &str)]) -> Map<String, Value> {
        match told(changes) {
            Ok(Told::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_service_becomes_an_event_as_it_was_written() {
        let mut event = event(&[]);
        let key = event.remove("event_id").unwrap();
        assert!(key.as_str().unwrap().starts_with("nagios:srv-sql-01!Disk C::"), "{key}");
        assert_eq!(
            Value::Object(event),
            json!({
                "event_type": "acknowledgement",
                "source": {"product": "Nagios"},
                "control": {
                    "id": "srv-sql-01!Disk C:", "name": "Disk C:", "element_type": "service",
                    "state": "CRITICAL", "state_type": "HARD",
                    "output": "C: \"97 %\" used & $HOME\nfree: 3 GB\ntotal: 99 GB",
                    "status_changed_at": "1763712849"
                },
                "equipment": {"name": "srv-sql-01", "address": "10.1.2.3"},
                "company": {"name": "Demo"},
                "acknowledgement": {
                    "author": {"login": "jdupont", "name": "Jean Dupont"},
                    "comment": "it's being purged", "acknowledged_at": "1763713000"
                }
            })
        );
    }

    #[test]
    fn a_host_is_told_by_its_own_macros() {
        let event = event(&[("SERVICEDESC", "$SERVICEDESC$"), ("HOSTSTATE", "DOWN")]);
        let control = &event["control"];
        assert_eq!(control["id"], "srv-sql-01");
        assert_eq!(control["element_type"], "equipment");
        assert_eq!(control["state"], "DOWN");
        assert_eq!(control.get("output"), None);
    }

    #[test]
    fn what_each_contact_is_told_is_one_acknowledgement() {
        let id = |changes: &[(&str, &str)]| event(changes)["event_id"].clone();
        assert_eq!(id(&[]), id(&[("TIMET", "1763713019")]));
        for other in [
            ("NOTIFICATIONCOMMENT", "still being purged"),
            ("NOTIFICATIONAUTHORNAME", "amartin"),
            ("SERVICEPROBLEMID", "4712"),
            ("LASTSERVICESTATECHANGE", "1763712850"),
            ("HOSTNAME", "srv-sql-02"),
            ("TIMET", "1763716600"),
            ("NOTIFICATIONTYPE", "RECOVERY"),
        ] {
            assert_ne!(id(&[]), id(&[other]), "{other:?}");
        }
    }

    #[test]
    fn what_is_no_acknowledgement_is_none() {
        for kind in ["PROBLEM", "FLAPPINGSTART", "DOWNTIMESTART", "CUSTOM", "unacknowledgement"] {
            let told = told(&[("NOTIFICATIONTYPE", kind)]);
            assert!(matches!(told, Ok(Told::Nothing(_))), "{kind}: {told:?}");
        }
        let missing = told(&[("NOTIFICATIONTYPE", "$NOTIFICATIONTYPE$")]).unwrap_err();
        assert!(missing.contains("NAGIOS_NOTIFICATIONTYPE"), "{missing}");
    }

    #[test]
    fn what_lacks_all_else_is_still_sent() {
        let mut values = Values::default();
        values.set("NOTIFICATIONTYPE", OsStr::new("ACKNOWLEDGEMENT"));
        let told = read(Engine::Icinga, &values, Timestamp::UNIX_EPOCH).unwrap();
        let Told::Event(event) = told else { panic!("{told:?}") };
        assert_eq!(event["source"]["product"], "Icinga");
        assert_eq!(event.get("equipment"), None);
    }
}
