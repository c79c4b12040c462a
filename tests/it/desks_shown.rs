//! What people and programs see where two ticket systems are served: each thing says whose it is.

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::{Value, json};

use crate::{
    two_desks::{Both, of_bakery},
    world::{ACKNOWLEDGEMENTS, World, event},
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
