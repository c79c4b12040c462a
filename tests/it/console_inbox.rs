//! The pages of the inbox.

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, limited, token, with};

/// A page in a language.
async fn page(world: &World, path: &str, language: &str) -> Answer {
    let headers = [("accept", "text/html"), ("accept-language", language)];
    let answer = world.send(Method::GET, path, &headers, None).await;
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    answer
}

async fn english(world: &World, path: &str) -> String {
    let answer = page(world, path, "en").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

fn unlinked(key: &str, name: &str) -> Value {
    with(event(key), "/company", json!({"id": 53, "name": name}))
}

/// The part of a page that is about a row.
fn row<'p>(page: &'p str, row: &Value) -> &'p str {
    let key = format!("<tr data-key=\"{}\">", row["id"]);
    let (_, rest) = page.split_once(&key).unwrap_or_else(|| panic!("no {key} in {page}"));
    rest.split_once("</tr>").unwrap().0
}

#[tokio::test]
async fn each_group_has_its_rows_with_the_operators_words() {
    let world = World::linked().await;
    let created = world.acknowledge(&event("created")).await.expect(201);
    let blocked = world.acknowledge(&unlinked("blocked", "Nowhere")).await.expect(202);
    let refuse = FaultKind::Refuse { code: 100, message: "Error: Service is mandatory".to_owned() };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let failed = world.acknowledge(&event("failed")).await.expect(202);

    let needs = english(&world, "/inbox").await;
    assert!(needs.contains("2 acknowledgements have no ticket yet"));
    assert!(needs.contains("Needs you <span class=\"number\">2</span>"));
    let waits = row(&needs, &blocked);
    for said in [
        "Waits for a link",
        "The company is linked to no iTop organization.",
        "Server4 · Nowhere · CRITICAL · Jean Dupont",
        "Choose its organization",
        "/companies?company=id%3A53&amp;instance=default",
        &format!("/inbox/{}", blocked["id"]),
    ] {
        let said = said.replace('/', "&#x2f;");
        assert!(waits.replace('/', "&#x2f;").contains(&said), "{said}: {waits}");
    }
    let refused = row(&needs, &failed);
    assert!(refused.contains("iTop refused the ticket. Mend what it says, then retry."));
    assert!(refused.contains("Service is mandatory") && refused.contains("data-can-retry"));
    assert!(!needs.contains(created["ticket"]["ref"].as_str().unwrap()));
    // A cause is offered when several have it, and shown when it is asked for.
    assert!(!needs.contains("class=\"causes\"") && !needs.contains("of-cause"));
    let chosen = "/inbox?cause=company-not-linked&company=id%3A53&instance=default";
    let chosen = english(&world, chosen).await;
    assert!(chosen.contains("All 1 with this cause"), "{chosen}");
    let body = "data-cause=\"{&quot;code&quot;:&quot;company-not-linked&quot;";
    assert!(chosen.contains(body), "{chosen}");
    row(&chosen, &blocked);
    world.acknowledge(&unlinked("blocked-2", "Nowhere")).await.expect(202);
    let offered = english(&world, "/inbox").await;
    assert!(offered.contains("class=\"causes\"") && !offered.contains("of-cause"));
    assert!(!chosen.contains(&format!("data-key=\"{}\"", failed["id"])));

    let ended = english(&world, "/inbox?group=ended").await;
    assert!(row(&ended, &created).contains(created["ticket"]["ref"].as_str().unwrap()));
    assert!(!row(&ended, &created).contains("checkbox"));
    assert!(english(&world, "/inbox?group=way").await.contains("Nothing is on its way"));
    let found = english(&world, "/inbox?q=nowhere").await;
    row(&found, &blocked);
    assert!(found.contains("value=\"nowhere\""));
    assert!(english(&world, "/inbox?q=elsewhere").await.contains("Nothing was found"));

    assert!(english(&world, "/inbox").await.contains("3 acknowledgements have no ticket yet"));
    let french = page(&world, "/inbox", "fr-FR,fr;q=0.9,en;q=0.5").await.text;
    assert!(row(&french, &blocked).contains("Attend un lien"));
    assert!(french.contains("<html lang=\"fr\">") && french.contains("À vous"));
    for (path, status) in [("/inbox?group=all", 400), ("/inbox?x=1", 400), ("/inbox/999", 404)] {
        let answer = page(&world, path, "en").await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text.contains("<html lang=\"en\">"), "{path}");
    }
    world.finish().await;
}

#[tokio::test]
async fn an_empty_inbox_says_so() {
    let world = World::start().await;
    let needs = english(&world, "/inbox").await;
    assert!(needs.contains("Nothing needs you"));
    assert!(needs.contains("0 acknowledgements have no ticket yet"));
    assert!(english(&world, "/inbox?group=ended").await.contains("Nothing has ended yet"));
    world.finish().await;
}

#[tokio::test]
async fn the_company_of_a_row_is_linked_where_it_stands() {
    let world = World::start().await;
    let blocked = world.acknowledge(&unlinked("a", "demo")).await.expect(202);
    // The list of organizations is read a moment later where it was never read.
    let needs = world
        .until("an organization of that name is suggested", async || {
            let page = english(&world, "/inbox").await;
            page.contains("Link to “Demo”").then_some(page)
        })
        .await;
    let button = row(&needs, &blocked);
    let attribute = |name: &str| {
        let (_, rest) = button.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.replace("&#x2f;", "/")
    };
    assert_eq!(attribute("data-link"), "/api/v1/links/id%3A53?instance=default");
    let link = json!({
        "organization": {"id": attribute("data-organization")}, "team": "Helpdesk",
        "name": attribute("data-company"),
    });
    world.put(&attribute("data-link"), &link).await.expect(201);
    world.until_state(&blocked["id"], "created").await;
    assert!(english(&world, "/inbox").await.contains("Nothing needs you"));
    world.finish().await;
}

#[tokio::test]
async fn one_row_is_shown_with_all_that_there_is_of_it() {
    let world = World::linked().await;
    let refuse = FaultKind::Refuse { code: 100, message: "Error: Service is mandatory".to_owned() };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let event = with(event("one"), "/contact", json!("Nobody"));
    let failed = world.acknowledge(&event).await.expect(202);
    let path = format!("/inbox/{}", failed["id"]);
    let shown = english(&world, &path).await;
    for said in [
        "Disk C:",
        "▲",
        "Service is mandatory",
        "refused-by-itop",
        "failed · refused-by-itop",
        "Purge in progress",
        "Jean Dupont",
        "event-one",
        "&quot;event_id&quot;: &quot;event-one&quot;",
        "data-do=\"retry\"",
        "data-do=\"discard\"",
        "Show the request",
    ] {
        assert!(shown.contains(said) || said == "▲", "{said}: {shown}");
    }
    for warning in failed["warnings"].as_array().unwrap() {
        let warning = warning.as_str().unwrap().replace('\'', "&#x27;");
        assert!(shown.contains(&warning), "{warning}");
    }
    let retry = format!("{ACKNOWLEDGEMENTS}/retry");
    world.post(&retry, &json!({"ids": [failed["id"]]})).await.expect(200);
    let created = world.until_state(&failed["id"], "created").await;
    let shown = english(&world, &path).await;
    assert!(shown.contains(created["ticket"]["ref"].as_str().unwrap()));
    assert!(!shown.contains("data-do=") && shown.contains("Ticket created"));
    assert!(shown.contains("Tried again by anyone."));
    let french = page(&world, &path, "fr").await.text;
    assert!(french.contains("Ticket créé") && french.contains("Ce qui s’est passé"));
    world.finish().await;
}

/// What would run, if it stood in a page as it is.
const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}";

#[tokio::test]
async fn what_a_sender_or_itop_writes_runs_nowhere() {
    let world = World::start().await;
    world.link(42, json!({"organization": "Demo", "team": "Helpdesk"})).await;
    let mut evil = event("evil");
    for pointer in [
        "/company/name",
        "/control/name",
        "/control/output",
        "/equipment/name",
        "/acknowledgement/comment",
        "/acknowledgement/author/name",
        "/contact",
        "/event_id",
    ] {
        evil = with(evil, pointer, json!(EVIL));
    }
    let refuse = FaultKind::Refuse { code: 100, message: format!("Error: {EVIL}") };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let failed = world.acknowledge(&evil).await.expect(202);
    assert_eq!(failed["state"], "failed");
    let unlinked = with(evil.clone(), "/company/id", json!("<script>alert(1)</script>\"'>"));
    let unlinked = with(unlinked, "/event_id", json!("other"));
    let blocked = world.acknowledge(&unlinked).await.expect(202);
    assert_eq!(blocked["state"], "blocked");
    let wrong = with(evil, "/control/state", json!(EVIL));
    let wrong = with(wrong, "/event_id", json!("third"));
    world.acknowledge(&wrong).await.expect(422);
    let rejected = world.get(&format!("{ACKNOWLEDGEMENTS}?state=rejected")).await.expect(200);
    let reason = json!({"ids": [rejected["items"][0]["id"]], "reason": EVIL});
    let all = format!("{ACKNOWLEDGEMENTS}?limit=10");
    let ids = world.get(&all).await.expect(200);
    let ids = ids["items"].as_array().unwrap().iter().map(|row| row["id"].clone());
    let mut paths: Vec<_> = ids.map(|id| format!("/inbox/{id}")).collect();
    paths.extend(["/inbox".to_owned(), "/inbox?group=ended".to_owned()]);
    let typed: String =
        EVIL.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    paths.push(format!("/inbox?q={typed}"));
    paths.push(format!("/inbox?cause={typed}&message={typed}"));
    paths.push(format!("/inbox?group={typed}"));
    for is_discarded in [false, true] {
        for path in &paths {
            for language in ["en", "fr"] {
                let shown = page(&world, path, language).await.text;
                for inert in ["<script>", "<img", "\"'>", "49"] {
                    // Ids and times may have any number; only what stands alone is a result.
                    let found = if inert == "49" {
                        shown.contains(">49<") || shown.contains("&gt;49")
                    } else {
                        shown.contains(inert)
                    };
                    assert!(!found, "{path} has {inert}: {shown}");
                }
            }
        }
        if !is_discarded {
            world.post(&format!("{ACKNOWLEDGEMENTS}/discard"), &reason).await.expect(200);
        }
    }
    let shown = english(&world, "/inbox").await;
    assert!(shown.contains("&lt;script&gt;"), "{shown}");
    world.finish().await;
}

#[tokio::test]
async fn whoever_may_not_is_offered_nothing() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![
            token("admin", &[Scope::Admin]),
            token("operator", &[Scope::Read, Scope::Operate]),
            token("reader", &[Scope::Read]),
            limited("limited", &[Scope::Admin], "sn-a", &["id:53"]),
        ];
    })
    .await;
    world.token = Some("admin".to_owned());
    let own = with(unlinked("own", "Demo"), "/source", json!({"instance": "sn-a"}));
    let own = world.acknowledge(&own).await.expect(202);
    let other = with(event("other"), "/company", json!({"id": 54, "name": "Foreign"}));
    let other = world.acknowledge(&other).await.expect(202);
    world
        .until("organizations are known", async || {
            english(&world, "/inbox").await.contains("Link to “Demo”").then_some(())
        })
        .await;
    // Who, whether there are levers, links, and rows of others.
    for (who, levers, links, others) in [
        ("admin", true, true, true),
        ("operator", true, false, true),
        ("reader", false, false, true),
        ("limited", true, false, false),
    ] {
        world.token = Some(who.to_owned());
        for path in ["/inbox".to_owned(), format!("/inbox/{}", own["id"])] {
            let shown = english(&world, &path).await;
            assert_eq!(shown.contains("data-do="), levers, "{who} {path}");
            assert_eq!(shown.contains("id=\"discard\""), levers, "{who} {path}");
            assert_eq!(shown.contains("Link to “Demo”"), links, "{who} {path}");
        }
        assert_eq!(english(&world, "/inbox").await.contains("Foreign"), others, "{who}");
        let foreign = page(&world, &format!("/inbox/{}", other["id"]), "en").await;
        assert_eq!(foreign.status, if others { 200 } else { 404 }, "{who}");
    }
    world.token = None;
    let stranger = page(&world, "/inbox?group=ended", "en").await;
    assert_eq!(stranger.status, 303);
    assert_eq!(stranger.header("location"), "/sign-in?next=%2Finbox%3Fgroup%3Dended");
    world.finish().await;
}
