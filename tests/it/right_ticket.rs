//! Which ticket is the control's: not any that has its id, nor any that its name fits; and what waits
//! for a control is told until it is done.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, TicketSeen};
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

async fn tickets(world: &World) -> Vec<TicketSeen> {
    world.itop.tickets().await.unwrap()
}

/// What is told of a control, once what is known of its ticket is old.
async fn known(world: &World, control: &str) -> Value {
    world.clock.advance(Duration::from_secs(20));
    world.get(&format!("/api/v1/controls/{control}/ticket")).await.expect(200)
}

/// iTop comes back from a backup without its newest ticket, and a colleague makes one, which gets the
/// same id and number.
async fn restored_with(world: &World, colleagues: Value) -> TicketSeen {
    let lost = tickets(world).await.pop().unwrap();
    world.itop.restore(lost.id - 1).await.unwrap();
    let fields = json!({
        "title": "Oracle listener", "description": "x", "org_id": lost.org_id,
        "start_date": lost.start_date, "impact": "2", "urgency": "2",
    });
    let mut fields = fields.as_object().unwrap().clone();
    fields.extend(colleagues.as_object().unwrap().clone());
    world.itop_creates("Incident", fields.into()).await;
    let new = tickets(world).await.pop().unwrap();
    assert_eq!((new.id, &new.reference), (lost.id, &lost.reference), "ids are given anew");
    new
}

fn again(key: &str, control: &str) -> Value {
    with(event(key), "/control/id", json!(control))
}

#[tokio::test]
async fn a_ticket_that_has_the_id_of_a_lost_one_is_not_the_controls() {
    // A colleague's of the same company, one with the same title, and one of another company.
    let mails = with(event("a"), "/control/name", json!("Mail queue"));
    for colleagues in [
        json!({}),
        json!({"title": "[CRITICAL] Server4 – Mail queue"}),
        json!({"org_id": 5002, "title": "Salaries"}),
    ] {
        let world = World::linked().await;
        world.acknowledge(&mails).await.expect(201);
        let other = restored_with(&world, colleagues.clone()).await;
        if other.title != "[CRITICAL] Server4 – Mail queue" {
            let told = known(&world, "control-a").await;
            assert!(!told.to_string().contains(&other.title), "{told}");
            assert_eq!(told["ticket"]["presence"], "deleted", "{told}");
            assert_eq!(told["ticket"]["open"], false);
            assert_eq!(told["ticket"]["url"], Value::Null);
            let open = world.get("/api/v1/tickets?open=true").await.expect(200);
            assert_eq!(open["items"], json!([]));
            let link = told["links"]["open"].as_str().unwrap();
            let page = world.http.get(link).send().await.unwrap();
            assert_eq!(page.status(), 410);
        }
        let next = world.acknowledge(&again("b", "control-a")).await.expect(201);
        assert_ne!(next["ticket"]["ref"], other.reference.as_str());
        let now = tickets(&world).await;
        assert_eq!(now.len(), 2);
        assert_eq!(now[0].private_log.len(), 0, "{colleagues}: {now:?}");
        let told = known(&world, "control-a").await;
        assert_eq!(told["ticket"]["presence"], "present");
        assert_eq!(told["ticket"]["ref"], next["ticket"]["ref"]);
        // A further one is a line in it.
        world.acknowledge(&again("c", "control-a")).await.expect(200);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_ticket_that_the_bridge_itself_makes_with_the_id_of_another_takes_it_from_that_control() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("a")).await.expect(201);
    let lost = tickets(&world).await.pop().unwrap();
    world.itop.restore(lost.id - 1).await.unwrap();
    // All that can be seen of it is the same.
    let second = world.acknowledge(&event("b")).await.expect(201);
    assert_eq!(second["ticket"]["id"], first["ticket"]["id"]);
    let told = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(told["ticket"]["presence"], "deleted", "{told}");
    assert_eq!(
        (&told["ticket"]["title"], &told["ticket"]["ref"]),
        (&json!(""), &first["ticket"]["ref"])
    );
    let open = world.get("/api/v1/tickets?open=true").await.expect(200);
    assert_eq!(open["items"].as_array().unwrap().len(), 1);
    assert_eq!(open["items"][0]["control"]["id"], "control-b");
    let number = first["ticket"]["ref"].as_str().unwrap();
    let of_number = world.get(&format!("/api/v1/tickets/{number}")).await.expect(200);
    assert_eq!(of_number["items"].as_array().unwrap().len(), 2);

    let third = world.acknowledge(&again("c", "control-a")).await.expect(201);
    assert_ne!(third["ticket"]["id"], first["ticket"]["id"]);
    assert_eq!(known(&world, "control-b").await["ticket"]["presence"], "present");
    assert_eq!(known(&world, "control-a").await["ticket"]["presence"], "present");
    world.acknowledge(&again("d", "control-b")).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_control_that_gets_the_id_of_its_lost_ticket_again_knows_the_new_one() {
    let world = World::linked().await;
    world.acknowledge(&event("a")).await.expect(201);
    let lost = tickets(&world).await.pop().unwrap();
    world.itop.restore(lost.id - 1).await.unwrap();
    let next = world.acknowledge(&again("b", "control-a")).await.expect(201);
    assert_eq!(next["ticket"]["id"], lost.id.to_string());
    world
        .itop_changes("Incident", lost.id.unsigned_abs(), json!({"title": "Disk, see Jean"}))
        .await;
    assert_eq!(known(&world, "control-a").await["ticket"]["title"], "Disk, see Jean");
    world.acknowledge(&again("c", "control-a")).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_ticket_that_people_change_stays_the_controls() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("a")).await.expect(201);
    let id = first["ticket"]["id"].as_str().unwrap().parse().unwrap();
    let changed = json!({"title": "Disk, see Jean", "start_date": "2026-11-20 08:00:00"});
    world.itop_changes("Incident", id, changed).await;
    let told = known(&world, "control-a").await;
    assert_eq!(told["ticket"]["title"], "Disk, see Jean");
    assert_eq!(told["ticket"]["presence"], "present");
    let reused = world.acknowledge(&again("b", "control-a")).await.expect(200);
    assert_eq!(reused["ticket"], first["ticket"]);
    world.finish().await;
}

#[tokio::test]
async fn a_named_ticket_is_known_by_its_number_and_beginning() {
    let world = World::linked().await;
    let fields = json!({
        "title": "By hand", "description": "x", "org_id": 3, "start_date": "2026-11-20 08:00:00",
    });
    world.itop_creates("Incident", fields).await;
    let by_hand = tickets(&world).await.pop().unwrap();
    let named = with(event("a"), "/ticket/existing_ref", json!(by_hand.reference));
    world.acknowledge(&named).await.expect(200);
    // Its line is overwritten for good, and an agent gives it another title.
    world.clock.advance(Duration::from_secs(2));
    world
        .until("the line was read back", async || {
            world.clock.advance(Duration::from_secs(1));
            world.not_read_back().await.is_empty().then_some(())
        })
        .await;
    let overwrite = json!({
        "title": "By hand, see Jean",
        "private_log": {"items": [{"message": "agent", "format": "text"}]},
    });
    world.itop.change("Incident", by_hand.id, overwrite).await.unwrap();
    assert_eq!(known(&world, "control-a").await["ticket"]["title"], "By hand, see Jean");
    world.acknowledge(&again("b", "control-a")).await.expect(200);
    // Lost, and its id given to one that began at another time.
    let other = restored_with(&world, json!({"start_date": "2026-11-21 10:00:00"})).await;
    let told = known(&world, "control-a").await;
    assert!(!told.to_string().contains(&other.title), "{told}");
    world.acknowledge(&again("c", "control-a")).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_ticket_that_was_out_of_sight_for_a_moment_comes_back_by_itself() {
    let world = World::linked().await;
    world.acknowledge(&event("a")).await.expect(201);
    let hidden = world.itop.faults().switch_on(Fault::new(FaultKind::TicketsHidden));
    let open = async || {
        let open = world.get("/api/v1/tickets?open=true").await.expect(200);
        open["items"].as_array().unwrap().len()
    };
    world
        .until("it is out of sight", async || {
            world.clock.advance(Duration::from_secs(30));
            (open().await == 0).then_some(())
        })
        .await;
    world.itop.faults().switch_off(hidden);
    // Nobody asks about it: what is open is all that a dashboard shows.
    world
        .until("it is back", async || {
            world.clock.advance(Duration::from_secs(30));
            (open().await == 1).then_some(())
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn a_control_that_is_called_otherwise_says_so_in_line_and_answer() {
    let world = World::linked().await;
    let named = |key: &str, control: &str, equipment: &str| {
        let event = with(again(key, "control-a"), "/control/name", json!(control));
        with(event, "/equipment", json!({"name": equipment}))
    };
    world.acknowledge(&named("a", "HTTP www1", "Server1")).await.expect(201);
    let newest = async || tickets(&world).await.pop().unwrap().private_log.pop().unwrap();
    for (key, control, equipment, warns) in [
        ("b", "HTTP WWW1", "server1", false),
        ("c", "HTTP www1-paris", "Server3", true),
        ("d", "HTTP www1-paris", "Server3", false),
        ("e", "HTTP www1-paris", "Server4", true),
    ] {
        let reused = world.acknowledge(&named(key, control, equipment)).await.expect(200);
        let warnings = reused["warnings"].to_string();
        let line = newest().await;
        assert_eq!(warnings.contains("is called"), warns, "{key}: {warnings}");
        assert_eq!(line.contains(&format!("{equipment} – {control}")), warns, "{key}: {line}");
        if key == "c" {
            assert!(line.to_lowercase().contains("server1 – http www1'"), "{line}");
        }
    }
    // Without equipment nothing is said of it.
    let bare = with(named("f", "HTTP www1-paris", "x"), "/equipment", Value::Null);
    let bare = with(bare, "/control/element_type", json!("user_service"));
    let reused = world.acknowledge(&bare).await.expect(200);
    assert!(!reused["warnings"].to_string().contains("is called"), "{reused}");
    world.finish().await;
}

#[tokio::test]
async fn what_has_failed_or_waits_is_not_hidden_by_what_asks_for_nothing() {
    let world = World::linked().await;
    let pending = async |control: &str| {
        world.get(&format!("/api/v1/controls/{control}/ticket")).await.expect(200)["pending"]
            .clone()
    };
    let ends = ["recovery", "acknowledgement_removed"];
    // One that has failed, and one that is blocked.
    let refuse = FaultKind::Refuse { code: 100, message: "Error: no".to_owned() };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let failed = world.acknowledge(&event("a")).await.expect(202);
    assert_eq!(failed["state"], "failed");
    let unlinked = with(event("b"), "/company", json!({"id": 77, "name": "ACME Retail"}));
    let blocked = world.acknowledge(&unlinked).await.expect(202);
    for (control, base, row) in
        [("control-a", event("a"), &failed), ("control-b", unlinked, &blocked)]
    {
        for end in ends {
            let later = with(base.clone(), "/event_id", json!(format!("{control}-{end}")));
            let recorded = world.acknowledge(&with(later, "/event_type", json!(end))).await;
            assert_eq!(recorded.body["state"], "recorded", "{}", recorded.text);
            assert_eq!(pending(control).await["acknowledgement"], row["id"], "{control} {end}");
        }
    }
    // What an operator has discarded is done with.
    let path = format!("{ACKNOWLEDGEMENTS}/{}/discard", failed["id"]);
    world.post(&path, &json!({"reason": "done by hand"})).await.expect(200);
    assert_eq!(pending("control-a").await, Value::Null);
    world.finish().await;
}
