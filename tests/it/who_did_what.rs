//! What operators did, and under which names it stands.

use itop_sandbox::Options;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use crate::world::{ACKNOWLEDGEMENTS, World, event, token, with};

/// Two operators and an administrator, who sends requests until another one does.
async fn world() -> World {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![
            token("boss", &[Scope::Admin]),
            token("anna", &[Scope::Read, Scope::Operate]),
            token("ben", &[Scope::Read, Scope::Operate]),
        ];
    })
    .await;
    world.token = Some("boss".to_owned());
    world
}

/// Who did what to a row, in order.
async fn done(world: &World, row: &Value) -> Vec<(String, String)> {
    let row = world.get(row["links"]["self"].as_str().unwrap()).await.expect(200);
    let actions = row["actions"].as_array().unwrap();
    let text = |action: &Value, member: &str| action[member].as_str().unwrap().to_owned();
    actions.iter().map(|action| (text(action, "by"), text(action, "what"))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(by, what)| ((*by).to_owned(), (*what).to_owned())).collect()
}

#[tokio::test]
async fn a_row_tells_who_pulled_its_levers() {
    let mut world = world().await;
    world.link_demo().await;
    let failed = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    let failed = world.acknowledge(&failed).await.expect(202);
    assert_eq!(done(&world, &failed).await, []);
    let path = failed["links"]["self"].as_str().unwrap();
    for by in ["anna", "ben"] {
        world.token = Some(by.to_owned());
        world.post(&format!("{path}/retry"), &json!({})).await.expect(200);
        world.until_state(&failed["id"], "failed").await;
    }
    let before = world.clock.now();
    let reason = json!({"reason": "planned\nmaintenance"});
    world.post(&format!("{path}/discard"), &reason).await.expect(200);
    let expected = pairs(&[("anna", "retried"), ("ben", "retried"), ("ben", "discarded")]);
    assert_eq!(done(&world, &failed).await, expected);
    let last = world.get(path).await.expect(200)["actions"][2].clone();
    assert_eq!(last["reason"], "planned maintenance");
    let at: jiff::Timestamp = last["at"].as_str().unwrap().parse().unwrap();
    assert!((before..=world.clock.now()).contains(&at), "{last}");
    // What is refused was not done.
    for lever in ["retry", "discard"] {
        world.post(&format!("{path}/{lever}"), &reason).await.problem(409, "conflict");
    }
    assert_eq!(done(&world, &failed).await, expected);
    // Lists have no room for it.
    let rows = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    assert_eq!(rows["items"][0].get("actions"), None);
    world.finish().await;
}

#[tokio::test]
async fn a_link_tells_who_has_put_it_and_so_do_the_rows_that_waited_for_it() {
    let mut world = world().await;
    let retail = |key: &str| with(event(key), "/company", json!({"id": 77, "name": "ACME Retail"}));
    let waits = world.acknowledge(&retail("waits")).await.expect(202);
    let link = json!({"organization": "ACME Retail", "team": "Helpdesk"});
    let linked = world.link(77, link.clone()).await;
    assert_eq!(linked["updated_by"], "boss");
    world.until_state(&waits["id"], "created").await;
    assert_eq!(done(&world, &waits).await, pairs(&[("boss", "linked")]));
    let later = world.acknowledge(&retail("later")).await.expect(201);
    world.link(77, link).await;
    assert_eq!(done(&world, &later).await, []);
    world.token = Some("anna".to_owned());
    for path in ["/api/v1/links/77", "/api/v1/links/77/effective"] {
        assert_eq!(world.get(path).await.expect(200)["updated_by"], "boss", "{path}");
    }
    let links = world.get("/api/v1/links").await.expect(200);
    assert_eq!(links["items"][0]["updated_by"], "boss");
    world.finish().await;
}
