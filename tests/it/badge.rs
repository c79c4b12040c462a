//! What pages elsewhere show of a control by a signed link: a picture, and a card for a frame.

use std::time::Duration;

use itop_sandbox::{FaultKind, Options};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

const BADGE: &str = "/controls/badge.svg?";
const CARD: &str = "/controls/card?";

/// The paths of badge and card.
fn links(world: &World, row: &Value) -> [String; 2] {
    ["badge", "embed"].map(|name| {
        let link = row["links"][name].as_str().unwrap();
        link.strip_prefix(&world.base).unwrap().to_owned()
    })
}

/// What both say, each of which has to be answered as it should be.
async fn shown(world: &World, links: &[String; 2]) -> [String; 2] {
    let [badge, card] = links;
    let (badge, card) = (world.get(badge).await, world.get(card).await);
    for (answer, kind) in [(&badge, "image/svg+xml"), (&card, "text/html; charset=utf-8")] {
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{}", answer.text);
        inert(answer);
    }
    assert_eq!(badge.header("cross-origin-resource-policy"), "cross-origin");
    [badge.text, card.text]
}

/// Nothing runs, nothing is loaded, and nobody else keeps it.
fn inert(answer: &Answer) {
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("cache-control").starts_with("private, max-age="));
    let text = answer.text.to_lowercase();
    for active in ["<script", "<img", "<iframe", "javascript:", "\" onerror=", "]]>"] {
        assert!(!text.contains(active), "{active}: {text}");
    }
}

fn grow_old(world: &World) {
    world.clock.advance(world.config.board.max_age.duration() + Duration::from_secs(1));
}

#[tokio::test]
async fn a_badge_and_a_card_follow_the_ticket() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let number = made["ticket"]["ref"].as_str().unwrap();
    let board = world.get("/api/v1/tickets").await.expect(200);
    let known = world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    let links = links(&world, &made);
    for (name, beginning) in [("badge", BADGE), ("embed", CARD), ("open", "/controls/open?")] {
        assert_eq!(board["items"][0]["links"][name], made["links"][name]);
        assert_eq!(known["links"][name], made["links"][name]);
        let link = made["links"][name].as_str().unwrap();
        assert!(link.starts_with(&format!("{}{beginning}", world.base)), "{link}");
    }
    let [badge, card] = shown(&world, &links).await;
    assert!(badge.contains(&format!("<title>Disk C:: {number} new</title>")), "{badge}");
    assert!(badge.contains("height=\"20\"") && !badge.contains("<text"), "{badge}");
    assert!(card.contains(number) && card.contains(">New<"), "{card}");
    let open = made["links"]["open"].as_str().unwrap().replace('&', "&amp;");
    assert!(card.contains(&format!("href=\"{open}\"")), "{card}");

    let id = world.itop.tickets().await.unwrap()[0].id;
    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus("Incident", id, stimulus).await.unwrap();
    }
    grow_old(&world);
    // Whoever looks waits for nobody: it is read again for the next one.
    world
        .until("both say that it is resolved", async || {
            let [badge, card] = shown(&world, &links).await;
            let is_told = badge.contains(&format!("{number} resolved</title>"));
            (is_told && card.contains(">Resolved<")).then_some(())
        })
        .await;
    let french = [("accept-language", "fr")];
    let card = world.send(Method::GET, &links[1], &french, None).await;
    assert!(card.text.contains("lang=\"fr\"") && card.text.contains(">Résolu<"), "{}", card.text);
    world.finish().await;
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let [badge, _] = links(&world, &made);
    let first = world.get(&badge).await;
    let known = [("if-none-match", first.header("etag"))];
    let again = world.send(Method::GET, &badge, &known, None).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = [("if-none-match", "\"other\"")];
    assert_eq!(world.send(Method::GET, &badge, &other, None).await.text, first.text);
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_ticket_is_told_in_words() {
    let world = World::linked().await;
    let unlinked = with(event("waits"), "/company", json!({"id": 9, "name": "New"}));
    let unwanted = with(event("none"), "/ticket/requested", json!(false));
    for (event, badge_says, card_says) in [
        (unlinked, "ticket on its way</title>", "Its ticket is on its way."),
        (unwanted, "ticket none</title>", "It has no ticket."),
    ] {
        let row = world.acknowledge(&event).await.body;
        let [badge, card] = shown(&world, &links(&world, &row)).await;
        assert!(badge.contains(badge_says), "{badge}");
        assert!(card.contains(card_says), "{card}");
    }
    // What was refused makes no control known.
    let rejected = world.post(ACKNOWLEDGEMENTS, &with(event("r"), "/company", Value::Null)).await;
    assert_eq!(rejected.status, 422);
    world.finish().await;
}

#[tokio::test]
async fn of_a_ticket_that_is_gone_or_another_companys_nothing_is_shown() {
    let world = World::linked().await;
    let gone = world.acknowledge(&event("gone")).await.expect(201);
    let moved = world.acknowledge(&event("moved")).await.expect(201);
    let seen = world.itop.tickets().await.unwrap();
    world.itop.delete_ticket("Incident", seen[0].id).await.unwrap();
    world.itop_changes("Incident", seen[1].id.unsigned_abs(), json!({"org_id": 5002})).await;
    let number = moved["ticket"]["ref"].as_str().unwrap();
    for (row, badge_says, card_says) in [
        (&gone, "deleted</title>", "its ticket has been deleted in iTop."),
        (&moved, "ticket moved away</title>", "belongs to another organization now."),
    ] {
        let links = links(&world, row);
        world
            .until("it is told", async || {
                grow_old(&world);
                let [badge, card] = shown(&world, &links).await;
                let is_told = badge.contains(badge_says) && card.contains(card_says);
                let tells_status = badge.contains(" new</title>") || card.contains("Helpdesk");
                assert!(!(is_told && tells_status), "{badge} {card}");
                is_told.then_some(())
            })
            .await;
        let [badge, card] = shown(&world, &links).await;
        assert!(!badge.contains(number) && !card.contains(number), "{badge} {card}");
    }
    world.finish().await;
}

#[tokio::test]
async fn forged_links_show_nothing() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let number = made["ticket"]["ref"].as_str().unwrap();
    world.acknowledge(&event("b")).await.expect(201);
    for link in links(&world, &made) {
        let (unsigned, signature) = link.split_once("&signature=").unwrap();
        let zeros = "0".repeat(signature.len());
        for wrong in [
            unsigned.to_owned(),
            unsigned.split('?').next().unwrap().to_owned(),
            format!("{unsigned}&signature={zeros}"),
            format!("{unsigned}&signature={}", &signature[..signature.len() - 1]),
            link.replace("control-a", "control-b"),
            link.replace("instance=default", "instance=other"),
            link.replace("company=id%3A42", "company=id%3A43"),
            link.replace("company=id%3A42", "company=name%3ADemo"),
        ] {
            let answer = world.get(&wrong).await;
            assert_eq!(answer.status, 403, "{wrong}");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(answer.text.contains("This link is not valid"), "{}", answer.text);
            for told in [number, "Disk C:", signature] {
                assert!(!answer.text.contains(told), "{wrong} tells {told}");
            }
        }
        let answer = world.send(Method::POST, &link, &[], None).await;
        answer.problem(405, "method-not-allowed");
        world.get(&format!("{link}&extra=1")).await.problem(400, "bad-parameter");
    }
    world.finish().await;
}

#[tokio::test]
async fn names_of_a_sender_stay_text() {
    let world = World::linked().await;
    let name = "</title></svg><script>alert(1)</script>]]>\"' onerror=x <img src=x>&amp;";
    let waits = with(event("waits"), "/company", json!({"id": 9, "name": "<script>"}));
    for (key, base) in [("made", event("made")), ("waits", waits)] {
        let event = with(base, "/control/name", json!(name));
        let event = with(event, "/control/id", json!(format!("{key}\"'><script>]]>")));
        let row = world.acknowledge(&event).await.body;
        let [badge, card] = shown(&world, &links(&world, &row)).await;
        let escaped =
            "&lt;/title&gt;&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;&quot;&#39;";
        assert!(badge.contains(escaped) && card.contains(escaped), "{badge} {card}");
    }
    world.finish().await;
}

#[tokio::test]
async fn only_pages_that_were_named_show_the_card() {
    let frames = |answer: &Answer| {
        let policy = answer.header("content-security-policy").to_owned();
        policy.split_once("frame-ancestors ").unwrap().1.to_owned()
    };
    for (origins, expected) in [
        (vec![], "'none'"),
        (
            vec!["https://servicenav.example".to_owned(), "http://10.0.0.1:8080".to_owned()],
            "https://servicenav.example http://10.0.0.1:8080",
        ),
    ] {
        let world =
            World::with(Options::default(), |config| config.server.frame_ancestors = origins).await;
        world.link_demo().await;
        let made = world.acknowledge(&event("a")).await.expect(201);
        let [badge, card] = links(&world, &made);
        assert_eq!(frames(&world.get(&card).await), expected);
        let forged = card.replace("control-a", "control-b");
        assert_eq!(frames(&world.get(&forged).await), expected);
        assert!(frames(&world.get(&badge).await).starts_with("'none'"));
        world.finish().await;
    }
}

#[tokio::test]
async fn the_last_known_status_is_shown_while_itop_is_down() {
    let world = World::linked().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let links = links(&world, &made);
    world.itop.faults().set(FaultKind::DatabaseDown, true);
    for _ in 0..3 {
        grow_old(&world);
        let [badge, card] = shown(&world, &links).await;
        assert!(badge.contains(" new</title>") && card.contains(">New<"), "{badge} {card}");
    }
    world.finish().await;
}
