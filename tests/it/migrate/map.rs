//! `migrate map` and `migrate schema`: proposed, decided, checked on every row, made in the org.

use std::{fs, path::Path};

use itop_sandbox::Options;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{org::Org, ticket};
use crate::{program::text, world::World};

/// What the check finds, as JSON.
async fn check(org: &Org, world: &World, around: &Path) -> Value {
    let checked = org.run(world, around, &["map", "--check", "--json"]).await;
    let found: Value =
        serde_json::from_slice(&checked.stdout).unwrap_or_else(|_| panic!("{}", text(&checked)));
    let is_clean = found["findings"].as_array().unwrap().is_empty();
    assert_eq!(checked.status.code(), Some(i32::from(!is_clean)), "{found}");
    found
}

/// The findings that are about this class and field: code and rows.
fn of(found: &Value, class: &str, field: &str) -> Vec<(String, u64)> {
    let findings = found["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["class"] == class && finding["field"] == field)
        .map(|finding| {
            (finding["code"].as_str().unwrap().to_owned(), finding["rows"].as_u64().unwrap())
        })
        .collect()
}

fn replace(path: &Path, changes: &[(&str, &str)]) {
    let mut text = fs::read_to_string(path).unwrap();
    for (of, is) in changes {
        assert!(text.contains(of), "{of} is not in {text}");
        text = text.replace(of, is);
    }
    fs::write(path, text).unwrap();
}

/// Takes every `decide` out of a mapping.
fn decide_all(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let mut decided = String::new();
    for line in text.lines() {
        match line.find("decide = ") {
            Some(0) => {}
            // No value fits: people leave it out.
            Some(_) if line.contains("values = {  }") => {}
            Some(at) => {
                let rule = line[..at].trim_end().trim_end_matches(',');
                decided.extend([rule, " }\n"]);
            }
            None => decided.extend([line, "\n"]),
        }
    }
    // What was asked stays in iTop, for a reason.
    let decided =
        decided.replace("object = \"none\"\n\n", "object = \"none\"\nleave = \"stays\"\n\n");
    fs::write(path, decided).unwrap();
}

#[tokio::test]
async fn a_mapping_is_proposed_decided_checked_and_made_in_the_org() {
    let world = World::with(Options { servers: 3, ..Options::default() }, |_| {}).await;
    for title in ["Disk full", "Printer jammed", "No light"] {
        ticket(&world, title).await;
    }
    let org = Org::start().await;
    let around = tempfile::tempdir().unwrap();
    let around = around.path();
    let early = org.run(&world, around, &["map"]).await;
    assert!(text(&early).contains("is no folder of a migration"), "{}", text(&early));
    org.done(&world, around, &["extract"]).await;
    // Attributes of the provider's own.
    let db = Connection::open(around.join("move/staging.db")).unwrap();
    db.execute_batch(
        "UPDATE objects SET fields = json_set(fields, '$.monitoring_ref', 'mon-' || id) WHERE class = 'Incident';
         UPDATE classes SET fields = json_insert(fields, '$[#]', 'monitoring_ref') WHERE class = 'Incident';",
    )
    .unwrap();
    drop(db);

    let said = org.done(&world, around, &["map"]).await;
    assert!(said.contains("wait for a decision"), "{said}");
    let path = around.join("move/mapping.toml");
    let proposed = fs::read_to_string(&path).unwrap();
    for line in [
        "zone = \"Europe/Paris\"",
        "Status = { from = \"status\", values = { \"new\" = \"New\" } }",
        "AccountId = { from = \"org_id\", refers_to = [\"Organization\"] }",
        "CreatedDate = { from = \"start_date\", as = \"date_time\" }",
        "iTop_monitoring_ref__c = { from = \"monitoring_ref\", decide = \"an attribute of your own, which 3 objects have\" }",
        "record_type = \"Incident\"",
        "log = \"private_log\"\npublic = false",
    ] {
        assert!(proposed.contains(line), "{line} is not in {proposed}");
    }
    // It is never overwritten.
    let twice = org.run(&world, around, &["map"]).await;
    assert!(!twice.status.success() && text(&twice).contains("--again"), "{}", text(&twice));
    org.done(&world, around, &["map", "--again"]).await;
    assert_eq!(fs::read_to_string(around.join("move/mapping.new.toml")).unwrap(), proposed);
    assert_eq!(fs::read_to_string(&path).unwrap(), proposed);

    let found = check(&org, &world, around).await;
    assert_eq!(of(&found, "Incident", "iTop_monitoring_ref__c"), [("undecided".to_owned(), 0)]);
    decide_all(&path);

    // What only people know: the types of CIs that this org's restricted list has.
    let found = check(&org, &world, around).await;
    let types: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["field"].as_str().unwrap())
        .collect();
    assert!(!types.is_empty() && types.iter().all(|field| *field == "CI_Type__c"), "{found}");
    let text = fs::read_to_string(&path).unwrap();
    let text: Vec<_> = text
        .lines()
        .map(|line| {
            if line.starts_with("CI_Type__c") {
                "CI_Type__c = { constant = \"Server\" }"
            } else {
                line
            }
        })
        .collect();
    fs::write(&path, text.join("\n")).unwrap();
    let found = check(&org, &world, around).await;
    assert_eq!(found["findings"], json!([]), "{found}");
    assert!(found["rows"].as_array().unwrap().contains(&json!(["Incident", "Case", 3])), "{found}");
    assert!(found["to_make"].as_array().unwrap().contains(&json!("Case.iTop_Key__c")), "{found}");

    // Examined, and nothing is changed; then made.
    let dry = org.done(&world, around, &["schema"]).await;
    assert!(dry.contains("Nothing was changed") && dry.contains("iTop_monitoring_ref__c"), "{dry}");
    assert_eq!(check(&org, &world, around).await["to_make"], found["to_make"]);
    let made = org.done(&world, around, &["schema", "--deploy"]).await;
    assert!(made.contains("ServiceNav_Migration"), "{made}");
    org.assign("ServiceNav_Migration").await;
    assert_eq!(check(&org, &world, around).await["to_make"], json!([]));
    let again = org.done(&world, around, &["schema", "--deploy"]).await;
    assert!(again.contains("has all that the mapping needs"), "{again}");
    world.finish().await;
}

#[tokio::test]
async fn each_row_that_cannot_move_is_found_before_it_is_sent() {
    let world = World::start().await;
    for title in ["Disk full", "Printer jammed", "No light"] {
        ticket(&world, title).await;
    }
    let org = Org::start().await;
    let around = tempfile::tempdir().unwrap();
    let around = around.path();
    org.done(&world, around, &["extract"]).await;
    let path = around.join("move/mapping.toml");
    fs::write(
        &path,
        r#"
[source]
url = "https://itop.example/"
zone = "Europe/Paris"
[[classes]]
class = "Organization"
object = "Account"
key = "iTop_Key__c"
[classes.fields]
Name = { from = "name" }
[[classes]]
class = "Incident"
object = "Case"
key = "iTop_Key__c"
[classes.fields]
Subject = { from = "title" }
AccountId = { from = "org_id", refers_to = ["Organization"] }
Status = { from = "status", values = { "new" = "New" } }
Bridge_Ack__c = { constant = "one" }
iTop_Start__c = { from = "start_date", as = "date_time" }
iTop_End__c = { from = "end_date", as = "date_time" }
[[classes]]
class = "Person"
object = "Contact"
key = "iTop_Key__c"
[classes.fields]
FirstName = { from = "first_name" }
No_Such = { from = "nothing" }
"#,
    )
    .unwrap();
    let db = Connection::open(around.join("move/staging.db")).unwrap();
    db.execute_batch(
        "UPDATE objects SET fields = json_set(fields, '$.title', printf('%.*c', 300, 'x')) WHERE class = 'Incident' AND id % 3 = 0;
         UPDATE objects SET fields = json_set(fields, '$.org_id', '9999') WHERE class = 'Incident' AND id % 3 = 1;
         UPDATE objects SET fields = json_set(fields, '$.start_date', 'yesterday') WHERE class = 'Incident' AND id % 3 = 2;
         UPDATE objects SET fields = json_set(fields, '$.status', 'assigned') WHERE class = 'Incident' AND id % 3 = 2;",
    )
    .unwrap();
    drop(db);
    let found = check(&org, &world, around).await;
    let one = |code: &str, rows| vec![(code.to_owned(), rows)];
    assert_eq!(of(&found, "Incident", "Subject"), one("too-long", 1));
    assert_eq!(of(&found, "Incident", "AccountId"), one("no-parent", 1));
    assert_eq!(of(&found, "Incident", "iTop_Start__c"), one("bad-date", 1));
    assert_eq!(of(&found, "Incident", "Status"), one("no-value", 1));
    // The second and the third of three would be refused as duplicates.
    assert_eq!(of(&found, "Incident", "Bridge_Ack__c"), one("same-key", 2));
    assert_eq!(of(&found, "Person", "LastName"), one("mandatory", 0));
    let unknown: Vec<_> =
        of(&found, "Person", "No_Such").into_iter().map(|(code, _)| code).collect();
    assert_eq!(unknown, ["no-attribute", "no-field"]);
    assert_eq!(of(&found, "Server", ""), one("undecided", 0));
    let long =
        found["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "too-long");
    assert_eq!(long.unwrap()["longest"], 300);

    // Cut where the mapping says so; for people it is a table.
    replace(
        &path,
        &[("Subject = { from = \"title\" }", "Subject = { from = \"title\", cut = true }")],
    );
    let shown = org.run(&world, around, &["map", "--check"]).await;
    assert_eq!(shown.status.code(), Some(1));
    let shown = text(&shown);
    assert!(shown.contains("no-parent") && !shown.contains("too-long"), "{shown}");
    assert!(shown.contains("things are to be mended"), "{shown}");

    replace(&path, &[("class = \"Person\"", "class = \"Pers on\"")]);
    let wrong = org.run(&world, around, &["map", "--check"]).await;
    let wrong = text(&wrong);
    assert!(wrong.contains("mapping.toml: line 23, class Pers on"), "{wrong}");
    world.finish().await;
}
