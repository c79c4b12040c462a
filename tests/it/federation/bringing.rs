//! Made, changed, retired, and back.

use serde_json::{Value, json};

use super::{DEMO, admin, cis, federated, list, patch, piece, rows, set_up, source, until};

#[tokio::test]
async fn a_list_is_made_changed_retired_and_comes_back() {
    let world = federated(|_| {}).await;
    list(
        &world,
        "42",
        json!([piece("1", "web-1"), piece("2", "web-2"),
        {"id": "3", "name": "vm-3", "category": "vm", "description": "two\nlines"}]),
    )
    .await;
    for id in ["1", "2", "3"] {
        until(&world, "42", id, "synchronized").await;
    }
    let made = cis(&world, "Server", DEMO).await;
    let first = made["web-1"]["id"].clone();
    assert_eq!(rows(&world, "42").await["1"]["ci"], json!({"class": "Server", "id": first}));
    let vms = cis(&world, "VirtualMachine", DEMO).await;
    assert_eq!(vms["vm-3"]["description"], "two\nlines");
    // One load and one synchronization a class.
    let seen = world.itop.requests_seen();
    assert_eq!((seen.of("synchro_import"), seen.of("synchro_exec")), (2, 2));

    // The same list again is free.
    let asked = || {
        let seen = world.itop.requests_seen();
        (seen.of("synchro_import"), seen.of("synchro_exec"), seen.of("core/create"))
    };
    let before = asked();
    list(
        &world,
        "42",
        json!([piece("1", "web-1"), piece("2", "web-2"),
        {"id": "3", "name": "vm-3", "category": "vm", "description": "two\nlines"}]),
    )
    .await;
    assert_eq!(asked(), before);

    // Renamed: the same CI.
    list(&world, "42", json!([piece("1", "web-one"), piece("2", "web-2")])).await;
    until(&world, "42", "3", "retired").await;
    until(&world, "42", "1", "synchronized").await;
    let now = cis(&world, "Server", DEMO).await;
    assert_eq!(now["web-one"]["id"], first);
    assert!(!now.contains_key("web-1"));
    assert_eq!(cis(&world, "VirtualMachine", DEMO).await["vm-3"]["status"], "obsolete");

    // Back: its own CI, in use again.
    list(
        &world,
        "42",
        json!([piece("1", "web-one"), piece("2", "web-2"),
        {"id": "3", "name": "vm-3", "category": "VM"}]),
    )
    .await;
    until(&world, "42", "3", "synchronized").await;
    let back = cis(&world, "VirtualMachine", DEMO).await;
    assert_eq!(back["vm-3"]["status"], "production");
    assert_eq!(back["vm-3"]["id"], vms["vm-3"]["id"]);
    world.finish().await;
}

#[tokio::test]
async fn what_is_not_kept_or_not_linked_waits_and_goes_on() {
    let world = federated(|_| {}).await;
    list(&world, "77", json!([piece("1", "far-1")])).await;
    list(&world, "42", json!([{"id": "1", "name": "printer", "category": "Printer"}])).await;
    let code = async |company: &'static str, code: &'static str| {
        world
            .until(&format!("{company} waits for {code}"), async || {
                let row = rows(&world, company).await.remove("1")?;
                (row["problem"]["code"] == code).then_some(())
            })
            .await;
    };
    code("77", "company-not-linked").await;
    code("42", "not-kept").await;
    world.link(77, json!({"organization": "ACME Logistics", "team": "On-call team"})).await;
    until(&world, "77", "1", "synchronized").await;
    assert!(cis(&world, "Server", "5002").await.contains_key("far-1"));
    world.finish().await;
}

#[tokio::test]
async fn another_class_is_another_ci_and_the_old_one_is_retired() {
    let world = federated(|_| {}).await;
    list(&world, "42", json!([piece("1", "box")])).await;
    until(&world, "42", "1", "synchronized").await;
    list(&world, "42", json!([{"id": "1", "name": "box", "category": "Laptop"}])).await;
    world
        .until("it is a PC", async || {
            let row = rows(&world, "42").await.remove("1")?;
            (row["state"] == "synchronized" && row["ci"]["class"] == "PC").then_some(())
        })
        .await;
    assert_eq!(cis(&world, "Server", DEMO).await["box"]["status"], "obsolete");
    world.finish().await;
}

#[tokio::test]
async fn what_has_left_a_class_whose_source_is_gone_fails_and_says_so() {
    for is_known in [true, false] {
        let mut world = federated(|_| {}).await;
        let virtual_one = json!({"id": "2", "name": "vm", "category": "VM"});
        list(&world, "42", json!([piece("1", "box"), virtual_one])).await;
        for id in ["1", "2"] {
            until(&world, "42", id, "synchronized").await;
        }
        let id = source(&world, "Server").await;
        admin(&world, json!({"operation": "core/delete", "class": "SynchroDataSource", "key": id}))
            .await;
        // The class is one of [cmdb] no more; "cmdb setup" has told the bridge so, or nobody has.
        world.config.cmdb.as_mut().unwrap().default_class = "none".to_owned();
        world.stop_bridge().await;
        world.start_bridge().await;
        if !is_known {
            set_up(&world).await;
        }
        let failed = until(&world, "42", "1", "failed").await;
        assert_eq!(failed["problem"]["code"], "not-retired", "{failed}");
        let sentence = failed["problem"]["message"].as_str().unwrap();
        assert!(sentence.contains("[cmdb] has no Server any more"), "{sentence}");
        // Others go on.
        let changed = json!({"id": "2", "name": "vm", "category": "VM", "description": "another"});
        patch(&world, "42", json!([changed])).await;
        world
            .until("the virtual machine is as it is wanted", async || {
                let vms = cis(&world, "VirtualMachine", DEMO).await;
                (vms["vm"]["description"] == "another").then_some(())
            })
            .await;
        // What is said is what helps.
        world.config.cmdb.as_mut().unwrap().default_class = "Server".to_owned();
        world.stop_bridge().await;
        world.start_bridge().await;
        set_up(&world).await;
        until(&world, "42", "1", "synchronized").await;
        world.finish().await;
    }
}

#[tokio::test]
async fn another_organization_is_asked_about() {
    let world = federated(|_| {}).await;
    list(&world, "42", json!([piece("1", "box")])).await;
    until(&world, "42", "1", "synchronized").await;
    world.link(42, json!({"organization": "ACME Logistics", "team": "On-call team"})).await;
    let held = world
        .until("the move is asked about", async || {
            let row = rows(&world, "42").await.remove("1")?;
            (row["held"] == "move").then_some(row)
        })
        .await;
    assert!(held["problem"]["message"].as_str().unwrap().contains("ACME Logistics"), "{held}");
    assert_eq!(cis(&world, "Server", DEMO).await["box"]["org_id"], DEMO);
    approve(&world, "42", "move").await;
    world
        .until("it has moved", async || {
            let there = cis(&world, "Server", "5002").await;
            there.contains_key("box").then_some(())
        })
        .await;
    until(&world, "42", "1", "synchronized").await;
    world.finish().await;
}

pub async fn approve(world: &crate::world::World, company: &str, held: &str) -> Value {
    let body = json!({"company": company, "what": held});
    let answer = world.post("/api/v1/equipment/approve", &body).await;
    assert!(answer.status < 300, "{}", answer.text);
    answer.body
}
