//! The page of the board, and the page of one control.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

/// What must run nowhere, as a sender or iTop could write it.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

async fn page(world: &World, path: &str) -> String {
    let answer = world.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    is_guarded(&answer, path);
    read(&answer)
}

/// The text of a page with those signs as they are that HTML need not write otherwise.
fn read(answer: &Answer) -> String {
    answer.text.replace("&#x2f;", "/").replace("&#x27;", "'")
}

/// The policy of the page, and nothing in its own text that the policy would forbid.
fn is_guarded(answer: &Answer, path: &str) {
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}: {policy}");
    let text = read(answer);
    for (at, _) in text.match_indices("<script") {
        assert!(text[at..].starts_with("<script type=\"module\" src=\"/assets/"), "{path}");
    }
    for forbidden in [" style=", "<style", " onclick=", "=\"javascript:"] {
        let shown = text.find(forbidden).map(|at| &text[at..]);
        assert_eq!(shown, None, "{path}: {forbidden}");
    }
}

/// A page as somebody with a French browser has it.
async fn french(world: &World, path: &str) -> String {
    let headers = [("accept-language", "fr-FR,fr;q=0.9")];
    read(&world.send(Method::GET, path, &headers, None).await)
}

/// The rows of the list, by control.
fn rows(page: &str) -> Vec<&str> {
    page.split("data-key=\"default/").skip(1).map(|row| row.split('"').next().unwrap()).collect()
}

/// The row of a control.
fn row<'p>(page: &'p str, control: &str) -> &'p str {
    let row = page.split(&format!("data-key=\"default/{control}\"")).nth(1);
    row.unwrap_or_else(|| panic!("no {control}: {page}")).split("</tr>").next().unwrap()
}

#[tokio::test]
async fn a_row_tells_of_a_control_all_that_one_looks_for() {
    let world = World::linked().await;
    let event = with(event("a"), "/site", json!({"id": 3, "name": "Lyon"}));
    let made = world.acknowledge(&event).await.expect(201);
    let first = page(&world, "/").await;
    let shown = row(&first, "control-a");
    for told in [
        "Disk C:",
        "Server4 · CRITICAL",
        "Demo › Lyon",
        made["ticket"]["ref"].as_str().unwrap(),
        "P2",
        "Helpdesk",
        "Jean Dupont",
        ">New<",
        "/tickets/detail?instance=default&amp;control=control-a",
        &made["ticket"]["url"].as_str().unwrap().replace('&', "&amp;"),
    ] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    for told in ["1 control with a ticket", "1–1 of 1", "Statuses as of", "<svg class=\"plot\""] {
        assert!(first.contains(told), "{told}");
    }
    let in_french = french(&world, "/").await;
    for told in ["1 contrôle avec un ticket", "1–1 sur 1", ">Nouveau<", "Acquitté par"] {
        assert!(in_french.contains(told), "{told}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_address_says_what_is_shown() {
    let world = World::linked().await;
    world.link(7, json!({"organization": "ACME Logistics", "team": "Helpdesk"})).await;
    for key in ["a", "b", "c"] {
        world.acknowledge(&event(key)).await.expect(201);
    }
    let other = with(event("d"), "/company", json!({"id": 7, "name": "ACME & Söhne"}));
    world.acknowledge(&with(other, "/control/criticality", json!("low"))).await.expect(201);
    let tickets = world.itop.tickets().await.unwrap();
    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus("Incident", tickets[1].id, stimulus).await.unwrap();
    }
    world.clock.advance(world.config.board.max_age.duration());
    world.get("/api/v1/tickets").await.expect(200);
    for (path, expected) in [
        ("/", vec!["control-d", "control-c", "control-a"]),
        ("/?group=resolved", vec!["control-b"]),
        ("/?group=all&sort=control", vec!["control-d", "control-c", "control-b", "control-a"]),
        ("/?group=all&sort=-age", vec!["control-a", "control-b", "control-c", "control-d"]),
        ("/?company=id%3A7", vec!["control-d"]),
        ("/?priority=4", vec!["control-d"]),
        ("/?q=acme+sohne", vec!["control-d"]),
        ("/?q=&company=&priority=&sort=", vec!["control-d", "control-c", "control-a"]),
        ("/?team=helpdesk&mine=jdupont&q=acme", vec!["control-d"]),
        ("/?group=closed", vec![]),
    ] {
        assert_eq!(rows(&page(&world, path).await), expected, "{path}");
    }
    let narrowed = page(&world, "/?company=id%3A7&q=acme&group=all&team=Helpdesk").await;
    for told in [
        "<option value=\"id:7\" selected>ACME &amp; Söhne</option>",
        "<option value=\"id:42\" >Demo</option>",
        "value=\"acme\"",
        // Each filter keeps the others, and each that is said can be taken off.
        "href=\"/?company=id%3A7&amp;q=acme&amp;team=Helpdesk&amp;group=resolved\"",
        "href=\"/?company=id%3A7&amp;q=acme&amp;group=all\"",
        "aria-sort=\"ascending\"",
    ] {
        assert!(narrowed.contains(told), "{told}: {narrowed}");
    }
    let nothing = page(&world, "/?q=no+such+thing").await;
    assert!(nothing.contains("No ticket fits") && rows(&nothing).is_empty());
    for wrong in ["/?group=x", "/?sort=x", "/?limit=3", "/?priority=9", "/?cursor=x"] {
        let answer = world.get(wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(answer.header("content-type").starts_with("text/html"), "{wrong}");
    }
    world.finish().await;
}

#[tokio::test]
async fn long_lists_have_pages() {
    let world = World::linked().await;
    let events: Vec<_> = (0..53).map(|number| event(&format!("n{number:02}"))).collect();
    world.post(ACKNOWLEDGEMENTS, &Value::from(events)).await;
    world
        .until("all have tickets", async || {
            let board = world.get("/api/v1/tickets?count=true").await.expect(200);
            (board["total"] == 53).then_some(())
        })
        .await;
    let first = page(&world, "/").await;
    assert_eq!(rows(&first).len(), 50);
    assert!(first.contains("1–50 of 53"));
    let link = |page: &str, rel: &str| {
        let before = page.split(&format!("\" rel=\"{rel}\"")).next().unwrap();
        before.rsplit("href=\"").next().unwrap().replace("&amp;", "&")
    };
    assert!(!first.contains("rel=\"prev\""));
    let second = page(&world, &link(&first, "next")).await;
    assert_eq!(rows(&second).len(), 3);
    assert!(second.contains("51–53 of 53") && !second.contains("rel=\"next\""));
    let back = page(&world, &link(&second, "prev")).await;
    assert_eq!(rows(&back), rows(&first));
    assert_eq!(rows(&page(&world, &link(&second, "first")).await), rows(&first));
    world.finish().await;
}

#[tokio::test]
async fn what_has_no_ticket_yet_says_why_in_a_word() {
    let world = World::linked().await;
    let empty = page(&world, "/").await;
    let example = format!("curl {}/api/v1/acknowledgements", world.base);
    assert!(empty.contains(&example) && empty.contains("/companies"), "{empty}");
    let unlinked = with(event("new"), "/company", json!({"id": 99, "name": "Néo"}));
    let blocked = world.acknowledge(&unlinked).await.expect(202);
    let failed = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    world.acknowledge(&failed).await;
    let shown = page(&world, "/").await;
    assert_eq!(rows(&shown), ["control-failed", "control-new"]);
    assert!(row(&shown, "control-new").contains("Waits for a link"), "{shown}");
    assert!(row(&shown, "control-failed").contains("Failed"), "{shown}");
    assert!(french(&world, "/").await.contains("Attend un lien"));
    let detail = page(&world, "/tickets/detail?control=control-new").await;
    for told in [
        "This control has no ticket yet",
        "is linked to no iTop organization",
        "company-not-linked",
        &format!("/inbox/{}", blocked["id"]),
    ] {
        assert!(detail.contains(told), "{told}: {detail}");
    }
    // In the words of the inbox, whatever the language; iTop's own are English, and are marked as that.
    let detail = french(&world, "/tickets/detail?control=control-new").await;
    assert!(detail.contains("n’est reliée à aucune organisation"), "{detail}");
    let detail = french(&world, "/tickets/detail?control=control-failed").await;
    assert!(detail.contains("<span lang=\"en\">"), "{detail}");
    world.finish().await;
}

#[tokio::test]
async fn one_control_is_told_with_how_it_went() {
    let world = World::linked().await;
    let contact = with(event("a"), "/contact", json!({"email": "nobody@demo.com"}));
    world.acknowledge(&contact).await.expect(201);
    let forced = with(with(event("a"), "/event_id", json!("b")), "/ticket/new", json!(true));
    let made = world.acknowledge(&forced).await.expect(201);
    let ticket = world.itop.tickets().await.unwrap().pop().unwrap();
    world.itop.apply_stimulus("Incident", ticket.id, "ev_assign").await.unwrap();
    world.clock.advance(world.config.board.max_age.duration());
    let known = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    let agent = known["ticket"]["agent"].as_str().unwrap();
    let address = "/tickets/detail?instance=default&control=control-a";
    let detail = page(&world, address).await;
    let number = made["ticket"]["ref"].as_str().unwrap();
    for told in [
        "<h1>Disk C:</h1>",
        "Server4 · Demo",
        &format!("Open {number} in iTop"),
        &format!("Assigned to {agent}"),
        &format!("Ticket {number} created"),
        "Acknowledged by Jean Dupont: “Purge in progress”",
        "CRITICAL since",
        "<pre>C: 97% used</pre>",
        "Telecom and connectivity › Network Troubleshooting",
        "Earlier acknowledgements of this control",
        "data-copy=\"http://",
        "Open in ServiceNav",
        "https://sn.example/#c=48213",
    ] {
        assert!(detail.contains(told), "{told}: {detail}");
    }
    let in_french = french(&world, address).await;
    for told in
        ["Acquitté par Jean Dupont\u{a0}: «\u{a0}Purge in progress\u{a0}»", "Ce qui s’est passé"]
    {
        assert!(in_french.contains(told), "{told}: {in_french}");
    }
    let missing = world.get("/tickets/detail?control=nobody").await;
    assert_eq!(missing.status, 404);
    is_guarded(&missing, "nobody");
    world.finish().await;
}

#[tokio::test]
async fn what_others_write_runs_nowhere() {
    let world = World::linked().await;
    world.itop.rename("Team", 37, HOSTILE).await.unwrap();
    world.link(42, json!({"organization": "Demo", "team": {"id": "37"}})).await;
    let mut hostile = event("a");
    for pointer in [
        "/event_id",
        "/company/name",
        "/equipment/name",
        "/equipment/address",
        "/control/id",
        "/control/name",
        "/control/output",
        "/acknowledgement/author/login",
        "/acknowledgement/author/name",
        "/acknowledgement/comment",
        "/title",
        "/description",
        "/service",
        "/contact/name",
        "/source/product",
    ] {
        hostile = with(hostile, pointer, json!(HOSTILE));
    }
    let hostile = with(hostile, "/site", json!({"id": 7, "name": HOSTILE}));
    let hostile = with(hostile, "/control/url", json!("javascript:alert(3)"));
    world.acknowledge(&hostile).await.expect(201);
    let ticket = world.itop.tickets().await.unwrap().remove(0);
    let changed = json!({"title": HOSTILE});
    world.itop_changes("Incident", ticket.id.unsigned_abs(), changed).await;
    let failed = with(
        with(hostile.clone(), "/event_id", json!("b")),
        "/ticket/existing_ref",
        json!(HOSTILE),
    );
    world.acknowledge(&with(failed, "/control/id", json!(format!("b{HOSTILE}")))).await;
    world.clock.advance(world.config.board.max_age.duration());
    let board = world.get("/api/v1/tickets?pending=true&details=true").await.expect(200);
    assert_eq!(board["items"].as_array().unwrap().len(), 2);
    assert_eq!(board["items"][1]["ticket"]["title"], HOSTILE);
    let query = percent_encoding::utf8_percent_encode(HOSTILE, percent_encoding::NON_ALPHANUMERIC);
    for path in [
        "/".to_owned(),
        format!("/?q={query}"),
        format!("/?mine={query}&team={query}&agent={query}&instance={query}&company=name:{query}"),
        format!("/tickets/detail?control={query}"),
        format!("/tickets/detail?control=b{query}"),
    ] {
        let answer = world.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        is_guarded(&answer, &path);
        let told = read(&answer);
        assert!(told.contains("&lt;script&gt;alert(1)"), "{path}: {told}");
        assert!(!answer.text.contains("<img"), "{path}: {}", answer.text);
    }
    for path in [format!("/?sort={query}"), format!("/tickets/detail?control=c{query}")] {
        let answer = world.get(&path).await;
        assert!([400, 404].contains(&answer.status), "{path}");
        is_guarded(&answer, &path);
    }
    world.finish().await;
}
