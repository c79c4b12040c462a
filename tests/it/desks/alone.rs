//! Salesforce alone: the configuration has no section `[itop]`.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::{App, client_settings},
    check::{Examined, Finding, Told, examine},
    clock::Clock,
    config::Config,
};
use tokio::net::TcpListener;

use super::{Desks, bare, of_bakery};
use crate::world::{ACKNOWLEDGEMENTS, event, with};

async fn alone() -> Desks {
    let desks = Desks::with(|config| config.itop = None).await;
    desks.link_bakery().await;
    desks
}

#[tokio::test]
async fn salesforce_alone_delivers_and_asks_nothing_of_any_itop() {
    let desks = alone().await;
    let made = desks.world.acknowledge(&of_bakery("a")).await.expect(201);
    assert_eq!((&made["state"], &made["ticket"]["class"]), (&json!("created"), &json!("Case")));
    let again = with(of_bakery("b"), "/control/id", json!("control-a"));
    let noted = desks.world.acknowledge(&again).await.expect(200);
    assert_eq!(noted["ticket"]["ref"], made["ticket"]["ref"]);
    assert_eq!((desks.cases().len(), desks.salesforce.records("CaseComment").len()), (1, 1));

    // Lists, links and the board need no word of which ticket system is meant.
    let accounts = desks.world.get("/api/v1/companies").await.expect(200).to_string();
    assert!(accounts.contains("Bakery Dubois"), "{accounts}");
    let linked = desks.world.link(8, json!({"organization": "Clinic of the North"})).await;
    assert_eq!(linked["desk"], "salesforce", "{linked}");
    let shown = desks.world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(shown["ticket"]["url"], made["ticket"]["url"]);
    let opened = desks
        .world
        .get(shown["links"]["open"].as_str().unwrap().trim_start_matches(&desks.world.base))
        .await;
    assert_eq!(
        (opened.status, opened.header("location")),
        (302, made["ticket"]["url"].as_str().unwrap())
    );

    // A company without a link waits, with words that name Salesforce.
    let waits = desks.world.acknowledge(&bare(event("unlinked"))).await.expect(202);
    let said = waits["problem"]["message"].as_str().unwrap();
    assert!(
        said.contains("is linked to no Salesforce Account; the acknowledgement waits"),
        "{said}"
    );
    assert!(desks.world.itop.requests_seen().by_operation.is_empty(), "iTop was asked");
    desks.finish().await;
}

#[tokio::test]
async fn what_only_itop_has_is_answered_clearly_without_it() {
    let desks = alone().await;
    let world = &desks.world;
    let told = json!({"class": "Incident", "id": "1"});
    let problem = world.post("/api/v1/itop/changes", &told).await.problem(409, "itop-off");
    assert!(problem.contains("[itop]"), "{problem}");

    let ready = world.get("/readyz").await.expect(200);
    assert_eq!(ready["gate"]["state"], "open", "{ready}");
    let [desk] = ready["desks"].as_array().unwrap().as_slice() else { panic!("{ready}") };
    assert_eq!(desk["desk"], "salesforce");
    let metrics = world.get("/metrics").await.text;
    assert!(metrics.contains("salesforce_calls_total{"), "{metrics}");
    assert!(!metrics.contains("itop_calls_total"), "{metrics}");
    let health = world.get("/api/v1/health").await.expect(200);
    assert_eq!(health["gate"]["state"], "open", "{health}");
    let page = world.send(reqwest::Method::GET, "/health", &[("accept", "text/html")], None).await;
    assert_eq!(page.status, 200, "{}", page.text);

    let checked = world.post("/api/v1/check", &Value::Null).await.expect(200);
    assert_eq!(checked["latest"]["failures"], 0, "{checked}");
    let about: Vec<_> = checked["latest"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["what"].as_str().unwrap())
        .collect();
    assert!(about.contains(&"salesforce login") && !about.contains(&"iTop"), "{about:?}");
    let keys = world.get("/api/v1/configuration").await.expect(200);
    let of_itop: Vec<_> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["key"].as_str().unwrap().starts_with("itop"))
        .collect();
    assert_eq!(of_itop.len(), 1, "{of_itop:?}");
    assert_eq!((&of_itop[0]["value"], &of_itop[0]["changed"]), (&Value::Null, &json!(false)));
    assert!(!world.reload().await.unwrap());
    desks.finish().await;
}

#[tokio::test]
async fn what_is_asked_of_itop_by_check_is_told_to_be_for_itop_alone() {
    let desks = alone().await;
    let (config, clock) = (desks.world.config.clone(), Clock::system());
    let mut findings: Vec<Finding> = Vec::new();
    let mut tell = |told| {
        if let Told::Found(finding) = told {
            findings.push(finding);
        }
    };
    let examined = Examined { create_ticket: true, ..Examined::of(&config, &clock) };
    examine(examined, &mut tell).await;
    let last = findings.last().unwrap().to_string();
    assert!(last.contains("--create-ticket are for iTop, which is not configured"), "{last}");
    assert!(desks.cases().is_empty());
    desks.finish().await;
}

#[tokio::test]
async fn a_bridge_without_any_ticket_system_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.store.path = folder.path().join("bridge.db");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = App::build(config.clone(), Clock::system(), listener).await.unwrap_err();
    assert!(error.to_string().contains("no section [itop]"), "{error}");
    let error = client_settings(&config).unwrap_err().to_string();
    assert_eq!(error, "the configuration has no section [itop]; this needs it");
}

#[tokio::test]
async fn rows_and_tickets_of_an_itop_that_is_served_no_more_say_so() {
    let mut desks = Desks::with(|_| {}).await;
    desks.link_bakery().await;
    desks.world.link_demo().await;
    let made = desks.world.acknowledge(&event("a")).await.expect(201);
    // The answer of one is lost, and the bridge is stopped before it was looked for.
    let fault = Fault::new(FaultKind::CutAfter).on(Operations::Create).times(1);
    desks.world.itop.faults().switch_on(fault);
    let lost = desks.world.post(ACKNOWLEDGEMENTS, &event("lost")).await.expect(202);
    desks.world.until_state(&lost["id"], "unknown").await;
    let itop = desks.world.config.itop.clone();
    desks.restart(|config| config.itop = None).await;
    let before = desks.world.itop.requests_seen().by_operation;

    let lost_row = desks
        .world
        .until("it is said", async || {
            let row = desks.row(&lost["id"]).await;
            (row["problem"]["code"] == "desk-not-served").then_some(row)
        })
        .await;
    assert_eq!(lost_row["state"], "unknown");
    let said = lost_row["problem"]["message"].as_str().unwrap();
    assert!(said.contains("iTop, which this bridge does not serve any more"), "{said}");
    // What is linked there is held, and makes nothing elsewhere; so says a preview too.
    let held = desks.world.acknowledge(&event("later")).await.expect(202);
    assert_eq!(
        (&held["state"], &held["problem"]["code"]),
        (&json!("blocked"), &json!("desk-not-served"))
    );
    let said = held["problem"]["message"].as_str().unwrap();
    assert!(
        said.contains("is linked to 'Demo' in iTop, which this bridge does not serve"),
        "{said}"
    );
    let preview =
        desks.world.post("/api/v1/acknowledgements/preview", &event("later")).await.expect(200);
    assert_eq!(preview["problem"]["code"], "desk-not-served", "{preview}");
    assert!(desks.cases().is_empty());
    // Its ticket is shown as it was, and leads nowhere.
    let shown = desks.world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(
        (&shown["ticket"]["ref"], &shown["ticket"]["url"]),
        (&made["ticket"]["ref"], &Value::Null)
    );
    let open =
        shown["links"]["open"].as_str().unwrap().trim_start_matches(&desks.world.base).to_owned();
    let opened = desks.world.get(&open).await;
    assert_eq!(opened.status, 410);
    assert!(opened.text.contains("does not serve any more"), "{}", opened.text);
    assert_eq!(desks.world.itop.requests_seen().by_operation, before, "iTop was asked");

    // With iTop again each becomes what it would have become.
    desks.restart(|config| config.itop = itop).await;
    desks.until(&lost["id"], "created").await;
    desks.world.clock.advance(Duration::from_hours(1));
    desks.until(&held["id"], "created").await;
    assert_eq!((desks.tickets_of_itop().await, desks.cases().len()), (3, 0));
    desks.finish().await;
}
