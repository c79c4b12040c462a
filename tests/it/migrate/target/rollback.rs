//! What was made goes, and nothing else does.

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::json;

use super::Move;

#[tokio::test]
async fn a_rollback_leaves_the_org_as_it_was() {
    let move_ = Move::of(40).await;
    // Somebody's CI has the key of one of ours already.
    let server = move_.world.itop.select("SELECT Server").await.unwrap()[3];
    let key = format!("Server::{server}");
    move_
        .org
        .seed("CI__c", json!({"Name": "theirs", "CI_Type__c": "Server", "Itop_Id__c": key}))
        .unwrap();
    let before = move_.dump();
    move_.trial().await;
    move_.done(&["load", "--silent-confirmed", "--bulk-from", "30"]).await;
    assert_ne!(move_.dump(), before);
    for (at, object, kind, times) in [
        (Operation::Delete, "Case", FaultKind::LockRow, 3),
        (Operation::Delete, "Contact", FaultKind::Cut { after: true }, 1),
        (Operation::Delete, "Account", FaultKind::Html { status: 503, after: false }, 1),
        (Operation::Delete, "ContentDocument", FaultKind::Cut { after: true }, 1),
    ] {
        move_.org.fail(Fault::new(at, kind).object(object).times(times));
    }
    move_.done(&["rollback", "--yes"]).await;
    assert_eq!(move_.dump(), before);
    // A load after it begins anew.
    move_.done(&["load"]).await;
    assert_eq!(move_.verified(&[]).await["is_sound"], true);
    move_.done(&["rollback", "--yes"]).await;
    assert_eq!(move_.dump(), before);
    move_.finish().await;
}

#[tokio::test]
async fn what_others_have_hung_something_on_stays_with_what_it_refers_to() {
    let move_ = Move::of(40).await;
    let before = move_.dump();
    move_.trial().await;
    move_.done(&["load", "--silent-confirmed"]).await;
    let accounts = move_.keyed("Account", "Organization");
    let account = accounts["Organization::5004"]["Id"].clone();
    let theirs =
        move_.org.seed("Contact", json!({"LastName": "Theirs", "AccountId": account})).unwrap();
    let cases = move_.keyed("Case", "Incident");
    let of_acme = &accounts["Organization::5002"]["Id"];
    let case = cases.values().find(|case| case["AccountId"] == *of_acme).unwrap();
    let (case, contact) = (case["Id"].clone(), case["ContactId"].clone());
    let comment = json!({"ParentId": case, "CommentBody": "of an agent"});
    let comment = move_.org.seed("CaseComment", comment).unwrap();
    // One of our files hangs on somebody else's account as well.
    let link = move_.org.records("ContentDocumentLink").into_iter().find(|link| {
        link["LinkedEntityId"].as_str().unwrap().starts_with("500")
            && link["LinkedEntityId"] != case
    });
    let document = link.unwrap()["ContentDocumentId"].clone();
    let other = before["Account"][0]["Id"].clone();
    let shared = json!({"ContentDocumentId": document, "LinkedEntityId": other, "ShareType": "V"});
    move_.org.seed("ContentDocumentLink", shared).unwrap();

    let told = move_.refused(&["rollback", "--yes"]).await;
    assert!(told.contains("Organization::5004: the Contact"), "{told}");
    assert!(told.contains("it is shared with others"), "{told}");
    // The account with their contact; the Case with their comment, with its account and contact.
    let ids = |object: &str| -> Vec<_> {
        move_.org.records(object).into_iter().map(|record| record["Id"].clone()).collect()
    };
    assert!(ids("Account").contains(&account) && ids("Account").contains(of_acme));
    assert_eq!(ids("Case"), std::slice::from_ref(&case));
    assert!(ids("Contact").contains(&contact) && ids("Contact").contains(&json!(theirs)));
    assert!(ids("ContentDocument").contains(&document));
    assert!(!move_.keyed("Account", "Organization").contains_key("Organization::5005"));

    // They take back what is theirs: the rest goes.
    move_.org.delete("Contact", &theirs).unwrap();
    move_.org.delete("CaseComment", &comment).unwrap();
    let link = move_
        .org
        .records("ContentDocumentLink")
        .into_iter()
        .find(|link| link["ContentDocumentId"] == document && link["LinkedEntityId"] == other);
    move_.org.delete("ContentDocumentLink", link.unwrap()["Id"].as_str().unwrap()).unwrap();
    move_.done(&["rollback", "--yes"]).await;
    assert_eq!(move_.dump(), before);
    move_.finish().await;
}
