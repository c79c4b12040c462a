//! An acknowledgement becomes a ticket, and the control knows it.

use serde_json::json;

use crate::world::{World, event, with};

#[tokio::test]
async fn an_acknowledgement_becomes_one_ticket_whose_status_is_known() {
    let world = World::linked().await;
    let event = event("main");

    let created = world.acknowledge(&event).await;
    assert_eq!(created.header("preference-applied"), "wait=20");
    let location = created.header("location").to_owned();
    let created = created.expect(201);
    assert_eq!(location, format!("/api/v1/acknowledgements/{}", created["id"]));
    assert_eq!(created["state"], "created");
    assert_eq!(created["warnings"], json!([]));
    let ticket = &created["ticket"];
    assert_eq!(ticket["class"], "Incident");

    // The same event again, as Nagios posts it once per contact: the same ticket.
    let again = with(event.clone(), "/acknowledgement/comment", json!("Another contact"));
    let again = world.acknowledge(&again).await.expect(200);
    assert_eq!(again["ticket"], *ticket);
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets.len(), 1);

    let sent = &tickets[0];
    assert_eq!(sent.org_id, 3);
    assert_eq!(sent.title, "[CRITICAL] Server4 – Disk C:");
    assert_eq!(sent.priority, "2");
    assert_eq!(sent.origin, "monitoring");
    assert_eq!(sent.start_date, "2026-11-21 09:15:02");
    assert_eq!((sent.caller_id, sent.team_id), (15, 37));
    assert_eq!((sent.service_id, sent.servicesubcategory_id), (3, 4));
    assert_eq!(sent.ci_ids, [4]);
    assert!(sent.description.contains("event-main"), "{}", sent.description);
    assert_eq!(sent.private_log.len(), 1);
    assert!(sent.private_log[0].starts_with("[ack "), "{:?}", sent.private_log);

    let known = world.get("/api/v1/controls/control-main/ticket").await.expect(200);
    assert_eq!(known["ticket"]["ref"], ticket["ref"]);
    assert_eq!(known["ticket"]["status"], "new");
    assert_eq!(known["ticket"]["open"], true);
    assert_eq!(known["stale"], false);

    let page = world.http.get(ticket["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains(ticket["ref"].as_str().unwrap()));

    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus(&sent.class, sent.id, stimulus).await.unwrap();
    }
    world.clock.advance(world.config.board.max_age.duration());
    let known = world.get("/api/v1/controls/control-main/ticket").await.expect(200);
    assert_eq!(known["ticket"]["status"], "resolved");
    assert_eq!(known["ticket"]["open"], false);
    world.finish().await;
}
