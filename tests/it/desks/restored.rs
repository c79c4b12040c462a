//! A backup that was restored, which does not know what was done after it in either ticket system.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind};
use salesforce_sandbox::Operation;
use serde_json::{Value, json};
use servicenav_itop_bridge::{config::Config, store};

use super::{Desks, of_bakery};
use crate::world::{ACKNOWLEDGEMENTS, event, with};

/// Delivers after a backup what that holds as waiting, restores it, and starts again.
async fn delivered_then_restored(desks: &mut Desks, waiting: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    store::backup(&desks.world.database(), &copy).unwrap();
    desks.salesforce.clear_faults();
    desks.world.itop.faults().clear();
    for id in waiting {
        desks
            .world
            .until("it is delivered", async || {
                desks.world.clock.advance(Duration::from_secs(30));
                let state = desks.row(id).await["state"].clone();
                (state == "created" || state == "reused").then_some(())
            })
            .await;
    }
    desks.world.stop_bridge().await;
    store::restore(&copy, &desks.world.database(), desks.world.clock.now()).unwrap();
    desks.world.start_bridge().await;
}

/// What is posted while these desks take nothing; it waits in the inbox.
async fn waiting(desks: &Desks, events: &[Value], closed: &[&str]) -> Vec<Value> {
    let limit = salesforce_sandbox::FaultKind::RequestLimit;
    desks.salesforce.fail(salesforce_sandbox::Fault::new(Operation::Any, limit));
    desks.world.itop.faults().switch_on(Fault::new(FaultKind::Maintenance));
    let mut ids = Vec::new();
    for event in events {
        let posted = desks.world.post(ACKNOWLEDGEMENTS, event).await.expect(202);
        ids.push(posted["id"].clone());
    }
    desks
        .world
        .until("their gates are closed", async || {
            let ready = desks.world.get("/readyz").await.expect(200);
            let desks = ready["desks"].as_array().unwrap();
            let is_closed = |desk: &&Value| desk["gate"]["state"] == "closed";
            let all: Vec<_> = desks.iter().filter(is_closed).map(|desk| &desk["desk"]).collect();
            (all == closed).then_some(())
        })
        .await;
    ids
}

async fn world(change: impl FnOnce(&mut Config)) -> Desks {
    let desks = Desks::with(change).await;
    desks.link_bakery().await;
    let first = desks.world.acknowledge(&of_bakery("first")).await.expect(201);
    assert_eq!(first["state"], "created");
    desks
}

/// One that becomes a Case, and one that becomes a note on the first.
fn of_salesforce() -> [Value; 2] {
    [of_bakery("new"), with(of_bakery("note"), "/control/id", json!("control-first"))]
}

#[tokio::test]
async fn each_desk_finds_what_it_made_after_the_backup_and_makes_nothing_twice() {
    let mut desks = world(|_| {}).await;
    desks.world.link_demo().await;
    let [new, note] = of_salesforce();
    let ids = waiting(&desks, &[new, note, event("itop")], &["itop", "salesforce"]).await;
    delivered_then_restored(&mut desks, &ids).await;
    for (id, state) in ids.iter().zip(["created", "reused", "created"]) {
        desks.until(id, state).await;
    }
    assert_eq!((desks.cases().len(), desks.salesforce.records("CaseComment").len()), (2, 1));
    assert_eq!(desks.tickets_of_itop().await, 1);
    desks.finish().await;
}

#[tokio::test]
async fn after_a_restore_rows_of_salesforce_wait_for_no_itop() {
    let mut desks = world(|_| {}).await;
    let ids = waiting(&desks, &of_salesforce(), &["salesforce"]).await;
    delivered_then_restored(&mut desks, &ids).await;
    // iTop is away from the first moment on.
    desks.world.itop.faults().switch_on(Fault::new(FaultKind::Maintenance));
    for (id, state) in ids.iter().zip(["created", "reused"]) {
        desks.until(id, state).await;
    }
    assert_eq!((desks.cases().len(), desks.salesforce.records("CaseComment").len()), (2, 1));
    desks.world.itop.faults().clear();
    desks.finish().await;
}

#[tokio::test]
async fn after_a_restore_salesforce_alone_finds_what_it_made() {
    let mut desks = world(|config| config.itop = None).await;
    let ids = waiting(&desks, &of_salesforce(), &["salesforce"]).await;
    delivered_then_restored(&mut desks, &ids).await;
    for (id, state) in ids.iter().zip(["created", "reused"]) {
        desks.until(id, state).await;
    }
    assert_eq!((desks.cases().len(), desks.salesforce.records("CaseComment").len()), (2, 1));
    desks.finish().await;
}
