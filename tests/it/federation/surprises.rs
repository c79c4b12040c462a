//! What iTop refuses, and what others do to the sources.

use std::time::Duration;

use itop_sandbox::{self as sandbox, Fault, FaultKind, Operations};
use serde_json::json;

use super::{
    DEMO, admin, cis, federated, list, outages::settled, patch, piece, rows, source, until,
};
use crate::world::World;

/// Any account may load rows into any source.
async fn load_as(world: &World, user: &str, source: &str, csv: &str) {
    let form = [
        ("auth_user", user),
        ("auth_pwd", sandbox::PASSWORD),
        ("data_source_id", source),
        ("synchronize", "0"),
        ("csvdata", csv),
    ];
    let url = format!("{}/synchro/synchro_import.php", world.itop.url());
    let answer = world.http.post(url).form(&form).send().await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.contains("Created (before synchro): 1"), "{text}");
}

#[tokio::test]
async fn a_row_that_itop_refuses_fails_with_its_words_and_the_others_go_on() {
    let world = federated(|_| {}).await;
    let long = "x".repeat(300);
    list(&world, "42", json!([piece("1", "srv-1"), piece("2", &long), piece("3", "srv-3")])).await;
    settled(&world, "42", &["synchronized", "failed"]).await;
    let known = rows(&world, "42").await;
    assert_eq!(known["1"]["state"], "synchronized");
    assert_eq!(known["3"]["state"], "synchronized");
    assert_eq!(known["2"]["problem"]["code"], "load-refused");
    let message = known["2"]["problem"]["message"].as_str().unwrap();
    assert!(message.contains("too long"), "{message}");
    // It is not sent again before it changes.
    let loads = world.itop.requests_seen().of("synchro_import");
    world.clock.advance(Duration::from_mins(10));
    patch(&world, "42", json!([piece("4", "srv-4")])).await;
    until(&world, "42", "4", "synchronized").await;
    assert_eq!(world.itop.requests_seen().of("synchro_import"), loads + 1);
    patch(&world, "42", json!([piece("2", "short")])).await;
    until(&world, "42", "2", "synchronized").await;
    world.finish().await;
}

#[tokio::test]
async fn an_account_without_rights_fails_each_row_and_stops_nothing_else() {
    let world = federated(|section| section.user = "restonly".to_owned()).await;
    list(&world, "42", json!([piece("1", "srv-1"), piece("2", "srv-2")])).await;
    settled(&world, "42", &["failed"]).await;
    let row = rows(&world, "42").await.remove("1").unwrap();
    assert_eq!(row["problem"]["code"], "not-created");
    assert_eq!(world.get("/readyz").await.body["equipment"]["halts"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn rows_that_are_known_to_fail_are_no_surprise_in_later_runs() {
    let world = federated(|_| {}).await;
    let held = Fault::new(FaultKind::HeldBefore { ms: 30_000 }).on(Operations::Synchronize);
    world.itop.faults().switch_on(held.times(1));
    list(&world, "42", json!([piece("1", "srv-1")])).await;
    world
        .until("iTop is about to synchronize", async || {
            world.itop.faults().switched_on().is_empty().then_some(())
        })
        .await;
    for _ in 0..2 {
        let fields = json!({"name": "srv-1", "org_id": DEMO});
        admin(&world, json!({"operation": "core/create", "class": "Server", "fields": fields}))
            .await;
    }
    world.clock.advance(Duration::from_secs(31));
    let row = until(&world, "42", "1", "failed").await;
    assert_eq!(row["problem"]["code"], "ci-ambiguous");
    // iTop tries that row again in this run, and fails again.
    patch(&world, "42", json!([piece("2", "srv-2")])).await;
    until(&world, "42", "2", "synchronized").await;
    assert_eq!(world.get("/readyz").await.body["equipment"]["halts"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn rows_that_somebody_else_has_loaded_stop_the_source_until_somebody_has_looked() {
    let world = federated(|_| {}).await;
    list(&world, "42", json!([piece("1", "srv-1")])).await;
    until(&world, "42", "1", "synchronized").await;
    let id = source(&world, "Server").await;
    load_as(&world, "restonly", &id, "primary_key;name;org_id\nevil;evil;3\n").await;
    patch(&world, "42", json!([piece("2", "srv-2")])).await;
    // What was its own is told as it is.
    until(&world, "42", "2", "synchronized").await;
    let halt = world
        .until("the source is halted", async || {
            let ready = world.get("/readyz").await.body;
            ready["equipment"]["halts"].as_array().unwrap().first().cloned()
        })
        .await;
    assert_eq!(halt["class"], "Server");
    assert!(halt["reason"].as_str().unwrap().contains("somebody else has loaded rows"), "{halt}");
    patch(
        &world,
        "42",
        json!([piece("3", "srv-3"),
        {"id": "4", "name": "vm-4", "category": "VM"}]),
    )
    .await;
    // Other sources go on.
    until(&world, "42", "4", "synchronized").await;
    let check = world.post("/api/v1/check", &json!({})).await.expect(200)["latest"].clone();
    let findings = check["findings"].as_array().unwrap();
    let told = findings.iter().find(|finding| {
        finding["seen"].as_str().unwrap().starts_with("nothing is loaded of Server since 20")
    });
    let told = told.unwrap_or_else(|| panic!("{check}"));
    assert_eq!((&told["verdict"], &told["what"]), (&json!("warning"), &json!("data sources")));
    assert!(told["mend"].as_str().unwrap().contains("equipment resume Server"), "{told}");
    assert_eq!(rows(&world, "42").await["3"]["state"], "new");
    world.post("/api/v1/cmdb/resume", &json!({"class": "Server"})).await.expect(200);
    until(&world, "42", "3", "synchronized").await;
    assert!(cis(&world, "Server", DEMO).await.contains_key("evil"));
    world.finish().await;
}

#[tokio::test]
async fn what_is_gone_before_it_came_to_itop_touches_nobodys_ci() {
    let world = federated(|_| {}).await;
    // The load never comes to iTop, and the name is another one when it is gone: that of somebody's CI.
    world.itop.faults().switch_on(Fault::new(FaultKind::CutBefore).on(Operations::Load).times(1));
    list(&world, "42", json!([piece("1", "before"), piece("2", "other")])).await;
    world
        .until("the load was cut", async || {
            world.itop.faults().switched_on().is_empty().then_some(())
        })
        .await;
    let fields = json!({"name": "by-hand", "org_id": DEMO, "description": "by hand"});
    admin(&world, json!({"operation": "core/create", "class": "Server", "fields": fields})).await;
    patch(&world, "42", json!([piece("1", "by-hand")])).await;
    list(&world, "42", json!([piece("2", "other")])).await;
    settled(&world, "42", &["synchronized", "retired"]).await;
    let known = cis(&world, "Server", DEMO).await;
    assert_eq!(known["by-hand"]["status"], "production");
    assert_eq!(known["by-hand"]["description"], "by hand");
    assert!(!known.contains_key("before"));
    world.finish().await;
}

/// Whether a source is fed descriptions.
async fn feed_descriptions(world: &World, feeds: bool) {
    let id = source(world, "Server").await;
    let key =
        format!("SELECT SynchroAttribute WHERE sync_source_id = {id} AND attcode = 'description'");
    let fields = json!({"update": u8::from(feeds)});
    let operation = json!({
        "operation": "core/update", "class": "SynchroAttribute", "key": key, "fields": fields,
    });
    admin(world, operation).await;
}

#[tokio::test]
async fn what_a_source_was_not_fed_for_a_while_comes_when_it_is_mended() {
    let world = federated(|_| {}).await;
    let told = |words: &str| json!([{"id": "1", "name": "srv-1", "description": words}]);
    list(&world, "42", told("first")).await;
    until(&world, "42", "1", "synchronized").await;
    feed_descriptions(&world, false).await;
    list(&world, "42", told("second")).await;
    until(&world, "42", "1", "failed").await;
    assert_eq!(rows(&world, "42").await["1"]["problem"]["code"], "not-as-sent");
    feed_descriptions(&world, true).await;
    // iTop's table has these very values already, and passes over what is equal to it.
    world.post("/api/v1/equipment/retry", &json!({"company": "42"})).await.expect(200);
    until(&world, "42", "1", "synchronized").await;
    assert_eq!(cis(&world, "Server", DEMO).await["srv-1"]["description"], "second");
    world.finish().await;
}
