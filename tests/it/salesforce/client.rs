//! Cases: made once, read, found, and nothing of another Account.

use std::time::Duration;

use salesforce_sandbox::{DuplicateSaid, Fault, FaultKind, Operation, Options, Switches};
use serde_json::json;
use servicenav_itop_bridge::{
    domain::{
        keys::{ObjectId, TicketId},
        new_ticket::{Chosen, RefKind},
        priority::Priority,
    },
    gate::Reason,
    salesforce::{CiObject, Error, ServiceObject},
};

use super::{Org, marker};

#[tokio::test]
async fn a_ticket_becomes_one_case_with_all_that_it_names() {
    let org = Org::with(Options::default(), |section| {
        section.origin = Some("Web".to_owned());
        section.record_type = Some("Incident".to_owned());
    })
    .await;
    let mut ticket = org.ticket('a');
    ticket.refs.contact = Some(Chosen::Email("jean.dubois@example.com".to_owned()));
    ticket.refs.service = Some(org.key("Entitlement", "Network Bakery Dubois"));
    ticket.refs.ci = Some(Chosen::Name("srv-par-01".to_owned()));
    ticket.refs.service_element = Some(Chosen::Name("none has any".to_owned()));
    ticket.fields.insert("Type".to_owned(), "Other".to_owned());
    let made = org.client.create(&ticket).await.unwrap();
    assert_eq!(made.dropped, [RefKind::ServiceElement]);
    let cases = org.sandbox.records("Case");
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    for (field, expected) in [
        ("Subject", json!("Disk C: 97% used")),
        ("Description", json!("Disk C: 97% used\nsince 8:00")),
        ("Priority", json!("High")),
        ("Origin", json!("Web")),
        ("Type", json!("Other")),
        ("RecordTypeId", json!(org.id("RecordType", "Incident"))),
        ("OwnerId", json!(org.id("Group", "First line"))),
        ("AccountId", json!(org.account())),
        ("ContactId", json!(org.id("Contact", "Jean Dubois"))),
        ("EntitlementId", json!(org.id("Entitlement", "Network Bakery Dubois"))),
        ("CI__c", json!(org.id("CI__c", "srv-par-01"))),
        ("Bridge_Ack__c", json!("a".repeat(32))),
    ] {
        assert_eq!(case[field], expected, "{field}");
    }
    let status = made.status;
    assert_eq!(status.key.class, "Case");
    assert_eq!(json!(status.key.id), case["Id"]);
    assert_eq!(json!(status.number), case["CaseNumber"]);
    assert_eq!((status.status.as_str(), status.operational_status.as_str()), ("New", "ongoing"));
    assert_eq!((status.team.as_deref(), status.agent), (Some("First line"), None));
    assert_eq!((status.priority, &status.org), (Some(Priority::High), &org.account()));
    assert!(status.started.is_some() && status.last_update.is_some());
    let address = org.client.address(&status.key);
    assert_eq!(address, format!("{}{}", org.client.instance().unwrap(), status.key.id));
    let (used, most) = org.client.usage().unwrap();
    assert!(used > 0 && most == 100_000, "{used} of {most}");
    // The second time there is one already, and it is found by its marker and by its number.
    assert_eq!(org.client.create(&ticket).await, Err(Error::DuplicateValue));
    let found = org.client.by_ack(&ticket.marker).await.unwrap().unwrap();
    assert_eq!(found.key, status.key);
    assert_eq!(org.client.by_number(&status.number).await.unwrap()[0].key, status.key);
    assert_eq!(org.client.by_ack(&marker('b')).await, Ok(None));
    assert_eq!(org.sandbox.records("Case").len(), 1);
}

#[tokio::test]
async fn an_assignment_rule_of_the_org_does_not_take_the_case_away() {
    let options = Options { assignment_rule: Some("Network".to_owned()), ..Options::default() };
    let org = Org::with(options, |_| {}).await;
    let made = org.client.create(&org.ticket('a')).await.unwrap();
    assert_eq!(made.status.team.as_deref(), Some("First line"));
}

#[tokio::test]
async fn nothing_of_another_account_gets_into_a_case() {
    let org = Org::with(Options::default(), |section| section.ci = CiObject::Asset).await;
    for (kind, chosen) in [
        (RefKind::Contact, org.key("Contact", "Anne Weber")),
        (RefKind::Contact, Chosen::Email("anne.weber@example.com".to_owned())),
        (RefKind::Service, org.key("Entitlement", "Network Clinic of the North")),
        (RefKind::Ci, org.key("Asset", "Network Clinic of the North")),
        (RefKind::Ci, Chosen::Name("Network Clinic of the North".to_owned())),
        (RefKind::Ci, Chosen::Key { id: ObjectId::new("42"), name: String::new() }),
        (RefKind::Team, Chosen::Name("Everybody".to_owned())),
    ] {
        let mut ticket = org.ticket('a');
        match kind {
            RefKind::Contact => ticket.refs.contact = Some(chosen),
            RefKind::Service => ticket.refs.service = Some(chosen),
            RefKind::Team => ticket.refs.team = chosen,
            _ => ticket.refs.ci = Some(chosen),
        }
        let error = org.client.create(&ticket).await.unwrap_err();
        assert_eq!(error, Error::Reference { kind, found: 0 }, "{:?}", ticket.refs);
        assert_eq!(error.refused_ref(), Some(kind));
    }
    assert!(org.sandbox.records("Case").is_empty());
}

#[tokio::test]
async fn two_of_one_name_are_not_taken_for_one() {
    let org = Org::new().await;
    let account = org.account();
    for _ in 0..2 {
        let twin = json!({"LastName": "Twin", "FirstName": "Any", "AccountId": account});
        org.sandbox.seed("Contact", twin).unwrap();
    }
    let mut ticket = org.ticket('a');
    ticket.refs.contact = Some(Chosen::Name("Any Twin".to_owned()));
    let error = org.client.create(&ticket).await.unwrap_err();
    assert_eq!(error, Error::Reference { kind: RefKind::Contact, found: 2 });
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_makes_no_second_case() {
    for kind in [
        FaultKind::Cut { after: true },
        FaultKind::Html { status: 503, after: true },
        FaultKind::Truncated,
    ] {
        let org = Org::new().await;
        org.sandbox.fail(Fault::new(Operation::Create, kind.clone()).times(1));
        let error = org.client.create(&org.ticket('a')).await.unwrap_err();
        assert!(error.may_still_run() && !error.had_no_effect(), "{kind:?}: {error:?}");
        assert_eq!(org.client.create(&org.ticket('a')).await, Err(Error::DuplicateValue));
        assert!(org.client.by_ack(&marker('a')).await.unwrap().is_some());
        assert_eq!(org.sandbox.records("Case").len(), 1);
    }
}

#[tokio::test]
async fn a_duplicate_is_one_whatever_its_message_says() {
    for duplicate in [DuplicateSaid::Short, DuplicateSaid::Long, DuplicateSaid::Unknown] {
        let switches = Switches { duplicate, ..Switches::default() };
        let org = Org::with(Options { switches, ..Options::default() }, |_| {}).await;
        org.client.create(&org.ticket('a')).await.unwrap();
        assert_eq!(org.client.create(&org.ticket('a')).await, Err(Error::DuplicateValue));
    }
    // It hits, and there is nothing to read: whoever asks decides how often.
    let org = Org::new().await;
    let made = org.client.create(&org.ticket('a')).await.unwrap();
    org.sandbox.hide("Case", made.status.key.id.as_str(), true).unwrap();
    assert_eq!(org.client.create(&org.ticket('a')).await, Err(Error::DuplicateValue));
    assert_eq!(org.client.by_ack(&marker('a')).await, Ok(None));
}

#[tokio::test]
async fn what_is_in_the_way_is_told_by_what_has_to_be_done() {
    let org = Org::new().await;
    let after = |kind: FaultKind| {
        org.sandbox.clear_faults();
        org.sandbox.fail(Fault::new(Operation::Create, kind).times(1));
    };
    after(FaultKind::LockRow);
    let error = org.client.create(&org.ticket('a')).await.unwrap_err();
    assert!(error.is_passing() && error.had_no_effect(), "{error:?}");
    after(FaultKind::StorageLimit);
    let error = org.client.create(&org.ticket('a')).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::StorageLimit), "{error:?}");
    org.sandbox.set_usage(100_000, 100_000);
    after(FaultKind::RequestLimit);
    let error = org.client.create(&org.ticket('a')).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::RequestLimit), "{error:?}");
    assert!(org.sandbox.records("Case").is_empty());
}

#[tokio::test]
async fn ten_thousand_statuses_are_five_calls() {
    let org = Org::new().await;
    let made = org.client.create(&org.ticket('a')).await.unwrap().status;
    org.sandbox.change("Case", made.key.id.as_str(), json!({"Status": "Closed"})).unwrap();
    org.sandbox.forget_requests();
    let mut ids: Vec<_> = (0..9_998).map(|n| TicketId::new(format!("500000000{n:06}"))).collect();
    ids.insert(5_000, made.key.id.clone());
    // One of another desk has no effect on the others.
    ids.push(TicketId::new("42"));
    let statuses = org.client.statuses(&ids).await.unwrap();
    assert_eq!(statuses.len(), 10_000);
    let there: Vec<_> = statuses.iter().flatten().collect();
    assert_eq!(there.len(), 1);
    assert_eq!(statuses[5_000].as_ref().unwrap().operational_status, "closed");
    assert_eq!(org.sandbox.requests().len(), 5);
}

#[tokio::test]
async fn what_nobody_waits_for_is_slowed_when_most_requests_are_used_up() {
    let org = Org::new().await;
    org.sandbox.set_usage(95_000, 100_000);
    org.client.ping().await.unwrap();
    let ids = [TicketId::new("500000000000000")];
    let waits = tokio::time::timeout(Duration::from_millis(100), org.client.statuses(&ids)).await;
    assert!(waits.is_err(), "it waits for sixteen seconds");
    // A delivery does not.
    assert_eq!(org.client.current(&ids[0]).await, Ok(None));
    let (clock, client) = (org.clock.clone(), org.client.clone());
    let reading = tokio::spawn(async move { client.statuses(&ids).await });
    while !reading.is_finished() {
        clock.advance(Duration::from_secs(20));
        tokio::task::yield_now().await;
    }
    assert_eq!(reading.await.unwrap(), Ok(vec![None]));
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let org = Org::with(Options::default(), |section| {
        section.service = ServiceObject::Product;
        section.companies = Some("Name != 'Empty & Sons <Ltd>'".to_owned());
    })
    .await;
    for n in 0..2_100 {
        let contact = json!({"LastName": format!("L{n}"), "AccountId": org.account()});
        org.sandbox.seed("Contact", contact).unwrap();
    }
    let companies = org.client.companies().await.unwrap();
    let names: Vec<_> = companies.iter().map(|company| company.name.as_str()).collect();
    assert_eq!(names, ["Bakery Dubois", "Clinic of the North", "Harbour Logistics"]);
    assert!(org.client.company_exists(&org.account()).await.unwrap());
    let teams = org.client.teams().await.unwrap();
    let names: Vec<_> = teams.iter().map(|team| team.name.as_str()).collect();
    assert_eq!(names, ["First line", "Network", "Systems"]);
    assert_eq!(org.client.contacts(&org.account()).await.unwrap().len(), 2_102);
    assert_eq!(org.client.services(&org.account()).await.unwrap().len(), 3);
    let cis = org.client.cis(&org.account()).await.unwrap();
    let cis: Vec<_> = cis.iter().map(|ci| (ci.name.to_owned(), ci.class.to_owned())).collect();
    assert_eq!(cis[0], ("srv-par-01".to_owned(), "Server".to_owned()));
    assert_eq!(cis.len(), 3);
    let id = ObjectId::new(org.id("CI__c", "srv-par-02"));
    let names = ["srv-par-01", "SRV-PAR-03", "srv-lil-01"];
    let called = org.client.cis_called(&org.account(), &[id], &names).await.unwrap();
    let called: Vec<_> = called.iter().map(|ci| ci.name.to_owned()).collect();
    assert_eq!(called, ["srv-par-01", "srv-par-02", "srv-par-03"], "and none of another Account");
    assert!(org.client.cis_called(&org.account(), &[], &[]).await.unwrap().is_empty());
}
