//! A ticket that an agent has moved to another organization is another company's by then: whoever sees
//! only the company that it came from is told that it is gone from sight, and nothing of it.

use std::time::Duration;

use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Config, Period};

use super::{Object, Tenants, secret};

const BOARD: &str = "/api/v1/tickets";

/// What an agent there writes into it, none of which the company that it came from may read.
const TITLE: &str = "Payroll outage";

/// Statuses are read by those alone who ask for them, and are old only when a test says so.
fn patient(config: &mut Config) {
    config.board.max_age = Period::minutes(10);
    config.board.refresh = Period::days(30);
}

/// A world in which the ticket of company amber has been moved to the organization of cobalt, and the bridge
/// knows it.
async fn moved() -> (Tenants, Object) {
    let tenants = Tenants::with(patient).await;
    let amber = tenants.object("amber").clone();
    let tickets = tenants.world.itop.tickets().await.unwrap();
    let id = tickets.iter().find(|ticket| ticket.reference == amber.number).unwrap().id;
    let fields = json!({"org_id": 5003, "title": TITLE});
    tenants.world.itop_changes("Incident", id.unsigned_abs(), fields).await;
    let all = format!("/api/v1/controls/detail?control={}", amber.control());
    tenants
        .world
        .until("the move is known", async || {
            tenants.world.clock.advance(Duration::from_secs(601));
            let told = tenants.get("admin", &all).await.expect(200);
            (told["ticket"]["title"] == TITLE).then_some(())
        })
        .await;
    (tenants, amber)
}

/// Where the company that it came from can ask for it.
fn places(amber: &Object) -> Vec<String> {
    let control = amber.control();
    let pages = ["sort=status", "sort=-priority", "sort=agent", "sort=ticket", "count=true"];
    let pages = pages.map(|query| format!("{BOARD}?{query}&details=true&pending=true"));
    let mut places = vec![
        BOARD.to_owned(),
        format!("{BOARD}?open=false"),
        format!("/api/v1/controls/{control}/ticket"),
        format!("/api/v1/controls/ticket?control={control}"),
        format!("/api/v1/controls/detail?control={control}"),
        format!("/tickets/detail?control={control}"),
        "/?group=all".to_owned(),
        "/?group=gone".to_owned(),
    ];
    places.extend(pages);
    places
}

#[tokio::test]
async fn of_a_ticket_that_belongs_to_somebody_else_by_now_nothing_is_told() {
    let (tenants, amber) = moved().await;
    for place in places(&amber) {
        let answer = tenants.get("reader", &place).await;
        assert_eq!(answer.status, 200, "{place}: {}", answer.text);
        assert!(answer.text.contains("amber"), "{place}: {}", answer.text);
        for word in [TITLE, &amber.number, "ongoing", "class=Incident"] {
            assert!(!answer.text.contains(word), "{place} tells '{word}': {}", answer.text);
        }
        // Whoever sees all companies is told all of it.
        let all = tenants.get("admin", &place).await;
        let is_of_those_gone = place.ends_with("=false") || place.ends_with("=gone");
        assert!(is_of_those_gone || all.text.contains(&amber.number), "{place}: {}", all.text);
    }
    let known = tenants.get("reader", "/api/v1/controls/control-amber/ticket").await.expect(200);
    let told = json!({
        "ref": null, "class": null, "id": null, "title": null, "status": null,
        "operational_status": null, "open": false, "presence": "not_visible", "moved": true,
        "priority": null, "team": null, "agent": null, "last_update": null, "url": null,
    });
    assert_eq!(known["ticket"], told);
    tenants.finish().await;
}

async fn found(tenants: &Tenants, token: &str, query: &str) -> Vec<Value> {
    let answer = tenants.get(token, &format!("{BOARD}?{query}")).await.expect(200);
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|item| item["control"]["id"].clone()).collect()
}

#[tokio::test]
async fn no_filter_tells_of_it_either() {
    let (tenants, amber) = moved().await;
    let own = [json!("control-amber")];
    for query in [
        "q=payroll".to_owned(),
        format!("q={}", amber.number),
        "status=new".to_owned(),
        "status=new&count=true".to_owned(),
        "open=true".to_owned(),
        "open=true&count=true".to_owned(),
        "group=open&count=true".to_owned(),
        "priority=2&count=true".to_owned(),
        "team=Helpdesk&count=true".to_owned(),
        "status=new&open=false".to_owned(),
    ] {
        assert_eq!(found(&tenants, "reader", &query).await, [] as [Value; 0], "{query}");
    }
    // What is its own is found by what is told of it.
    for query in ["", "q=amber", "open=false", "open=false&count=true", "group=gone&count=true"] {
        assert_eq!(found(&tenants, "reader", query).await, own, "{query}");
    }
    // An administrator who looks at that company alone sees what there is.
    let query = "company=42&instance=default&q=payroll";
    assert_eq!(found(&tenants, "admin", query).await, own);
    assert_eq!(found(&tenants, "admin", "company=42&instance=default&open=true").await, own);
    tenants.get("reader", &format!("{BOARD}/{}", amber.number)).await.problem(404, "not-found");
    let items = json!({"items": [{"ref": amber.number}]});
    let lookup = format!("{BOARD}/lookup");
    let answer = tenants.ask("reader", "post", &lookup, &items).await.expect(200);
    assert_eq!(answer["items"][0]["items"], json!([]));
    // Nor a figure.
    let summary = tenants.get("reader", &format!("{BOARD}/summary")).await.expect(200);
    assert_eq!((&summary["controls"], &summary["open"]), (&json!(1), &json!(0)), "{summary}");
    // Nor whoever has the link of the control.
    let opened = tenants.get("", &amber.open).await;
    assert_eq!((opened.status, opened.header("location")), (410, ""));
    assert!(opened.text.contains("belongs to another organization now"), "{}", opened.text);
    tenants.finish().await;
}

#[tokio::test]
async fn whoever_sees_the_organization_that_it_was_moved_to_sees_it() {
    let (mut tenants, amber) = moved().await;
    tenants.world.token = Some(secret("admin"));
    // The company is that organization now, and its ticket was moved along.
    tenants.world.link("42?instance=default", json!({"organization": {"id": "5003"}})).await;
    tenants.world.token = None;
    let known = tenants.get("reader", &format!("{BOARD}?q=payroll")).await.expect(200);
    assert_eq!(known["items"][0]["ticket"]["ref"], *amber.number, "{known}");
    assert_eq!(known["items"][0]["ticket"]["moved"], true);
    let number = format!("{BOARD}/{}", amber.number);
    tenants.get("reader", &number).await.expect(200);
    tenants.finish().await;
}
