//! The inbox as people look at it: what needs somebody and why, what is on its way, what has ended.

use itop_sandbox::{self as sandbox, Fault, FaultKind, Operations};
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

const REFUSAL: &str = "Service: a value is mandatory";

fn of_company(key: &str, id: u64, name: &str) -> Value {
    with(event(key), "/company", json!({"id": id, "name": name}))
}

/// Two that wait for links, two that iTop has refused, one that was refused here, one that has a ticket,
/// and one that waits for iTop: their ids by key.
async fn filled() -> (World, impl Fn(&str) -> u64) {
    let world = World::linked().await;
    let mut ids = Vec::new();
    let mut keep = |key: &'static str, row: &Value| ids.push((key, row["id"].as_u64().unwrap()));
    keep("acme", &world.acknowledge(&of_company("acme", 53, "ACME Retail")).await.expect(202));
    let other = of_company("clinic", 54, "Clinique du Parc");
    keep("clinic", &world.acknowledge(&other).await.expect(202));
    let refuse = FaultKind::Refuse { code: 100, message: format!("Error: {REFUSAL}") };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(2));
    for key in ["refused-1", "refused-2"] {
        keep(key, &world.acknowledge(&event(key)).await.expect(202));
    }
    let wrong = with(event("wrong"), "/control/state", json!("ON FIRE"));
    world.acknowledge(&wrong).await.expect(422);
    let rejected = world.get(&format!("{ACKNOWLEDGEMENTS}?state=rejected")).await.expect(200);
    keep("wrong", &rejected["items"][0]);
    let named = with(event("done"), "/acknowledgement/author/name", json!("Lucie Gérard"));
    let named = with(named, "/equipment/name", json!("web-17"));
    keep("done", &world.acknowledge(&named).await.expect(201));
    world.itop.faults().set_maintenance(true);
    keep("waits", &world.post(ACKNOWLEDGEMENTS, &event("waits")).await.expect(202));
    let id = move |key: &str| ids.iter().find(|(known, _)| *known == key).unwrap().1;
    (world, id)
}

async fn listed(world: &World, query: &str) -> Vec<u64> {
    let rows = world.get(&format!("{ACKNOWLEDGEMENTS}?{query}")).await.expect(200);
    rows["items"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn rows_are_in_groups_and_found_by_company_cause_and_words() {
    let (world, id) = filled().await;
    let needs = ["wrong", "refused-2", "refused-1", "clinic", "acme"];
    let refused = format!("iTop refused it (code 100): Error: {REFUSAL}");
    let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", id("refused-1"))).await.expect(200);
    let message = row["problem"]["message"].as_str().unwrap();
    assert!(message.contains(REFUSAL), "{message} or {refused}");
    let message = message.replace(' ', "+");
    for (query, expected) in [
        ("group=needs", &needs[..]),
        ("group=way", &["waits"]),
        ("group=ended", &["done"]),
        ("group=needs&state=blocked", &["clinic", "acme"]),
        ("group=needs&state=created", &[]),
        ("group=needs&company=53", &["acme"]),
        ("group=needs&company=id:42", &["wrong", "refused-2", "refused-1"]),
        ("group=ended&company=53", &[]),
        ("group=needs&control=control-acme", &["acme"]),
        ("group=way&control=control-acme", &[]),
        ("cause=company-not-linked", &["clinic", "acme"]),
        ("cause=company-not-linked&company=54", &["clinic"]),
        ("cause=refused-by-itop", &["refused-2", "refused-1"]),
        (&format!("cause=refused-by-itop&message={message}"), &["refused-2", "refused-1"]),
        ("cause=refused-by-itop&message=other", &[]),
        ("cause=invalid", &["wrong"]),
        ("cause=invalid&group=ended", &[]),
        ("group=needs&cursor=3", &["clinic", "acme"]),
        // By control, company, author, equipment, whatever case and accents.
        ("group=needs&q=parc", &["clinic"]),
        ("q=CLINIQUE+control-clinic", &["clinic"]),
        ("q=GERARD", &["done"]),
        ("q=web-17+disk", &["done"]),
        ("group=needs&q=web-17", &[]),
        ("group=needs&q=jean+dupont+acme", &["acme"]),
        ("q=Demo&group=way", &["waits"]),
        ("q=%25", &[]),
    ] {
        let expected: Vec<_> = expected.iter().map(|key| id(key)).collect();
        assert_eq!(listed(&world, query).await, expected, "{query}");
    }
    let done = world.get(&format!("{ACKNOWLEDGEMENTS}?group=ended")).await.expect(200);
    let number = done["items"][0]["ticket"]["ref"].as_str().unwrap();
    // All of it was looked at.
    let searched = world.get(&format!("{ACKNOWLEDGEMENTS}?q=disk&group=needs")).await.expect(200);
    assert_eq!(searched["cut"], false, "{searched}");
    let all = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    assert!(all.get("cut").is_none(), "{all}");
    assert_eq!(listed(&world, &format!("q={number}")).await, [id("done")]);
    assert_eq!(listed(&world, "q=disk&limit=2").await, [id("waits"), id("done")]);
    let more = format!("q=disk&limit=2&cursor={}", id("done"));
    assert_eq!(listed(&world, &more).await, [id("wrong"), id("refused-2")]);

    for (query, says) in [
        ("group=all", "'group' must be one of needs, way, ended."),
        ("message=x", "'message' narrows a 'cause', which is missing."),
        ("event=true&limit=101", "With 'event' the limit may be 100 at most, not 101."),
        ("company=name:", "The company or site 'name:' must not be empty."),
    ] {
        let refused = world.get(&format!("{ACKNOWLEDGEMENTS}?{query}")).await;
        assert_eq!(refused.problem(400, "bad-parameter"), says);
    }
    let long = world.get(&format!("{ACKNOWLEDGEMENTS}?q={}", "x".repeat(201))).await;
    long.problem(400, "bad-parameter");
    world.itop.faults().set_maintenance(false);
    world.until_state(&json!(id("waits")), "created").await;
    world.finish().await;
}

#[tokio::test]
async fn rows_are_counted_and_told_by_what_people_recognise() {
    let (world, id) = filled().await;
    for (query, total) in [
        ("group=needs", json!(5)),
        ("group=needs&limit=1", json!(5)),
        ("group=ended&state=created", json!(1)),
        ("cause=refused-by-itop", json!(2)),
        ("cause=refused-by-itop&cursor=1", json!(2)),
        ("control=control-acme", json!(1)),
        ("q=disk", json!(null)),
    ] {
        let page = world.get(&format!("{ACKNOWLEDGEMENTS}?count=true&{query}")).await.expect(200);
        assert_eq!(page["total"], total, "{query}");
        assert_eq!(page["counts"], json!({"needs": 5, "way": 1, "ended": 1}), "{query}");
    }
    let of_acme = format!("{ACKNOWLEDGEMENTS}?count=true&company=53&group=way");
    let of_acme = world.get(&of_acme).await.expect(200);
    assert_eq!(of_acme["counts"], json!({"needs": 1, "way": 0, "ended": 0}));
    assert_eq!(of_acme["total"], 0);
    let plain = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    assert_eq!((plain.get("counts"), plain["items"][0].get("event")), (None, None));

    let page = world.get(&format!("{ACKNOWLEDGEMENTS}?event=true")).await.expect(200);
    let of = |key: &str| {
        let mut rows = page["items"].as_array().unwrap().iter();
        rows.find(|row| row["id"] == id(key)).unwrap()["event"].clone()
    };
    let told = json!({
        "state": "CRITICAL", "equipment": "web-17", "site": null, "author": "Lucie Gérard",
        "comment": "Purge in progress"
    });
    assert_eq!(of("done"), told);
    assert_eq!(of("wrong")["state"], "ON FIRE");
    world.itop.faults().set_maintenance(false);
    world.until_state(&json!(id("waits")), "created").await;
    world.finish().await;
}

#[tokio::test]
async fn what_needs_somebody_is_grouped_by_cause() {
    let (world, id) = filled().await;
    world.post(ACKNOWLEDGEMENTS, &of_company("acme-2", 53, "ACME Retail")).await.expect(202);
    world.itop.faults().set_maintenance(false);
    let causes = world
        .until("all of them are known", async || {
            let causes = world.get(&format!("{ACKNOWLEDGEMENTS}/causes")).await.expect(200);
            (causes["items"][0]["company"]["key"] == "id:53").then_some(causes)
        })
        .await;
    assert_eq!(causes["total"], 4);
    let told: Vec<_> = causes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["cause"].clone(), item["count"].clone(), item["can_be_retried"].clone()))
        .collect();
    let refused = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", id("refused-1"))).await.expect(200);
    let wrong = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", id("wrong"))).await.expect(200);
    let unlinked = |company: &str| json!({"code": "company-not-linked", "instance": "default", "company": company});
    let cause =
        |row: &Value| json!({"code": row["problem"]["code"], "message": row["problem"]["message"]});
    let expected = [
        (unlinked("id:53"), json!(2), json!(2)),
        (cause(&refused), json!(2), json!(2)),
        (unlinked("id:54"), json!(1), json!(1)),
        (cause(&wrong), json!(1), json!(0)),
    ];
    for expected in &expected {
        assert!(told.contains(expected), "{told:?} lacks {expected:?}");
    }
    assert_eq!(told.len(), expected.len());
    let first = &causes["items"][0];
    assert_eq!(first["company"], json!({"key": "id:53", "name": "ACME Retail"}));
    assert_eq!(first["sample"]["acknowledgement"], id("acme"));
    let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", id("acme"))).await.expect(200);
    assert_eq!(first["sample"]["message"], row["problem"]["message"]);
    assert_eq!(first["oldest"], row["received_at"]);

    let of_clinic = format!("{ACKNOWLEDGEMENTS}/causes?company=54&instance=default");
    let of_clinic = world.get(&of_clinic).await.expect(200);
    assert_eq!(of_clinic["items"].as_array().unwrap().len(), 1);
    assert_eq!(of_clinic["items"][0]["cause"], unlinked("id:54"));
    let one = world.get(&format!("{ACKNOWLEDGEMENTS}/causes?limit=1")).await.expect(200);
    assert_eq!((one["items"].as_array().unwrap().len(), &one["total"]), (1, &json!(4)));
    let none = world.get(&format!("{ACKNOWLEDGEMENTS}/causes?instance=other")).await.expect(200);
    assert_eq!(none, json!({"items": [], "total": 0}));
    world.until_state(&json!(id("waits")), "created").await;
    world.finish().await;
}

#[tokio::test]
async fn sentences_that_name_what_each_row_has_of_its_own_are_one_cause() {
    let world = World::linked().await;
    let named = |key: usize| {
        let number = json!(format!("I-{:06}", 900_000 + key));
        with(event(&key.to_string()), "/ticket/existing_ref", number)
    };
    let list: Vec<_> = (0..25).map(named).collect();
    world.post(ACKNOWLEDGEMENTS, &json!(list)).await.expect(200);
    let causes = world
        .until("all have failed", async || {
            let causes = world.get(&format!("{ACKNOWLEDGEMENTS}/causes")).await.expect(200);
            (causes["items"][0]["count"] == 25).then_some(causes)
        })
        .await;
    assert_eq!(causes["total"], 1);
    assert_eq!(causes["items"][0]["cause"], json!({"code": "ticket-not-found"}));
    world.finish().await;
}

#[tokio::test]
async fn the_request_of_a_row_is_shown() {
    let world = World::linked().await;
    let blocked = world.acknowledge(&of_company("acme", 53, "ACME Retail")).await.expect(202);
    let path = |row: &Value| format!("{ACKNOWLEDGEMENTS}/{}/request", row["id"]);
    let shown = world.get(&path(&blocked)).await.expect(200);
    assert_eq!(shown["now"]["problem"]["code"], "company-not-linked");
    assert_eq!((&shown["refused"], &shown["why_not_now"]), (&json!(null), &json!(null)));
    // What a link would bring is seen before the row is tried again: each is asked now.
    let preview = format!("{ACKNOWLEDGEMENTS}/preview");

    let refuse = FaultKind::Refuse { code: 100, message: format!("Error: {REFUSAL}") };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let failed = world.acknowledge(&event("refused")).await.expect(202);
    assert_eq!(failed["state"], "failed");
    let shown = world.get(&path(&failed)).await.expect(200);
    let expected = world.post(&preview, &event("refused")).await.expect(200);
    assert_eq!(shown["now"]["outcome"], "created");
    assert_eq!(shown["now"]["request"]["fields"]["title"], expected["request"]["fields"]["title"]);
    assert_eq!(shown["now"]["resolution"], expected["resolution"]);
    let refused = &shown["refused"];
    assert!(refused["at"].is_string());
    assert_eq!(refused["request"]["operation"], "core/create");
    assert_eq!(refused["request"]["fields"]["title"], shown["now"]["request"]["fields"]["title"]);
    let text = shown.to_string();
    assert!(!text.contains(sandbox::PASSWORD) && !text.contains("auth_pwd"), "{text}");

    let created = world.acknowledge(&event("created")).await.expect(201);
    let shown = world.get(&path(&created)).await.expect(200);
    assert_eq!((&shown["now"], &shown["refused"]), (&json!(null), &json!(null)));
    assert!(shown["why_not_now"].as_str().unwrap().contains("the ticket says what came of it"));
    // Nothing was sent by looking.
    assert_eq!(world.itop.requests_seen().by_operation["core/create"], 2);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    // Without iTop what was refused is shown all the same.
    world.itop.faults().set_maintenance(true);
    let shown = world.get(&path(&failed)).await.expect(200);
    assert_eq!(shown["refused"]["request"]["operation"], "core/create");
    world.get(&format!("{ACKNOWLEDGEMENTS}/999/request")).await.problem(404, "not-found");
    world.finish().await;
}
