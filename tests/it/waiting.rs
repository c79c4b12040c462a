//! Acknowledgements that cannot become a ticket at once: they wait, and go on by themselves.

use std::time::Duration;

use itop_sandbox::{self as sandbox, Fault, FaultKind, Operations, TicketSeen};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{AutoLink, Config, UnlinkedPolicy};

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

async fn tickets(world: &World) -> Vec<TicketSeen> {
    world.itop.tickets().await.unwrap()
}

/// Moves the clock until an acknowledgement is in this state; gives its row.
async fn in_time(world: &World, id: &Value, state: &str) -> Value {
    let path = format!("{ACKNOWLEDGEMENTS}/{id}");
    world
        .until(&format!("acknowledgement {id} is {state}"), async || {
            world.clock.advance(Duration::from_secs(1));
            let row = world.get(&path).await.expect(200);
            (row["state"] == state).then_some(row)
        })
        .await
}

fn of_retail(key: &str) -> Value {
    with(event(key), "/company", json!({"id": "77", "name": "ACME Retail"}))
}

#[tokio::test]
async fn an_unlinked_company_waits_and_is_delivered_when_it_is_linked() {
    let world = World::linked().await;
    let waiting = world.acknowledge(&of_retail("first")).await;
    let location = waiting.header("location").to_owned();
    let waiting = waiting.expect(202);
    assert_eq!(location, waiting["links"]["self"]);
    assert_eq!(waiting["state"], "blocked");
    assert_eq!(waiting["problem"]["code"], "company-not-linked");
    assert_eq!(
        waiting["problem"]["message"],
        "Company 'ACME Retail' (77) is linked to no iTop organization; the acknowledgement waits \
         for it."
    );
    let known = world.get("/api/v1/controls/control-first/ticket").await.expect(200);
    assert_eq!(known["ticket"], json!(null));
    assert_eq!(known["pending"]["state"], "blocked");
    assert_eq!(known["pending"]["problem"], waiting["problem"]);
    // Known only by its name, it is another company.
    let by_name = with(of_retail("name"), "/company", json!("ACME Retail"));
    let by_name = world.acknowledge(&by_name).await.expect(202);
    let sentence = by_name["problem"]["message"].as_str().unwrap();
    assert!(sentence.starts_with("Company 'ACME Retail' is linked to no"), "{sentence}");

    world.link(77, json!({"organization": {"id": 5003}, "team": "Helpdesk"})).await;
    world.until_state(&waiting["id"], "created").await;
    let made = tickets(&world).await;
    assert_eq!(made.iter().map(|ticket| ticket.org_id).collect::<Vec<_>>(), [5003]);
    let still = world.get(by_name["links"]["self"].as_str().unwrap()).await.expect(200);
    assert_eq!(still["state"], "blocked");
    world.finish().await;
}

#[tokio::test]
async fn unlinked_companies_can_be_recorded_instead() {
    let record = |config: &mut Config| config.links.unlinked = UnlinkedPolicy::Record;
    let world = World::with(sandbox::Options::default(), record).await;
    let recorded = world.acknowledge(&of_retail("first")).await.expect(200);
    assert_eq!(recorded["state"], "recorded");
    assert_eq!(
        recorded["problem"]["message"],
        "Company 'ACME Retail' (77) is linked to no iTop organization; the acknowledgement was \
         recorded without a ticket."
    );
    let link = json!({"organization": "ACME Retail", "team": "Helpdesk"});
    world.link(77, link).await;
    // What was recorded stays so; what comes now is delivered.
    world.acknowledge(&of_retail("second")).await.expect(201);
    let row = world.get(recorded["links"]["self"].as_str().unwrap()).await.expect(200);
    assert_eq!(row["state"], "recorded");
    assert_eq!(tickets(&world).await.len(), 1);

    world.link(77, json!({"organization": "ACME Retail", "tickets": false})).await;
    let off = world.acknowledge(&of_retail("third")).await.expect(200);
    assert_eq!(
        (&off["state"], &off["problem"]["code"]),
        (&json!("recorded"), &json!("tickets-off"))
    );
    assert_eq!(tickets(&world).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn companies_can_link_themselves_by_their_exact_name() {
    let auto = |config: &mut Config| config.links.auto = AutoLink::ExactName;
    let world = World::with(sandbox::Options::default(), auto).await;
    // A test looks and leaves no link behind.
    let test = with(of_retail("test"), "/event_type", json!("test"));
    let test = world.acknowledge(&test).await.expect(200);
    assert_eq!(test["problem"]["code"], "test");
    world.get("/api/v1/links/77").await.problem(404, "not-found");

    world.acknowledge(&of_retail("first")).await.expect(201);
    let link = world.get("/api/v1/links/77").await.expect(200);
    assert_eq!(link["organization"], json!({"id": "5003", "name": "ACME Retail"}));
    assert_eq!(tickets(&world).await[0].org_id, 5003);
    // Almost, inactive, or no name at all: they wait.
    for (n, company) in [
        json!({"id": 78, "name": "acme retail"}),
        json!({"id": 79, "name": "Globex (closed)"}),
        json!({"id": 80}),
        json!({"id": 81, "name": "ACME"}),
    ]
    .into_iter()
    .enumerate()
    {
        let event = with(event(&n.to_string()), "/company", company);
        let waiting = world.acknowledge(&event).await.expect(202);
        assert_eq!(waiting["problem"]["code"], "company-not-linked", "{event}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_team_that_does_not_serve_the_company_blocks_until_it_does() {
    let world = World::start().await;
    // This organization has no delivery model, hence no team.
    world.link(77, json!({"organization": "Nouvelle Entreprise"})).await;
    let ask = async |key: &str| world.acknowledge(&of_retail(key)).await.expect(202);
    let (first, second, third) = (ask("first").await, ask("second").await, ask("third").await);
    for blocked in [&first, &second, &third] {
        assert_eq!(blocked["state"], "blocked");
        assert_eq!(blocked["problem"]["code"], "team-not-resolved");
        assert_eq!(
            blocked["problem"]["message"],
            "No team could be found for company 'ACME Retail': Team 'Helpdesk' does not serve \
             this company in iTop; it was not used. Add the team to the company's delivery model \
             in iTop, or give its link a default team."
        );
    }
    world.itop_changes("Organization", 5006, json!({"deliverymodel_id": 502})).await;
    // A list may be as old as that before it is read again for something that it lacks.
    world.clock.advance(world.config.catalog.refresh_on_miss.duration());
    let retry = format!("{}/retry", first["links"]["self"].as_str().unwrap());
    world.post(&retry, &json!({})).await.expect(200);
    let created = world.until_state(&first["id"], "created").await;
    assert_eq!(created["problem"], json!(null));
    // Posting it again is as good as a retry, and the answer is that of the new attempt.
    let again = world.acknowledge(&of_retail("second")).await.expect(200);
    assert_eq!((&again["id"], &again["state"]), (&second["id"], &json!("created")));
    // And it is looked at again without anybody's doing.
    world.clock.advance(world.config.delivery.recheck_blocked.duration());
    world.until_state(&third["id"], "created").await;
    let made = tickets(&world).await;
    assert_eq!(made.iter().map(|t| (t.org_id, t.team_id)).collect::<Vec<_>>(), [(5006, 37); 3]);
    world.finish().await;
}

#[tokio::test]
async fn without_any_team_the_sentence_says_where_to_set_one() {
    let world = World::start().await;
    world.link(77, json!({"organization": "ACME Retail"})).await;
    let blocked = world.acknowledge(&with(of_retail("first"), "/team", json!(null))).await;
    let blocked = blocked.expect(202);
    assert_eq!(blocked["problem"]["code"], "team-missing");
    assert_eq!(
        blocked["problem"]["message"],
        "The acknowledgement names no team, and neither the link of company 'ACME Retail' nor \
         ticket.team gives a default: set one of them."
    );
    world.link(77, json!({"organization": "ACME Retail", "team": {"id": 36}})).await;
    world.until_state(&blocked["id"], "created").await;
    assert_eq!(tickets(&world).await[0].team_id, 36);
    world.finish().await;
}

#[tokio::test]
async fn while_itop_is_down_acknowledgements_wait_and_then_become_one_ticket_each() {
    for fault in [
        FaultKind::Maintenance,
        FaultKind::DatabaseDown,
        FaultKind::BadGateway,
        FaultKind::CutBefore,
        FaultKind::LoginPage,
        FaultKind::WrongPassword,
        FaultKind::ReadOnly,
    ] {
        let world = World::linked().await;
        world.itop.faults().set(fault.clone(), true);
        let post = async |key: &str| {
            let prefer = [("prefer", "wait=0")];
            let body = Some(event(key).to_string());
            world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &prefer, body).await.expect(202)
        };
        let first = post("first").await;
        let path = first["links"]["self"].as_str().unwrap();
        let waits = world
            .until(&format!("it is told what is wrong: {fault:?}"), async || {
                let row = world.get(path).await.expect(200);
                (!row["problem"].is_null()).then_some(row)
            })
            .await;
        assert_eq!(waits["state"], "accepted", "{fault:?}: {waits}");
        assert_eq!(waits["problem"]["code"], "itop-unavailable", "{fault:?}: {waits}");
        // One that comes later is told as well, though it is not even tried.
        let second = post("second").await;
        let told = world
            .until(&format!("the second is told: {fault:?}"), async || {
                let row = world.get(second["links"]["self"].as_str().unwrap()).await.expect(200);
                (!row["problem"].is_null()).then_some(row)
            })
            .await;
        assert_eq!(told["problem"]["code"], "itop-unavailable", "{fault:?}: {told}");
        world.itop.faults().clear();
        for row in [&first, &second] {
            in_time(&world, &row["id"], "created").await;
        }
        assert_eq!(tickets(&world).await.len(), 2, "{fault:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn an_acknowledgement_that_is_not_even_tried_says_why() {
    let world = World::linked().await;
    world.itop.faults().set_maintenance(true);
    let first = world.post(ACKNOWLEDGEMENTS, &event("first")).await.expect(202);
    let prefer = [("prefer", "wait=0")];
    let body = Some(event("second").to_string());
    let second = world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &prefer, body).await;
    let second = second.expect(202);
    assert_eq!((&second["state"], &second["attempts"]), (&json!("accepted"), &json!(0)));
    assert_eq!(second["problem"], first["problem"]);
    let sentence = second["problem"]["message"].as_str().unwrap();
    assert!(sentence.starts_with("iTop is under maintenance: "), "{sentence}");
    let list = world.post(ACKNOWLEDGEMENTS, &json!([event("third")])).await.expect(200);
    let known = world.get("/api/v1/controls/control-second/ticket").await.expect(200);
    let inbox = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    for told in [&list["items"][0], &known["pending"], &inbox["items"][0]] {
        assert_eq!(told["problem"], first["problem"]);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_adopted() {
    for fault in [FaultKind::CutAfter, FaultKind::TruncatedJson, FaultKind::Code100AfterCommit] {
        let world = World::linked().await;
        // With the list at hand the create does not have to be refused first.
        world.get("/api/v1/companies/3/contacts").await.expect(200);
        world.itop.faults().switch_on(Fault::new(fault.clone()).on(Operations::Create).times(1));
        let event = with(event("first"), "/contact", json!("Nobody"));
        let posted = world.post(ACKNOWLEDGEMENTS, &event).await;
        let row = in_time(&world, &posted.body["id"], "created").await;
        let made = tickets(&world).await;
        assert_eq!(made.len(), 1, "{fault:?}");
        assert_eq!(row["ticket"]["ref"], made[0].reference);
        assert_eq!(row["problem"], json!(null));
        // The sender that tries again, because it saw no ticket, gets this one.
        let again = world.acknowledge(&event).await.expect(200);
        assert_eq!(again["ticket"], row["ticket"]);
        // What was left out is still told.
        let warning = again["warnings"][0].as_str().unwrap();
        assert!(made[0].description.contains(warning), "{warning}");
        assert_eq!(world.itop.requests_seen().by_operation["core/create"], 1);
        world.finish().await;
    }
}

#[tokio::test]
async fn what_itop_refuses_for_good_has_failed_and_can_be_tried_again() {
    let world = World::linked().await;
    let refuse = FaultKind::Refuse { code: 100, message: "Error: no more tickets".to_owned() };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let failed = world.acknowledge(&event("first")).await.expect(202);
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["problem"]["code"], "refused-by-itop");
    let sentence = failed["problem"]["message"].as_str().unwrap();
    assert!(sentence.contains("Error: no more tickets"), "{sentence}");
    assert_eq!(failed["ended_at"], json!(null));

    // Posted again, it is tried again.
    let created = world.acknowledge(&event("first")).await.expect(200);
    assert_eq!((&created["id"], &created["state"]), (&failed["id"], &json!("created")));
    assert_eq!(tickets(&world).await.len(), 1);
    world.finish().await;
}
