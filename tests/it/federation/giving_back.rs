//! CIs are given back to the users of iTop.

use serde_json::{Value, json};

use super::{DEMO, cis, federated, list, piece, rows, until};
use crate::{cmdb_setup::cmdb, program::text, world::World};

/// Whether somebody may call a CI otherwise.
async fn may_be_changed(world: &World, id: &Value, description: &str) -> bool {
    let id: i64 = id.as_str().unwrap().parse().unwrap();
    world.itop.change("Server", id, json!({"description": description})).await.is_ok()
}

async fn release(world: &World, id: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let words = ["equipment", "release", "--company", "42", "--yes", id];
    let done = cmdb(world, folder.path(), "labadmin", &words).await;
    assert!(done.status.success(), "{}", text(&done));
    text(&done)
}

#[tokio::test]
async fn a_released_ci_is_its_users_until_somebody_says_otherwise() {
    let world = federated(|_| {}).await;
    let both = json!([
        {"id": "1", "name": "srv-1", "description": "ServiceNav's"},
        {"id": "2", "name": "srv-2", "description": "ServiceNav's"},
    ]);
    list(&world, "42", both.clone()).await;
    let first = until(&world, "42", "1", "synchronized").await["ci"]["id"].clone();
    let second = until(&world, "42", "2", "synchronized").await["ci"]["id"].clone();
    assert!(!may_be_changed(&world, &first, "mine").await);

    let told = release(&world, "1").await;
    assert!(told.contains("1 CIs given back, 1 of them"), "{told}");
    assert!(may_be_changed(&world, &first, "mine").await);
    assert!(!may_be_changed(&world, &second, "mine").await);
    let row = rows(&world, "42").await.remove("1").unwrap();
    assert_eq!((&row["held"], &row["problem"]["code"]), (&json!("adopt"), &json!("released")));
    assert_eq!(row["ci"]["id"], first);
    // The same again has nothing to do.
    let told = release(&world, "1").await;
    assert!(told.contains("1 CIs given back, 0 of them"), "{told}");

    // The same list changes nothing about it, and others go on.
    list(&world, "42", both.clone()).await;
    list(&world, "42", json!([both[0], both[1], piece("3", "srv-3")])).await;
    until(&world, "42", "3", "synchronized").await;
    assert_eq!(cis(&world, "Server", DEMO).await["srv-1"]["description"], "mine");

    // Approved, it is taken over again: the same CI.
    super::bringing::approve(&world, "42", "adopt").await;
    let row = until(&world, "42", "1", "synchronized").await;
    assert_eq!(row["ci"]["id"], first);
    assert_eq!(cis(&world, "Server", DEMO).await["srv-1"]["description"], "ServiceNav's");
    assert!(!may_be_changed(&world, &first, "mine").await);
    world.finish().await;
}
