//! What changes after the load comes too; what somebody has changed in the org since stays.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::{Value, json};

use super::Move;

impl Move {
    async fn loaded(tickets: usize) -> Self {
        let move_ = Self::of(tickets).await;
        move_.trial().await;
        move_.done(&["load", "--silent-confirmed", "--settled-after", "0"]).await;
        move_
    }

    /// The ids of the tickets in iTop.
    async fn incidents(&self) -> Vec<u64> {
        let ids = self.world.itop.select("SELECT Incident").await.unwrap();
        ids.into_iter().map(|id| u64::try_from(id).unwrap()).collect()
    }

    fn case(&self, incident: u64) -> Value {
        self.keyed("Case", "Incident")[&format!("Incident::{incident}")].clone()
    }

    fn agent_edits(&self, incident: u64, fields: Value) {
        let id = self.case(incident)["Id"].as_str().unwrap().to_owned();
        self.org.change("Case", &id, fields).unwrap();
    }

    /// The words of a delta.
    fn delta(&self) -> Vec<&str> {
        self.as_admin(&["delta", "--settled-after", "0"])
    }

    /// What stands in a list of the report.
    fn told(&self, list: &str) -> Value {
        let report = std::fs::read_to_string(self.folder().join("delta.json")).unwrap();
        serde_json::from_str::<Value>(&report).unwrap()[list].clone()
    }

    /// Some tickets change in iTop, one is new, and a person is called otherwise.
    async fn itop_goes_on(&self) {
        let world = &self.world;
        let ids = self.incidents().await;
        world.itop_changes("Incident", ids[0], json!({"title": "Disk 0 is nearly full"})).await;
        world.itop_changes("Incident", ids[1], json!({"caller_id": 0, "urgency": "1"})).await;
        let line = json!({"add_item": {"message": "it goes on", "format": "text"}});
        world.itop_changes("Incident", ids[2], json!({"private_log": line})).await;
        world.itop_changes("Person", 601, json!({"first_name": "Renamed"})).await;
        let new = json!({"org_id": 5002, "caller_id": 608, "title": "A new one", "description": "<p>new</p>",
                         "private_log": {"add_item": {"message": "seen", "format": "text"}}});
        world.itop_creates("Incident", new).await;
        let newest = *self.incidents().await.last().unwrap();
        let contents = json!({"data": BASE64_STANDARD.encode("a new photo"), "mimetype": "image/jpeg",
                              "filename": "new.jpg"});
        let attachment = json!({"item_class": "Incident", "item_id": newest, "item_org_id": 5002,
                                "contents": contents});
        world.itop.create("Attachment", attachment).await.unwrap();
    }
}

#[tokio::test]
async fn what_changes_after_the_load_comes_too() {
    let move_ = Move::loaded(20).await;
    let comments = move_.org.records("CaseComment").len();
    move_.itop_goes_on().await;
    let ids = move_.incidents().await;
    let gone = ids[5];
    move_.world.itop.delete("Incident", i64::try_from(gone).unwrap()).await.unwrap();
    // The answer to the first change gets lost, somebody is in the way of the next ones.
    move_.org.fail(
        Fault::new(Operation::Update, FaultKind::Cut { after: true }).object("Case").times(1),
    );
    move_.org.fail(Fault::new(Operation::Update, FaultKind::LockRow).object("Contact").times(2));
    let told = move_.done(&move_.delta()).await;
    assert!(told.contains("2 comments and 1 files are new"), "{told}");

    assert_eq!(move_.case(ids[0])["Subject"], "Disk 0 is nearly full");
    let second = move_.case(ids[1]);
    assert_eq!(
        (&second["ContactId"], &second["Priority"]),
        (&Value::Null, &json!("High")),
        "{second}"
    );
    assert_eq!(move_.case(*ids.last().unwrap())["Subject"], "A new one");
    assert_eq!(move_.keyed("Contact", "Person")["Person::601"]["FirstName"], "Renamed");
    let now = move_.org.records("CaseComment");
    assert_eq!(now.len(), comments + 2);
    assert!(now.iter().any(|of| of["CommentBody"].as_str().unwrap().ends_with("it goes on")));
    // What iTop no longer has is named, and stays.
    assert_eq!(move_.told("deleted")[0]["of"], format!("Incident::{gone}"));
    assert_eq!(move_.case(gone)["Subject"], "Disk 5 is full");
    assert_eq!(move_.told("left"), json!([]));
    let report = move_.verified(&[]).await;
    assert_eq!(
        (&report["is_sound"], &report["differences"]),
        (&json!(true), &json!([])),
        "{report}"
    );

    // The same once more changes nothing.
    let before = move_.dump();
    move_.org.forget_requests();
    move_.done(&move_.delta()).await;
    assert_eq!(move_.writes(), Vec::<String>::new());
    assert_eq!(move_.dump(), before);
    move_.finish().await;
}

#[tokio::test]
async fn what_somebody_has_changed_there_since_stays_and_is_named() {
    let move_ = Move::loaded(6).await;
    let ids = move_.incidents().await;
    move_.agent_edits(ids[0], json!({"Subject": "Renamed by an agent"}));
    move_.agent_edits(ids[1], json!({"Subject": "Only there"}));
    let new = json!({"title": "Renamed in iTop", "urgency": "1"});
    move_.world.itop_changes("Incident", ids[0], new).await;
    let told = move_.done(&move_.delta()).await;
    assert!(
        told.contains("'Renamed by an agent' stands there, iTop has 'Renamed in iTop' now"),
        "{told}"
    );
    let first = move_.case(ids[0]);
    // What else has changed of it comes all the same.
    assert_eq!(
        (&first["Subject"], &first["Priority"]),
        (&json!("Renamed by an agent"), &json!("High"))
    );
    assert_eq!(move_.case(ids[1])["Subject"], "Only there");
    let left = move_.told("left");
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert_eq!((&left[0]["field"], &left[0]["code"]), (&json!("Subject"), &json!("edited-since")));
    // The report for the customer has both, and says of the one why.
    let report = move_.verified(&[]).await;
    assert_eq!(report["differences"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(report["failed"][0]["code"], "edited-since", "{report}");
    // It is named as long as it is so.
    move_.agent_edits(ids[0], json!({"Subject": "Renamed in iTop"}));
    move_.done(&move_.delta()).await;
    assert_eq!(move_.told("left"), json!([]));
    assert_eq!(move_.verified(&[]).await["failed"], json!([]));
    move_.finish().await;
}

#[tokio::test]
async fn a_delta_that_is_killed_goes_on_and_brings_nothing_twice() {
    let move_ = Move::loaded(20).await;
    move_.itop_goes_on().await;
    let slow = FaultKind::Slow { before_ms: 0, after_ms: 30 };
    for at in [Operation::Create, Operation::Update] {
        move_.org.fail(Fault::new(at, slow.clone()));
    }
    let words = move_.delta();
    for event in ["read", "class", "rows", "commented", "file", "changes", "looked_at"] {
        let seen = AtomicUsize::new(0);
        move_
            .killed(&words, move |said| {
                said["event"] == event
                    && seen.fetch_add(1, Relaxed) == usize::from(event == "looked_at")
            })
            .await;
    }
    move_.org.clear_faults();
    move_.done(&words).await;
    assert_eq!(move_.org.records("Case").len(), 21);
    assert_eq!(move_.case(move_.incidents().await[0])["Subject"], "Disk 0 is nearly full");
    let report = move_.verified(&[]).await;
    assert_eq!(
        (&report["is_sound"], &report["differences"]),
        (&json!(true), &json!([])),
        "{report}"
    );
    move_.done(&["rollback", "--yes"]).await;
    assert!(move_.keyed("Case", "Incident").is_empty());
    move_.finish().await;
}
