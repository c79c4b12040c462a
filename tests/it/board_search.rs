//! Searching the board: by words, by filters, in every order, page by page, and with what has no ticket yet.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    tenancy::Tenants,
    world::{ACKNOWLEDGEMENTS, World, event, with},
};

const BOARD: &str = "/api/v1/tickets";

/// A query with its values as addresses have them.
fn query(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    format!("{BOARD}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// The controls of an answer, in its order.
fn controls(answer: &Value) -> Vec<String> {
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|item| item["control"]["id"].as_str().unwrap().to_owned()).collect()
}

async fn found(world: &World, pairs: &[(&str, &str)]) -> BTreeSet<String> {
    controls(&world.get(&query(pairs)).await.expect(200)).into_iter().collect()
}

fn set(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| format!("control-{key}")).collect()
}

/// A world with a few tickets of two companies.
async fn few() -> World {
    let world = World::linked().await;
    world.link(7, json!({"organization": "ACME Logistics", "team": "Helpdesk"})).await;
    let disk = with(event("disk"), "/equipment/name", json!("db01.École.example"));
    let disk = with(disk, "/control/name", json!("Espace  disque /var"));
    let disk = with(disk, "/site", json!({"id": 3, "name": "Lyon"}));
    world.acknowledge(&disk).await.expect(201);
    let mail = with(event("mail"), "/company", json!({"id": 7, "name": "Société Générale"}));
    let mail =
        with(mail, "/acknowledgement/author", json!({"login": "zmorel", "name": "Zoé Morel"}));
    let mail = with(mail, "/control/criticality", json!("low"));
    world.acknowledge(&mail).await.expect(201);
    let host = with(event("host"), "/control/element_type", json!("equipment"));
    let host = with(host, "/control/state", json!("DOWN"));
    world.acknowledge(&host).await.expect(201);
    world
}

#[tokio::test]
async fn whatever_a_row_shows_finds_it() {
    let world = few().await;
    let tickets = world.itop.tickets().await.unwrap();
    world.itop.apply_stimulus("Incident", tickets[0].id, "ev_assign").await.unwrap();
    world.clock.advance(world.config.board.max_age.duration());
    let all = world.get(&query(&[("details", "true")])).await.expect(200);
    let disk = all["items"].as_array().unwrap().iter();
    let disk = disk.clone().find(|item| item["control"]["id"] == "control-disk").unwrap().clone();
    let agent = disk["ticket"]["agent"].as_str().unwrap().to_owned();
    for words in [
        "disque",
        "ESPACE DISQUE",
        "ecole",
        "db01.ÉCOLE",
        "Lyon demo",
        &tickets[0].reference.to_lowercase(),
        "critical db01",
        &agent.to_uppercase(),
    ] {
        let expected = found(&world, &[("q", words)]).await;
        assert!(expected.contains("control-disk"), "{words}: {expected:?}");
    }
    for (words, expected) in [
        ("societe", set(&["mail"])),
        ("zoe", set(&["mail"])),
        ("ZMOREL", set(&["mail"])),
        ("zoe lyon", set(&[])),
        ("no such thing", set(&[])),
        ("%", set(&[])),
        ("_", set(&[])),
        ("", set(&["disk", "mail", "host"])),
        (" \u{200b} ", set(&["disk", "mail", "host"])),
    ] {
        assert_eq!(found(&world, &[("q", words)]).await, expected, "{words}");
    }
    assert_eq!(disk["company_name"], "Demo");
    assert_eq!(disk["site"], json!({"key": "id:3", "name": "Lyon"}));
    assert_eq!(disk["equipment"], "db01.École.example");
    assert_eq!(disk["ticket"]["group"], "open");
    let told = &disk["acknowledged"];
    assert_eq!((&told["by"], &told["login"]), (&json!("Jean Dupont"), &json!("jdupont")));
    assert_eq!((&told["state"], &told["element_type"]), (&json!("CRITICAL"), &json!("service")));
    let row =
        world.get(&format!("{ACKNOWLEDGEMENTS}/{}", told["acknowledgement"])).await.expect(200);
    assert_eq!(told["at"], row["received_at"]);
    world.finish().await;
}

#[tokio::test]
async fn what_changes_in_itop_is_found_by_what_it_is_now() {
    let world = few().await;
    let ticket = world.itop.tickets().await.unwrap().remove(0);
    world
        .itop_changes("Incident", ticket.id.unsigned_abs(), json!({"title": "Purgé à la main"}))
        .await;
    world.clock.advance(world.config.board.max_age.duration());
    world.get(BOARD).await.expect(200);
    assert_eq!(found(&world, &[("q", "purge main")]).await, set(&["disk"]));
    assert_eq!(found(&world, &[("q", "[critical] db01")]).await, set(&[]));
    world.itop.delete_ticket("Incident", ticket.id).await.unwrap();
    world.clock.advance(world.config.board.max_age.duration());
    world.get(BOARD).await.expect(200);
    assert_eq!(found(&world, &[("group", "gone")]).await, set(&["disk"]));
    assert_eq!(found(&world, &[("group", "open")]).await, set(&["mail", "host"]));
    world.finish().await;
}

#[tokio::test]
async fn each_filter_narrows_and_all_of_them_together() {
    let world = few().await;
    let tickets = world.itop.tickets().await.unwrap();
    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus("Incident", tickets[1].id, stimulus).await.unwrap();
    }
    world.clock.advance(world.config.board.max_age.duration());
    let all = world.get(BOARD).await.expect(200);
    let agent = all["items"][2]["ticket"]["agent"].as_str().unwrap().to_uppercase();
    for (pairs, expected) in [
        (vec![("group", "open")], set(&["disk", "host"])),
        (vec![("group", "resolved")], set(&["mail"])),
        (vec![("group", "closed")], set(&[])),
        (vec![("group", "gone")], set(&[])),
        (vec![("group", "all")], set(&["disk", "host", "mail"])),
        (vec![("priority", "1")], set(&["host"])),
        (vec![("priority", "2")], set(&["disk"])),
        (vec![("priority", "4"), ("group", "resolved")], set(&["mail"])),
        (vec![("team", "HELPDESK")], set(&["disk", "host", "mail"])),
        (vec![("team", "Help")], set(&[])),
        (vec![("agent", &agent)], set(&["mail"])),
        (vec![("mine", &agent)], set(&["mail"])),
        (vec![("mine", "zoe  MOREL")], set(&["mail"])),
        (vec![("mine", "jdupont")], set(&["disk", "host"])),
        (vec![("mine", "dupont")], set(&[])),
        (vec![("company", "id:7"), ("count", "true")], set(&["mail"])),
        (vec![("company", "7"), ("group", "open")], set(&[])),
        (vec![("status", "resolved"), ("q", "zoe")], set(&["mail"])),
        (vec![("open", "false"), ("sort", "control")], set(&["mail"])),
        (vec![("instance", "other"), ("count", "true")], set(&[])),
        (vec![("instance", "default"), ("group", "open"), ("priority", "1")], set(&["host"])),
    ] {
        let answer = world.get(&query(&pairs)).await.expect(200);
        let controls: BTreeSet<_> = controls(&answer).into_iter().collect();
        assert_eq!(controls, expected, "{pairs:?}");
        if pairs.contains(&("count", "true")) {
            assert_eq!(answer["total"], expected.len(), "{pairs:?}");
        }
    }
    for (name, value) in [
        ("group", "opened"),
        ("priority", "5"),
        ("priority", "high!"),
        ("sort", "colour"),
        ("sort", "--age"),
        ("q", &"x".repeat(201)),
        ("before", "00"),
        ("count", "yes"),
        ("mine", "a&mine=b"),
        ("cursor", "64656661756c740a63&sort=age"),
    ] {
        let path = format!("{BOARD}?{name}={value}&details=true");
        let detail = world.get(&path).await.problem(400, "bad-parameter");
        assert!(detail.contains(name), "{name}: {detail}");
    }
    world.get(&format!("{BOARD}?colour=red")).await.problem(400, "bad-parameter");
    world.finish().await;
}

/// All pages from the first to the last, and back to the first.
async fn walked(world: &World, pairs: &[(&str, &str)], limit: &str) -> [Vec<String>; 2] {
    let ask = async |more: (&str, &str)| {
        let mut pairs = pairs.to_vec();
        pairs.extend([("limit", limit), ("count", "true")]);
        if !more.0.is_empty() {
            pairs.push(more);
        }
        world.get(&query(&pairs)).await.expect(200)
    };
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let mut page = ask(("", "")).await;
    assert_eq!(page["prev"], Value::Null);
    loop {
        let shown = controls(&page);
        if !shown.is_empty() {
            assert_eq!(page["first"], there.len() + 1, "{page}");
        }
        there.extend(shown);
        let Some(next) = page["next"].as_str() else { break };
        page = ask(("cursor", next)).await;
    }
    assert_eq!(page["total"], there.len());
    loop {
        let mut shown = controls(&page);
        shown.extend(back);
        back = shown;
        let Some(prev) = page["prev"].as_str() else { break };
        page = ask(("before", prev)).await;
    }
    if !back.is_empty() {
        assert_eq!(page["first"], 1);
    }
    [there, back]
}

#[tokio::test]
async fn every_order_is_walked_completely_and_without_doubles_there_and_back() {
    let world = few().await;
    let mut rng = StdRng::seed_from_u64(13);
    let names = ["Disk", "disque", "École", "CPU", "ÉCOLE", "Ping", "a", "Zoo"];
    for number in 0..24 {
        let key = format!("r{number}");
        let company = if rng.random() {
            json!({"id": 7, "name": "Alpha"})
        } else {
            json!({"id": 42, "name": "Zêta"})
        };
        let criticality = ["low", "medium", "high"].choose(&mut rng).unwrap();
        let random = with(event(&key), "/control/name", json!(names.choose(&mut rng).unwrap()));
        let random = with(random, "/control/criticality", json!(criticality));
        let random = with(random, "/company", company);
        world.acknowledge(&random).await.expect(201);
    }
    let tickets = world.itop.tickets().await.unwrap();
    for ticket in &tickets {
        let steps = rng.random_range(0..4);
        for stimulus in ["ev_assign", "ev_resolve", "ev_close"].into_iter().take(steps) {
            world.itop.apply_stimulus("Incident", ticket.id, stimulus).await.unwrap();
        }
    }
    world.clock.advance(world.config.board.max_age.duration());
    let whole = world.get(BOARD).await.expect(200);
    let whole: BTreeSet<_> = controls(&whole).into_iter().collect();
    assert_eq!(whole.len(), 27);
    for sort in ["age", "priority", "control", "company", "status", "agent", "ticket"] {
        let mut ways = Vec::new();
        for sort in [sort.to_owned(), format!("-{sort}")] {
            let [there, back] = walked(&world, &[("sort", &sort)], "5").await;
            assert_eq!(there, back, "{sort}");
            let different: BTreeSet<_> = there.iter().cloned().collect();
            assert_eq!((there.len(), &different), (27, &whole), "{sort}");
            // In one page it is the same order.
            let at_once = world.get(&query(&[("sort", &sort)])).await.expect(200);
            assert_eq!(controls(&at_once), there, "{sort}");
            is_ordered(sort.trim_start_matches('-'), sort.starts_with('-'), &at_once);
            ways.push(there);
        }
        ways[1].reverse();
        assert_eq!(ways[0], ways[1], "{sort}");
    }
    for pairs in [
        vec![("group", "open")],
        vec![("group", "closed"), ("sort", "-age")],
        vec![("priority", "2")],
        vec![("q", "école"), ("sort", "company")],
        vec![("company", "7"), ("sort", "priority")],
        vec![("mine", "jean dupont"), ("group", "resolved")],
    ] {
        let [there, back] = walked(&world, &pairs, "3").await;
        assert_eq!(there, back, "{pairs:?}");
        let at_once = controls(&world.get(&query(&pairs)).await.expect(200));
        assert_eq!(there, at_once, "{pairs:?}");
        assert!(!there.is_empty(), "{pairs:?}");
    }
    world.finish().await;
}

/// The items are in the order that was asked for.
fn is_ordered(sort: &str, is_reversed: bool, answer: &Value) {
    let keys = answer["items"].as_array().unwrap().iter().map(|item| match sort {
        "priority" => item["ticket"]["priority"].to_string(),
        "control" => {
            item["control"]["name"].as_str().unwrap().replace(['É', 'é'], "e").to_lowercase()
        }
        "status" => item["ticket"]["status"].to_string(),
        "agent" => item["ticket"]["agent"].as_str().unwrap_or_default().to_lowercase(),
        "ticket" => item["ticket"]["ref"].to_string(),
        _ => String::new(),
    });
    let keys: Vec<_> = keys.collect();
    let mut sorted = keys.clone();
    sorted.sort();
    if is_reversed {
        sorted.reverse();
    }
    assert_eq!(keys, sorted, "{sort}");
}

#[tokio::test]
async fn what_is_on_its_way_stands_above_all_others() {
    let world = few().await;
    let unlinked = with(event("new"), "/company", json!({"id": 99, "name": "Néo"}));
    let unlinked = with(unlinked, "/acknowledgement/author", json!("zmorel"));
    let blocked = world.acknowledge(&unlinked).await.expect(202);
    let pending = [("pending", "true"), ("details", "true"), ("count", "true")];
    let answer = world.get(&query(&pending)).await.expect(200);
    assert_eq!(controls(&answer), ["control-new", "control-host", "control-mail", "control-disk"]);
    assert_eq!((&answer["total"], &answer["first"]), (&json!(3), &json!(1)));
    let item = &answer["items"][0];
    assert_eq!((&item["ticket"], &item["as_of"]), (&Value::Null, &Value::Null));
    assert_eq!(item["pending"]["acknowledgement"], blocked["id"]);
    assert_eq!(item["pending"]["state"], "blocked");
    assert_eq!(item["pending"]["problem"]["code"], "company-not-linked");
    assert_eq!((&item["company_name"], &item["equipment"]), (&json!("Néo"), &json!("Server4")));
    assert_eq!(item["acknowledged"]["by"], "zmorel");
    for (name, value, is_there) in [
        ("q", "neo server4", true),
        ("q", "neo lyon", false),
        ("mine", "ZMOREL", true),
        ("mine", "jdupont", false),
        ("group", "open", true),
        ("group", "all", true),
        ("group", "closed", false),
        ("priority", "2", false),
        ("team", "Helpdesk", false),
        ("agent", "x", false),
        ("status", "new", false),
        ("company", "99", true),
        ("company", "42", false),
        ("instance", "other", false),
        ("sort", "-priority", true),
    ] {
        let listed = found(&world, &[(name, value), ("pending", "true")]).await;
        assert_eq!(listed.contains("control-new"), is_there, "{name}={value}");
    }
    // It is not there unless it is asked for, and on no further page.
    assert!(!found(&world, &[("count", "true")]).await.contains("control-new"));
    let first = world.get(&query(&[("pending", "true"), ("limit", "1")])).await.expect(200);
    assert_eq!(controls(&first), ["control-new", "control-host"]);
    let next = first["next"].as_str().unwrap();
    let second = query(&[("pending", "true"), ("limit", "1"), ("cursor", next)]);
    assert_eq!(controls(&world.get(&second).await.expect(200)), ["control-mail"]);
    world.finish().await;
}

#[tokio::test]
async fn a_ticket_and_what_comes_after_it_stand_in_one_row() {
    let world = few().await;
    let next = with(event("disk"), "/event_id", json!("next"));
    let next = with(next, "/ticket/existing_ref", json!("I-999999"));
    let failed = world.acknowledge(&next).await.body;
    let answer = world.get(&query(&[("pending", "true")])).await.expect(200);
    assert_eq!(answer["items"].as_array().unwrap().len(), 3);
    let row = &answer["items"][2];
    assert_eq!(row["control"]["id"], "control-disk");
    assert_eq!(row["pending"]["acknowledgement"], failed["id"]);
    assert!(row["ticket"].is_object());
    let answer = world.get(&query(&[("count", "true")])).await.expect(200);
    assert_eq!(answer["items"][2]["pending"], Value::Null);
    // An event that was taken back waits for nothing.
    let discard = format!("{ACKNOWLEDGEMENTS}/{}/discard", failed["id"]);
    world.post(&discard, &json!({"reason": "wrong number"})).await.expect(200);
    let answer = world.get(&query(&[("pending", "true")])).await.expect(200);
    assert_eq!(answer["items"][2]["pending"], Value::Null);
    world.finish().await;
}

#[tokio::test]
async fn a_ticket_whose_id_was_given_to_another_is_listed_by_its_number_alone() {
    let world = World::linked().await;
    let first = world.acknowledge(&event("a")).await.expect(201);
    let lost = world.itop.tickets().await.unwrap().pop().unwrap();
    world.itop.restore(lost.id - 1).await.unwrap();
    let second = world.acknowledge(&event("b")).await.expect(201);
    assert_eq!(second["ticket"]["id"], first["ticket"]["id"]);
    let number = first["ticket"]["ref"].as_str().unwrap();
    for (query, expected) in [
        ("status=new", vec!["control-b"]),
        ("open=true", vec!["control-b"]),
        ("open=false", vec!["control-a"]),
        ("group=open", vec!["control-b"]),
        ("group=gone", vec!["control-a"]),
        ("priority=2", vec!["control-b"]),
        ("team=Helpdesk", vec!["control-b"]),
        ("q=critical", vec!["control-b"]),
        ("sort=age", vec!["control-b", "control-a"]),
        ("sort=ticket", vec!["control-b", "control-a"]),
    ] {
        let answer = world.get(&format!("{BOARD}?{query}")).await.expect(200);
        assert_eq!(controls(&answer), expected, "{query}");
    }
    let numbered = world.get(&format!("{BOARD}?q={number}")).await.expect(200);
    assert_eq!(controls(&numbered).len(), 2);
    let by_number = world.get(&format!("{BOARD}/{number}")).await.expect(200);
    assert_eq!(controls(&by_number), ["control-a", "control-b"]);
    assert_eq!(by_number["items"][0]["ticket"]["presence"], "deleted");
    // The other one goes its own way.
    world.itop.apply_stimulus("Incident", lost.id, "ev_assign").await.unwrap();
    world.clock.advance(world.config.board.max_age.duration());
    world.get(BOARD).await.expect(200);
    let assigned = world.get(&format!("{BOARD}?status=assigned")).await.expect(200);
    assert_eq!(controls(&assigned), ["control-b"]);
    let gone = world.get(&format!("{BOARD}?group=gone&status=assigned")).await.expect(200);
    assert_eq!(controls(&gone), [""; 0]);
    world.finish().await;
}

#[tokio::test]
async fn an_answer_that_says_the_same_is_not_sent_again() {
    let world = few().await;
    let path = query(&[("q", "disque"), ("count", "true"), ("pending", "true")]);
    let first = world.get(&path).await;
    let tag = first.header("etag").to_owned();
    assert!(!tag.is_empty());
    // Read anew and the same.
    world.clock.advance(world.config.board.max_age.duration());
    let headers = [("if-none-match", tag.as_str())];
    let same = world.send(Method::GET, &path, &headers, None).await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    world.acknowledge(&with(event("next"), "/control/name", json!("Disque"))).await.expect(201);
    let other = world.send(Method::GET, &path, &headers, None).await;
    assert_eq!(other.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn nobody_finds_what_is_another_companys() {
    let tenants = Tenants::start().await;
    for object in &tenants.objects {
        let waits = with(object.event(), "/event_id", json!(format!("waits-{}", object.key)));
        let waits = with(waits, "/control/id", json!(format!("waiting-{}", object.key)));
        let waits = with(waits, "/ticket/existing_ref", json!("I-999999"));
        assert_eq!(tenants.post("admin", &waits).await.body["state"], "failed");
    }
    for (token, own) in [("reader", "amber"), ("tenant", "cobalt")] {
        for asked in ["amber", "birch", "cobalt", "company", ""] {
            for more in ["", "&pending=true", "&sort=-priority", "&group=open&sort=age"] {
                let path = format!("{BOARD}?q={asked}&count=true&details=true{more}");
                let answer = tenants.get(token, &path).await;
                let is_own = own.starts_with(asked) || asked == "company";
                for other in ["amber", "birch", "cobalt"].iter().filter(|other| **other != own) {
                    // The question itself is in no answer.
                    assert!(!answer.text.contains(other), "{token} {path}: {}", answer.text);
                }
                let answer = answer.expect(200);
                assert_eq!(answer["total"], u64::from(is_own), "{token} {path}");
                let expected = usize::from(is_own) * if more == "&pending=true" { 2 } else { 1 };
                assert_eq!(answer["items"].as_array().unwrap().len(), expected, "{token} {path}");
            }
        }
    }
    tenants.finish().await;
}
