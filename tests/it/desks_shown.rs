//! What people and programs see where two ticket systems are served: each thing says whose it is.

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::{Value, json};
use servicenav_itop_bridge::domain::hook_event::HookEvent;

use crate::{
    hooks::{receiver::Receiver, until_taken},
    metrics::{OWN, scrape},
    program::{command, output, text},
    two_desks::{Both, ended, of_bakery},
    world::{ACKNOWLEDGEMENTS, World, event, with},
};

#[tokio::test]
async fn callers_are_told_whose_a_ticket_is_and_may_ask_for_those_of_one_ticket_system() {
    let both = Both::start().await;
    let made = both.world.acknowledge(&of_bakery("a")).await.expect(201);
    assert_eq!(made["ticket"]["desk"], "salesforce", "{made}");
    let made = both.world.acknowledge(&event("b")).await.expect(201);
    assert!(made["ticket"].get("desk").is_none(), "{made}");
    for (desk, expected) in [("salesforce", vec!["control-a"]), ("itop", vec!["control-b"])] {
        let found = both.world.get(&format!("/api/v1/tickets?desk={desk}&count=true")).await;
        let found = found.expect(200);
        let items = found["items"].as_array().unwrap();
        let controls: Vec<_> = items.iter().map(|item| &item["control"]["id"]).collect();
        assert_eq!(controls, expected, "{found}");
        assert_eq!(found["total"], 1);
        let whose = items[0]["ticket"].get("desk").and_then(Value::as_str);
        assert_eq!(whose, (desk == "salesforce").then_some(desk));
        // The same on the page.
        let page = both.world.get(&format!("/?desk={desk}")).await.text;
        assert!(page.contains(expected[0]), "{page}");
        assert_eq!(page.contains("control-a"), desk == "salesforce");
    }
    assert_eq!(both.world.get("/api/v1/tickets?desk=glpi").await.status, 400);
    assert_eq!(both.world.get("/?desk=glpi").await.status, 400);
    // What an administrator of Salesforce calls a status has blanks.
    both.world.get("/api/v1/tickets?status=On%20Hold").await.expect(200);
    let preview = both.world.post(&format!("{ACKNOWLEDGEMENTS}/preview"), &of_bakery("c")).await;
    assert_eq!(preview.expect(200)["desk"], "salesforce");
    both.finish().await;
}

#[tokio::test]
async fn a_table_of_links_names_the_ticket_system_and_is_taken_back_as_it_is() {
    let both = Both::start().await;
    let put = async |table: String, query: &str| {
        let headers = [("content-type", "text/csv")];
        let path = format!("/api/v1/links{query}");
        both.world.send(reqwest::Method::PUT, &path, &headers, Some(table)).await
    };
    let table = both.world.get("/api/v1/links.csv").await.text;
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].contains("site,name,desk,organization,"), "{table}");
    assert!(lines.iter().any(|line| line.contains(",salesforce,Bakery Dubois,001")), "{table}");
    assert!(lines.iter().any(|line| line.contains(",itop,Demo,3,")), "{table}");
    let same = put(table.clone(), "").await.expect(200);
    assert_eq!(
        (&same["counts"]["same"], &same["counts"]["changed"]),
        (&json!(2), &json!(0)),
        "{same}"
    );

    // As people write it; and a company moves by its line.
    let line = "company,desk,organization,team\nid:8,Salesforce,Harbour Logistics,Network\nid:7,iTop,Demo,Helpdesk\n";
    let moved = put(line.to_owned(), "").await.expect(200);
    assert_eq!(
        (&moved["counts"]["created"], &moved["counts"]["changed"]),
        (&json!(1), &json!(1)),
        "{moved}"
    );
    let of_seven = moved["items"].as_array().unwrap().iter().find(|item| item["company"] == "id:7");
    let change = &of_seven.unwrap()["changes"][0];
    assert_eq!((&change["field"], &change["to"]), (&json!("desk"), &json!("itop")), "{moved}");

    // What is not served is an error of its line, and the others are told what is.
    let wrong = "company,desk,organization\nid:9,itop,Demo\nid:10,GLPI,Demo\n";
    let refused = put(wrong.to_owned(), "?dry_run=true").await.expect(200);
    let error = &refused["errors"][0];
    assert_eq!((&error["line"], &error["column"]), (&json!(3), &json!("desk")), "{refused}");
    let message = error["message"].as_str().unwrap();
    assert_eq!(message, "'desk' must be itop or salesforce, which is served here, not 'glpi'");
    both.finish().await;
}

#[tokio::test]
async fn where_one_ticket_system_is_served_a_table_names_none() {
    let world = World::linked().await;
    let table = world.get("/api/v1/links.csv").await.text;
    assert!(!table.contains(",desk,"), "{table}");
    let line = "company,desk,organization\nid:42,salesforce,Demo\n";
    let headers = [("content-type", "text/csv")];
    let body = Some(line.to_owned());
    let refused = world.send(reqwest::Method::PUT, "/api/v1/links", &headers, body).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert_eq!(message, "'desk' must be itop, which is served here, not 'salesforce'");
    world.finish().await;
}

#[tokio::test]
async fn health_tells_the_way_to_each_and_what_is_left_of_the_day() {
    let both = Both::start().await;
    both.world.acknowledge(&of_bakery("a")).await.expect(201);
    both.salesforce.fail(Fault::new(Operation::Create, FaultKind::RequestLimit).times(1));
    both.world.post(ACKNOWLEDGEMENTS, &of_bakery("b")).await.expect(202);
    let health = both.world.get("/api/v1/health").await.expect(200);
    let [itop, salesforce] = health["desks"].as_array().unwrap().as_slice() else {
        panic!("{health}")
    };
    assert_eq!((&itop["desk"], &itop["gate"]["state"]), (&json!("itop"), &json!("open")));
    assert!(itop.get("requests").is_none(), "{itop}");
    assert_eq!(salesforce["gate"]["reason"], "request-limit", "{salesforce}");
    assert_eq!(salesforce["requests"]["limit"], 100_000, "{salesforce}");

    let pages = [
        ("/health", "en", "Way to Salesforce"),
        ("/health", "fr", "Voie vers Salesforce"),
        ("/", "en", "Salesforce’s requests of the day are used up."),
        ("/", "fr", "Les requêtes du jour de Salesforce sont épuisées."),
        ("/", "en", "Salesforce: paused"),
        ("/inbox?group=way", "en", "Waits for Salesforce"),
        ("/companies", "en", "Organization or Account"),
        ("/companies?company=id:7", "fr", "Système de tickets"),
        ("/new-ticket", "en", "Bakery Dubois · Salesforce"),
        ("/tickets/detail?control=control-a", "en", "in Salesforce"),
    ];
    for (path, language, seen) in pages {
        let headers = [("accept-language", language)];
        let page = both.world.send(reqwest::Method::GET, path, &headers, None).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.text.contains(seen), "{path}: no '{seen}' in {}", page.text);
    }
    both.finish().await;
}

#[tokio::test]
async fn a_preview_that_is_blocked_speaks_of_the_ticket_system_of_its_company() {
    let both = Both::start().await;
    both.world.link(7, json!({"desk": "salesforce", "organization": "Bakery Dubois"})).await;
    let wrong = with(of_bakery("a"), "/team", json!("Nobody's queue"));
    let preview = both.world.post(&format!("{ACKNOWLEDGEMENTS}/preview"), &wrong).await.expect(200);
    assert_eq!((&preview["outcome"], &preview["desk"]), (&json!("blocked"), &json!("salesforce")));
    let warnings = preview["warnings"].as_array().unwrap();
    let told = |warning: &Value| warning.as_str().unwrap().contains("this company in Salesforce");
    assert!(warnings.iter().any(told), "{preview}");
    // The same of a row: what would be sent for it now.
    let row = both.world.acknowledge(&wrong).await.expect(202);
    let path = format!("{ACKNOWLEDGEMENTS}/{}/request", row["id"]);
    let request = both.world.get(&path).await.expect(200);
    assert_eq!(request["now"], preview);
    for told in [preview, request] {
        assert!(!told.to_string().contains("iTop"), "{told}");
    }
    both.finish().await;
}

#[tokio::test]
async fn the_inbox_can_be_narrowed_to_a_ticket_system() {
    let both = Both::start().await;
    both.world.acknowledge(&of_bakery("a")).await.expect(201);
    both.world.acknowledge(&event("b")).await.expect(201);
    // Of a company that is not linked: where such companies belong.
    let unlinked = with(event("c"), "/company", json!({"id": 9, "name": "New"}));
    both.world.acknowledge(&unlinked).await.expect(202);
    let (of_itop, of_salesforce) = (vec!["control-c", "control-b"], vec!["control-a"]);
    for (desk, expected) in [("itop", &of_itop), ("salesforce", &of_salesforce)] {
        let path = format!("{ACKNOWLEDGEMENTS}?desk={desk}&count=true");
        let found = both.world.get(&path).await.expect(200);
        let items = found["items"].as_array().unwrap();
        let controls: Vec<_> = items.iter().map(|item| &item["control"]["id"]).collect();
        assert_eq!(controls, *expected, "{found}");
        assert_eq!((&found["cut"], &found["total"]), (&json!(false), &Value::Null), "{found}");
    }
    let words = both.world.get(&format!("{ACKNOWLEDGEMENTS}?desk=itop&q=new")).await.expect(200);
    assert_eq!(words["items"].as_array().unwrap().len(), 1, "{words}");
    assert_eq!(both.world.get(&format!("{ACKNOWLEDGEMENTS}?desk=glpi")).await.status, 400);
    // The same on the page; its form sends what it does not narrow.
    for (desk, shown) in [("salesforce", "control-a"), ("itop", "control-b"), ("", "control-a")] {
        let page = both.world.get(&format!("/inbox?group=ended&q=&desk={desk}")).await.text;
        assert!(page.contains("name=\"desk\""), "{page}");
        // Rows are told by the names of their controls, which are the same: their number tells.
        let rows = page.matches("<tr data-key=").count();
        assert_eq!(rows, if desk.is_empty() { 2 } else { 1 }, "{shown}: {page}");
    }
    both.finish().await;
}

#[tokio::test]
async fn changes_of_a_gate_are_kept_and_told_with_the_ticket_system_they_are_of() {
    let receiver = Receiver::start().await;
    let mut both = Both::with(|config| {
        config.hooks = vec![receiver.hook("noc", &[HookEvent::GateClosed, HookEvent::GateOpened])];
    })
    .await;
    both.salesforce.fail(Fault::new(Operation::Create, FaultKind::RequestLimit).times(1));
    let refused = both.world.post(ACKNOWLEDGEMENTS, &of_bakery("a")).await.expect(202);
    let told = until_taken(&both.world, &receiver, "gate.closed", 1).await;
    let gate = &told[0].body["data"]["gate"];
    assert_eq!((&gate["desk"], &gate["reason"]), (&json!("salesforce"), &json!("request-limit")));
    // A limit of the day is looked at once an hour.
    both.world.clock.advance(std::time::Duration::from_hours(1));
    ended(&both, &refused["id"], "created").await;
    let told = until_taken(&both.world, &receiver, "gate.opened", 1).await;
    assert_eq!(told[0].body["data"]["gate"]["desk"], "salesforce");
    assert_eq!(told[0].body["data"]["gate"]["state"], "open");

    both.world.itop.faults().set(itop_sandbox::FaultKind::Maintenance, true);
    both.world.insist("/api/v1/teams").await;
    let told = until_taken(&both.world, &receiver, "gate.closed", 2).await;
    assert!(told[1].body["data"]["gate"].get("desk").is_none(), "{:?}", told[1].body);
    both.world.itop.faults().clear();

    let seen = async |world: &World| {
        let health = world.get("/api/v1/health").await.expect(200);
        let changes = health["gate_changes"].as_array().unwrap();
        changes.iter().map(|change| (change["desk"].clone(), change["reason"].clone())).collect()
    };
    let changes: Vec<_> = seen(&both.world).await;
    let expected = [
        (Value::Null, json!("maintenance")),
        (json!("salesforce"), Value::Null),
        (json!("salesforce"), json!("request-limit")),
    ];
    assert!(changes.ends_with(&expected), "{changes:?}");
    let page = both.world.get("/health").await.text;
    for told in ["iTop is in maintenance.", "Salesforce answers again", "Salesforce’s requests"] {
        assert!(page.contains(told), "no '{told}' in {page}");
    }
    both.world.stop_bridge().await;
    both.world.start_bridge().await;
    let again: Vec<_> = seen(&both.world).await;
    assert!(again.ends_with(&changes), "{again:?}");
    both.finish().await;
}

#[tokio::test]
async fn how_long_each_ticket_system_takes_to_answer_is_told_and_drawn() {
    let mut both = Both::start().await;
    both.world.acknowledge(&of_bakery("a")).await.expect(201);
    both.world.acknowledge(&event("b")).await.expect(201);
    let newest = async |world: &World| {
        let health = world.get("/api/v1/health").await.expect(200);
        health["history"]["buckets"].as_array().unwrap().last().unwrap().clone()
    };
    let before = newest(&both.world).await;
    assert!(before["itop"]["count"].as_u64().unwrap() > 0, "{before}");
    assert!(before["other_desks"]["salesforce"]["count"].as_u64().unwrap() > 0, "{before}");
    let page = both.world.get("/health").await.text;
    for plot in ["answers-itop", "answers-salesforce"] {
        assert!(page.contains(&format!("id=\"{plot}\"")), "no {plot} in {page}");
    }
    assert!(page.contains("How long Salesforce took to answer in the last day"), "{page}");
    assert_eq!(page.matches("<svg class=\"plot\"").count(), 3);
    both.world.stop_bridge().await;
    both.world.start_bridge().await;
    let after = newest(&both.world).await;
    let counted = |bucket: &Value| bucket["other_desks"]["salesforce"]["count"].as_u64().unwrap();
    assert!(counted(&after) >= counted(&before), "{after}");
    both.finish().await;
}

#[tokio::test]
async fn how_many_requests_of_the_day_are_used_is_told_everywhere() {
    let both = Both::start().await;
    both.salesforce.set_usage(41_234, 100_000);
    both.world.acknowledge(&of_bakery("a")).await.expect(201);
    // What was told is no less than what an answer has told, and no more than there were.
    let least = 41_235;
    let is_it = |used: u64, what: &str| {
        let most = both.salesforce.usage();
        assert!((least..=most).contains(&used), "{what}: {used}, not {least} to {most}");
    };
    for path in ["/readyz", "/api/v1/health"] {
        let answer = both.world.get(path).await.expect(200);
        let requests = &answer["desks"][1]["requests"];
        is_it(requests["used"].as_u64().unwrap(), path);
        assert_eq!(requests["limit"], 100_000, "{path}");
        assert!(answer["desks"][0].get("requests").is_none(), "{path}");
    }
    let metrics = scrape(&both.world).await;
    let of = |name: &str| {
        let name = format!("{OWN}salesforce_requests_{name}");
        metrics
            .iter()
            .find(|sample| sample.name == name)
            .unwrap_or_else(|| panic!("{name}"))
            .count()
    };
    is_it(of("used"), "metrics");
    assert_eq!(of("limit"), 100_000);
    assert!(metrics.iter().all(|sample| !sample.name.contains("itop_requests_used")));

    let page = both.world.get("/health").await.text;
    let (shown, _) = page.split_once(" <span class=\"sub\">of 100,000</span>").unwrap();
    let digits = shown.rsplit('>').next().unwrap().replace(',', "");
    is_it(digits.parse().unwrap(), "the page");

    let mut status = command(&["status"]);
    status.env("BRIDGE_URL", &both.world.base);
    let told = text(&output(status).await);
    let between = |before: &str, after: &str| {
        let (_, rest) = told.split_once(before).unwrap_or_else(|| panic!("no {before} in {told}"));
        rest.split_once(after).unwrap().0.trim().parse::<u64>().unwrap()
    };
    is_it(between("requests_salesforce=", ";;;0;100000"), "performance data");
    is_it(between("\nRequests ", " of 100000 of Salesforce in 24 h"), "status");
    both.finish().await;
}
