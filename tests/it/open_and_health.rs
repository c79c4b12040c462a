//! What needs no token: the signed link to a control's ticket, and how the bridge is.

use itop_sandbox::{FaultKind, Options};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{config::Scope, secret::Secret};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, token, with};

#[tokio::test]
async fn a_signed_link_leads_a_browser_without_a_token_to_the_ticket() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![token("secret", &[Scope::Admin])];
    })
    .await;
    world.token = Some("secret".to_owned());
    world.link_demo().await;
    let awkward = with(event("a"), "/control/id", json!("é a/b?c&d=e#f+%41"));
    let made = world.acknowledge(&awkward).await.expect(201);
    let link = made["links"]["open"].as_str().unwrap().to_owned();
    let board = world.get("/api/v1/tickets").await.expect(200);
    assert_eq!(board["items"][0]["links"]["open"], *link);

    world.token = None;
    world.get("/api/v1/tickets").await.problem(401, "unauthorized");
    let opened = open(&world, &link).await;
    let seen = &world.itop.tickets().await.unwrap()[0];
    let page = format!(
        "{}/pages/UI.php?operation=details&class=Incident&id={}",
        world.itop.url(),
        seen.id
    );
    assert_eq!((opened.status, opened.header("location")), (302, page.as_str()));
    assert_eq!(opened.header("cache-control"), "no-store");
    let page = world.http.get(page).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&seen.reference), "{page}");

    // The key is kept in the database, so that links outlive the process.
    world.stop_bridge().await;
    world.start_bridge().await;
    let (_, query) = link.split_once("/controls/open?").unwrap();
    assert_eq!(world.get(&format!("/controls/open?{query}")).await.status, 302);
    world.finish().await;
}

#[tokio::test]
async fn a_link_is_good_for_its_control_and_its_key_alone() {
    let mut world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    world.acknowledge(&event("b")).await.expect(201);
    let link = made["links"]["open"].as_str().unwrap();
    let path = link.strip_prefix(&world.base).unwrap().to_owned();
    let (unsigned, signature) = path.split_once("&signature=").unwrap();
    assert_eq!(unsigned, "/controls/open?control=control-a&instance=default&company=id%3A42");
    let zeros = "0".repeat(signature.len());
    for wrong in [
        unsigned.to_owned(),
        "/controls/open?control=control-a".to_owned(),
        "/controls/open".to_owned(),
        format!("{unsigned}&signature="),
        format!("{unsigned}&signature={zeros}"),
        format!("{unsigned}&signature={}", &signature[..signature.len() - 1]),
        format!("{unsigned}&signature={signature}0"),
        path.replace("control-a", "control-b"),
        path.replace("control-a", "nobody"),
        path.replace("instance=default", "instance=other"),
        path.replace("company=id%3A42", "company=id%3A43"),
        path.replace("&company=id%3A42", ""),
    ] {
        let answer = world.get(&wrong).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text.contains("This link is not valid"), "{}", answer.text);
        assert!(!answer.text.contains(signature), "{}", answer.text);
    }
    // `default` is the instance of a link that names none.
    let short = path.replace("&instance=default", "");
    assert_eq!(world.get(&short).await.status, 302);
    let answer = world.send(Method::POST, &path, &[], None).await;
    answer.problem(405, "method-not-allowed");

    world.stop_bridge().await;
    world.config.server.link_key = Some(Secret::new("another key".to_owned()));
    world.start_bridge().await;
    assert_eq!(world.get(&path).await.status, 403);
    let known = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(open(&world, known["links"]["open"].as_str().unwrap()).await.status, 302);
    world.finish().await;
}

#[tokio::test]
async fn a_link_to_a_control_without_a_ticket_answers_a_page_for_people() {
    let world = World::linked().await;
    let named = |key: &str| with(event(key), "/control/name", json!("<script>"));
    let unlinked = with(named("waits"), "/company", json!({"id": 9, "name": "<b>New</b>"}));
    let unwanted = with(named("unwanted"), "/ticket/requested", json!(false));
    for (event, sentence) in
        [(unlinked, "Its ticket is on its way."), (unwanted, "It has no ticket.")]
    {
        let row = world.acknowledge(&event).await.body;
        let page = open(&world, row["links"]["open"].as_str().unwrap()).await;
        assert_eq!(page.status, 404);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text.contains(sentence), "{}", page.text);
        assert!(!page.text.contains("<script>") && !page.text.contains("<b>"), "{}", page.text);
    }
    world.finish().await;
}

#[tokio::test]
async fn links_name_the_addresses_at_which_people_reach_itop_and_the_bridge() {
    let world = World::with(Options::default(), |config| {
        config.itop.as_mut().unwrap().public_url = Some("https://itop.example/itop/".to_owned());
        config.server.public_url = Some("https://bridge.example/servicenav/".to_owned());
    })
    .await;
    world.link_demo().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let page = format!(
        "https://itop.example/itop/pages/UI.php?operation=details&class=Incident&id={}",
        made["ticket"]["id"].as_str().unwrap()
    );
    assert_eq!(made["ticket"]["url"], page);
    let link = made["links"]["open"].as_str().unwrap();
    let path = link.strip_prefix("https://bridge.example/servicenav").unwrap();
    let opened = world.get(path).await;
    assert_eq!((opened.status, opened.header("location")), (302, page.as_str()));
    world.finish().await;
}

#[tokio::test]
async fn the_bridge_lives_and_is_ready_whatever_itop_does() {
    let world = World::start().await;
    let alive = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!(world.get("/healthz").await.expect(200), alive);
    let ready = world.get("/readyz").await.expect(200);
    let nothing = json!({
        "accepted": 0, "creating": 0, "unknown": 0, "failed": 0, "blocked": 0, "rejected": 0
    });
    assert_eq!((&ready["status"], &ready["inbox"]), (&json!("ready"), &nothing));
    assert_eq!(ready["gate"]["state"], "open");
    let opened = time(&ready["gate"]["since"]);

    // Each of these is known from the reads that somebody asked for.
    for (kind, reason, mend) in [
        (FaultKind::Maintenance, "maintenance", "Wait for the end of iTop's maintenance"),
        (FaultKind::WrongPassword, "credentials", "itop.password"),
        (FaultKind::ProfileMissing, "profile-missing", "REST Services User"),
        (FaultKind::LoginPage, "not-itop", "itop.url"),
        (FaultKind::Redirect, "not-itop", "itop.url"),
        (FaultKind::WrongJson, "not-itop", "itop.url"),
        (FaultKind::DatabaseDown, "unreachable", "Check that iTop runs"),
        (FaultKind::CutAfter, "unreachable", "Check that iTop runs"),
    ] {
        world.itop.faults().set(kind.clone(), true);
        world.insist("/api/v1/teams").await;
        let gate = until_gate(&world, "closed", false).await;
        assert_eq!(gate["reason"], reason, "{kind:?}");
        assert!(gate["mend"].as_str().unwrap().contains(mend), "{gate}");
        assert!(!gate["message"].as_str().unwrap().is_empty());
        assert!(time(&gate["since"]) >= opened);
        assert_eq!(world.get("/healthz").await.expect(200), alive);
        world.itop.faults().clear();
        let gate = until_gate(&world, "open", true).await;
        assert_eq!(gate.get("reason"), None);
        assert!(time(&gate["since"]) > opened);
    }
    world.finish().await;
}

#[tokio::test]
async fn the_inbox_is_counted_by_state_while_writes_are_refused() {
    let world = World::linked().await;
    let unlinked = with(event("blocked"), "/company", json!({"id": 9, "name": "New"}));
    world.acknowledge(&unlinked).await.expect(202);
    let failing = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    world.acknowledge(&failing).await;
    world.acknowledge(&event("ended")).await.expect(201);
    world.acknowledge(&json!({})).await.expect(422);

    world.itop.faults().set_read_only(true);
    let now = [("prefer", "wait=0")];
    for key in ["waits", "waits too"] {
        let body = Some(event(key).to_string());
        world.send(Method::POST, ACKNOWLEDGEMENTS, &now, body).await.expect(202);
    }
    let gate = until_gate(&world, "closed", false).await;
    assert_eq!(gate["reason"], "writes-refused");
    // Reads go on.
    assert_eq!(world.insist("/api/v1/teams").await.expect(200)["stale"], false);
    let waiting = json!({
        "accepted": 2, "creating": 0, "unknown": 0, "failed": 1, "blocked": 1, "rejected": 1
    });
    world
        .until("both wait", async || {
            let ready = world.get("/readyz").await.expect(200);
            (ready["inbox"] == waiting).then_some(())
        })
        .await;

    world.itop.faults().clear();
    until_gate(&world, "open", true).await;
    let done = json!({
        "accepted": 0, "creating": 0, "unknown": 0, "failed": 1, "blocked": 1, "rejected": 1
    });
    world
        .until("both are delivered", async || {
            let ready = world.get("/readyz").await.expect(200);
            (ready["inbox"] == done).then_some(())
        })
        .await;
    assert_eq!(world.itop.tickets().await.unwrap().len(), 3);
    world.finish().await;
}

/// Follows a link as a browser does, with no token.
async fn open(world: &World, link: &str) -> Answer {
    let response = world.http.get(link).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap(), body: Value::Null }
}

/// Waits until the gate is in this state, the clock being moved to the next probe if wanted.
async fn until_gate(world: &World, state: &str, probing: bool) -> Value {
    world
        .until(&format!("the gate is {state}"), async || {
            if probing {
                world.clock.advance(world.config.delivery.probe_max.duration());
            }
            let gate = world.get("/readyz").await.expect(200)["gate"].clone();
            (gate["state"] == state).then_some(gate)
        })
        .await
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}
