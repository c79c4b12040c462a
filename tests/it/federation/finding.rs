//! Tickets find the CIs of equipment by ServiceNav's own ids.

use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Cmdb, Keep};

use super::{DEMO, cis, federated, list, piece, until};
use crate::world::{World, event, with};

async fn ci_of_ticket(world: &World, event: &Value) -> Vec<i64> {
    let row = world.acknowledge(event).await.body;
    let row = world.until_state(&row["id"], "created").await;
    let id: i64 = row["ticket"]["id"].as_str().unwrap().parse().unwrap();
    let tickets = world.itop.tickets().await.unwrap();
    tickets.iter().find(|ticket| ticket.id == id).unwrap().ci_ids.clone()
}

#[tokio::test]
async fn equipment_that_was_renamed_on_both_sides_is_found() {
    // Names are not locked here: people may call CIs as they like.
    let free = |section: &mut Cmdb| {
        section.attributes.insert("name".to_owned(), Keep::Free);
    };
    let world = federated(free).await;
    list(&world, "42", json!([piece("77", "before")])).await;
    list(&world, "51", json!([piece("77", "theirs")])).await;
    let row = until(&world, "42", "77", "synchronized").await;
    until(&world, "51", "77", "synchronized").await;
    let id: i64 = row["ci"]["id"].as_str().unwrap().parse().unwrap();
    // ServiceNav calls it otherwise too by now, and no list has told.
    world.itop.change("Server", id, json!({"name": "called otherwise"})).await.unwrap();
    let renamed = json!({"id": 77, "name": "after"});
    let first = with(event("renamed"), "/equipment", renamed.clone());
    assert_eq!(ci_of_ticket(&world, &first).await, [id]);
    // Read lists change nothing about it.
    world.read_lists().await;
    let second = with(event("renamed-again"), "/equipment", renamed);
    assert_eq!(ci_of_ticket(&world, &second).await, [id]);
    // What the event itself names comes first.
    let own = with(event("own"), "/equipment", json!({"id": 77, "name": "after", "itsm_id": "4"}));
    assert_eq!(ci_of_ticket(&world, &own).await, [4]);
    world.finish().await;
}

#[tokio::test]
async fn equipment_of_another_company_or_organization_is_never_taken() {
    let world = federated(|_| {}).await;
    list(&world, "51", json!([piece("77", "theirs")])).await;
    until(&world, "51", "77", "synchronized").await;
    let foreign = with(event("foreign"), "/equipment", json!({"id": 77, "name": "nowhere"}));
    assert_eq!(ci_of_ticket(&world, &foreign).await, [0_i64; 0]);
    // Its own, which belongs to another organization than its company is linked to by now.
    list(&world, "42", json!([piece("78", "mine")])).await;
    until(&world, "42", "78", "synchronized").await;
    assert!(cis(&world, "Server", DEMO).await.contains_key("mine"));
    world.link(42, json!({"organization": "ACME Logistics", "team": "On-call team"})).await;
    let moved = with(event("moved"), "/equipment", json!({"id": 78, "name": "nowhere"}));
    let moved = with(with(moved, "/contact", Value::Null), "/team", json!("On-call team"));
    let moved = with(with(moved, "/service", Value::Null), "/service_element", Value::Null);
    assert_eq!(ci_of_ticket(&world, &moved).await, [0_i64; 0]);
    world.finish().await;
}
