//! The lists of iTop: what is in them, how they page, what is refused.

use itop_sandbox::{Flavour, Options};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{TeamChoice, TicketClass};

use crate::world::World;

const DEMO_CIS: &str = "/api/v1/companies/3/cis";

#[tokio::test]
async fn companies_have_codes_and_parents_and_inactive_ones_are_left_out() {
    let world = World::start().await;
    let list = world.get("/api/v1/companies").await.expect(200);
    assert_eq!(ids(&list), [1, 2, 3, 5001, 5002, 5003, 5004, 5005, 5006, 5008]);
    assert_eq!(list["stale"], false);
    assert_eq!(list["next"], Value::Null);
    let company = json!({
        "id": "5002", "name": "ACME Logistics", "code": "ACME-LOG",
        "parent": "5001", "parent_name": "ACME Group",
    });
    assert_eq!(item(&list, 5002), &company);
    assert_eq!(item(&list, 3)["code"], "");
    assert_eq!(item(&list, 3)["parent"], Value::Null);
    assert_eq!(item(&list, 5005)["name"], "O'Brien & Sons");
    assert_eq!(item(&list, 5008)["name"], "Back\\Slash Ltd");
    world.finish().await;
}

#[tokio::test]
async fn contacts_are_the_active_ones_of_their_company() {
    let world = World::start().await;
    let list = world.get("/api/v1/companies/5002/contacts").await.expect(200);
    assert_eq!(ids(&list), [601, 602, 604, 605]);
    let julie = json!({
        "id": "601", "name": "Julie Martin", "email": "julie.martin@acme.example",
        "phone": "+33 1 23 45 67 01",
    });
    assert_eq!(item(&list, 601), &julie);
    assert_eq!(ids(&world.get("/api/v1/companies/5006/contacts").await.expect(200)), [0; 0]);
    world.finish().await;
}

#[tokio::test]
async fn teams_are_those_of_the_delivery_model() {
    let world = World::start().await;
    let all = world.get("/api/v1/teams").await.expect(200);
    assert_eq!(ids(&all), [36, 37, 38, 39, 501]);
    let hardware = json!({"id": "36", "name": "Hardware support", "email": "hw@test.com"});
    assert_eq!(item(&all, 36), &hardware);
    let teams = [(5002, vec![37, 38, 39, 501]), (5003, vec![36, 37]), (5006, vec![])];
    for (company, expected) in teams {
        let list = world.get(&format!("/api/v1/companies/{company}/teams")).await.expect(200);
        assert_eq!(ids(&list), expected, "company {company}");
    }
    world.finish().await;
}

#[tokio::test]
async fn all_teams_serve_every_company_where_so_configured() {
    let world =
        World::with(Options::default(), |config| config.catalog.teams = TeamChoice::All).await;
    let list = world.get("/api/v1/companies/5006/teams").await.expect(200);
    assert_eq!(ids(&list), [36, 37, 38, 39, 501]);
    world.finish().await;
}

#[tokio::test]
async fn services_nest_the_elements_that_fit_incidents() {
    for flavour in [Flavour::Itil, Flavour::Simple] {
        let world = World::with(Options { flavour, ..Options::default() }, |_| {}).await;
        let list = world.get("/api/v1/companies/5002/services").await.expect(200);
        assert_eq!(elements(&list), [(11, vec![101, 102]), (12, vec![104, 105]), (13, vec![107])]);
        let network = item(&list, 12);
        assert_eq!(network["name"], "Network");
        assert_eq!(network["description"], "WAN links, switches, firewalls and Wi-Fi.");
        let contracts = json!([
            {"id": "502", "name": "ACME Logistics 2026"},
            {"id": "503", "name": "ACME Logistics network"},
        ]);
        assert_eq!(network["contracts"], contracts);
        let first = json!({"id": "104", "name": "Link down", "request_type": "incident"});
        assert_eq!(network["elements"][0], first);
        let none = world.get("/api/v1/companies/5006/services").await.expect(200);
        assert_eq!(none["items"], json!([]));
        world.finish().await;
    }
}

#[tokio::test]
async fn services_nest_the_elements_that_fit_user_requests() {
    let world =
        World::with(Options::default(), |config| config.ticket.class = TicketClass::UserRequest)
            .await;
    let list = world.get("/api/v1/companies/5002/services").await.expect(200);
    assert_eq!(elements(&list), [(11, vec![103]), (12, vec![106]), (13, vec![108])]);
    world.finish().await;
}

#[tokio::test]
async fn cis_have_their_class_and_are_searched_whatever_the_case() {
    let world = World::start().await;
    let cis = "/api/v1/companies/5002/cis";
    let list = world.get(cis).await.expect(200);
    assert_eq!(ids(&list), [200_001, 200_002, 200_003, 200_004, 200_005, 200_007]);
    let switch = json!({"id": "200003", "name": "sw-depot-1", "class": "NetworkDevice"});
    assert_eq!(item(&list, 200_003), &switch);
    for (search, expected) in [
        ("PRINT", vec![200_004, 200_005]),
        ("acme.EXAMPLE", vec![200_001, 200_002]),
        ("%20wms%20", vec![200_007]),
        ("old-nas", vec![]),
    ] {
        let found = world.get(&format!("{cis}?search={search}")).await.expect(200);
        assert_eq!(ids(&found), expected, "{search}");
    }
    let hospital = "/api/v1/companies/5004/cis?search=OP%C3%89RATOIRE";
    assert_eq!(ids(&world.get(hospital).await.expect(200)), [200_012]);
    let percent = "/api/v1/companies/5005/cis?search=100%25%20%22LOBBY";
    assert_eq!(ids(&world.get(percent).await.expect(200)), [200_016]);
    world.finish().await;
}

#[tokio::test]
async fn pages_follow_one_another_through_the_whole_list() {
    let world = World::start().await;
    let whole = world.get(DEMO_CIS).await.expect(200);
    assert_eq!(ids(&whole), (1..=31).collect::<Vec<_>>());
    let (mut seen, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = world.get(&format!("{DEMO_CIS}?limit=15{cursor}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        seen.extend(items.iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(sizes, [15, 15, 1]);
    assert_eq!(Value::Array(seen), whole["items"]);
    // A last page that is exactly full has no next one.
    let full = world.get(&format!("{DEMO_CIS}?limit=31")).await.expect(200);
    assert_eq!((ids(&full).len(), &full["next"]), (31, &Value::Null));
    let beyond = world.get(&format!("{DEMO_CIS}?cursor={}", usize::MAX)).await.expect(200);
    assert_eq!((&beyond["items"], &beyond["next"]), (&json!([]), &Value::Null));
    // A search pages as well.
    let servers = world.get(&format!("{DEMO_CIS}?search=server&limit=4&cursor=2")).await;
    let servers = servers.expect(200);
    assert_eq!((ids(&servers).len(), &servers["next"]), (2, &Value::Null));
    world.finish().await;
}

#[tokio::test]
async fn wrong_parameters_and_unknown_companies_are_refused_in_words() {
    let world = World::start().await;
    for wrong in
        ["limit=0", "limit=1001", "limit=few", "cursor=x", "cursor=-1", "refresh=perhaps", "limit="]
    {
        for list in ["/api/v1/companies", "/api/v1/teams", DEMO_CIS] {
            let detail = world.get(&format!("{list}?{wrong}")).await.problem(400, "bad-parameter");
            let name = wrong.split('=').next().unwrap();
            assert!(detail.contains(name), "{wrong}: {detail}");
        }
    }
    // 5007 exists in iTop, and has been left inactive.
    for company in ["999999", "5007", "demo", "-3", "0"] {
        for list in ["contacts", "teams", "services", "cis"] {
            let answer = world.get(&format!("/api/v1/companies/{company}/{list}")).await;
            let detail = answer.problem(404, "not-found");
            assert!(detail.contains(&format!("'{company}'")), "{detail}");
        }
    }
    world.get("/api/v1/companies/3/printers").await.problem(404, "not-found");
    let answer = world.post("/api/v1/companies", &json!({})).await;
    answer.problem(405, "method-not-allowed");
    world.finish().await;
}

/// The keys of a list, which are texts, as sorted numbers; those that come twice are there twice.
pub fn ids(list: &Value) -> Vec<u64> {
    let items = list["items"].as_array().unwrap().iter();
    let mut ids: Vec<_> = items.map(|item| item["id"].as_str().unwrap().parse().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[track_caller]
fn item(list: &Value, id: u64) -> &Value {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["id"] == json!(id.to_string()))
        .unwrap()
}

/// The keys of services with those of their elements, sorted.
fn elements(list: &Value) -> Vec<(u64, Vec<u64>)> {
    let services = ids(list).into_iter();
    services.map(|id| (id, ids(&json!({"items": item(list, id)["elements"]})))).collect()
}
