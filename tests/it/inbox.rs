//! Looking into the inbox, the operator's levers on it, and the preview.

use itop_sandbox::{Fault, FaultKind, Operations};
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

const PREVIEW: &str = "/api/v1/acknowledgements/preview";

/// One row of each kind: created, recorded, rejected, blocked, failed.
struct Rows {
    created: Value,
    recorded: Value,
    rejected: Value,
    blocked: Value,
    failed: Value,
}

async fn rows(world: &World) -> Rows {
    let created = world.acknowledge(&event("created")).await.expect(201);
    let recorded = with(event("recorded"), "/ticket/requested", json!(false));
    let recorded = world.acknowledge(&recorded).await.expect(200);
    world.acknowledge(&json!({"event_id": "event-rejected"})).await.expect(422);
    let rejected = world.get("/api/v1/acknowledgements?state=rejected").await.expect(200);
    let blocked = with(event("blocked"), "/company", json!({"id": 77, "name": "ACME Retail"}));
    let blocked = world.acknowledge(&blocked).await.expect(202);
    let failed = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    let failed = world.acknowledge(&failed).await.expect(202);
    Rows { created, recorded, rejected: rejected["items"][0].clone(), blocked, failed }
}

async fn lever(world: &World, row: &Value, lever: &str, body: &Value) -> crate::world::Answer {
    let path = row["links"]["self"].as_str().unwrap();
    world.post(&format!("{path}/{lever}"), body).await
}

async fn listed(world: &World, query: &str) -> Vec<u64> {
    let rows = world.get(&format!("{ACKNOWLEDGEMENTS}?{query}")).await.expect(200);
    rows["items"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

fn id(row: &Value) -> u64 {
    row["id"].as_u64().unwrap()
}

#[tokio::test]
async fn the_inbox_is_listed_newest_first_page_by_page() {
    let world = World::linked().await;
    let rows = rows(&world).await;
    let other = with(event("other"), "/source/instance", json!("other"));
    let other = world.acknowledge(&other).await.expect(202);
    let all = [
        id(&other),
        id(&rows.failed),
        id(&rows.blocked),
        id(&rows.rejected),
        id(&rows.recorded),
        id(&rows.created),
    ];
    assert_eq!(listed(&world, "").await, all);
    for (query, expected) in [
        ("state=created", vec![id(&rows.created)]),
        ("state=recorded", vec![id(&rows.recorded)]),
        ("state=rejected", vec![id(&rows.rejected)]),
        ("state=blocked", vec![id(&other), id(&rows.blocked)]),
        ("state=blocked&instance=other", vec![id(&other)]),
        ("state=failed", vec![id(&rows.failed)]),
        ("state=unknown", vec![]),
        ("control=control-failed", vec![id(&rows.failed)]),
        ("control=control-failed&instance=other", vec![]),
        ("instance=default&limit=1000", all[1..].to_vec()),
    ] {
        assert_eq!(listed(&world, query).await, expected, "{query}");
    }

    let mut paged = Vec::new();
    let mut query = "limit=4".to_owned();
    loop {
        let page = world.get(&format!("{ACKNOWLEDGEMENTS}?{query}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        paged.push(items.iter().map(id).collect::<Vec<_>>());
        let Some(next) = page["next"].as_str() else { break };
        query = format!("limit=4&cursor={next}");
    }
    assert_eq!(paged, [all[..4].to_vec(), all[4..].to_vec()]);
    // A full last page has no next one.
    let whole = world.get(&format!("{ACKNOWLEDGEMENTS}?limit=6")).await.expect(200);
    assert_eq!(whole["next"], json!(null));

    for (query, says) in [
        ("limit=0", "'limit' must be from 1 to 1000, not 0."),
        ("limit=1001", "'limit' must be from 1 to 1000, not 1001."),
        ("limit=-1", "limit: invalid digit"),
        ("stat=failed", "There is no parameter 'stat' here; there are 'group', 'state', "),
        ("cursor=first", "cursor: invalid digit"),
        (
            "state=lost",
            "'state' must be one of accepted, creating, unknown, created, reused, failed, ",
        ),
        ("instance=", "'instance' must not be empty."),
        ("control=a%00b", "'control' must not contain control characters."),
    ] {
        let refused = world.get(&format!("{ACKNOWLEDGEMENTS}?{query}")).await;
        let detail = refused.problem(400, "bad-parameter");
        assert!(detail.starts_with(says), "{query}: {detail}");
    }
    world.finish().await;
}

#[tokio::test]
async fn one_row_is_shown_with_its_body() {
    let world = World::linked().await;
    let body = event("one");
    let created = world.acknowledge(&body).await.expect(201);
    let row = world.get(created["links"]["self"].as_str().unwrap()).await.expect(200);
    assert_eq!(row["body"], body);
    for (name, value) in created.as_object().unwrap() {
        assert_eq!(row[name], *value, "{name}");
    }
    assert_eq!(row["attempts"], 1);
    assert_eq!(row["company"], json!({"key": "id:42", "name": "Demo"}));
    // In a list the bodies would be too much.
    let rows = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    assert_eq!(rows["items"][0].get("body"), None);

    for id in ["999", "0", "-1", "first", "99999999999999999999", "1%2F2"] {
        for answer in [
            world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await,
            world.post(&format!("{ACKNOWLEDGEMENTS}/{id}/retry"), &json!({})).await,
            world.post(&format!("{ACKNOWLEDGEMENTS}/{id}/discard"), &json!({"reason": "x"})).await,
        ] {
            let detail = answer.problem(404, "not-found");
            let id = id.replace("%2F", "/");
            assert_eq!(detail, format!("There is no acknowledgement {id}."));
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn only_failed_and_blocked_rows_can_be_tried_again() {
    let world = World::linked().await;
    let rows = rows(&world).await;
    let discarded = lever(&world, &rows.failed, "discard", &json!({"reason": "wrong"})).await;
    let discarded = discarded.expect(200);
    for (row, state) in [
        (&rows.created, "created"),
        (&rows.recorded, "recorded"),
        (&rows.rejected, "rejected"),
        (&discarded, "discarded"),
    ] {
        let refused = lever(&world, row, "retry", &json!({})).await;
        let detail = refused.problem(409, "conflict");
        assert_eq!(
            detail,
            format!(
                "Acknowledgement {} is {state}; only a failed or blocked one can be tried again.",
                row["id"]
            )
        );
        assert_eq!(refused.body["acknowledgement"]["state"], state);
    }
    // A blocked one is tried at once, and blocked again while nothing was mended.
    let again = lever(&world, &rows.blocked, "retry", &json!({})).await.expect(200);
    assert_eq!(again["id"], rows.blocked["id"]);
    world
        .until("it was tried again", async || {
            let row = world.get(rows.blocked["links"]["self"].as_str().unwrap()).await.expect(200);
            (row["updated_at"] != rows.blocked["updated_at"] && !row["next_attempt_at"].is_null())
                .then_some(())
        })
        .await;

    let refuse = FaultKind::Refuse { code: 100, message: "Error: full".to_owned() };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let failed = world.acknowledge(&event("refused")).await.expect(202);
    assert_eq!(failed["state"], "failed");
    lever(&world, &failed, "retry", &json!({})).await.expect(200);
    let created = world.until_state(&failed["id"], "created").await;
    assert_eq!(created["problem"], json!(null));
    assert_eq!(world.itop.tickets().await.unwrap().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_row_is_given_up_with_a_reason() {
    let world = World::linked().await;
    let rows = rows(&world).await;
    for body in [
        json!({}),
        json!({"reason": " \n\u{0}"}),
        json!({"reason": 7}),
        json!({"reason": "x".repeat(1_001)}),
        json!("because"),
    ] {
        let refused = lever(&world, &rows.blocked, "discard", &body).await;
        let detail = refused.problem(422, "invalid");
        assert_eq!(detail, "/reason: say why, in at most 1000 characters");
    }
    let reason = json!({"reason": "planned\nmaintenance"});
    for row in [&rows.blocked, &rows.failed] {
        let discarded = lever(&world, row, "discard", &reason).await.expect(200);
        assert_eq!(discarded["state"], "discarded");
        assert_eq!(discarded["reason"], "planned maintenance");
        assert!(discarded["ended_at"].is_string());
        let control = row["control"]["id"].as_str().unwrap();
        let known = world.get(&format!("/api/v1/controls/{control}/ticket")).await.expect(200);
        assert_eq!(known["pending"], json!(null));
        let refused = lever(&world, row, "discard", &reason).await;
        refused.problem(409, "conflict");
    }
    for (row, state) in [(&rows.created, "created"), (&rows.recorded, "recorded")] {
        let refused = lever(&world, row, "discard", &reason).await;
        assert_eq!(
            refused.problem(409, "conflict"),
            format!(
                "Acknowledgement {} is {state}; only one that waits, is blocked, has failed or was \
                 refused can be discarded.",
                row["id"]
            )
        );
    }
    // Nothing comes of it any more: neither by a link nor by a repeated post.
    world.link(77, json!({"organization": "ACME Retail", "team": "Helpdesk"})).await;
    let event = with(event("blocked"), "/company", json!({"id": 77}));
    let again = world.acknowledge(&event).await.expect(200);
    assert_eq!((&again["id"], &again["state"]), (&rows.blocked["id"], &json!("discarded")));
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);

    // One that waits for iTop can be given up too.
    world.itop.faults().set_maintenance(true);
    let waits = world.post(ACKNOWLEDGEMENTS, &crate::world::event("waits")).await.expect(202);
    lever(&world, &waits, "discard", &reason).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn the_preview_shows_the_exact_request_and_does_nothing() {
    let world = World::linked().await;
    let mut strange = with(event("preview"), "/contact", json!("Nobody"));
    strange["title"] = json!("It's <late>");
    let preview = world.post(PREVIEW, &strange).await.expect(200);
    insta::assert_json_snapshot!(preview);
    // By id, by name, or not at all: what was resolved is told.
    assert_eq!(preview["resolution"]["ci"], json!({"id": "4", "name": "Server4"}));

    for (event, outcome, code) in [
        (with(strange.clone(), "/company", json!({"id": 77})), "blocked", "company-not-linked"),
        (with(strange.clone(), "/ticket/existing_ref", json!("I-1")), "failed", "ticket-not-found"),
    ] {
        let preview = world.post(PREVIEW, &event).await.expect(200);
        assert_eq!(preview["outcome"], outcome);
        assert_eq!(preview["problem"]["code"], code);
        assert_eq!(preview.get("request"), None);
    }
    world.link(42, json!({"organization": "Demo", "tickets": false})).await;
    let preview = world.post(PREVIEW, &strange).await.expect(200);
    assert_eq!(preview["problem"]["code"], "tickets-off");
    world.link(42, json!({"organization": "Demo"})).await;
    let team = with(strange.clone(), "/team", json!("Network support"));
    let preview = world.post(PREVIEW, &team).await.expect(200);
    assert_eq!(
        (&preview["outcome"], &preview["problem"]["code"]),
        (&json!("blocked"), &json!("team-not-resolved"))
    );
    assert!(preview["warnings"][0].as_str().unwrap().contains("'Network support'"), "{preview}");
    world.post(PREVIEW, &json!({})).await.problem(422, "invalid");

    // Nothing was sent, and nothing is in the inbox: not even what was refused.
    let seen = world.itop.requests_seen().by_operation;
    for operation in ["core/create", "core/update"] {
        assert!(!seen.contains_key(operation), "{seen:?}");
    }
    let inbox = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    assert_eq!(inbox["items"], json!([]));
    let control = world.get("/api/v1/controls/control-preview/ticket").await;
    control.problem(404, "not-found");
    world.finish().await;
}

#[tokio::test]
async fn the_preview_warns_of_a_named_ticket_that_has_ended() {
    let world = World::linked().await;
    let created = world.acknowledge(&event("one")).await.expect(201);
    let id = world.itop.tickets().await.unwrap()[0].id;
    let number = created["ticket"]["ref"].clone();
    let named = with(event("two"), "/ticket", json!({"existing_ref": number}));
    assert_eq!(world.post(PREVIEW, &named).await.expect(200)["warnings"], json!([]));
    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus("Incident", id, stimulus).await.unwrap();
    }
    let preview = world.post(PREVIEW, &named).await.expect(200);
    assert_eq!(preview["outcome"], "reused");
    let number = number.as_str().unwrap();
    let warning = format!("Ticket {number}, which the event names, is resolved already.");
    assert_eq!(preview["warnings"], json!([warning]));
    world.finish().await;
}

#[tokio::test]
async fn the_preview_keeps_its_word() {
    let mut world = World::linked().await;
    let preview = world.post(PREVIEW, &event("kept")).await.expect(200);
    assert_eq!(preview["outcome"], "created");
    let fields = &preview["request"]["fields"];
    let created = world.acknowledge(&event("kept")).await.expect(201);
    let ticket = world.itop.tickets().await.unwrap().remove(0);
    assert_eq!(fields["title"], ticket.title);
    assert_eq!(fields["start_date"], ticket.start_date);
    // References are queries; each asks for the very object that the ticket then has.
    let asks_for = |query: &Value, id: i64| query.as_str().unwrap().contains(&format!("id = {id}"));
    assert!(asks_for(&fields["org_id"], ticket.org_id), "{fields}");
    assert!(asks_for(&fields["caller_id"], ticket.caller_id), "{fields}");
    let ci = &fields["functionalcis_list"][0]["functionalci_id"];
    assert!(asks_for(ci, ticket.ci_ids[0]), "{fields}");
    assert_eq!(fields["private_log"]["add_item"]["message"], ticket.private_log[0]);
    assert_eq!(preview["priority"].to_string(), ticket.priority);

    let again = with(event("again"), "/control/id", json!("control-kept"));
    let preview = world.post(PREVIEW, &again).await.expect(200);
    assert_eq!(preview["outcome"], "reused");
    assert_eq!(preview["ticket"], created["ticket"]);
    let forced = with(again, "/ticket/new", json!(true));
    assert_eq!(world.post(PREVIEW, &forced).await.expect(200)["outcome"], "created");
    assert_eq!(world.itop.requests_seen().by_operation["core/create"], 1);
    assert_eq!(world.itop.tickets().await.unwrap()[0].private_log.len(), 1);

    // Without iTop, and without lists from before, there is nothing to show.
    world.stop_bridge().await;
    world.itop.faults().set_maintenance(true);
    world.start_bridge().await;
    let answer = world.post(PREVIEW, &event("down")).await;
    answer.problem(503, "itop-unavailable");
    assert!(!answer.header("retry-after").is_empty());
    world.finish().await;
}
