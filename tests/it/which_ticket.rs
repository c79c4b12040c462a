//! Which ticket an acknowledgement gets, and what stands in it.

use itop_sandbox::{self as sandbox, TicketSeen};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::OnOpenTicket;

use crate::world::{World, event, with};

/// Another acknowledgement of the control of `event("first")`.
fn again(key: &str) -> Value {
    with(event(key), "/control/id", json!("control-first"))
}

async fn tickets(world: &World) -> Vec<TicketSeen> {
    world.itop.tickets().await.unwrap()
}

/// The number of the ticket that the control points at.
async fn mapped(world: &World, control: &str) -> Value {
    let known = world.get(&format!("/api/v1/controls/{control}/ticket")).await.expect(200);
    known["ticket"]["ref"].clone()
}

#[tokio::test]
async fn an_open_ticket_gets_a_line_and_no_other_is_made() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("first")).await.expect(201);
    let comment = "Still at it, see [ack 0123456789abcdef0123456789abcdef]\n<b>& more</b>";
    let second = with(again("second"), "/acknowledgement/comment", json!(comment));
    let reused = world.acknowledge(&second).await.expect(200);
    assert_eq!(reused["state"], "reused");
    assert_eq!(reused["ticket"], first["ticket"]);
    let ticket = tickets(&world).await.remove(0);
    let [created, line] = &ticket.private_log[..] else { panic!("{:?}", ticket.private_log) };
    // One entry carries marker and words, and the words no other marker.
    let (marker, words) = line.split_at("[ack ]".len() + 32);
    for marker in [created, marker] {
        assert!(marker.starts_with("[ack ") && marker.len() == "[ack ]".len() + 32, "{marker}");
    }
    assert_ne!(created, marker);
    assert!(words.contains("acknowledged again by Jean Dupont: Still at it"), "{words}");
    assert!(!words.contains("[ack "), "{words}");
    assert_eq!(mapped(&world, "control-first").await, first["ticket"]["ref"]);

    // Posted again, it adds no second line.
    let same = world.acknowledge(&second).await.expect(200);
    assert_eq!(same["id"], reused["id"]);
    assert_eq!(tickets(&world).await[0].private_log.len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_new_ticket_is_made_on_demand_and_overwrites_the_mapping() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("first")).await.expect(201);
    let forced = with(again("second"), "/ticket/new", json!(true));
    let second = world.acknowledge(&forced).await.expect(201);
    assert_ne!(second["ticket"]["ref"], first["ticket"]["ref"]);
    let both = tickets(&world).await;
    assert_eq!(both.iter().map(|ticket| ticket.private_log.len()).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(mapped(&world, "control-first").await, second["ticket"]["ref"]);
    // The earlier ticket is no control's any more.
    let number = first["ticket"]["ref"].as_str().unwrap();
    world.get(&format!("/api/v1/tickets/{number}")).await.problem(404, "not-found");

    let third = world.acknowledge(&again("third")).await.expect(200);
    assert_eq!(third["ticket"]["ref"], second["ticket"]["ref"]);
    world.finish().await;
}

#[tokio::test]
async fn replace_makes_a_new_ticket_each_time() {
    let replace = |config: &mut servicenav_itop_bridge::config::Config| {
        config.ticket.on_open_ticket = OnOpenTicket::Replace;
    };
    let world = World::with(sandbox::Options::default(), replace).await;
    world.link_demo().await;
    let first = world.acknowledge(&event("first")).await.expect(201);
    let second = world.acknowledge(&again("second")).await.expect(201);
    assert_ne!(second["ticket"]["ref"], first["ticket"]["ref"]);
    assert_eq!(mapped(&world, "control-first").await, second["ticket"]["ref"]);
    world.finish().await;
}

#[tokio::test]
async fn a_ticket_that_is_resolved_closed_or_deleted_stands_in_nobodys_way() {
    let world = World::linked().await;
    world.acknowledge(&event("first")).await.expect(201);
    for (n, end) in
        [&["ev_assign", "ev_resolve"][..], &["ev_assign", "ev_resolve", "ev_close"], &[]]
            .into_iter()
            .enumerate()
    {
        let open = tickets(&world).await.pop().unwrap();
        for stimulus in end {
            world.itop.apply_stimulus(&open.class, open.id, stimulus).await.unwrap();
        }
        if end.is_empty() {
            world.itop.delete_ticket(&open.class, open.id).await.unwrap();
        }
        let next = world.acknowledge(&again(&format!("after-{n}"))).await.expect(201);
        let newest = tickets(&world).await.pop().unwrap();
        assert!(newest.id > open.id, "{end:?}");
        assert_eq!(mapped(&world, "control-first").await, newest.reference);
        assert_eq!(next["ticket"]["ref"], newest.reference);
    }
    // One that is only assigned, or pending, is still open.
    let open = tickets(&world).await.pop().unwrap();
    world.itop.apply_stimulus(&open.class, open.id, "ev_assign").await.unwrap();
    let reused = world.acknowledge(&again("assigned")).await.expect(200);
    assert_eq!(reused["ticket"]["ref"], open.reference);
    world.finish().await;
}

#[tokio::test]
async fn a_named_ticket_is_linked_if_it_is_the_companys() {
    let world = World::linked().await;
    world.link(43, json!({"organization": "ACME Logistics", "team": "Helpdesk"})).await;
    let first = world.acknowledge(&event("first")).await.expect(201);
    let number = &first["ticket"]["ref"];
    let named =
        |key: &str, number: &Value| with(event(key), "/ticket/existing_ref", number.clone());

    let linked = world.acknowledge(&named("second", number)).await.expect(200);
    assert_eq!(linked["state"], "reused");
    assert_eq!(linked["ticket"], first["ticket"]);
    assert_eq!(mapped(&world, "control-second").await, *number);
    let of_number = format!("/api/v1/tickets/{}", number.as_str().unwrap());
    assert_eq!(world.get(&of_number).await.expect(200)["items"].as_array().unwrap().len(), 2);

    let foreign = with(named("foreign", number), "/company", json!({"id": 43}));
    let nobody = named("nobody", &json!("I-999999"));
    let hostile = named("hostile", &json!("' OR ref LIKE '%"));
    for (event, organization) in [(foreign, "ACME Logistics"), (nobody, "Demo"), (hostile, "Demo")]
    {
        let failed = world.acknowledge(&event).await.expect(202);
        assert_eq!(failed["state"], "failed");
        assert_eq!(failed["problem"]["code"], "ticket-not-found");
        let number = event["ticket"]["existing_ref"].as_str().unwrap();
        let sentence = format!("Organization '{organization}' has no ticket {number} in iTop.");
        assert_eq!(failed["problem"]["message"], sentence);
        let control = event["control"]["id"].as_str().unwrap();
        let path = format!("/api/v1/controls/{control}/ticket");
        let known = world.get(&path).await.expect(200);
        assert_eq!(known["ticket"], json!(null));
        assert_eq!(known["pending"]["state"], "failed");
    }
    let ticket = tickets(&world).await.remove(0);
    assert_eq!(ticket.private_log.len(), 2);
    assert_eq!(ticket.org_id, 3);
    assert_eq!(tickets(&world).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn the_sender_can_override_the_priority() {
    let world = World::linked().await;
    let cases = [
        (json!(null), "high", "2"),
        (json!(null), "medium", "3"),
        (json!(null), "low", "4"),
        (json!("critical"), "low", "1"),
        (json!("Medium"), "high", "3"),
        (json!(4), "high", "4"),
        (json!("2"), "low", "2"),
    ];
    for (n, (priority, criticality, expected)) in cases.into_iter().enumerate() {
        let event = with(event(&n.to_string()), "/priority", priority);
        let event = with(event, "/control/criticality", json!(criticality));
        let created = world.acknowledge(&event).await.expect(201);
        assert_eq!(created["warnings"], json!([]));
        assert_eq!(tickets(&world).await[n].priority, expected, "{event}");
    }
    world.finish().await;
}

#[tokio::test]
async fn texts_are_cut_to_what_itop_takes_and_kept_where_there_is_room() {
    let world = World::linked().await;
    let title = format!("Début {} fin", "é🔥".repeat(150));
    world.acknowledge(&with(event("title"), "/title", json!(title))).await.expect(201);
    let ticket = tickets(&world).await.pop().unwrap();
    assert_eq!(ticket.title.chars().count(), 255);
    assert!(title.starts_with(ticket.title.strip_suffix('…').unwrap()), "{}", ticket.title);
    assert!(ticket.description.contains(&title), "{}", ticket.description);

    // 200 kB: iTop's own check would let it pass to the database, which refuses it.
    let output = format!("first line\n{}", "🔥".repeat(50_000));
    let large = with(event("output"), "/control/output", json!(output));
    world.acknowledge(&large).await.expect(201);
    let ticket = tickets(&world).await.pop().unwrap();
    assert!((40_000..=65_535).contains(&ticket.description.len()), "{}", ticket.description.len());
    assert!(ticket.description.contains("first line<br"), "{:.300}", ticket.description);
    assert!(ticket.description.contains("/ 50011]"), "it does not say that it was cut");
    // What follows the output is still there.
    assert!(ticket.description.contains("Purge in progress"));
    assert!(ticket.description.contains("event-output"));
    world.finish().await;
}

#[tokio::test]
async fn hostile_text_makes_a_ticket_and_stays_text() {
    let world = World::linked().await;
    let hostile = "'\"><script>alert(1)</script> <!-- x --> </td></table> \u{0}\u{202e}%_\\ O'Brien & {{ 7 * 7 }}";
    let mut event = event("hostile");
    for pointer in [
        "/description",
        "/control/name",
        "/control/output",
        "/control/state_type",
        "/equipment/name",
        "/equipment/address",
        "/acknowledgement/comment",
        "/acknowledgement/author/name",
        "/contact",
        "/service",
        "/title",
    ] {
        event = with(event, pointer, json!(hostile));
    }
    event = with(event, "/control/id", json!("%2F../'\"<b>\u{202e}é"));
    let created = world.acknowledge(&event).await.expect(201);
    assert_eq!(created["state"], "created");
    let ticket = tickets(&world).await.pop().unwrap();
    let shown = "&lt;script&gt;alert(1)&lt;/script&gt; &lt;!-- x --&gt; &lt;/td&gt;&lt;/table&gt; ";
    let times = ticket.description.matches(shown).count();
    assert!(times >= 8, "{times} times: {}", ticket.description);
    assert!(ticket.description.contains("\u{202e}%_\\ O'Brien &amp; {{ 7 * 7 }}"));
    let title = hostile.replace('\u{0}', "");
    assert_eq!(ticket.title, title);
    for unwanted in ["<script", "<!--", "\u{0}"] {
        assert!(!ticket.description.contains(unwanted), "{unwanted}: {}", ticket.description);
    }
    // The last row of the table and the warnings after it are whole: nothing was swallowed.
    assert!(ticket.description.contains("event-hostile"));
    assert_eq!(
        ticket.description.matches("<li>").count(),
        created["warnings"].as_array().unwrap().len()
    );

    // The control is found again under its name, and its link works in a browser.
    let link = created["links"]["open"].as_str().unwrap();
    let answer = world.http.get(link).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"].to_str().unwrap();
    assert_eq!(location, created["ticket"]["url"]);
    world.finish().await;
}
