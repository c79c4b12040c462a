//! What is taken although it is not as it should be: the ticket matters more.

use std::{io::Write as _, time::Duration};

use flate2::{Compression, write::GzEncoder};
use itop_sandbox::TicketSeen;
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

async fn post(world: &World, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let request = world.http.post(format!("{}{ACKNOWLEDGEMENTS}", world.base));
    let mut request = request.header("prefer", "wait=20").body(body.into());
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.send().await.unwrap()).await
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

async fn newest_ticket(world: &World) -> TicketSeen {
    world.itop.tickets().await.unwrap().pop().unwrap()
}

/// The warnings of an answer, as one text.
fn warnings(row: &Value) -> String {
    let warnings = row["warnings"].as_array().unwrap().iter();
    warnings.map(|warning| warning.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped() {
    let world = World::linked().await;
    for text in [event("bom").to_string(), format!(" [{}]", event("bom-list"))] {
        let answer = post(&world, &[], format!("\u{feff}{text}")).await;
        assert!([200, 201].contains(&answer.status), "{}", answer.text);
        let row = if answer.status == 200 { &answer.body["items"][0] } else { &answer.body };
        world.until_state(&row["id"], "created").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_body_that_was_packed_is_unpacked_within_its_bounds() {
    let world = World::linked().await;
    for (key, headers) in [
        ("gzip", &[("content-encoding", "gzip")][..]),
        ("x-gzip", &[("content-encoding", "X-Gzip")]),
        ("silent", &[]),
        ("identity", &[("content-encoding", "identity")]),
    ] {
        post(&world, headers, gzip(&event(key).to_string())).await.expect(201);
    }
    // What stands in front of the bridge has unpacked it and left the header.
    let gzip_header = [("content-encoding", "gzip")];
    post(&world, &gzip_header, event("unpacked").to_string()).await.expect(201);
    let list = gzip(&json!([event("in-list")]).to_string());
    let list = post(&world, &gzip_header, list).await.expect(200);
    world.until_state(&list["items"][0]["id"], "created").await;

    let too_large = with(event("large"), "/control/output", json!("x".repeat(300_000)));
    let answer = post(&world, &gzip_header, gzip(&too_large.to_string())).await;
    answer.problem(413, "too-large");
    let bomb = gzip(&format!("[{}]", " ".repeat(64 << 20)));
    assert!(bomb.len() < 512 << 10);
    let answer = post(&world, &gzip_header, bomb).await;
    assert!(answer.problem(413, "too-large").contains("8388608"));
    let mut cut = gzip(&event("cut").to_string());
    cut.truncate(cut.len() / 2);
    let detail = post(&world, &gzip_header, cut).await.problem(400, "unreadable");
    assert!(detail.contains("gzip"), "{detail}");
    for coding in ["deflate", "br", "gzip, gzip", "zstd"] {
        let answer = post(&world, &[("content-encoding", coding)], gzip("{}")).await;
        let detail = answer.problem(415, "unsupported-media-type");
        assert!(detail.contains(&format!("Content-Encoding '{coding}'")), "{detail}");
        assert_eq!(answer.header("accept-encoding"), "gzip");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_declared_older_alphabet_is_decoded() {
    let world = World::linked().await;
    let text = event("latin").to_string().replace("Disk C:", "Salle \u{e9}t\u{e9}");
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let declared = [("content-type", "application/json; charset=ISO-8859-1")];
    post(&world, &declared, latin.clone()).await.expect(201);
    assert_eq!(newest_ticket(&world).await.title, "[CRITICAL] Server4 – Salle été");
    // A proxy that declares it for what is UTF-8 all the same changes nothing.
    let utf8 = text.replace("latin", "utf8");
    post(&world, &declared, utf8).await.expect(201);
    assert_eq!(newest_ticket(&world).await.title, "[CRITICAL] Server4 – Salle été");
    let detail = post(&world, &[], latin).await.problem(400, "unreadable");
    assert!(detail.contains("UTF-8"), "{detail}");
    world.finish().await;
}

#[tokio::test]
async fn raw_control_characters_of_a_plugin_cost_no_ticket() {
    let world = World::linked().await;
    let raw = |key: &str| event(key).to_string().replace("97% used", "97%\n\tused");
    let row = post(&world, &[], raw("raw")).await.expect(201);
    assert!(warnings(&row).contains("raw control characters"), "{row}");
    let ticket = newest_ticket(&world).await;
    assert!(ticket.description.contains("C: 97%  used"), "{}", ticket.description);
    assert!(ticket.description.contains("raw control characters"), "{}", ticket.description);
    // Of a list, each item by itself.
    let list = format!("[{}, \n {}, {}]", raw("one"), event("two"), raw("three"));
    let list = post(&world, &[], list).await.expect(200);
    for (place, is_told) in [true, false, true].into_iter().enumerate() {
        let row = world.until_state(&list["items"][place]["id"], "created").await;
        assert_eq!(warnings(&row).contains("raw control"), is_told, "{row}");
    }
    // The same event, read again.
    post(&world, &[], raw("raw")).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn what_is_optional_and_wrong_is_left_out_and_told() {
    let world = World::linked().await;
    let cases = [
        ("/event_id", json!("$EVENTID$"), "event_id"),
        ("/created_at", json!("yesterday"), "created_at"),
        ("/created_at", json!("0001-01-01T00:00:00Z"), "created_at"),
        ("/source", json!({"time_zone": "Europe/Lutetia"}), "source.time_zone"),
        ("/source", json!({"product": 7}), "source.product"),
        ("/site", json!(["Lyon"]), "site"),
        ("/contact", json!({"id": [], "email": "agatha.christie@demo.com"}), "contact.id"),
        ("/team", json!({"id": "$TEAM$", "name": "Helpdesk"}), "team.id"),
        ("/service_element", json!({"id": {}}), "service_element.id"),
        ("/priority", json!("urgent"), "priority"),
        ("/priority", json!(2.5), "priority"),
        ("/equipment", json!({"name": "Server4", "itsm_id": true}), "equipment.itsm_id"),
        ("/equipment/address", json!("$HOSTADDRESS$"), "equipment.address"),
        ("/control/criticality", json!("urgent"), "control.criticality"),
        ("/control/url", json!("https://sn.example/ x"), "control.url"),
        ("/control/url", json!("javascript:alert(1)"), "control.url"),
        ("/control/output", json!(["a", "b"]), "control.output"),
        ("/title", json!("x".repeat(300_000 / 2)), ""),
        ("/title", json!({"a": "b"}), "title"),
        ("/acknowledgement/sticky", json!("perhaps"), "acknowledgement.sticky"),
        ("/acknowledgement/sticky", json!(2), "acknowledgement.sticky"),
        ("/acknowledgement/comment", json!("$NOTIFICATIONCOMMENT$"), "acknowledgement.comment"),
        ("/acknowledgement/expires_at", json!("2026-11-22 10:00:00"), "acknowledgement.expires_at"),
        ("/ticket", json!(true), "ticket"),
        ("/ticket/new", json!("perhaps"), "ticket.new"),
    ];
    for (number, (pointer, value, member)) in cases.into_iter().enumerate() {
        let sent = with(event(&format!("optional-{number}")), pointer, value.clone());
        let row = world.acknowledge(&sent).await;
        assert_eq!(row.status, 201, "{pointer}: {}", row.text);
        let told = warnings(&row.body);
        if member.is_empty() {
            assert_eq!(told, "");
            continue;
        }
        assert!(told.contains(member), "{pointer}: {told}");
        // As the agent reads it.
        let ticket = newest_ticket(&world).await;
        assert!(ticket.description.contains(&format!("<li>{member} ")), "{}", ticket.description);
    }
    // The line for an open ticket has them too.
    let again = with(event("again"), "/control/id", json!("control-optional-0"));
    let again = with(again, "/control/url", json!("https://sn.example/ x"));
    let row = world.acknowledge(&again).await.expect(200);
    assert_eq!(row["state"], "reused");
    assert!(warnings(&row).contains("control.url was left out"), "{row}");
    // So does what waits, and what wants no ticket.
    let waits = with(again, "/company", json!({"id": 77, "name": "Nobody's"}));
    let waits = with(with(waits, "/event_id", json!("waits")), "/control/id", json!("waits"));
    let row = world.acknowledge(&waits).await.expect(202);
    assert_eq!(row["state"], "blocked");
    assert!(warnings(&row).contains("control.url was left out"), "{row}");
    let recorded = with(with(waits, "/event_id", json!("r")), "/event_type", json!("recovery"));
    let row = world.acknowledge(&recorded).await.expect(200);
    assert!(warnings(&row).contains("control.url was left out"), "{row}");
    world.finish().await;
}

#[tokio::test]
async fn flags_and_numbers_are_taken_as_engines_write_them() {
    let world = World::linked().await;
    for (number, value) in ["", "true", "FALSE", "0", "1", "yes"].iter().enumerate() {
        let sent = event(&format!("sticky-{number}"));
        let row = world.acknowledge(&with(sent, "/acknowledgement/sticky", json!(value))).await;
        assert_eq!(row.expect(201)["warnings"], json!([]), "{value:?}");
    }
    for (number, value) in [json!("false"), json!(0), json!("No"), json!(false)].iter().enumerate()
    {
        let sent = event(&format!("unwanted-{number}"));
        let row = world.acknowledge(&with(sent, "/ticket/requested", value.clone())).await;
        assert_eq!(row.expect(200)["state"], "recorded", "{value}");
    }
    let text = event("numbers").to_string().replace("\"id\":42", "\"id\":42.0");
    let text = text.replace("\"control-numbers\"", "4.8213e4").replace("1207", "1207.0");
    let row = post(&world, &[], text).await.expect(201);
    assert_eq!((&row["company"]["key"], &row["control"]["id"]), (&json!("id:42"), &json!("48213")));
    assert_eq!(row["warnings"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_comment_is_optional_and_an_author_of_what_is_no_acknowledgement() {
    let world = World::linked().await;
    let silent =
        with(event("silent"), "/acknowledgement", json!({"author": "mrossi", "comment": ""}));
    let row = world.acknowledge(&silent).await.expect(201);
    assert_eq!(row["warnings"], json!([]));
    let description = newest_ticket(&world).await.description;
    assert!(description.contains("by mrossi</b>, without a comment"), "{description}");
    let again = with(silent, "/event_id", json!("again"));
    world.acknowledge(&again).await.expect(200);
    let log = newest_ticket(&world).await.private_log;
    assert!(log.last().unwrap().contains("acknowledged again by mrossi, without a comment"));

    for (number, kind) in ["recovery", "acknowledgement_removed", "test"].iter().enumerate() {
        for statement in [json!(null), json!({"author": "", "comment": ""}), json!("none")] {
            let sent = event(&format!("{kind}-{number}-{}", statement.is_null()));
            let sent = with(sent, "/acknowledgement", statement.clone());
            let row = world.acknowledge(&with(sent, "/event_type", json!(kind))).await;
            assert_eq!(row.expect(200)["state"], "recorded", "{kind}: {statement}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn times_are_understood_and_a_zero_is_none() {
    let world = World::linked().await;
    let expected = "2026-11-21 09:15:02";
    for (number, created) in [
        json!(1_795_248_902),
        json!(1_795_248_902_000_i64),
        json!(1_795_248_902.0),
        json!("1795248902"),
        json!("2026-11-21 09:15:02"),
        json!("2026-11-21T08:15:02Z"),
    ]
    .into_iter()
    .enumerate()
    {
        let sent = with(event(&format!("time-{number}")), "/created_at", created.clone());
        let sent = with(sent, "/source", json!({"time_zone": "Europe/Paris"}));
        let row = world.acknowledge(&sent).await.expect(201);
        assert_eq!(row["warnings"], json!([]), "{created}");
        assert_eq!(newest_ticket(&world).await.start_date, expected, "{created}");
    }
    let refused = with(event("nowhere"), "/created_at", json!("2026-11-21 09:15:02"));
    let refused = world.acknowledge(&refused).await;
    assert!(refused.problem(422, "invalid").contains("source.time_zone"));

    // A control that was never checked, and a sender that has no clock.
    for (number, zero) in [json!(0), json!("0001-01-01T00:00:00Z"), json!(null)].iter().enumerate()
    {
        let mut sent = event(&format!("zero-{number}"));
        sent["created_at"] = zero.clone();
        sent["control"]["status_changed_at"] = zero.clone();
        sent["acknowledgement"]["acknowledged_at"] = zero.clone();
        sent["acknowledgement"]["expires_at"] = zero.clone();
        let before = world.clock.now();
        let row = world.acknowledge(&sent).await.expect(201);
        let told = warnings(&row);
        assert!(told.contains("does not say since when"), "{told}");
        assert_eq!(told.contains("created_at is zero"), !zero.is_null(), "{told}");
        let ticket = newest_ticket(&world).await;
        assert!(!ticket.description.contains("Acknowledged until"), "{}", ticket.description);
        assert!(!ticket.description.contains("0001-"), "{}", ticket.description);
        let now = before.strftime("%Y-").to_string();
        assert!(ticket.start_date.starts_with(&now), "{}", ticket.start_date);
        // The same control, never checked still: the same event.
        assert_eq!(world.acknowledge(&sent).await.expect(200)["id"], row["id"]);
    }
    world.finish().await;
}

#[tokio::test]
async fn an_event_without_a_key_is_the_same_event_each_time() {
    let mut world = World::linked().await;
    let keyless = |key: &str| {
        let mut event = event(key);
        event.as_object_mut().unwrap().remove("event_id");
        event
    };
    let first = world.acknowledge(&keyless("a")).await.expect(201);
    assert!(first["event_id"].as_str().unwrap().starts_with("derived-"));
    let other_contact = with(keyless("a"), "/acknowledgement/comment", json!("Told as well"));
    assert_eq!(world.acknowledge(&other_contact).await.expect(200)["id"], first["id"]);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    // Acknowledged anew, it is another one: a line in the ticket that is open still.
    let later = with(keyless("a"), "/created_at", json!("2026-11-21T11:15:02+01:00"));
    assert_eq!(world.acknowledge(&later).await.expect(200)["state"], "reused");

    // Without any time it is stored under a key that outlives a crash.
    let mut timeless = keyless("b");
    timeless.as_object_mut().unwrap().remove("created_at");
    timeless["control"].as_object_mut().unwrap().remove("status_changed_at");
    world.itop.faults().set_maintenance(true);
    let now = [("prefer", "wait=0")];
    let body = Some(timeless.to_string());
    let row = world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &now, body).await.expect(202);
    world.crash_bridge();
    world.clock.advance(Duration::from_hours(1));
    world.start_bridge().await;
    world.itop.faults().clear();
    let made = world
        .until("it is delivered", async || {
            world.clock.advance(Duration::from_secs(5));
            let row = world.get(row["links"]["self"].as_str().unwrap()).await.expect(200);
            (row["state"] == "created").then_some(row)
        })
        .await;
    assert_eq!(made["event_id"], row["event_id"]);
    let description = newest_ticket(&world).await.description;
    assert!(description.contains(row["event_id"].as_str().unwrap()), "{description}");
    world.finish().await;
}

#[tokio::test]
async fn two_hosts_under_one_macro_never_share_a_ticket() {
    let world = World::linked().await;
    for (number, id) in
        ["$SERVICEID$", "{EVENT.ID}", "%s", "null", "svc-$SERVICEID$"].iter().enumerate()
    {
        for host in ["Server1", "Server3"] {
            let sent = with(event(&format!("{host}-{number}")), "/control/id", json!(id));
            let sent = with(sent, "/equipment/name", json!(host));
            let detail = world.acknowledge(&sent).await.problem(422, "invalid");
            let found = id.trim_start_matches("svc-");
            assert!(detail.contains(&format!(" {found}, which ")), "{detail}");
        }
    }
    assert_eq!(world.itop.tickets().await.unwrap(), []);
    world.finish().await;
}

#[tokio::test]
async fn words_of_other_engines_are_understood() {
    let world = World::linked().await;
    for (number, (element, state, title)) in [
        ("host", "PROBLEM", "[DOWN] Server4 – Disk C:"),
        ("SERVICE", "crit", "[CRITICAL] Server4 – Disk C:"),
        ("Service", "Warn", "[WARNING] Server4 – Disk C:"),
        ("user service", "out of order", "[OUT_OF_ORDER] Server4 – Disk C:"),
    ]
    .into_iter()
    .enumerate()
    {
        let sent = with(event(&format!("word-{number}")), "/control/element_type", json!(element));
        let sent = with(with(sent, "/control/state", json!(state)), "/equipment", json!("Server4"));
        let row = world.acknowledge(&sent).await.expect(201);
        assert_eq!(row["warnings"], json!([]));
        let ticket = newest_ticket(&world).await;
        assert_eq!(ticket.title, title);
        assert_eq!(ticket.ci_ids.len(), 1);
    }
    world.finish().await;
}
