//! The statuses of ended tickets, of which one batch is read at a time: those of a desk that cannot be asked
//! take no room in it.

use std::time::Duration;

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::json;
use servicenav_itop_bridge::config::{Config, Period};

use super::{Desks, of_bakery};
use crate::world::{ACKNOWLEDGEMENTS, event};

fn one_at_a_time(config: &mut Config) {
    config.board.batch = 1;
    config.board.refresh = Period::seconds(10);
    config.board.refresh_ended = Period::minutes(1);
}

/// When the status of the ticket of iTop was read.
async fn read_at(desks: &Desks) -> i64 {
    let as_of = "SELECT as_of FROM tickets WHERE class <> 'Case'";
    desks.world.look(|db| db.query_row(as_of, [], |row| row.get(0))).await
}

/// Cases that have ended, then a ticket of iTop that has, of which each was read later than those before.
async fn ended() -> Desks {
    let desks = Desks::with(one_at_a_time).await;
    desks.link_bakery().await;
    desks.world.link_demo().await;
    for key in ["a", "b"] {
        desks.world.acknowledge(&of_bakery(key)).await.expect(201);
    }
    for case in desks.cases() {
        let closed = json!({"Status": "Closed"});
        desks.salesforce.change("Case", case["Id"].as_str().unwrap(), closed).unwrap();
    }
    let known = async |class: &str| {
        desks
            .world
            .until("it is known to have ended", async || {
                desks.world.clock.advance(Duration::from_secs(6));
                let all = desks.world.get("/api/v1/tickets").await.expect(200);
                let mut tickets =
                    all["items"].as_array().unwrap().iter().map(|item| &item["ticket"]);
                tickets
                    .all(|ticket| ticket["class"] != class || ticket["open"] == false)
                    .then_some(())
            })
            .await;
    };
    known("Case").await;
    desks.world.acknowledge(&event("itop")).await.expect(201);
    let ticket = desks.world.itop.tickets().await.unwrap().pop().unwrap();
    for stimulus in ["ev_assign", "ev_resolve"] {
        desks.world.itop.apply_stimulus("Incident", ticket.id, stimulus).await.unwrap();
    }
    known("Incident").await;
    desks
}

#[tokio::test]
async fn ended_tickets_of_a_closed_desk_keep_none_of_the_others_waiting() {
    let desks = ended().await;
    desks.salesforce.fail(Fault::new(Operation::Any, FaultKind::RequestLimit));
    let waits = desks.world.post(ACKNOWLEDGEMENTS, &of_bakery("waits")).await.expect(202);
    desks
        .world
        .until("Salesforce is closed", async || {
            let ready = desks.world.get("/readyz").await.expect(200);
            (ready["desks"][1]["gate"]["state"] == "closed").then_some(())
        })
        .await;
    let before = read_at(&desks).await;
    desks
        .world
        .until("the ended ticket of iTop is read again", async || {
            desks.world.clock.advance(Duration::from_secs(20));
            (read_at(&desks).await > before).then_some(())
        })
        .await;
    desks.salesforce.clear_faults();
    desks.world.clock.advance(Duration::from_hours(1));
    desks.until(&waits["id"], "created").await;
    desks.finish().await;
}

#[tokio::test]
async fn ended_tickets_of_a_desk_that_is_served_no_more_keep_none_waiting() {
    let mut desks = ended().await;
    desks.restart(|config| config.salesforce = None).await;
    let before = read_at(&desks).await;
    desks
        .world
        .until("the ended ticket of iTop is read again", async || {
            desks.world.clock.advance(Duration::from_secs(20));
            (read_at(&desks).await > before).then_some(())
        })
        .await;
    let section = desks.section.clone();
    desks.restart(|config| config.salesforce = Some(section)).await;
    desks.finish().await;
}
