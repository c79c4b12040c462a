//! Lines in the logs of a real iTop.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use servicenav_itop_bridge::config::{OnWorse, Period};

use super::{
    company::{Account, Company},
    marked, marker, named, real_event, world,
};
use crate::{
    fault_proxy::{self, Fate},
    world::{ACKNOWLEDGEMENTS, with},
};

/// The same control, acknowledged again.
fn again(event: &Value, key: &str) -> Value {
    let id = format!("{}-{key}", event["event_id"].as_str().unwrap());
    with(event.clone(), "/event_id", json!(id))
}

#[tokio::test]
async fn live_fifty_events_of_one_control_are_one_ticket() {
    let Some((world, client)) = world(|_| {}).await else { return };
    let event = real_event(&world, "fifty").await;
    let events: Vec<_> = (0..50).map(|number| again(&event, &number.to_string())).collect();
    let answer = world.post(ACKNOWLEDGEMENTS, &json!(events)).await.expect(200);
    let mut tickets = Vec::new();
    let mut created = 0;
    for item in answer["items"].as_array().unwrap() {
        let path = format!("{ACKNOWLEDGEMENTS}/{}", item["id"]);
        let row = world
            .until("it is settled", async || {
                let row = world.get(&path).await.expect(200);
                ["created", "reused"].iter().any(|state| row["state"] == *state).then_some(row)
            })
            .await;
        assert_eq!(row["warnings"], json!([]), "{row}");
        created += usize::from(row["state"] == "created");
        tickets.push(row["ticket"]["id"].clone());
    }
    tickets.dedup();
    assert_eq!((tickets.len(), created), (1, 1), "{tickets:?}");
    for event in &events {
        let found = marked(&client, event).await;
        assert_eq!(found.len(), 1);
        assert_eq!(json!(found[0].id), tickets[0]);
    }
    world.finish().await;
}

#[tokio::test]
async fn live_a_ticket_resolved_while_its_line_is_on_the_way_gets_none_and_another_is_made() {
    let (Some(itop), Some(admin)) = (named(), Account::admin()) else { return };
    let next = Arc::new(Mutex::new(Fate::Forward));
    let armed = next.clone();
    let fate = move || std::mem::replace(&mut *armed.lock().unwrap(), Fate::Forward);
    let url = fault_proxy::start_for("core/update", &itop.url, fate).await;
    let (world, client) =
        world(|config| config.itop.as_mut().unwrap().url = url).await.expect("an iTop is named");
    let company = Company::found(&admin, &world, "resolved").await;
    company.link(&world).await;
    let first = company.event("first");
    let old = world.acknowledge(&first).await.expect(201);
    *next.lock().unwrap() = Fate::Late(Duration::from_secs(4));
    let second = again(&first, "second");
    let resolve = async {
        world
            .until("the line is on the way", async || {
                (*next.lock().unwrap() == Fate::Forward).then_some(())
            })
            .await;
        admin.resolve(&old["ticket"], company.contact).await;
    };
    let (row, ()) = tokio::join!(world.acknowledge(&second), resolve);
    let row = row.expect(201);
    assert_eq!((&row["state"], &row["warnings"]), (&json!("created"), &json!([])), "{row}");
    assert_ne!(row["ticket"]["id"], old["ticket"]["id"]);
    assert_eq!(admin.ticket(&old["ticket"]).await.log.len(), 1);
    assert_eq!(marked(&client, &second).await.len(), 1);
    assert_eq!(company.tickets(&admin).await, 2);
    world.finish().await;
    company.end(&admin).await;
}

#[tokio::test]
async fn live_a_comment_can_forge_neither_a_marker_nor_a_link() {
    let Some(admin) = Account::admin() else { return };
    let Some((world, client)) = world(|_| {}).await else { return };
    let company = Company::found(&admin, &world, "forged").await;
    company.link(&world).await;
    let first = company.event("first");
    let victim = with(again(&first, "victim"), "/control/id", json!("victim"));
    let forged = marker(&victim).to_string();
    let wide = forged.replace('[', "\u{ff3b}").replace(']', "\u{ff3d}");
    let upper = forged.to_uppercase();
    let comment = format!(
        "{forged} {wide} {upper} [[Person:1]] \u{ff3b}\u{ff3b}Person:1\u{ff3d}\u{ff3d} \
         &#91;[Person:1]] &lt;b&gt; a & b"
    );
    let forging = |event: Value| {
        let event = with(event, "/acknowledgement/comment", json!(comment));
        let event = with(event, "/control/output", json!(comment));
        with(event, "/acknowledgement/author/name", json!(comment))
    };
    let created = world.acknowledge(&forging(first.clone())).await.expect(201);
    let line = forging(again(&first, "line"));
    world.acknowledge(&line).await.expect(200);
    let ticket = admin.ticket(&created["ticket"]).await;
    assert_eq!(ticket.log.len(), 2, "{:?}", ticket.log);
    let own = marker(&line).to_string();
    let words = ticket.log.iter().find_map(|entry| entry.strip_prefix(&own));
    let words = words.expect("the line is behind its marker");
    assert!(words.contains("(ack "), "{words}");
    for bracket in ['[', ']', '\u{ff3b}', '\u{ff3d}'] {
        assert!(!words.contains(bracket), "{words}");
    }
    // iTop shows such entities decoded.
    assert!(!words.contains("&#91;") && !words.contains("&lt;"), "{words}");
    let found =
        format!("SELECT Ticket WHERE org_id = {} AND private_log LIKE '%{forged}%'", company.org);
    assert!(admin.read(&found, "id").await.is_empty());
    assert_eq!(marked(&client, &victim).await, []);
    // So the victim gets its own ticket.
    let own = world.acknowledge(&victim).await.expect(201);
    assert_ne!(own["ticket"]["id"], created["ticket"]["id"]);
    world.finish().await;
    company.end(&admin).await;
}

#[tokio::test]
async fn live_a_control_that_has_become_worse_raises_its_ticket() {
    let Some(admin) = Account::admin() else { return };
    let raise = |config: &mut servicenav_itop_bridge::config::Config| {
        config.ticket.on_worse = OnWorse::Raise;
        config.delivery.settle = Period::seconds(8);
    };
    let Some((world, _)) = world(raise).await else { return };
    let company = Company::found(&admin, &world, "worse").await;
    company.link(&world).await;
    let state = |event: Value, state: &str, criticality: &str| {
        let event = with(event, "/control/state", json!(state));
        with(event, "/control/criticality", json!(criticality))
    };
    let first = company.event("first");
    let created = world.acknowledge(&state(first.clone(), "WARNING", "low")).await.expect(201);
    assert_eq!(admin.ticket(&created["ticket"]).await.priority, 4);
    let worse = state(again(&first, "worse"), "CRITICAL", "high");
    let worse = world.acknowledge(&worse).await.expect(200);
    assert!(worse["warnings"][0].as_str().unwrap().contains("CRITICAL"), "{worse}");
    let ticket = admin.ticket(&created["ticket"]).await;
    assert_eq!((ticket.priority, ticket.log.len()), (2, 2), "{:?}", ticket.log);
    let better = state(again(&first, "better"), "WARNING", "low");
    world.acknowledge(&better).await.expect(200);
    assert_eq!(admin.ticket(&created["ticket"]).await.priority, 2);

    // An agent has set a higher one meanwhile: it stays.
    let set = json!({"impact": "1", "urgency": "1"});
    let id = created["ticket"]["id"].as_str().unwrap().parse().unwrap();
    admin.change(created["ticket"]["class"].as_str().unwrap(), id, set).await;
    world.acknowledge(&state(again(&first, "worse-again"), "CRITICAL", "high")).await.expect(200);
    let ticket = admin.ticket(&created["ticket"]).await;
    assert_eq!((ticket.priority, ticket.log.len()), (1, 4), "{:?}", ticket.log);
    world.finish().await;
    company.end(&admin).await;
}
