//! What holds at the moment of the write, whatever the lists said: each kind of reference is moved,
//! renamed, deactivated or deleted in iTop between the reading of its list and the post.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations, Options, TicketSeen};
use serde_json::{Value, json};
use servicenav_itop_bridge::{config::Config, store};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// A world whose lists are read: what is changed in iTop afterwards they do not know.
async fn with_lists() -> World {
    let world = World::linked().await;
    world.read_lists().await;
    world
}

async fn newest(world: &World) -> TicketSeen {
    world.itop.tickets().await.unwrap().pop().expect("a ticket")
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Move,
    Deactivate,
    Delete,
}

/// The person, CI, service, … that the standard event refers to in iTop.
const PERSON: i64 = 15;
const CI: i64 = 4;
const SERVICE: i64 = 3;
const ELEMENT: i64 = 4;

async fn change(world: &World, class: &str, id: i64, change: Change) {
    match change {
        Change::Move => world.itop.move_to(class, id, 5_002).await.unwrap(),
        Change::Deactivate => world.itop.deactivate(class, id).await.unwrap(),
        Change::Delete => world.itop.delete(class, id).await.unwrap(),
    }
}

#[tokio::test]
async fn an_optional_reference_that_no_longer_holds_is_left_out_with_a_warning() {
    for (class, id, changes, word) in [
        ("Person", PERSON, &[Change::Move, Change::Deactivate, Change::Delete][..], "Contact"),
        ("Server", CI, &[Change::Move, Change::Deactivate, Change::Delete], "itsm_id"),
        ("Service", SERVICE, &[Change::Deactivate, Change::Delete], "Service"),
        ("ServiceSubcategory", ELEMENT, &[Change::Deactivate, Change::Delete], "Service element"),
    ] {
        for kind in changes {
            let world = with_lists().await;
            change(&world, class, id, *kind).await;
            let row = world.acknowledge(&event("changed")).await.expect(201);
            let ticket = newest(&world).await;
            let told = row["warnings"].to_string();
            assert!(told.contains(word), "{class} {kind:?}: {told}");
            let (person, cis) = (ticket.caller_id, &ticket.ci_ids);
            match class {
                "Person" => assert!(person == 0 && cis.contains(&CI), "{ticket:?}"),
                "Server" => assert!(person == PERSON && !cis.contains(&CI), "{ticket:?}"),
                _ => assert!(person == PERSON && cis.contains(&CI), "{ticket:?}"),
            }
            // One post, one ticket, and nothing to retry.
            assert_eq!(row["problem"], Value::Null);
            assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn a_reference_that_was_only_renamed_is_the_same_one() {
    let world = with_lists().await;
    world.itop.rename("Server", CI, "another name").await.unwrap();
    world.itop.rename("Service", SERVICE, "Another service").await.unwrap();
    let row = world.acknowledge(&event("renamed")).await.expect(201);
    assert_eq!(row["warnings"], json!([]));
    assert!(newest(&world).await.ci_ids.contains(&CI));
    world.finish().await;
}

#[tokio::test]
async fn a_team_that_no_longer_serves_falls_back_or_blocks() {
    let world = with_lists().await;
    let links = "SELECT lnkDeliveryModelToContact WHERE contact_id = 39";
    for link in world.itop.select(links).await.unwrap() {
        world.itop.delete("lnkDeliveryModelToContact", link).await.unwrap();
    }
    let team = |event: Value| with(event, "/team", json!("System & application support"));
    let row = world.acknowledge(&team(event("fallback"))).await.expect(201);
    assert!(row["warnings"][0].as_str().unwrap().contains("System & application support"), "{row}");
    let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", row["id"])).await.expect(200);
    assert_eq!(row["state"], "created");

    // And with nothing to fall back to it waits, although the list still has the team.
    world.link(42, json!({"organization": "Demo"})).await;
    world.itop.delete("lnkDeliveryModelToContact", 1).await.unwrap();
    let blocked = world.acknowledge(&event("blocked")).await.expect(202);
    assert_eq!(blocked["problem"]["code"], "team-not-resolved", "{blocked}");
    world.finish().await;
}

#[tokio::test]
async fn an_organization_that_was_deactivated_blocks_with_its_sentence() {
    let world = with_lists().await;
    world.itop.deactivate("Organization", 3).await.unwrap();
    let row = world.acknowledge(&event("gone")).await.expect(202);
    assert_eq!(row["problem"]["code"], "organization-missing", "{row}");
    let sentence = row["problem"]["message"].as_str().unwrap();
    assert!(sentence.contains("no longer active in iTop"), "{sentence}");
    assert_eq!(world.itop.tickets().await.unwrap().len(), 0);
    // Mended there, it goes on by itself.
    world.itop.change("Organization", 3, json!({"status": "active"})).await.unwrap();
    world.clock.advance(Duration::from_mins(6));
    world.until_state(&row["id"], "created").await;
    world.finish().await;
}

#[tokio::test]
async fn what_itop_drops_without_a_word_is_told() {
    for (attribute, word) in [("caller_id", "contact"), ("functionalci_id", "CI")] {
        let world = with_lists().await;
        let gone = FaultKind::GoneAtFetch { attribute: Some(attribute.to_owned()) };
        world.itop.faults().switch_on(Fault::new(gone).on(Operations::Create).times(1));
        let row = world.acknowledge(&event("dropped")).await.expect(201);
        let told = row["warnings"].to_string();
        assert!(told.contains("without") && told.contains(word), "{told}");
        assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_refusal_in_other_words_is_the_same_refusal() {
    let world = with_lists().await;
    world.itop.delete("Team", 37).await.unwrap();
    let gone = FaultKind::GoneAtFetch { attribute: None };
    world.itop.faults().switch_on(Fault::new(gone).on(Operations::Create).times(1));
    // "Unexpected value for attribute 'Team' (team_id) : Null not allowed", or silence.
    let row = world.acknowledge(&event("other-words")).await;
    assert!(row.status == 202 || row.status == 201, "{}", row.text);
    assert_ne!(row.body["state"], "failed", "{}", row.text);
    world.finish().await;
}

#[tokio::test]
async fn the_first_acknowledgement_after_a_start_waits_for_no_list() {
    let mut world = World::linked().await;
    world.stop_bridge().await;
    world.start_bridge().await;
    // Which class tickets have is known since this one, which has none.
    let nobody = with(event("class"), "/ticket/existing_ref", json!("I-999999"));
    world.acknowledge(&nobody).await.expect(202);
    // From here on no read ends before the clock is moved.
    let slow = FaultKind::Slow { before_ms: 60_000, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Read));
    let before = world.itop.requests_seen().by_operation;
    let row = world.acknowledge(&event("cold")).await.expect(201);
    assert_eq!(row["warnings"], json!([]));
    let ticket = newest(&world).await;
    assert_eq!((ticket.caller_id, ticket.ci_ids.contains(&CI)), (PERSON, true));
    let creates = world.itop.requests_seen().of("core/create");
    assert_eq!(creates - before.get("core/create").copied().unwrap_or(0), 1);
    world.itop.faults().clear();
    world.clock.advance(Duration::from_mins(2));
    world.finish().await;
}

#[tokio::test]
async fn the_first_acknowledgement_after_a_start_does_not_share_itop_with_its_lists() {
    let mut world = World::linked().await;
    world.stop_bridge().await;
    let before = world.itop.requests_seen().of("core/get");
    world.start_bridge().await;
    // Many lists at once would keep iTop from the create that they stand back for.
    let slow = FaultKind::Slow { before_ms: 200, after_ms: 0 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create));
    world.acknowledge(&event("first")).await.expect(201);
    let reads = world.itop.requests_seen().of("core/get") - before;
    assert!(reads <= 4, "the class, the highest id: {reads}");
    world.clock.advance(Duration::from_secs(1));
    world
        .until("the lists are read", async || {
            (world.itop.requests_seen().of("core/get") - before >= 8).then_some(())
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn a_ci_whose_name_has_hidden_spaces_is_found_by_the_first_acknowledgement_after_a_start() {
    let mut world = World::linked().await;
    let fields = json!({"name": "srv  two", "org_id": 3});
    let created = world.itop.create("Server", fields).await.unwrap();
    world.stop_bridge().await;
    world.start_bridge().await;
    let spaced = with(event("spaced"), "/equipment", json!({"name": "SRV two"}));
    let row = world.acknowledge(&spaced).await.expect(201);
    assert_eq!(row["warnings"], json!([]));
    assert!(newest(&world).await.ci_ids.contains(&created));
    world.finish().await;
}

#[tokio::test]
async fn equipment_that_is_in_no_list_is_asked_for_by_its_name() {
    let world = with_lists().await;
    let created =
        world.itop.create("Server", json!({"name": "srv-new", "org_id": 3})).await.unwrap();
    world.clock.advance(Duration::from_secs(31));
    let new = with(event("new"), "/equipment", json!({"name": "SRV-NEW"}));
    let before = world.itop.requests_seen().of("core/get");
    let row = world.acknowledge(&new).await.expect(201);
    assert_eq!(row["warnings"], json!([]));
    assert!(newest(&world).await.ci_ids.contains(&created));
    assert!(world.itop.requests_seen().of("core/get") - before <= 2);
    world.finish().await;
}

#[tokio::test]
async fn an_itop_before_2_7_gets_no_condition_and_tickets_all_the_same() {
    let world = World::start().await;
    world.itop.faults().switch_on(Fault::new(FaultKind::NoNestedQueries));
    world.link_demo().await;
    let preview = world.post("/api/v1/acknowledgements/preview", &event("old")).await.expect(200);
    let org = preview["request"]["fields"]["org_id"].as_str().unwrap();
    assert!(!org.contains("NOT IN"), "{org}");
    world.acknowledge(&event("old")).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn an_itop_that_was_restored_gives_ids_anew_and_none_is_made_twice() {
    let world = World::linked().await;
    for number in 0..3 {
        world.acknowledge(&event(&format!("before-{number}"))).await.expect(201);
    }
    world.itop.restore(100).await.unwrap();
    world.acknowledge(&event("after")).await.expect(201);
    // The newest id has fallen: the next look is below it.
    let cut = Fault::new(FaultKind::CutAfter).on(Operations::Create).times(1);
    world.itop.faults().switch_on(cut);
    let posted = world.post(ACKNOWLEDGEMENTS, &event("cut")).await;
    let row = world
        .until("it is found", async || {
            world.clock.advance(Duration::from_secs(5));
            let path = format!("{ACKNOWLEDGEMENTS}/{}", posted.body["id"]);
            let row = world.get(&path).await.expect(200);
            (row["state"] == "created").then_some(row)
        })
        .await;
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets.len(), 2, "{row}");
    world.finish().await;
}

#[tokio::test]
async fn another_attribute_may_keep_the_marker_and_stands_in_the_condition_too() {
    let other = |config: &mut Config| config.ticket.marker_field = "private_log".to_owned();
    let world = World::with(Options::default(), other).await;
    world.link_demo().await;
    let preview = world.post("/api/v1/acknowledgements/preview", &event("field")).await.expect(200);
    let org = preview["request"]["fields"]["org_id"].as_str().unwrap();
    assert!(org.contains("marked.private_log LIKE '%[ack "), "{org}");
    world.finish().await;

    let other = |config: &mut Config| config.ticket.marker_field = "title".to_owned();
    let world = World::with(Options::default(), other).await;
    world.link_demo().await;
    let preview = world.post("/api/v1/acknowledgements/preview", &event("field")).await.expect(200);
    let fields = &preview["request"]["fields"];
    let org = fields["org_id"].as_str().unwrap();
    assert!(org.contains("marked.title LIKE '%[ack "), "{org}");
    assert!(fields["title"].as_str().unwrap().starts_with("[ack "), "{fields}");
    world.finish().await;
}

#[tokio::test]
async fn a_create_that_takes_long_is_told_by_readyz() {
    let world = World::linked().await;
    let slow = FaultKind::HeldBefore { ms: 60_000 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Create).times(1));
    let posted = world.post(ACKNOWLEDGEMENTS, &json!([event("slow")])).await.expect(200);
    world
        .until("iTop is at work", async || {
            (world.itop.requests_seen().creates_in_flight == 1).then_some(())
        })
        .await;
    assert_eq!(world.get("/readyz").await.expect(200)["slow_creates"], json!([]));
    world.clock.advance(Duration::from_secs(12));
    let slow = world.get("/readyz").await.expect(200)["slow_creates"][0].clone();
    assert_eq!(slow["acknowledgement"], posted["items"][0]["id"]);
    assert!(slow["seconds"].as_u64() >= Some(12), "{slow}");
    world.clock.advance(Duration::from_mins(1));
    world.until_state(&posted["items"][0]["id"], "created").await;
    assert_eq!(world.get("/readyz").await.expect(200)["slow_creates"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn after_a_restore_the_condition_looks_above_what_the_backup_knew() {
    let mut world = World::linked().await;
    world.acknowledge(&event("before")).await.expect(201);
    let known = newest(&world).await.id;
    // More tickets than a condition looks below the highest one.
    for number in 0..3 {
        world.acknowledge(&event(&format!("between-{number}"))).await.expect(201);
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    store::backup(&world.database(), &copy).unwrap();
    world.acknowledge(&event("after")).await.expect(201);
    world.stop_bridge().await;
    store::restore(&copy, &world.database(), world.clock.now()).unwrap();
    world.start_bridge().await;
    world.clock.advance(Duration::from_mins(1));
    // The event that the backup does not know is found, not made again.
    let answer = world.acknowledge(&event("after")).await;
    let row = world
        .until("it is known again", async || {
            world.clock.advance(Duration::from_secs(5));
            let path = format!("{ACKNOWLEDGEMENTS}/{}", answer.body["id"]);
            let row = world.get(&path).await.expect(200);
            (row["state"] == "created").then_some(row)
        })
        .await;
    assert_eq!(row["ticket"]["id"], newest(&world).await.id.to_string());
    assert_eq!(world.itop.tickets().await.unwrap().len(), 5);
    assert!(newest(&world).await.id > known);
    world.finish().await;
}
