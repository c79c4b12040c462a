//! Equipment comes in by lists and is told of again. What iTop makes of it is tested elsewhere: here the bridge
//! knows no data source, so that nothing is loaded.

mod by_hand;
mod holds;
mod lists;
mod many;

use itop_sandbox as sandbox;
use reqwest::Method;
use serde_json::Value;
use servicenav_itop_bridge::{
    config::{Cmdb, Config},
    secret::Secret,
};

use crate::world::{Answer, World};

pub const EQUIPMENT: &str = "/api/v1/equipment";
pub const OF_42: &str = "/api/v1/equipment?company=42";

/// Keeps equipment, as servers.
pub fn keeps_equipment(config: &mut Config) {
    config.cmdb = Some(Cmdb {
        user: "cmdb".to_owned(),
        password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
        default_class: "Server".to_owned(),
        ..Cmdb::default()
    });
}

async fn world() -> World {
    let world = World::with(sandbox::Options::default(), keeps_equipment).await;
    world.link_demo().await;
    world
}

/// Sends a list in some form.
async fn send(
    world: &World,
    method: Method,
    path: &str,
    kind: &str,
    body: impl Into<reqwest::Body>,
) -> Answer {
    let request = world.http.request(method, format!("{}{path}", world.base));
    let request = request.header("content-type", kind).body(body);
    Answer::read(request.send().await.unwrap()).await
}

/// So many rows, by their numbers.
pub fn rows(numbers: impl IntoIterator<Item = usize>) -> Value {
    let row = |number| serde_json::json!({"id": number, "name": format!("srv-{number:05}")});
    numbers.into_iter().map(row).collect()
}

/// What of an answer is more than none.
fn counts(answer: &Value) -> Vec<(&str, u64)> {
    let names = ["new", "changed", "back", "unchanged", "failed", "gone"];
    let counts = names.into_iter().map(|name| (name, answer[name].as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

/// The states of all rows of company 42, by their ids.
async fn states(world: &World) -> Vec<(String, String)> {
    let listed = world.get(&format!("{OF_42}&limit=1000")).await.expect(200);
    let text = |item: &Value, member: &str| item[member].as_str().unwrap().to_owned();
    let items = listed["items"].as_array().unwrap().iter();
    items.map(|item| (text(item, "id"), text(item, "state"))).collect()
}

/// Changes rows beside the bridge, as if iTop had been given them.
pub async fn change(world: &World, sql: &'static str) {
    let database = world.database();
    let change = move || {
        let db = rusqlite::Connection::open(database).unwrap();
        db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        db.execute_batch(sql).unwrap();
    };
    tokio::task::spawn_blocking(change).await.unwrap();
}

/// All that is there is in iTop.
pub const LOADED: &str = "UPDATE equipment SET class = 'Server', state = 'synchronized', ci_class = 'Server', \
                      ci_id = equipment_id, org_id = '3', synchronized_at = 1";
