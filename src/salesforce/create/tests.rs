//! What is sent, beside the examples.

use std::collections::BTreeMap;

use super::*;
use crate::{
    domain::{
        keys::{ObjectId, OrgId},
        marker::Marker,
        new_ticket::{Chosen, Refs},
        priority::Priority,
    },
    salesforce::{answer, examples},
};

/// A ticket without anything that it may have.
pub(in crate::salesforce) fn ticket() -> NewTicket {
    let id = ObjectId::new("00GD000000IRFmaIAH".to_owned());
    NewTicket {
        org: OrgId::new("001D000000IRFmaIAH".to_owned()),
        refs: Refs {
            team: Chosen::Key { id, name: "N1".to_owned() },
            contact: None,
            service: None,
            service_element: None,
            ci: None,
        },
        title: "Disk C: 97% used".to_owned(),
        description: "<p>Disk <b>C:</b> 97&nbsp;% used</p>".to_owned(),
        priority: Priority::Critical,
        started_at: "2026-11-27T08:00:00Z".parse().unwrap(),
        fields: BTreeMap::new(),
        marker: Marker::from_digits("aae0591fea694d087277b48cb0ba6cf5").unwrap(),
    }
}

fn owner() -> Found {
    vec![("OwnerId".to_owned(), "00GD000000IRFmaIAH".to_owned())]
}

#[test]
fn the_request_has_the_form_of_the_example() {
    let example = examples::file("11-composite-create-and-read");
    let fields = fields(&ticket(), &Mapping::default(), owner(), None);
    let sent = composite(&fields, &Mapping::default(), "67.0");
    let mut expected = example["request"]["body"].clone();
    expected["compositeRequest"][0]["body"] = json!(fields);
    let read = &sent["compositeRequest"][1]["url"];
    assert!(
        read.as_str().unwrap().starts_with("/services/data/v67.0/sobjects/Case/@{c.id}?fields=Id,")
    );
    expected["compositeRequest"][1]["url"] = read.clone();
    assert_eq!(sent, expected);
    let allowed = Mapping { allow_duplicates: true, ..Mapping::default() };
    let sent = composite(&fields, &allowed, "67.0");
    let headers = &sent["compositeRequest"][0]["httpHeaders"];
    assert_eq!(headers["Sforce-Duplicate-Rule-Header"], "allowSave=true");
}

#[test]
fn a_ticket_becomes_the_fields_of_a_case() {
    let mut ticket = ticket();
    ticket.fields.insert("Reason".to_owned(), " Breakdown ".to_owned());
    ticket.fields.insert("Empty__c".to_owned(), String::new());
    ticket.fields.insert("Subject".to_owned(), "of a template".to_owned());
    let mapping = Mapping { origin: Some("Web".to_owned()), ..Mapping::default() };
    let record_type = Some("012000000000000AAA");
    let fields = fields(&ticket, &mapping, owner(), record_type);
    let expected = json!({
        "Reason": "Breakdown",
        "Subject": "Disk C: 97% used",
        "Description": "Disk C: 97 % used",
        "Priority": "High",
        "Origin": "Web",
        "RecordTypeId": "012000000000000AAA",
        "AccountId": "001D000000IRFmaIAH",
        "OwnerId": "00GD000000IRFmaIAH",
        "Bridge_Ack__c": "aae0591fea694d087277b48cb0ba6cf5",
    });
    assert_eq!(Value::Object(fields), expected);
}

#[test]
fn subject_and_description_keep_their_limits() {
    let mut ticket = ticket();
    ticket.title = "ä".repeat(300);
    ticket.description = format!("<p>{}</p>", "ä".repeat(40_000));
    let fields = fields(&ticket, &Mapping::default(), owner(), None);
    assert_eq!(fields["Subject"].as_str().unwrap().chars().count(), 255);
    let description = fields["Description"].as_str().unwrap();
    assert!(
        description.len() <= 32_000 && description.len() > 31_900 && description.ends_with('…')
    );
}

#[test]
fn what_no_case_has_is_told() {
    let mut ticket = ticket();
    let named = Some(Chosen::Name("x".to_owned()));
    (ticket.refs.service, ticket.refs.service_element) = (named.clone(), named.clone());
    ticket.refs.ci = named;
    assert_eq!(dropped(&ticket, &Mapping::default()), [RefKind::ServiceElement]);
}

#[test]
fn a_duplicate_and_its_halted_read_are_told_apart() {
    let json =
        answer::read(&examples::example("12-composite-create-duplicate"), answer::Known::default());
    let mut composite = Composite::of(json.unwrap()).unwrap();
    let [made, read] = [MADE, READ].map(|name| composite.part(name).unwrap());
    let of = |part: &super::super::references::Part| {
        answer::of_part(part.http_status_code, &part.body, answer::Known::default(), &str::to_owned)
    };
    assert_eq!(of(&made), Some(Error::DuplicateValue));
    assert!(
        matches!(of(&read), Some(Error::Refused(Refusal { code, .. })) if code == "PROCESSING_HALTED")
    );
    let json =
        answer::read(&examples::example("11-composite-create-and-read"), answer::Known::default());
    let mut composite = Composite::of(json.unwrap()).unwrap();
    assert_eq!(composite.part(MADE).unwrap().body["id"], "500xx000000aB1CAAU");
    assert!(composite.part("x").is_err());
}

#[test]
fn a_field_tells_which_reference_is_refused() {
    let refused = |code: &str, field: &str| {
        about_references(
            Error::Refused(Refusal {
                status: 400,
                code: code.to_owned(),
                fields: vec![field.to_owned()],
                message: String::new(),
                kind: None,
            }),
            &Mapping::default(),
        )
        .refused_ref()
    };
    let key = "INVALID_CROSS_REFERENCE_KEY";
    assert_eq!(refused(key, "AccountId"), Some(RefKind::Company));
    assert_eq!(refused(key, "OwnerId"), Some(RefKind::Team));
    assert_eq!(refused(key, "EntitlementId"), Some(RefKind::Service));
    assert_eq!(refused(key, "CI__c"), Some(RefKind::Ci));
    assert_eq!(refused(key, "AssetId"), None, "no CI is an asset here");
    assert_eq!(refused("STRING_TOO_LONG", "AccountId"), None);
}
