//! The federation: equipment that is listed stands in iTop's CMDB, whatever happens on the way.

mod adopting;
mod bringing;
mod finding;
mod giving_back;
mod learning;
mod many;
mod model;
mod outages;
mod surprises;

use std::collections::BTreeMap;

use itop_sandbox::{self as sandbox, Options};
use reqwest::Method;
use serde_json::{Map, Value, json};
use servicenav_itop_bridge::{
    app::client_settings,
    cmdb::setup::{Plan, SetUp},
    config::{Cmdb, Config},
    itop::Client,
    secret::Secret,
};

use crate::world::World;

/// ServiceNav's company 42 is the organization Demo (3), and 51 is ACME Logistics (5002).
pub const DEMO: &str = "3";

/// The section `[cmdb]` of these tests: everything is a server but virtual machines and printers.
pub fn section() -> Cmdb {
    let classes = [("VM", "VirtualMachine"), ("Laptop", "PC"), ("Printer", "none")];
    Cmdb {
        user: "cmdb".to_owned(),
        password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
        classes: classes.map(|(category, class)| (category.to_owned(), class.to_owned())).into(),
        default_class: "Server".to_owned(),
        ..Cmdb::default()
    }
}

/// A bridge that keeps equipment, with its sources set up and its companies linked.
pub async fn federated(change: impl FnOnce(&mut Cmdb)) -> World {
    let mut section = section();
    change(&mut section);
    let configure = |config: &mut Config| config.cmdb = Some(section);
    let world = World::with(Options::default(), configure).await;
    set_up(&world).await;
    link(&world).await;
    world
}

pub async fn link(world: &World) {
    world.link(42, json!({"organization": "Demo", "team": "Helpdesk"})).await;
    world.link(51, json!({"organization": "ACME Logistics", "team": "On-call team"})).await;
}

/// Makes the data sources, as `cmdb setup` does.
pub async fn set_up(world: &World) {
    let mut config = world.config.clone();
    "labadmin".clone_into(&mut config.itop.as_mut().unwrap().user);
    let admin = Client::new(&client_settings(&config).unwrap()).unwrap();
    let plan = Plan::make(&admin, config.cmdb.as_ref().unwrap()).await.unwrap();
    let done = plan.apply(&admin, |_| {}).await.unwrap();
    let item = |source: &SetUp| {
        json!({
            "class": source.class, "source_id": source.source_id, "name": source.name,
            "made_for": source.made_for,
        })
    };
    let items: Vec<_> = done.iter().map(item).collect();
    world.put("/api/v1/cmdb/sources", &json!({"items": items})).await.expect(200);
}

/// The id of the source of a class.
pub async fn source(world: &World, class: &str) -> String {
    let sources = world.get("/api/v1/cmdb/sources").await.expect(200);
    let items = sources["items"].as_array().unwrap();
    let source = items.iter().find(|item| item["class"] == class).unwrap();
    source["source_id"].as_str().unwrap().to_owned()
}

/// What an administrator does by REST; gives the objects.
pub async fn admin(world: &World, mut operation: Value) -> Map<String, Value> {
    operation["comment"] = json!("test");
    if operation.get("output_fields").is_none() {
        operation["output_fields"] = json!("id");
    }
    let form = [
        ("auth_user", "labadmin"),
        ("auth_pwd", sandbox::PASSWORD),
        ("json_data", &operation.to_string()),
    ];
    let url = format!("{}/webservices/rest.php?version=1.3", world.itop.url());
    let answer = world.http.post(url).form(&form).send().await.unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["code"], 0, "{operation}: {answer}");
    answer["objects"].as_object().cloned().unwrap_or_default()
}

/// The CIs of an organization as iTop has them, by their names.
pub async fn cis(world: &World, class: &str, org: &str) -> BTreeMap<String, Value> {
    let found = admin(
        world,
        json!({
            "operation": "core/get", "class": class,
            "key": format!("SELECT {class} WHERE org_id = {org}"),
            "output_fields": "id,name,org_id,description,status",
        }),
    )
    .await;
    let named = |object: &Value| {
        let mut fields = object["fields"].clone();
        fields["class"] = object["class"].clone();
        (fields["name"].as_str().unwrap().to_owned(), fields)
    };
    found.values().map(named).collect()
}

/// Gives the whole list of a company.
pub async fn list(world: &World, company: &str, rows: Value) -> Value {
    let path = format!("/api/v1/equipment?company={company}");
    let answer = world.put(&path, &rows).await;
    assert!(answer.status < 300, "{}", answer.text);
    answer.body
}

/// Gives some rows of a company.
pub async fn patch(world: &World, company: &str, rows: Value) -> Value {
    let path = format!("/api/v1/equipment?company={company}");
    let answer = world.send(Method::PATCH, &path, &[], Some(rows.to_string())).await;
    assert!(answer.status < 300, "{}", answer.text);
    answer.body
}

/// Equipment with an id and a name.
pub fn piece(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name})
}

/// The rows of a company, by their ids.
pub async fn rows(world: &World, company: &str) -> BTreeMap<String, Value> {
    let path = format!("/api/v1/equipment?company={company}&limit=1000");
    let answer = world.get(&path).await.expect(200);
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|item| (item["id"].as_str().unwrap().to_owned(), item.clone())).collect()
}

/// Waits until a row is in a state; gives it.
pub async fn until(world: &World, company: &str, id: &str, state: &str) -> Value {
    world
        .until(&format!("equipment {id} is {state}"), async || {
            let row = rows(world, company).await.remove(id)?;
            (row["state"] == state).then_some(row)
        })
        .await
}
