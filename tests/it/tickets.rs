//! The tickets of controls: one by one, by number, on the board, and many at once.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

const LOOKUP: &str = "/api/v1/tickets/lookup";

#[tokio::test]
async fn a_control_shows_its_ticket_as_it_is_in_itop() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201)["ticket"].clone();
    let known = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    let seen = &world.itop.tickets().await.unwrap()[0];
    assert_eq!(known["instance"], "default");
    assert_eq!(known["control"], json!({"id": "control-a", "name": "Disk C:"}));
    assert_eq!(known["company"], "id:42");
    assert_eq!((&known["pending"], &known["stale"]), (&Value::Null, &json!(false)));
    assert!(known["as_of"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let expected = json!({
        "ref": seen.reference, "class": "Incident", "id": seen.id.to_string(),
        "title": "[CRITICAL] Server4 – Disk C:", "status": "new",
        "operational_status": "ongoing", "open": true, "presence": "present", "moved": false, "priority": 2,
        "team": "Helpdesk", "agent": null, "last_update": known["ticket"]["last_update"],
        "url": made["url"],
    });
    assert_eq!(known["ticket"], expected);
    let url = format!(
        "{}/pages/UI.php?operation=details&class=Incident&id={}",
        world.itop.url(),
        seen.id
    );
    assert_eq!(made["url"], url);
    assert_ne!(seen.reference, format!("I-{:06}", seen.id));

    let detail = world.get("/api/v1/controls/nobody/ticket").await.problem(404, "not-found");
    assert!(detail.contains("'nobody'") && detail.contains("'default'"), "{detail}");
    world.get("/api/v1/controls/%20/ticket").await.problem(404, "not-found");
    let blank = "/api/v1/controls/control-a/ticket?instance=%20";
    world.get(blank).await.problem(400, "bad-parameter");
    world.finish().await;
}

#[tokio::test]
async fn a_control_without_a_ticket_says_what_it_waits_for() {
    let world = World::linked().await;
    let ticket_of = async |key: &str| {
        let answer = world.get(&format!("/api/v1/controls/control-{key}/ticket")).await.expect(200);
        assert_eq!((&answer["ticket"], &answer["as_of"]), (&Value::Null, &Value::Null));
        assert_eq!(answer["control"]["name"], "Disk C:");
        answer["pending"].clone()
    };
    let unlinked = with(event("blocked"), "/company", json!({"id": 9, "name": "New"}));
    let blocked = world.acknowledge(&unlinked).await.expect(202);
    let pending = ticket_of("blocked").await;
    assert_eq!(
        (&pending["acknowledgement"], &pending["state"]),
        (&blocked["id"], &json!("blocked"))
    );
    assert_eq!(pending["problem"]["code"], "company-not-linked");
    let message = pending["problem"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("Company 'New' (9) is linked to no iTop organization"),
        "{message}"
    );
    assert_eq!(pending["since"], blocked["received_at"]);

    let failed = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    world.acknowledge(&failed).await;
    let pending = ticket_of("failed").await;
    assert_eq!(
        (&pending["state"], &pending["problem"]["code"]),
        (&json!("failed"), &json!("ticket-not-found"))
    );

    let recorded = with(event("recorded"), "/ticket/requested", json!(false));
    world.acknowledge(&recorded).await.expect(200);
    assert_eq!(ticket_of("recorded").await, Value::Null);

    world.itop.faults().set_maintenance(true);
    let now = [("prefer", "wait=0")];
    let body = Some(event("down").to_string());
    world.send(Method::POST, ACKNOWLEDGEMENTS, &now, body).await.expect(202);
    // Its first attempt may be on its way still.
    world
        .until("it waits for iTop", async || {
            (ticket_of("down").await["state"] == "accepted").then_some(())
        })
        .await;
    world.itop.faults().clear();
    let ticket = world
        .until("the ticket comes", async || {
            world.clock.advance(world.config.delivery.probe_max.duration());
            let answer = world.get("/api/v1/controls/control-down/ticket").await.expect(200);
            (!answer["ticket"].is_null()).then_some(answer)
        })
        .await;
    assert_eq!((&ticket["ticket"]["status"], &ticket["pending"]), (&json!("new"), &Value::Null));
    world.finish().await;
}

#[tokio::test]
async fn an_earlier_ticket_is_shown_beside_what_comes_next() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("a")).await.expect(201);
    let next = with(event("a"), "/event_id", json!("next"));
    let next = with(next, "/ticket/existing_ref", json!("I-999999"));
    let next = world.acknowledge(&next).await.body;
    let known = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(known["ticket"]["ref"], first["ticket"]["ref"]);
    assert_eq!(
        (&known["pending"]["acknowledgement"], &known["pending"]["state"]),
        (&next["id"], &json!("failed"))
    );
    world.finish().await;
}

#[tokio::test]
async fn equal_control_ids_of_two_instances_are_two_controls() {
    let world = World::linked().await;
    let link = json!({"organization": "ACME Logistics"});
    world.put("/api/v1/links/42?instance=second", &link).await.expect(201);
    let here = world.acknowledge(&event("a")).await.expect(201);
    let there = with(event("a"), "/source/instance", json!("second"));
    let there = world.acknowledge(&there).await.expect(201);
    assert_ne!(here["ticket"]["ref"], there["ticket"]["ref"]);
    for (query, expected) in
        [("", &here), ("?instance=default", &here), ("?instance=second", &there)]
    {
        let path = format!("/api/v1/controls/control-a/ticket{query}");
        let known = world.get(&path).await.expect(200);
        assert_eq!(known["ticket"]["ref"], expected["ticket"]["ref"], "{query}");
        let looked_up = json!({"items": [{"control": "control-a"}]});
        let looked_up = world.post(&format!("{LOOKUP}{query}"), &looked_up).await.expect(200);
        assert_eq!(looked_up["items"][0]["ticket"], known["ticket"], "{query}");
    }
    let third = world.get("/api/v1/controls/control-a/ticket?instance=third").await;
    third.problem(404, "not-found");
    let board = world.get("/api/v1/tickets?instance=second").await.expect(200);
    assert_eq!(shown(&board), [("control-a", there["ticket"]["ref"].as_str().unwrap())]);
    assert_eq!(shown(&world.get("/api/v1/tickets").await.expect(200)).len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_number_shows_all_controls_that_share_it() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let number = made["ticket"]["ref"].as_str().unwrap();
    let shared = with(event("b"), "/ticket/existing_ref", json!(number));
    assert_eq!(world.acknowledge(&shared).await.expect(200)["state"], "reused");
    world.acknowledge(&event("c")).await.expect(201);
    let found = world.get(&format!("/api/v1/tickets/{number}")).await.expect(200);
    assert_eq!(shown(&found), [("control-a", number), ("control-b", number)]);
    assert_eq!(found["items"][0]["ticket"], found["items"][1]["ticket"]);
    let detail = world.get("/api/v1/tickets/I-999999").await.problem(404, "not-found");
    assert!(detail.contains("I-999999"), "{detail}");
    world.finish().await;
}

#[tokio::test]
async fn the_board_is_filtered() {
    let world = World::linked().await;
    world.link(7, json!({"organization": "ACME Logistics", "team": "Helpdesk"})).await;
    for key in ["a", "b", "c"] {
        world.acknowledge(&event(key)).await.expect(201);
    }
    let other = with(event("d"), "/company", json!({"id": 7, "name": "ACME"}));
    world.acknowledge(&other).await.expect(201);
    let tickets = world.itop.tickets().await.unwrap();
    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus("Incident", tickets[1].id, stimulus).await.unwrap();
    }
    world.clock.advance(world.config.board.max_age.duration());
    let all = world.get("/api/v1/tickets").await;
    let tag = all.header("etag").to_owned();
    let all = all.expect(200);
    assert_eq!(controls(&all), ["control-a", "control-b", "control-c", "control-d"]);
    assert_eq!((&all["next"], &all["stale"]), (&Value::Null, &json!(false)));
    assert_eq!(all["as_of"], all["items"][0]["as_of"]);
    let headers = [("if-none-match", tag.as_str())];
    let same = world.send(Method::GET, "/api/v1/tickets", &headers, None).await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    for (query, expected) in [
        ("open=true", vec!["control-a", "control-c", "control-d"]),
        ("open=false", vec!["control-b"]),
        ("status=resolved", vec!["control-b"]),
        ("status=new&company=id:42", vec!["control-a", "control-c"]),
        ("company=id:7", vec!["control-d"]),
        ("company=name:ACME", vec![]),
        ("instance=default&open=true&limit=10000", vec!["control-a", "control-c", "control-d"]),
        ("instance=other", vec![]),
        ("status=no_such", vec![]),
    ] {
        let found = world.get(&format!("/api/v1/tickets?{query}")).await.expect(200);
        assert_eq!(controls(&found), expected, "{query}");
        if expected.is_empty() {
            assert_eq!((&found["as_of"], &found["stale"]), (&Value::Null, &json!(false)));
        }
    }
    for wrong in [
        "limit=0",
        "limit=10001",
        "open=maybe",
        "company=id:",
        "cursor=3",
        "cursor=%5B%22a%22%5D",
        "instance=%20",
    ] {
        let answer = world.get(&format!("/api/v1/tickets?{wrong}")).await;
        let detail = answer.problem(400, "bad-parameter");
        assert!(detail.contains(wrong.split('=').next().unwrap()), "{wrong}: {detail}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_board_pages_through_all_controls() {
    let world = World::linked().await;
    world.put("/api/v1/links/42?instance=b", &json!({"organization": "Demo"})).await.expect(201);
    // The ids of controls are what senders make of them.
    let awkward = ["1", "10", "2", "a&b=c#d+e", "é \"/?%41", "Z"];
    for id in awkward {
        world.acknowledge(&with(event(id), "/control/id", json!(id))).await.expect(201);
    }
    let other = with(with(event("x"), "/control/id", json!("1")), "/source/instance", json!("b"));
    world.acknowledge(&other).await.expect(201);
    let whole = world.get("/api/v1/tickets").await.expect(200);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    let mut sizes = Vec::new();
    loop {
        let page = world.get(&format!("/api/v1/tickets?limit=3{cursor}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        seen.extend(items.iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(Value::Array(seen), whole["items"]);
    for id in awkward {
        let path = utf8_percent_encode(id, NON_ALPHANUMERIC);
        let known = world.get(&format!("/api/v1/controls/{path}/ticket")).await.expect(200);
        assert_eq!(known["control"]["id"], id);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_lookup_answers_each_item_in_order_and_none_spoils_another() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let number = made["ticket"]["ref"].as_str().unwrap();
    let numbered = with(event("n"), "/control/id", json!(48_213));
    world.acknowledge(&numbered).await.expect(201);
    let asked = json!({"items": [
        {"ref": number}, {"control": "control-a"}, {}, {"control": "nobody"}, "control-a",
        {"control": 48213}, {"ref": "I-999999"}, {"control": "control-a", "ref": number}, null,
        {"control": " "}, {"control": "x".repeat(201)}, {"ref": ""}, {"control": ["control-a"]},
        {"control": "control-a"}, {"ref": format!(" {number} ")},
    ]});
    let answer = world.post(LOOKUP, &asked).await.expect(200);
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), asked["items"].as_array().unwrap().len());
    let known = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!((&items[1], &items[13]), (&known, &known));
    assert_eq!(items[0], json!({"ref": number, "items": [known]}));
    assert_eq!(items[14]["items"], json!([known]));
    assert_eq!(items[3], json!({"control": {"id": "nobody"}, "ticket": null}));
    assert_eq!(items[5]["control"]["id"], "48213");
    assert_eq!(items[5]["ticket"]["status"], "new");
    assert_eq!(items[6], json!({"ref": "I-999999", "items": []}));
    for bad in [2, 4, 7, 8, 9, 10, 11, 12] {
        assert_eq!(items[bad]["error"]["code"], "invalid", "{bad}");
        assert!(!items[bad]["error"]["message"].as_str().unwrap().is_empty());
    }
    world.finish().await;
}

#[tokio::test]
async fn a_lookup_takes_ten_thousand_items_and_no_more() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let item = |n: usize| json!({"control": format!("datacentre-west/rack-12/srv-{n:06}/disk")});
    let mut items: Vec<_> = (1..10_000).map(item).collect();
    items.push(json!({"control": "control-a"}));
    let answer = world.post(LOOKUP, &json!({"items": items})).await.expect(200);
    let found = answer["items"].as_array().unwrap();
    assert_eq!(found.len(), 10_000);
    assert_eq!(found[9_999]["ticket"]["ref"], made["ticket"]["ref"]);

    items.push(json!({"control": "one too many"}));
    for (body, code) in [
        (json!({"items": items}), "length"),
        (json!({}), "required"),
        (json!({"items": "control-a"}), "required"),
        (json!([{"control": "control-a"}]), "required"),
    ] {
        let answer = world.post(LOOKUP, &body).await;
        answer.problem(422, "invalid");
        assert_eq!(answer.body["errors"][0]["pointer"], "/items");
        assert_eq!(answer.body["errors"][0]["code"], code);
    }
    world.get(LOOKUP).await.problem(405, "method-not-allowed");
    world.finish().await;
}

#[tokio::test]
async fn a_lookup_of_equal_items_is_answered_in_each_place_and_is_bounded() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let number = made["ticket"]["ref"].as_str().unwrap();
    for control in 0..60 {
        let sharing =
            with(event(&format!("sharing-{control}")), "/ticket", json!({"existing_ref": number}));
        world.acknowledge(&sharing).await.expect(200);
    }
    let some = json!({"items": [{"ref": number}, {"control": "control-a"}, {"ref": number},
                                {"control": "control-a"}]});
    let items = world.post(LOOKUP, &some).await.expect(200)["items"].clone();
    assert_eq!(items[0]["items"].as_array().unwrap().len(), 61);
    assert_eq!((&items[0], &items[1]), (&items[2], &items[3]));

    let equal = json!({"items": vec![json!({"ref": number}); 10_000]});
    let answer = world.post(LOOKUP, &equal).await;
    assert!(answer.text.len() < 34 << 20, "{}", answer.text.len());
    let items = answer.expect(200)["items"].clone();
    let items = items.as_array().unwrap();
    assert_eq!(items.len(), 10_000);
    // What is too much says so in its own place.
    let left_out = items.iter().position(|item| item["error"]["code"] == "too-long").unwrap();
    assert!(left_out > 100, "{left_out}");
    assert!(items[..left_out].iter().all(|item| item == &items[0]));
    assert_eq!(items[9_999]["error"]["code"], "too-long");
    world.finish().await;
}

/// The controls of a list, in its order.
fn controls(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["control"]["id"].as_str().unwrap())
        .collect()
}

/// The same with the number of each one's ticket.
fn shown(list: &Value) -> Vec<(&str, &str)> {
    let items = list["items"].as_array().unwrap().iter();
    let numbers = items.map(|item| item["ticket"]["ref"].as_str().unwrap());
    controls(list).into_iter().zip(numbers).collect()
}
