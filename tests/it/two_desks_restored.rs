//! A backup is restored that knows neither what was delivered after it nor where companies were then.

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::{Value, json};
use servicenav_itop_bridge::store;

use crate::{
    two_desks::{Both, ended, of_bakery},
    world::{ACKNOWLEDGEMENTS, event, with},
};

impl Both {
    async fn backup(&self, to: &std::path::Path) {
        let (from, to) = (self.world.database(), to.to_owned());
        tokio::task::spawn_blocking(move || store::backup(&from, &to)).await.unwrap().unwrap();
    }

    async fn restore(&mut self, copy: &std::path::Path) {
        self.world.stop_bridge().await;
        store::restore(copy, &self.world.database(), self.world.clock.now()).unwrap();
        self.world.start_bridge().await;
    }

    /// Posts an event, whatever comes of it; the id of its row.
    pub async fn posted(&self, event: &Value) -> Value {
        let answer = self.world.post(ACKNOWLEDGEMENTS, event).await;
        assert!((200..300).contains(&answer.status), "{}", answer.text);
        answer.body["id"].clone()
    }
}

/// Another acknowledgement of the control of the first one.
fn another_of_a(key: &str) -> Value {
    with(of_bakery(key), "/control/id", json!("control-a"))
}

#[tokio::test]
async fn what_was_delivered_after_the_backup_is_found_again_whatever_comes_first() {
    let mut both = Both::start().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    // One is in the backup, and waits there.
    both.salesforce.fail(Fault::new(Operation::Create, FaultKind::LockRow).object("Case").times(1));
    let waiting = both.posted(&of_bakery("waits")).await;
    both.world
        .until("it waits", async || (both.row(&waiting).await["attempts"] == 1).then_some(()))
        .await;
    both.backup(&copy).await;
    ended(&both, &waiting, "created").await;
    both.world.acknowledge(&of_bakery("a")).await.expect(201);
    both.world.acknowledge(&another_of_a("noted")).await.expect(200);
    both.world.acknowledge(&event("itop")).await.expect(201);
    both.restore(&copy).await;
    // The note is posted before the Case on which it stands is known again.
    let mut rows = Vec::new();
    for event in [another_of_a("noted"), of_bakery("a"), event("itop")] {
        rows.push(both.posted(&event).await);
    }
    ended(&both, &waiting, "created").await;
    let noted = ended(&both, &rows[0], "reused").await;
    let case = ended(&both, &rows[1], "created").await;
    ended(&both, &rows[2], "created").await;
    assert_eq!(noted["ticket"], case["ticket"]);
    assert_eq!(both.tickets().await, (1, 2));
    assert_eq!(both.salesforce.records("CaseComment").len(), 1);
    both.finish().await;
}

#[tokio::test]
async fn a_company_that_had_moved_after_the_backup_gets_nothing_twice() {
    let mut both = Both::start().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    both.backup(&copy).await;
    let clinic =
        json!({"desk": "salesforce", "organization": "Clinic of the North", "team": "Network"});
    both.world.link(42, clinic).await;
    both.world.link(7, json!({"organization": "Demo", "team": "Helpdesk"})).await;
    let mut of_demo = of_bakery("demo");
    of_demo["company"] = json!({"id": 42, "name": "Demo"});
    let first = both.world.acknowledge(&of_demo).await.expect(201);
    let second = both.world.acknowledge(&of_bakery("bakery")).await.expect(201);
    assert_eq!(
        (&first["ticket"]["class"], &second["ticket"]["class"]),
        (&json!("Case"), &json!("Incident"))
    );
    // The links are those of the backup again.
    both.restore(&copy).await;
    for (event, before) in [(of_demo, first), (of_bakery("bakery"), second)] {
        let id = both.posted(&event).await;
        let row = ended(&both, &id, "created").await;
        assert_eq!(row["ticket"]["ref"], before["ticket"]["ref"]);
    }
    assert_eq!(both.tickets().await, (1, 1));
    both.finish().await;
}

#[tokio::test]
async fn a_refusal_fails_no_row_while_nobody_can_tell_whether_its_case_is_there() {
    let both = Both::start().await;
    let refuse = FaultKind::Refuse {
        status: 400,
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "not now".to_owned(),
    };
    let cut = FaultKind::Cut { after: true };
    both.salesforce.fail(Fault::new(Operation::Create, cut.clone()).object("Case").times(1));
    // The second time a rule of the org objects before the unique field does.
    both.salesforce.fail(Fault::new(Operation::Create, refuse).object("Case").skip(1).times(1));
    // Each create reads as well.
    both.salesforce.fail(Fault::new(Operation::Read, cut).object("Case").skip(2).times(1));
    let id = both.posted(&of_bakery("a")).await;
    let row = ended(&both, &id, "created").await;
    assert_eq!(both.cases().len(), 1, "{row}");
    both.finish().await;
}
