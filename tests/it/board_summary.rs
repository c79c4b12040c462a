//! The board in figures.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    tenancy::Tenants,
    world::{World, event, with},
};

const SUMMARY: &str = "/api/v1/tickets/summary";

#[tokio::test]
async fn what_is_open_and_what_waits_is_counted_and_the_last_day_by_hours() {
    let world = World::linked().await;
    let none = world.get(SUMMARY).await.expect(200);
    assert_eq!(
        (&none["open"], &none["made"], &none["seconds"]),
        (&json!(0), &json!(0), &Value::Null)
    );
    assert_eq!(none["hours"].as_array().unwrap().len(), 24);
    for (key, criticality) in [("a", "high"), ("b", "medium"), ("c", "medium"), ("d", "low")] {
        let event = with(event(key), "/control/criticality", json!(criticality));
        world.acknowledge(&event).await.expect(201);
    }
    let reused =
        with(with(event("a"), "/event_id", json!("again")), "/control/id", json!("control-a"));
    world.acknowledge(&reused).await.expect(200);
    world.acknowledge(&with(event("new"), "/company", json!({"id": 99}))).await.expect(202);
    let failed = with(event("failed"), "/ticket/existing_ref", json!("I-999999"));
    world.acknowledge(&failed).await;
    let tickets = world.itop.tickets().await.unwrap();
    for stimulus in ["ev_assign", "ev_resolve"] {
        world.itop.apply_stimulus("Incident", tickets[1].id, stimulus).await.unwrap();
    }
    world.clock.advance(world.config.board.max_age.duration());
    world.get("/api/v1/tickets").await.expect(200);
    let summary = world
        .until("all of it is counted", async || {
            let summary = world.get(SUMMARY).await.expect(200);
            (summary["open"] == 3).then_some(summary)
        })
        .await;
    assert_eq!(summary["controls"], 4);
    assert_eq!(summary["open_by_priority"], json!([0, 1, 1, 1]));
    assert_eq!((&summary["waiting"], &summary["failed"]), (&json!(1), &json!(1)));
    assert_eq!(summary["made"], 4);
    let seconds = &summary["seconds"];
    let (median, p95) = (seconds["median"].as_f64().unwrap(), seconds["p95"].as_f64().unwrap());
    assert!(0.0 < median && median <= p95 && p95 < 60.0, "{seconds}");
    let hours = summary["hours"].as_array().unwrap();
    let made: u64 = hours.iter().map(|hour| hour["tickets"].as_u64().unwrap()).sum();
    assert_eq!(made, 4);
    let begins =
        hours.iter().map(|hour| hour["at"].as_str().unwrap().parse::<Timestamp>().unwrap());
    let begins: Vec<_> = begins.map(Timestamp::as_second).collect();
    assert!(begins.windows(2).all(|two| two[1] - two[0] == 3_600 && two[0] % 3_600 == 0));

    // A day later nothing of it was made within a day, and the same is open.
    world.clock.advance(Duration::from_hours(25));
    let later = world.get(SUMMARY).await.expect(200);
    assert_eq!((&later["open"], &later["made"]), (&json!(3), &json!(0)));
    world.finish().await;
}

#[tokio::test]
async fn whoever_asks_again_is_told_of_what_has_changed_meanwhile() {
    let world = World::linked().await;
    // Figures of before may be told once more for a moment: all of what is told is waited for.
    for (made, key) in (1..).zip(["a", "b", "c"]) {
        world.acknowledge(&event(key)).await.expect(201);
        world
            .until("it is counted", async || {
                let summary = world.get(SUMMARY).await.expect(200);
                let told = ["made", "open", "waiting"].map(|figure| summary[figure].clone());
                (told == [json!(made), json!(made), json!(0)]).then_some(())
            })
            .await;
    }
    let first = world.get(SUMMARY).await;
    let headers = [("if-none-match", first.header("etag"))];
    assert_eq!(world.send(Method::GET, SUMMARY, &headers, None).await.status, 304);
    world.get(&format!("{SUMMARY}?colour=red")).await.problem(400, "bad-parameter");
    world.finish().await;
}

#[tokio::test]
async fn each_is_told_the_figures_of_its_own_companies() {
    let tenants = Tenants::start().await;
    for (token, open) in [("read", 3), ("reader", 1), ("tenant", 1)] {
        let summary = tenants.get(token, SUMMARY).await.expect(200);
        assert_eq!((&summary["open"], &summary["made"]), (&json!(open), &json!(open)), "{token}");
        assert_eq!(summary["open_by_priority"], json!([0, open, 0, 0]), "{token}");
    }
    let other = tenants.get("reader", &format!("{SUMMARY}?company=43")).await.expect(200);
    assert_eq!((&other["open"], &other["made"]), (&json!(0), &json!(0)));
    let own = tenants.get("read", &format!("{SUMMARY}?company=43&instance=default")).await;
    assert_eq!(own.expect(200)["open"], 1);
    tenants.finish().await;
}
