//! The form for a ticket that nobody has acknowledged an alert for: what its page offers, and that what
//! it sends becomes a ticket.

use itop_sandbox::Options;
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use crate::world::{ACKNOWLEDGEMENTS, World, token};

/// What the script of the page sends.
fn made_by_the_form(key: &str) -> Value {
    json!({
        "event_id": format!("console:{key}"), "created_at": "2026-11-26T23:00:00Z",
        "source": {"product": "console", "instance": "default"},
        "company": {"id": "42", "name": "Demo"},
        "ci": {"id": "4", "name": "Server4"},
        "equipment": {"name": "Server4"},
        "control": {
            "id": "Server4/Fan", "name": "Fan", "element_type": "service", "criticality": "high",
            "state": "CRITICAL", "status_changed_at": "2026-11-26T23:00:00Z"
        },
        "title": "The fan is loud", "description": "Since this morning",
        "acknowledgement": {"author": {"name": "anyone"}}
    })
}

#[tokio::test]
async fn the_page_offers_the_companies_that_are_linked() {
    let world = World::start().await;
    let empty = world.get("/new-ticket").await;
    assert_eq!(empty.status, 200, "{}", empty.text);
    assert!(empty.text.contains("none is yet") && !empty.text.contains("<form class=\"card\""));
    world.link_demo().await;
    world.link("43", json!({"organization": {"id": "5002"}, "name": "ACME"})).await;
    world.link("43/sites/7", json!({"organization": {"id": "5002"}, "name": "Lyon"})).await;
    world
        .link("44", json!({"organization": {"id": "5002"}, "name": "Silent", "tickets": false}))
        .await;
    let page = world.get("/new-ticket?company=43&site=7&control_name=Fan&criticality=high").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    for said in [
        "data-company=\"id:42\"",
        "data-org=\"3\"",
        "data-team=\"Helpdesk\"",
        "ACME › Lyon",
        "value=\"Fan\"",
        "<option value=\"high\" selected>",
        "data-author=\"anyone\"",
    ] {
        assert!(page.text.contains(said), "no '{said}' in {}", page.text);
    }
    assert!(!page.text.contains("Silent"), "its acknowledgements become no tickets");
    let selected: Vec<_> = page
        .text
        .split("<option ")
        .filter(|text| {
            text.contains("data-company=") && text.split('>').next().unwrap().contains("selected")
        })
        .collect();
    assert_eq!(selected.len(), 1);
    assert!(selected[0].contains("data-site=\"id:7\""), "{selected:?}");
    let french = [("accept-language", "fr")];
    let page = world.send(Method::GET, "/new-ticket", &french, None).await;
    assert!(page.text.contains("Objet de la demande"), "{}", page.text);
    world.finish().await;
}

#[tokio::test]
async fn what_stands_in_the_address_or_in_a_name_stays_text() {
    let world = World::linked().await;
    let name = "\"><script>alert(1)</script>";
    world.link("43", json!({"organization": {"id": "5002"}, "name": name})).await;
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%3C%2Ftextarea%3E";
    for field in ["company", "equipment", "control", "control_name", "title", "description"] {
        let page = world.get(&format!("/new-ticket?{field}={hostile}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(!page.text.contains("<script>alert"), "{field}: {}", page.text);
        assert!(!page.text.contains("style="), "{}", page.text);
    }
    let unknown = world.get("/new-ticket?unknown=1").await;
    assert_eq!(unknown.status, 400);
    world.finish().await;
}

#[tokio::test]
async fn the_matrix_presets_the_priority() {
    let world = World::start().await;
    let of = async |query: &str| world.get(&format!("/api/v1/priority{query}")).await;
    let all = of("").await.expect(200);
    assert_eq!(all["priority"], Value::Null);
    assert_eq!(all["matrix"]["service"], json!({"high": 2, "medium": 3, "low": 4}));
    for (query, priority) in [
        ("?element_type=service&criticality=high", 2),
        ("?element_type=equipment&criticality=high", 1),
        ("?element_type=user_service&criticality=low", 3),
        ("?element_type=service", 3),
    ] {
        assert_eq!(of(query).await.expect(200)["priority"], priority, "{query}");
    }
    for wrong in ["?element_type=host", "?criticality=huge", "?element=service"] {
        of(wrong).await.problem(400, "bad-parameter");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_the_form_sends_is_shown_exactly_and_becomes_that_ticket() {
    let world = World::linked().await;
    let event = made_by_the_form("1");
    let preview = world.post(&format!("{ACKNOWLEDGEMENTS}/preview"), &event).await.expect(200);
    assert_eq!((&preview["outcome"], &preview["priority"]), (&json!("created"), &json!(2)));
    assert_eq!(preview["resolution"]["ci"]["name"], "Server4", "{preview}");
    assert_eq!(preview["request"]["fields"]["title"], "The fan is loud");
    assert!(world.itop.tickets().await.unwrap().is_empty());
    let made = world.acknowledge(&event).await.expect(201);
    let ticket = &world.itop.tickets().await.unwrap()[0];
    assert_eq!(
        (ticket.title.as_str(), made["ticket"]["ref"].as_str().unwrap()),
        ("The fan is loud", ticket.reference.as_str())
    );

    // The control has a ticket now: that is found by its id, and is what the next one becomes a line of.
    let known = world.get("/api/v1/controls/ticket?control=Server4%2FFan&instance=default").await;
    assert_eq!(known.expect(200)["ticket"]["open"], true);
    let again = made_by_the_form("2");
    let preview = world.post(&format!("{ACKNOWLEDGEMENTS}/preview"), &again).await.expect(200);
    assert_eq!(preview["outcome"], "reused", "{preview}");
    assert_eq!(preview["ticket"]["ref"], made["ticket"]["ref"]);
    // Overridden, and a new one all the same.
    let mut other = made_by_the_form("3");
    (other["priority"], other["ticket"]) = (json!(1), json!({"new": true}));
    let preview = world.post(&format!("{ACKNOWLEDGEMENTS}/preview"), &other).await.expect(200);
    assert_eq!((&preview["outcome"], &preview["priority"]), (&json!("created"), &json!(1)));
    world.finish().await;
}

#[tokio::test]
async fn who_may_not_post_is_told_so() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![token("admin", &[Scope::Admin]), token("reader", &[Scope::Read])];
    })
    .await;
    world.token = Some("admin".to_owned());
    world.link_demo().await;
    assert!(world.get("/new-ticket").await.text.contains("id=\"new-ticket\""));
    world.token = Some("reader".to_owned());
    let page = world.get("/new-ticket").await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("You may not make tickets here")
            && !page.text.contains("id=\"new-ticket\"")
    );
    world.token = None;
    let stranger = world.get("/new-ticket?control=a").await;
    assert_eq!(stranger.status, 303);
    assert_eq!(stranger.header("location"), "/sign-in?next=%2Fnew-ticket%3Fcontrol%3Da");
    world.finish().await;
}
