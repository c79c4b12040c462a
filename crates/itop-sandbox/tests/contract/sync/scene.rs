//! What was done between the recorded requests, as far as their answers tell.

use std::fmt::Write as _;

use itop_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{LIMITED_LATER, lab::Lab};

const HEADER: &str = "primary_key;name;org_id;serialnumber;status;description\n";
/// The columns that the recorded sources of servers feed.
const FED: [&str; 5] = ["name", "org_id", "serialnumber", "status", "description"];

/// Sets the scene for the case of that number.
pub async fn set(lab: &mut Lab, case: &str) {
    match case {
        "010" => feed(lab, 1, &FED, &[]).await,
        "048" => {
            source(lab, "lab big", "Server", json!({})).await;
            out_of_memory(lab);
        }
        "051" => deaths_of_048(lab).await,
        "052" => {
            for _ in 0..3 {
                lab.exec(2).await;
            }
        }
        "055" => drop(source(lab, "lab chunk", "Server", json!({})).await),
        "058" => {
            let policy = json!({
                "delete_policy": "update", "delete_policy_update": "status:obsolete",
            });
            let id = source(lab, "lab obsolete", "Server", policy).await;
            twelve(lab, id, "ob").await;
        }
        "061" => {
            let policy = json!({ "delete_policy": "delete" });
            let id = source(lab, "lab delete", "Server", policy).await;
            twelve(lab, id, "de").await;
        }
        "063" => {
            let fields = json!({ "name": "snavde-pre", "org_id": 11, "status": "production" });
            lab.create("Server", fields).await;
        }
        "065" => {
            let policy = json!({ "delete_policy": "delete", "full_load_periodicity": "20" });
            let id = source(lab, "lab periodicity", "Server", policy).await;
            twelve(lab, id, "pe").await;
            lab.seconds_pass(1);
        }
        "066" => lab.seconds_pass(20),
        "069" => {
            let key = json!(
                "SELECT SynchroAttribute WHERE sync_source_id = 1 AND attcode = 'serialnumber'"
            );
            lab.change("SynchroAttribute", key, json!({ "update_policy": "master_unlocked" }))
                .await;
        }
        "073" => persons(lab).await,
        "075" => {
            let rows = "primary_key;name;first_name;org_id;email;status;manager_id\n\
                        p3;Other;Cy;Demo;cy@lab.example;active;\n";
            lab.load(7, true, rows).await;
            lab.seconds_pass(1);
        }
        "077" => drop(source(lab, "lab twice", "Server", json!({})).await),
        "079" => killed(lab).await,
        "080" => {
            source(lab, "lab rights", "Server", json!({ "user_id": user(lab, "restonly").await }))
                .await;
        }
        "081" => {
            let limited = user(lab, LIMITED_LATER.1).await;
            lab.change("SynchroDataSource", json!(9), json!({ "user_id": limited })).await;
            let row = format!("{HEADER}rl-2;snav-limited2;Demo;S;production;\n");
            lab.load(9, false, &row).await;
        }
        "082" => {
            let id = plain(lab, "lab defaults", "Server").await;
            lab.load(id, true, "primary_key;name;org_id\ndf-1;snav-default;3\n").await;
            let found =
                lab.sandbox.select("SELECT Server WHERE name = 'snav-default'").await.unwrap();
            lab.call(56_687, found[0]);
        }
        "085" => drop(plain(lab, "lab of which nothing is recorded", "Server").await),
        "087" => drop(plain(lab, "lab without organization", "Server").await),
        "109" => {
            for n in 1..=3 {
                let fields =
                    json!({ "name": format!("snavrc-{n}"), "org_id": 3, "status": "production" });
                lab.create("Server", fields).await;
            }
            let id = source(lab, "lab taken over", "Server", json!({})).await;
            let row = |n| format!("rc-{n};snavrc-{n};Demo;A;production;d\n");
            lab.load(id, true, &format!("{HEADER}{}{}{}", row(1), row(2), row(3))).await;
        }
        "110" => lab.delete("Server", "SELECT Server WHERE name = 'snavrc-2'").await,
        _ => {}
    }
}

/// A source as iTop makes it.
async fn plain(lab: &Lab, name: &str, class: &str) -> i64 {
    let fields = json!({
        "name": name, "status": "production", "scope_class": class,
        "reconciliation_policy": "use_attributes",
    });
    lab.create("SynchroDataSource", fields).await
}

/// A source that feeds five attributes, and finds organizations by name.
async fn source(lab: &Lab, name: &str, class: &str, policy: Value) -> i64 {
    let id = plain(lab, name, class).await;
    if policy != json!({}) {
        lab.change("SynchroDataSource", json!(id), policy).await;
    }
    feed(lab, id, &FED, &[("org_id", "name")]).await;
    id
}

/// Lets a source feed these attributes alone, external keys found by other attributes than the id.
async fn feed(lab: &Lab, source: i64, fed: &[&str], keys: &[(&str, &str)]) {
    let all = lab
        .rest(json!({
            "operation": "core/get", "class": "SynchroAttribute",
            "key": format!("SELECT SynchroAttribute WHERE sync_source_id = {source}"),
            "output_fields": "attcode",
        }))
        .await;
    for row in all.values() {
        let code = row["fields"]["attcode"].as_str().unwrap();
        let class = row["class"].as_str().unwrap();
        let by = keys.iter().find(|(key, _)| *key == code).map(|(_, by)| by);
        let mut fields = json!({ "update": i32::from(fed.contains(&code)) });
        if let Some(by) = by {
            fields["reconciliation_attcode"] = json!(by);
        }
        if by.is_some() || !fed.contains(&code) {
            lab.change(class, row["key"].clone(), fields).await;
        }
    }
}

async fn twelve(lab: &mut Lab, source: i64, prefix: &str) {
    let mut rows = HEADER.to_owned();
    for n in 0..12 {
        let _ = writeln!(rows, "{prefix}-{n};snav{prefix}-{n};Client 8;S{n};production;d");
    }
    let answer = lab.load(source, true, &rows).await;
    assert!(answer.body.contains("Objects created: 12 "), "{}", answer.body);
    lab.seconds_pass(1);
}

fn out_of_memory(lab: &Lab) {
    lab.faults().switch_on(Fault::new(FaultKind::MemoryExhausted { objects: 1_397 }));
}

/// The post that ran out of memory was made three times.
async fn deaths_of_048(lab: &mut Lab) {
    let mut rows = HEADER.to_owned();
    for n in 0..5_000 {
        let _ = writeln!(rows, "big-{n};snavbig-{n:05};Client 7;v1-{n};production;row {n}");
    }
    out_of_memory(lab);
    for _ in 0..2 {
        assert_eq!(lab.load(2, true, &rows).await.status, 500);
        lab.seconds_pass(1);
    }
    lab.faults().clear();
}

async fn persons(lab: &Lab) {
    let id = plain(lab, "lab persons", "Person").await;
    let policy = json!({ "delete_policy": "update", "delete_policy_update": "status:inactive" });
    lab.change("SynchroDataSource", json!(id), policy).await;
    let fed = ["name", "first_name", "org_id", "email", "status", "manager_id"];
    feed(lab, id, &fed, &[("org_id", "name"), ("manager_id", "email")]).await;
    for (code, reconcile) in [("name", 0), ("first_name", 0), ("org_id", 0), ("email", 1)] {
        let key =
            format!("SELECT SynchroAttribute WHERE sync_source_id = {id} AND attcode = '{code}'");
        lab.change("SynchroAttribute", json!(key), json!({ "reconcile": reconcile })).await;
    }
}

/// Two hundred other rows, then a run that is killed when it has made 142 of 200.
async fn killed(lab: &mut Lab) {
    let rows = |numbers: std::ops::Range<usize>| {
        let mut rows = HEADER.to_owned();
        for n in numbers {
            let _ = writeln!(rows, "bigk-{n};snavbigk-{n:05};Client 7;v1-{n};production;row {n}");
        }
        rows
    };
    lab.load(8, true, &rows(400..600)).await;
    lab.faults().switch_on(Fault::new(FaultKind::Killed { after: 142, in_load: false }).times(1));
    assert_eq!(lab.load(8, true, &rows(700..900)).await.status, 502);
    lab.seconds_pass(1);
}

async fn user(lab: &Lab, login: &str) -> i64 {
    let found = lab.sandbox.select(&format!("SELECT User WHERE login = '{login}'")).await.unwrap();
    found[0]
}
