//! The federation: equipment that is listed stands in iTop's CMDB, whatever happens on the way.

mod adopting;
mod bringing;
mod finding;
mod model;
mod outages;
mod surprises;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use servicenav_itop_bridge::{
    cmdb::model::Model,
    config::{Cmdb, Config, Keep},
    sandbox::{self, Options},
    secret::Secret,
};

use crate::world::World;

/// ServiceNav's company 42 is the organization Demo (3), and 51 is ACME Logistics (5002).
pub const DEMO: &str = "3";

/// The section `[cmdb]` of these tests: everything is a server but virtual machines and printers.
pub fn section() -> Cmdb {
    let classes = [
        ("VM", "VirtualMachine"),
        ("Laptop", "PC"),
        ("Printer", "none"),
    ];
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

/// Makes a data source for each class, as `cmdb setup` does.
pub async fn set_up(world: &World) {
    let config = world.config.cmdb.clone().unwrap();
    let mut items = Vec::new();
    for class in config.all_classes() {
        let model = Model::of(&config, class).unwrap();
        let source = json!({
            "name": config.source_name(class), "status": "production", "scope_class": class,
            "user_id": 4, "reconciliation_policy": "use_attributes", "action_on_zero": "create",
            "action_on_one": "update", "action_on_multiple": "error", "delete_policy": "ignore",
            "full_load_periodicity": 0,
        });
        let made = admin(world, json!({
            "operation": "core/create", "class": "SynchroDataSource", "fields": source,
        }))
        .await;
        let id = made.keys().next().unwrap().split_once("::").unwrap().1.to_owned();
        let attributes = admin(world, json!({
            "operation": "core/get", "class": "SynchroAttribute", "output_fields": "attcode",
            "key": format!("SELECT SynchroAttribute WHERE sync_source_id = {id}"),
        }))
        .await;
        for (name, attribute) in attributes {
            let code = attribute["fields"]["attcode"].as_str().unwrap();
            let fed = model.fed().iter().find(|fed| fed.code == code);
            let policy = match fed.map(|fed| fed.keep) {
                Some(Keep::Free) => "master_unlocked",
                Some(Keep::IfEmpty) => "write_if_empty",
                _ => "master_locked",
            };
            let (class, key) = name.split_once("::").unwrap();
            admin(world, json!({
                "operation": "core/update", "class": class, "key": key,
                "fields": {
                    "update": u8::from(fed.is_some()), "update_policy": policy,
                    "reconcile": u8::from(["name", "org_id"].contains(&code)),
                },
            }))
            .await;
        }
        items.push(json!({
            "class": class, "source_id": id, "name": config.source_name(class),
            "made_for": model.made_for(),
        }));
    }
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
    let found = admin(world, json!({
        "operation": "core/get", "class": class,
        "key": format!("SELECT {class} WHERE org_id = {org}"),
        "output_fields": "id,name,org_id,description,status",
    }))
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
