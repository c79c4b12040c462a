//! Both ticket systems: whose companies without a link are, and a storage that is full.

use std::time::Duration;

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::json;
use servicenav_itop_bridge::{config::AutoLink, desk::DeskName};

use super::{Desks, bare, of_bakery};
use crate::world::{ACKNOWLEDGEMENTS, event, with};

#[tokio::test]
async fn companies_without_a_link_are_those_of_the_desk_that_is_configured() {
    let mut desks = Desks::with(|config| {
        config.links.desk = Some(DeskName::Salesforce);
        config.links.auto = AutoLink::ExactName;
    })
    .await;
    // A name that an organization of iTop bears, and no Account: nothing links it by itself.
    let demo = desks.world.acknowledge(&bare(event("demo"))).await.expect(202);
    let said = demo["problem"]["message"].as_str().unwrap();
    assert!(said.contains("no iTop organization or Salesforce Account"), "{said}");
    // One that an Account bears is linked there; what names no desk is meant there too.
    let bakery = with(of_bakery("a"), "/company", json!({"id": 7, "name": "Bakery Dubois"}));
    let bakery = with(bakery, "/team", json!("First line"));
    let made = desks.world.acknowledge(&bakery).await.expect(201);
    assert_eq!(made["ticket"]["class"], "Case", "{made}");
    assert_eq!(desks.world.get("/api/v1/links/7").await.expect(200)["desk"], "salesforce");
    let accounts = desks.world.get("/api/v1/companies").await.expect(200).to_string();
    assert!(accounts.contains("Bakery Dubois"), "{accounts}");
    let clinic = desks.world.link(9, json!({"organization": "Clinic of the North"})).await;
    assert_eq!(clinic["desk"], "salesforce", "{clinic}");
    assert_eq!(desks.world.get("/readyz").await.expect(200)["desks"][0]["desk"], "salesforce");

    // A link to iTop says so, and takes what waits with it.
    let link = json!({"desk": "itop", "organization": "Demo", "team": "Helpdesk"});
    desks.world.link(42, link).await;
    let row = desks.until(&demo["id"], "created").await;
    assert_eq!(row["ticket"]["class"], "Incident", "{row}");
    // iTop is kept up: its gate opens again by itself, although it is not the default.
    desks.restart(|_| {}).await;
    desks.world.acknowledge(&event("again")).await.expect(201);
    assert_eq!((desks.tickets_of_itop().await, desks.cases().len()), (2, 1));
    desks.finish().await;
}

#[tokio::test]
async fn a_full_storage_holds_up_salesforce_alone_until_there_is_room() {
    let desks = Desks::with(|_| {}).await;
    desks.link_bakery().await;
    desks.world.link_demo().await;
    desks.salesforce.fail(Fault::new(Operation::Create, FaultKind::StorageLimit).object("Case"));
    let waits = desks.world.post(ACKNOWLEDGEMENTS, &of_bakery("waits")).await.expect(202);
    let gates = async || desks.world.get("/readyz").await.expect(200)["desks"].clone();
    let closed = desks
        .world
        .until("the gate of Salesforce is closed", async || {
            let gates = gates().await;
            (gates[1]["gate"]["state"] == "closed").then_some(gates)
        })
        .await;
    assert_eq!(closed[1]["gate"]["reason"], "storage-limit", "{closed}");
    assert_eq!((&closed[0]["desk"], &closed[0]["gate"]["state"]), (&json!("itop"), &json!("open")));
    desks.world.acknowledge(&event("goes-on")).await.expect(201);
    assert_eq!(desks.row(&waits["id"]).await["problem"]["code"], "salesforce-unavailable");
    // Reads go on there, so that statuses and lists stay young.
    desks.world.get("/api/v1/companies?desk=salesforce").await.expect(200);

    desks.salesforce.clear_faults();
    desks
        .world
        .until("it opens by itself", async || {
            desks.world.clock.advance(Duration::from_mins(10));
            (gates().await[1]["gate"]["state"] == "open").then_some(())
        })
        .await;
    desks.until(&waits["id"], "created").await;
    assert_eq!((desks.cases().len(), desks.tickets_of_itop().await), (1, 1));
    desks.finish().await;
}
