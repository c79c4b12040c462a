//! CIs that are there already.

use serde_json::json;
use servicenav_itop_bridge::config::Adopt;

use super::{DEMO, admin, bringing::approve, cis, federated, list, piece, rows, until};
use crate::world::World;

async fn make(world: &World, class: &str, name: &str, org: &str) {
    let fields = json!({"name": name, "org_id": org, "description": "by hand"});
    let operation = json!({"operation": "core/create", "class": class, "fields": fields});
    admin(world, operation).await;
}

#[tokio::test]
async fn a_ci_is_taken_over_when_somebody_says_so() {
    let world = federated(|_| {}).await;
    make(&world, "Server", "by-hand", DEMO).await;
    // The same name in another organization is another CI.
    make(&world, "Server", "by-hand", "5002").await;
    list(&world, "42", json!([{"id": "1", "name": "By-Hand", "description": "ServiceNav's"}]))
        .await;
    let held = world
        .until("it is asked about", async || {
            let row = rows(&world, "42").await.remove("1")?;
            (row["held"] == "adopt").then_some(row)
        })
        .await;
    let known = cis(&world, "Server", DEMO).await["by-hand"].clone();
    let id = known["id"].as_str().unwrap();
    assert!(held["problem"]["message"].as_str().unwrap().contains(id), "{held}");
    assert_eq!(known["description"], "by hand");
    approve(&world, "42", "adopt").await;
    let row = until(&world, "42", "1", "synchronized").await;
    assert_eq!(row["ci"]["id"], known["id"]);
    let now = cis(&world, "Server", DEMO).await;
    assert_eq!(now["By-Hand"]["description"], "ServiceNav's");
    assert_eq!(cis(&world, "Server", "5002").await["by-hand"]["description"], "by hand");
    world.finish().await;
}

#[tokio::test]
async fn what_may_not_be_taken_over_fails_and_what_may_is_taken_at_once() {
    let world = federated(|section| section.adopt = Adopt::No).await;
    make(&world, "Server", "by-hand", DEMO).await;
    list(&world, "42", json!([piece("1", "by-hand"), piece("2", "fresh")])).await;
    let row = until(&world, "42", "1", "failed").await;
    assert_eq!(row["problem"]["code"], "ci-exists");
    until(&world, "42", "2", "synchronized").await;
    world.finish().await;

    let world = federated(|section| section.adopt = Adopt::Yes).await;
    make(&world, "Server", "by-hand", DEMO).await;
    list(&world, "42", json!([piece("1", "by-hand")])).await;
    until(&world, "42", "1", "synchronized").await;
    world.finish().await;
}

#[tokio::test]
async fn two_of_one_name_fail_and_both_are_named() {
    let world = federated(|section| section.adopt = Adopt::Yes).await;
    make(&world, "Server", "twin", DEMO).await;
    make(&world, "Server", "twin", DEMO).await;
    make(&world, "PC", "other", DEMO).await;
    list(&world, "42", json!([piece("1", "twin"), piece("2", "other")])).await;
    let row = until(&world, "42", "1", "failed").await;
    assert_eq!(row["problem"]["code"], "ci-ambiguous");
    assert_eq!(row["problem"]["message"].as_str().unwrap().matches("key ").count(), 2, "{row}");
    let row = until(&world, "42", "2", "failed").await;
    assert_eq!(row["problem"]["code"], "ci-other-class");
    world.finish().await;
}

#[tokio::test]
async fn two_pieces_of_one_name_never_share_a_ci() {
    let world = federated(|section| section.adopt = Adopt::Yes).await;
    list(&world, "42", json!([piece("1", "same"), piece("2", "SAME")])).await;
    let both = async || {
        let rows = rows(&world, "42").await;
        let states: Vec<_> = rows.values().map(|row| row["state"].clone()).collect();
        (states.contains(&json!("synchronized")) && states.contains(&json!("failed")))
            .then_some(rows)
    };
    let rows = world.until("one has it and one fails", both).await;
    let failed = rows.values().find(|row| row["state"] == "failed").unwrap();
    assert_eq!(failed["problem"]["code"], "ci-taken");
    world.finish().await;
}

#[tokio::test]
async fn a_preview_tells_what_itop_has_and_what_is_asked() {
    let world = federated(|_| {}).await;
    make(&world, "Server", "there", DEMO).await;
    for _ in 0..2 {
        make(&world, "Server", "twice", DEMO).await;
    }
    let pieces = json!([piece("1", "there"), piece("2", "twice"), piece("3", "fresh")]);
    let told = world.post("/api/v1/equipment/preview?company=42", &pieces).await.expect(200);
    let of =
        |id: &str| told["items"].as_array().unwrap().iter().find(|item| item["id"] == id).unwrap();
    assert_eq!((&of("1")["outcome"], &of("1")["held"]), (&json!("adopted"), &json!(true)));
    assert_eq!(of("2")["outcome"], "failed");
    assert_eq!(of("2")["problem"]["code"], "ci-ambiguous");
    assert_eq!((&of("3")["outcome"], &of("3")["held"]), (&json!("created"), &json!(false)));
    assert!(rows(&world, "42").await.is_empty());
    // What is done is what was told.
    list(&world, "42", pieces).await;
    until(&world, "42", "3", "synchronized").await;
    until(&world, "42", "2", "failed").await;
    assert_eq!(rows(&world, "42").await["1"]["held"], "adopt");
    world.finish().await;
}
