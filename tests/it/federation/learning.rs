//! What acknowledgements teach.

use serde_json::{Value, json};

use super::{DEMO, cis, federated, rows, until};
use crate::world::{event, with};

fn of_unknown(key: &str) -> Value {
    let equipment = json!({"id": 4711, "name": "unheard-of", "address": "192.0.2.9"});
    with(event(key), "/equipment", equipment)
}

#[tokio::test]
async fn equipment_of_which_itop_knows_nothing_is_kept_only_where_that_is_wanted() {
    let world = federated(|_| {}).await;
    world.acknowledge(&of_unknown("a")).await.expect(201);
    assert!(rows(&world, "42").await.is_empty());
    world.finish().await;

    let world = federated(|section| section.learn = true).await;
    // What iTop has is not kept twice.
    world.acknowledge(&event("known")).await.expect(201);
    assert!(rows(&world, "42").await.is_empty());
    // A list, so that iTop need not be asked whether a name holds.
    world.read_lists().await;
    world.acknowledge(&of_unknown("b")).await.expect(201);
    let row = until(&world, "42", "4711", "synchronized").await;
    assert_eq!(row["name"], "unheard-of");
    assert_eq!(cis(&world, "Server", DEMO).await["unheard-of"]["id"], row["ci"]["id"]);
    world.finish().await;
}
