//! `migrate survey`: what is there is counted, what cannot be seen is said.

use std::fs;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use itop_sandbox::Options;
use serde_json::{Value, json};

use super::{
    org::{Org, migrate, program},
    ticket,
};
use crate::{
    program::{output, text},
    world::World,
};

fn read(around: &std::path::Path) -> Value {
    serde_json::from_str(&fs::read_to_string(around.join("move/survey.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn both_systems_are_counted_and_what_the_move_asks_is_estimated() {
    let world = World::with(Options { servers: 20, ..Options::default() }, |_| {}).await;
    for title in ["Disk full", "Printer jammed"] {
        ticket(&world, title).await;
    }
    let id = world.itop.select("SELECT Incident").await.unwrap()[0];
    let attachment = json!({
        "item_class": "Incident", "item_id": id, "item_org_id": 3,
        "contents": {"data": BASE64_STANDARD.encode([7; 3_000]), "mimetype": "text/plain", "filename": "a.txt"},
    });
    world.itop.create("Attachment", attachment).await.unwrap();
    let org = Org::start().await;
    let around = tempfile::tempdir().unwrap();
    let around = around.path();
    let said = org.done(&world, around, &["survey"]).await;
    assert!(said.contains("Incident") && said.contains("calls and"), "{said}");

    let survey = read(around);
    let itop = &survey["itop"];
    assert_eq!((&itop["version"]["text"], &itop["flavour"]), (&json!("3.2.0-2"), &json!("itil")));
    assert_eq!(itop["modules"].as_array().unwrap().len(), 3);
    let class = |name: &str| {
        let classes = itop["classes"].as_array().unwrap();
        classes
            .iter()
            .find(|class| class["class"] == name)
            .unwrap_or_else(|| panic!("{name}"))
            .clone()
    };
    let incidents = class("Incident");
    assert_eq!((&incidents["objects"], &incidents["entries"]), (&json!(2), &json!(2)));
    assert!(incidents["bytes"].as_u64().unwrap() > 500, "{incidents}");
    assert_eq!(incidents["custom_attributes"], json!([]), "the standard model is known");
    let servers = world.itop.select("SELECT Server").await.unwrap().len();
    assert_eq!(class("Server")["objects"], json!(servers));
    assert_eq!(itop["attachments"]["on"], json!([["Incident", 1]]));
    assert_eq!(itop["attachments"]["bytes"], 3_000);

    let salesforce = &survey["salesforce"];
    assert_eq!(salesforce["audit"], true);
    let objects = salesforce["objects"].as_array().unwrap();
    let case = objects.iter().find(|object| object["name"] == "Case").unwrap();
    assert_eq!(case["is_there"], true);
    assert!(case["record_types"].as_array().unwrap().contains(&json!("Incident")), "{case}");
    let status = salesforce["picklists"].as_array().unwrap();
    assert!(status.iter().any(|list| list["field"] == "Status" && list["values"][0] == "New"));
    assert!(
        salesforce["limits"].as_array().unwrap().iter().any(|limit| limit[0] == "DailyApiRequests")
    );
    assert_eq!(survey["estimate"]["days"], 1);
    // This org has no duplicate rules to read, and says so.
    let missing = survey["missing"].to_string();
    assert!(missing.contains("Duplicate rules") && missing.contains("history"), "{missing}");

    // A page that stands alone, for both colour schemes.
    let page = fs::read_to_string(around.join("move/survey.html")).unwrap();
    for part in ["<svg", "light dark", "3.2.0-2", "Incident", "DailyApiRequests"] {
        assert!(page.contains(part), "{part}");
    }
    for foreign in ["<script", "<link", "src=", "Disk full", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    world.finish().await;
}

#[tokio::test]
async fn itop_alone_is_surveyed_and_what_is_no_release_is_refused() {
    let world = World::start().await;
    let around = tempfile::tempdir().unwrap();
    let around = around.path();
    let alone = migrate(&world, around, "", &["survey"]).await;
    assert!(alone.status.success(), "{}", text(&alone));
    assert!(
        text(&alone).contains("the configuration has no section [salesforce]"),
        "{}",
        text(&alone)
    );
    let survey = read(around);
    assert_eq!((&survey["salesforce"], &survey["estimate"]["days"]), (&json!(null), &json!(null)));

    world.itop.change("ModuleInstallation", 2, json!({"version": "3.2.0-beta1"})).await.unwrap();
    let refused = migrate(&world, around, "", &["survey"]).await;
    assert!(
        !refused.status.success() && text(&refused).contains("is no release"),
        "{}",
        text(&refused)
    );
    assert_eq!(read(around), survey, "what stood there stays");
    let forced = migrate(&world, around, "", &["survey", "--force"]).await;
    assert!(forced.status.success(), "{}", text(&forced));
    let page = fs::read_to_string(around.join("move/survey.html")).unwrap();
    assert!(page.contains("not a version to leave from"));

    // The bridge's own account sees less, and the survey says what.
    let own = output(program(&world, around, "", &["survey"])).await;
    assert!(own.status.success() && text(&own).contains("Version and modules"), "{}", text(&own));
    assert_eq!(read(around)["itop"]["version"], json!(null));
    world.finish().await;
}
