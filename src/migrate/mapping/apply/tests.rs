use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize as _;
use serde_json::json;

use super::{super::read::parse, *};

/// An org in which organization 3 and incident 7 are there, and person 5 is a user.
struct Org;

impl Resolve for Org {
    fn record(&self, class: &str, id: u64) -> Option<String> {
        match (class, id) {
            ("Organization", 3) => Some("001".to_owned()),
            ("Incident", 7) => Some("500".to_owned()),
            _ => None,
        }
    }

    fn owner(&self, person: u64) -> Option<String> {
        (person == 5).then(|| "005".to_owned())
    }
}

fn described() -> Described {
    let text = |name: &str, length: usize| json!({"name": name, "type": "string", "length": length, "nillable": true, "createable": true});
    let json = json!({
        "fields": [
            {"name": "LastName", "type": "string", "length": 80, "createable": true},
            text("Subject", 10), text("Description", 32_000),
            {"name": "Priority", "type": "picklist", "restrictedPicklist": true, "nillable": true,
             "createable": true, "picklistValues": [{"value": "High", "active": true}]},
        ],
        "recordTypeInfos": [{"recordTypeId": "012", "developerName": "Incident",
                             "active": true, "available": true}],
    });
    Described::deserialize(json).unwrap()
}

/// What a mapping with these rules makes of an incident with these attributes.
fn made(rules: &str, attributes: Value, turn: Turn) -> Result<Value, Vec<String>> {
    let text = format!(
        "[source]\nurl = 'https://itop.example/'\nzone = 'Europe/Paris'\n[[classes]]\nclass = 'Organization'\n\
         object = 'Account'\nkey = 'K__c'\n[[classes]]\nclass = 'Incident'\nobject = 'Case'\nkey = 'K__c'\n\
         record_type = 'Incident'\naudit = true\n[classes.fields]\n{rules}\n"
    );
    let mapping = parse(&text).unwrap();
    let Value::Object(fields) = attributes else { panic!("{attributes}") };
    let object = Object { class: "Incident".to_owned(), id: 9, fields, entries: Vec::new() };
    let zone = ItopZone::named("Europe/Paris").unwrap();
    let around = Around { zone: &zone, described: &described(), resolve: &Org };
    let (record, problems) = examine(mapping.class("Incident").unwrap(), &object, turn, &around);
    let told = |problem: &RowProblem| format!("{} {problem}", problem.code);
    if problems.is_empty() {
        Ok(Value::Object(record.fields))
    } else {
        Err(problems.iter().map(told).collect())
    }
}

#[test]
fn a_record_has_key_and_record_type_and_nothing_empty() {
    let rules = "Subject = { from = 'title' }\nDescription = { from = 'description', as = 'text' }\n\
                 AccountId = { from = 'org_id', refers_to = ['Organization'] }\n\
                 ParentId = { from = 'parent_incident_id', refers_to = ['Incident'], later = true }\n\
                 OwnerId = { from = 'agent_id', as = 'owner' }\n\
                 CreatedDate = { from = 'start_date', as = 'date_time' }\n\
                 IsEscalated = { from = 'hot', as = 'boolean' }\nLastName = { constant = 'x' }\n\
                 Priority = { from = 'priority', values = { 1 = 'High' } }";
    let attributes = json!({
        "title": " Disk\u{2060} full\r\n", "description": "<p>It &lt;broke&gt;</p>", "org_id": "3",
        "parent_incident_id": "7", "agent_id": "5", "start_date": "2026-07-15 14:00:00", "hot": "no",
        "priority": "1",
    });
    assert_eq!(
        made(rules, attributes.clone(), Turn::First).unwrap(),
        json!({
            "K__c": "Incident::9", "RecordTypeId": "012", "AccountId": "001",
            "CreatedDate": "2026-07-15T12:00:00Z", "Description": "It <broke>", "IsEscalated": false,
            "LastName": "x", "OwnerId": "005", "Priority": "High", "Subject": "Disk full",
        })
    );
    assert_eq!(made(rules, attributes, Turn::Later).unwrap(), json!({"ParentId": "500"}));
    let empty = json!({"org_id": "0", "parent_incident_id": "0", "start_date": "", "title": null});
    assert_eq!(
        made(rules, empty, Turn::First).unwrap(),
        json!({"K__c": "Incident::9", "RecordTypeId": "012", "LastName": "x"})
    );
}

#[test]
fn each_thing_that_is_wrong_has_its_code() {
    let attributes = json!({
        "title": "twelve signs", "org_id": "4", "start_date": "2026-13-01 00:00:00", "email": "a@b",
        "priority": "9", "count": "many", "hot": "perhaps",
    });
    let rules = BTreeMap::from([
        ("Subject", ("from = 'title'", "too-long Subject: it has 12 characters, 10 fit")),
        (
            "AccountId",
            (
                "from = 'org_id', refers_to = ['Organization']",
                "no-parent AccountId: org_id leads to 4, which is no record of Organization",
            ),
        ),
        (
            "CreatedDate",
            (
                "from = 'start_date', as = 'date_time'",
                "bad-date CreatedDate: it is no date with a time",
            ),
        ),
        ("Email", ("from = 'email', as = 'email'", "bad-email Email: it is no e-mail address")),
        (
            "LastName",
            ("from = 'nothing'", "mandatory LastName: it must have a value, and has none"),
        ),
        ("Number", ("from = 'count', as = 'number'", "bad-value Number: it is no number")),
        ("Hot", ("from = 'hot', as = 'boolean'", "bad-value Hot: it is neither yes nor no")),
        (
            "Status",
            (
                "from = 'priority', values = { 1 = 'High' }",
                "no-value Status: the value '9' of priority has no value here",
            ),
        ),
        (
            "Priority",
            ("constant = 'Low'", "no-value Priority: the org's list does not offer 'Low'"),
        ),
    ]);
    for (field, (rule, says)) in &rules {
        let told = made(&format!("{field} = {{ {rule} }}"), attributes.clone(), Turn::First);
        assert_eq!(told.unwrap_err(), [*says], "{field}");
    }
    // All of it at once, and left empty where the mapping says so.
    let all: Vec<_> =
        rules.iter().map(|(field, (rule, _))| format!("{field} = {{ {rule} }}")).collect();
    assert_eq!(
        made(&all.join("\n"), attributes.clone(), Turn::First).unwrap_err().len(),
        rules.len()
    );
    let account = "AccountId = { from = 'org_id', refers_to = ['Organization'], or_empty = true }";
    assert!(made(account, attributes.clone(), Turn::First).unwrap().get("AccountId").is_none());
    let subject = "Subject = { from = 'title', cut = true }";
    assert_eq!(made(subject, attributes.clone(), Turn::First).unwrap()["Subject"], "twelve si…");
    let subject = "Subject = { from = 'title', or_empty = true }";
    assert!(made(subject, attributes, Turn::First).is_err(), "a text is never left out");
}

#[test]
fn only_what_the_mapping_takes_is_moved_and_audit_fields_only_where_they_may_be_set() {
    let text = "[source]\nurl = 'x'\nzone = 'UTC'\n[[classes]]\nclass = 'Incident'\nobject = 'Case'\nkey = 'K__c'\n\
                where = { status = ['new', 'assigned'] }\n[classes.fields]\n\
                CreatedDate = { from = 'start_date', as = 'date_time' }\n";
    let mapping = parse(text).unwrap();
    let class = mapping.class("Incident").unwrap();
    let of = |status: &str| Object {
        class: "Incident".to_owned(),
        id: 1,
        fields: Map::from_iter([("status".to_owned(), json!(status))]),
        entries: Vec::new(),
    };
    assert!(is_taken(class, &of("new")) && !is_taken(class, &of("closed")));
    assert_eq!(class.rules().count(), 0);
}

proptest! {
    #[test]
    fn no_text_is_longer_than_its_field_and_none_has_blanks_at_its_ends(
        title in "(\\PC|\u{1f600}|é| |\n|\r){0,24}",
    ) {
        let rules = "Subject = { from = 'title', cut = true }\nLastName = { constant = 'x' }";
        let record = made(rules, json!({ "title": title }), Turn::First).unwrap();
        let kept = record.get("Subject").and_then(Value::as_str).unwrap_or_default();
        prop_assert!(kept.encode_utf16().count() <= 10, "{kept:?}");
        prop_assert_eq!(kept, kept.trim());
        prop_assert!(!kept.contains('\r'));
        // What fits is all there.
        let plain = title.replace("\r\n", "\n").replace('\r', "\n");
        if plain.trim().encode_utf16().count() <= 10 && !title.contains('\u{2060}') {
            prop_assert_eq!(kept, plain.trim());
        }
    }

    #[test]
    fn each_moment_that_itop_writes_is_sent_as_that_moment(seconds in 0_i64..4_000_000_000) {
        let zone = ItopZone::named("Europe/Paris").unwrap();
        let time = jiff::Timestamp::from_second(seconds).unwrap();
        let rules = "CreatedDate = { from = 'start_date', as = 'date_time' }\nLastName = { constant = 'x' }";
        let written = zone.write(time);
        let record = made(rules, json!({ "start_date": written }), Turn::First).unwrap();
        let sent: jiff::Timestamp = record["CreatedDate"].as_str().unwrap().parse().unwrap();
        // In the hour that autumn repeats the first pass is taken.
        prop_assert_eq!(zone.write(sent), written);
        prop_assert!(matches!(time.duration_since(sent).as_secs(), 0 | 3600));
    }

    #[test]
    fn no_object_makes_it_panic(value in "\\PC{0,40}") {
        let attributes = json!({
            "title": value, "org_id": value, "start_date": value, "email": value, "count": value,
        });
        let rules = "Subject = { from = 'title', as = 'rich' }\n\
                     AccountId = { from = 'org_id', refers_to = ['Organization'] }\n\
                     CreatedDate = { from = 'start_date', as = 'date_time' }\nDay = { from = 'start_date', as = 'date' }\n\
                     Email = { from = 'email', as = 'email' }\nCount = { from = 'count', as = 'number' }\n\
                     UrlName = { from = 'title', as = 'url_name' }";
        let _ = made(rules, attributes, Turn::First);
    }
}
