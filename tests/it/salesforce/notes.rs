//! Notes on a Case.

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::json;
use servicenav_itop_bridge::{
    desk::{NewNotes, Noted},
    domain::{keys::OrgId, priority::Priority},
};

use super::{Org, marker};

#[tokio::test]
async fn notes_are_internal_comments_of_an_open_case_of_the_account_alone() {
    let org = Org::new().await;
    let case = org.client.create(&org.ticket('a')).await.unwrap().status.key;
    let (b, c) = (marker('b'), marker('c'));
    let account = org.account();
    let long = "ü".repeat(2_500);
    let new = NewNotes {
        ticket: &case,
        org: &account,
        only_if_open: true,
        lines: vec![(&b, "worse"), (&c, &long)],
    };
    assert!(matches!(org.client.note(&new).await.unwrap(), Noted::Added(_)));
    let comments = org.sandbox.records("CaseComment");
    assert_eq!(comments.len(), 3, "4,000 bytes a comment");
    assert!(comments.iter().all(|comment| comment["IsPublished"] == false));
    let asked = [marker('b'), marker('c'), marker('d')];
    assert_eq!(org.client.noted(&case, &asked).await.unwrap(), [b.clone(), c.clone()]);
    let foreign = OrgId::new(org.id("Account", "Clinic of the North"));
    let other = NewNotes { org: &foreign, ..new.clone() };
    assert_eq!(org.client.note(&other).await.unwrap(), Noted::Foreign);
    org.sandbox.change("Case", case.id.as_str(), json!({"Status": "Closed"})).unwrap();
    assert!(matches!(org.client.note(&new).await.unwrap(), Noted::Closed(_)));
    let named = NewNotes { only_if_open: false, lines: vec![(&b, "again")], ..new.clone() };
    assert!(matches!(org.client.note(&named).await.unwrap(), Noted::Added(_)));
    assert_eq!(org.sandbox.records("CaseComment").len(), 4);
    org.sandbox.delete("Case", case.id.as_str()).unwrap();
    assert_eq!(org.client.note(&new).await.unwrap(), Noted::Gone);
}

#[tokio::test]
async fn a_note_whose_answer_was_lost_is_found_by_its_marker() {
    let org = Org::new().await;
    let case = org.client.create(&org.ticket('a')).await.unwrap().status.key;
    let fault = Fault::new(Operation::Create, FaultKind::Cut { after: true }).object("CaseComment");
    org.sandbox.fail(fault.times(1));
    let (b, account) = (marker('b'), org.account());
    let lines = vec![(&b, "worse")];
    let new = NewNotes { ticket: &case, org: &account, only_if_open: true, lines };
    let error = org.client.note(&new).await.unwrap_err();
    assert!(error.may_still_run(), "{error:?}");
    let asked = std::slice::from_ref(&b);
    assert_eq!(org.client.noted(&case, asked).await.unwrap(), asked);
}

#[tokio::test]
async fn a_priority_is_raised_and_never_lowered() {
    let org = Org::new().await;
    let mut ticket = org.ticket('a');
    ticket.priority = Priority::Medium;
    let case = org.client.create(&ticket).await.unwrap().status.key;
    assert_eq!(org.client.raise(&case, Priority::Low).await.unwrap(), None);
    let raised = org.client.raise(&case, Priority::Critical).await.unwrap();
    assert_eq!(raised, Some(Priority::Critical));
    assert_eq!(org.sandbox.records("Case")[0]["Priority"], "High");
    // Critical and high are one value of this org.
    assert_eq!(org.client.raise(&case, Priority::Critical).await.unwrap(), None);
}
