//! The macros of Zabbix's update operations, by their names without braces: `EVENT.ID={EVENT.ID}`.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Engine, Told, Values,
    engine::{Event, SAME_MOMENT},
};

/// `{EVENT.NSEVERITY}` from 0, not classified, to 5, disaster: state and criticality.
const SEVERITIES: [(&str, &str); 6] = [
    ("WARNING", "low"),
    ("WARNING", "low"),
    ("WARNING", "low"),
    ("CRITICAL", "medium"),
    ("CRITICAL", "high"),
    ("CRITICAL", "high"),
];

pub(super) fn read(values: &Values, now: Timestamp) -> Result<Told, String> {
    let nothing = |why: &str| Ok(Told::Nothing(why.to_owned()));
    if values.get("EVENT.ID").is_none() {
        return Err("EVENT.ID is missing: give it as an argument, EVENT.ID={EVENT.ID}".to_owned());
    }
    if values.get("EVENT.UPDATE.STATUS") != Some("1") {
        return nothing("this is no update of a problem");
    }
    if !acknowledges(values) {
        return nothing("this update acknowledges nothing");
    }
    let mut event = Event::new("acknowledgement", Engine::Zabbix);
    let id = values.get("EVENT.ID");
    // By which a hook can add the number of the ticket to the problem.
    event.set("source.reference", id);
    let control = values.first(&["TRIGGER.ID", "EVENT.ID"]);
    let severity = values.get("EVENT.NSEVERITY").and_then(|text| text.parse::<usize>().ok());
    let severity = severity.and_then(|number| SEVERITIES.get(number));
    let state = match values.get("EVENT.VALUE") {
        Some("0") => Some("OK"),
        _ => Some(severity.map_or("CRITICAL", |(state, _)| state)),
    };
    event.set("control.id", control);
    event.set("control.name", values.first(&["TRIGGER.NAME", "EVENT.NAME"]));
    event.set("control.element_type", Some("service"));
    event.set("control.state", state);
    event.set("control.criticality", severity.map(|(_, criticality)| *criticality));
    event.set("control.output", values.first(&["EVENT.OPDATA", "EVENT.NAME"]));
    event.set("control.url", values.get("TRIGGER.URL"));
    let day = values.get("EVENT.DATE").map(|day| day.replace('.', "-"));
    let since = match (day, values.get("EVENT.TIME")) {
        (Some(day), Some(time)) => Some(format!("{day}T{time}")),
        _ => None,
    };
    event.set("control.status_changed_at", values.get("EVENT.TIMESTAMP").or(since.as_deref()));
    event.set("equipment.name", values.first(&["HOST.NAME", "HOST.HOST"]));
    event.set("equipment.id", values.get("HOST.ID"));
    event.set("equipment.address", values.first(&["HOST.IP", "HOST.CONN"]));
    let author = values.first(&["USER.FULLNAME", "USER.USERNAME"]);
    event.set("acknowledgement.author.login", values.get("USER.USERNAME"));
    event.set("acknowledgement.author.name", author.or(Some("unknown")));
    let comment = values.get("EVENT.UPDATE.MESSAGE");
    event.set("acknowledgement.comment", comment);
    let acknowledged_at = values.get("EVENT.UPDATE.TIMESTAMP").map(ToOwned::to_owned);
    let acknowledged_at = acknowledged_at.unwrap_or_else(|| now.as_second().to_string());
    event.set("acknowledgement.acknowledged_at", Some(&acknowledged_at));
    // An update is told to each recipient, a moment apart; its time is that of the update. Date and time
    // are told in the zone of the recipient, the timestamp (since 7.0) is not.
    let at = values.get("EVENT.UPDATE.TIMESTAMP");
    let of_day = |name| values.get(name).filter(|_| at.is_none());
    let (day, time) = (at.or(of_day("EVENT.UPDATE.DATE")), of_day("EVENT.UPDATE.TIME"));
    let about_when = (now.as_second() / SAME_MOMENT).to_string();
    let is_told = at.is_some() || (day.is_some() && time.is_some());
    let about_when = if is_told { None } else { Some(about_when) };
    event
        .key(control.unwrap_or_default(), &[id, day, time, about_when.as_deref(), author, comment]);
    Ok(Told::Event(event.members()))
}

/// Whether an update is an acknowledgement: the JSON of its actions says so for sure; else a word does.
fn acknowledges(values: &Values) -> bool {
    let actions = values.get("EVENT.UPDATE.ACTIONJSON");
    let actions = actions.and_then(|json| serde_json::from_str::<Value>(json).ok());
    if let Some(Value::Object(actions)) = actions {
        return actions.get("acknowledge").and_then(Value::as_bool).unwrap_or(false);
    }
    // "acknowledged, commented": a word of its own, because "unacknowledged" holds it too.
    let action = values.get("EVENT.UPDATE.ACTION").unwrap_or_default();
    let mut words = action.split(|c: char| !c.is_alphanumeric());
    words.any(|word| word.eq_ignore_ascii_case("acknowledged"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn told(changes: &[(&str, &str)]) -> Told {
        let mut values = Values::default();
        let usual = [
            ("EVENT.ID", "90417"),
            ("EVENT.VALUE", "1"),
            ("EVENT.NSEVERITY", "4"),
            ("EVENT.NAME", "Disk C: is full"),
            ("EVENT.DATE", "2026.11.21"),
            ("EVENT.TIME", "08:14:09"),
            ("EVENT.UPDATE.STATUS", "1"),
            ("EVENT.UPDATE.ACTION", "acknowledged and commented"),
            ("EVENT.UPDATE.DATE", "2026.11.21"),
            ("EVENT.UPDATE.TIME", "08:20:11"),
            ("EVENT.UPDATE.MESSAGE", "Purge\nin progress"),
            ("TRIGGER.ID", "17034"),
            ("HOST.NAME", "srv-sql-01"),
            ("USER.FULLNAME", "Jean Dupont (jdupont)"),
        ];
        for (name, value) in usual.iter().chain(changes) {
            values.set(name, OsStr::new(value));
        }
        read(&values, Timestamp::from_second(1_763_713_100).unwrap()).unwrap()
    }

    #[test]
    fn an_update_that_acknowledges_is_an_event() {
        let Told::Event(event) = told(&[]) else { panic!("no event") };
        assert_eq!(event["control"]["id"], "17034");
        assert_eq!(event["source"]["reference"], "90417");
        assert_eq!(event["control"]["state"], "CRITICAL");
        assert_eq!(event["control"]["criticality"], "high");
        assert_eq!(event["control"]["status_changed_at"], "2026-11-21T08:14:09");
        assert_eq!(event["acknowledgement"]["comment"], "Purge\nin progress");
        assert!(event["event_id"].as_str().unwrap().starts_with("zabbix:17034:"));
    }

    #[test]
    fn the_json_of_the_actions_decides_where_there_is_one() {
        let json = |text| told(&[("EVENT.UPDATE.ACTIONJSON", text)]);
        let yes = json(r#"{"acknowledge":true,"message":"x","timestamp":1730822048}"#);
        assert!(matches!(yes, Told::Event(_)));
        for no in [r#"{"unacknowledge":true}"#, r#"{"message":"acknowledged"}"#] {
            assert!(matches!(json(no), Told::Nothing(_)), "{no}");
        }
        // Zabbix before 7.0 does not know it.
        assert!(matches!(json("{EVENT.UPDATE.ACTIONJSON}"), Told::Event(_)));
        assert!(matches!(json("*UNKNOWN*"), Told::Event(_)));
    }

    #[test]
    fn each_recipient_is_told_of_the_same_update() {
        let id = |changes: &[(&str, &str)]| match told(changes) {
            Told::Event(event) => event["event_id"].clone(),
            Told::Nothing(why) => panic!("{why}"),
        };
        let at = ("EVENT.UPDATE.TIMESTAMP", "1763713211");
        let elsewhere = [at, ("EVENT.UPDATE.TIME", "09:20:11")];
        assert_eq!(id(&[at]), id(&elsewhere));
        assert_ne!(id(&[at]), id(&[("EVENT.UPDATE.TIMESTAMP", "1763713212")]));
        assert_ne!(id(&[]), id(&[("EVENT.UPDATE.TIME", "09:20:11")]));
    }

    #[test]
    fn other_updates_are_none() {
        for change in [
            ("EVENT.UPDATE.STATUS", "0"),
            ("EVENT.UPDATE.STATUS", "{EVENT.UPDATE.STATUS}"),
            ("EVENT.UPDATE.ACTION", "unacknowledged"),
            ("EVENT.UPDATE.ACTION", "commented"),
            ("EVENT.UPDATE.ACTION", "closed and changed severity from Warning to High"),
        ] {
            assert!(matches!(told(&[change]), Told::Nothing(_)), "{change:?}");
        }
    }
}
