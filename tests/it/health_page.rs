//! How the bridge is: for programs and on a page, its history, and its configuration.

use std::time::Duration;

use itop_sandbox::{FaultKind, Options};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Config, Scope},
    secret::Secret,
};

use crate::world::{World, event, limited, token, with};

const HEALTH: &str = "/api/v1/health";
const QUARTER: Duration = Duration::from_mins(15);

/// Lets a quarter of an hour end, and waits until it is written.
async fn quarter_ends(world: &World) {
    let before = kept(world).await;
    world.clock.advance(QUARTER);
    world
        .until("the quarter of an hour is written", async || {
            (kept(world).await > before).then_some(())
        })
        .await;
}

async fn kept(world: &World) -> i64 {
    world
        .look(|db| db.query_row("SELECT count(DISTINCT start) FROM history", [], |row| row.get(0)))
        .await
}

async fn buckets(world: &World) -> Vec<Value> {
    let health = world.get(HEALTH).await.expect(200);
    health["history"]["buckets"].as_array().unwrap().clone()
}

fn acknowledged(buckets: &[Value]) -> u64 {
    buckets.iter().map(|bucket| bucket["acknowledgements"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn health_tells_what_there_is() {
    let world = World::linked().await;
    world.read_lists().await;
    world.acknowledge(&event("a")).await.expect(201);
    let unlinked = with(event("waits"), "/company", json!({"id": 9, "name": "New"}));
    world.acknowledge(&unlinked).await.expect(202);
    let health = world.get(HEALTH).await.expect(200);
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(health["gate"]["state"], "open");
    assert_eq!((&health["waiting"], &health["being_settled"]), (&json!(1), &json!(0)));
    assert!(health["oldest_waiting_at"].is_string(), "{health}");
    let database = json!({
        "kind": "SQLite", "acknowledgements": 2, "path": world.database().display().to_string()
    });
    assert_eq!(health["database"], database);
    assert_eq!(health["deliveries"]["running"], 0);
    assert_eq!(health["deliveries"]["most"], world.config.delivery.in_flight_max);
    assert!(health["deliveries"]["limit"].as_u64().unwrap() >= 1);
    assert!(health["itop"]["count"].as_u64().unwrap() > 0, "{health}");
    assert!(health["itop"]["median_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(acknowledged(health["history"]["buckets"].as_array().unwrap()), 2);

    let lists = health["lists"].as_array().unwrap();
    let of = |what: &str, of_companies: bool| {
        let is_it =
            |list: &&Value| list["what"] == what && list["of_companies"] == json!(of_companies);
        lists.iter().find(is_it).unwrap_or_else(|| panic!("no {what} in {lists:?}"))
    };
    let cis = world.get("/api/v1/companies/3/cis").await.expect(200);
    let known = of("cis", true);
    assert_eq!(known["items"], cis["items"].as_array().unwrap().len());
    assert_eq!((&known["lists"], &known["stale"]), (&json!(1), &json!(0)));
    let companies = of("companies", false);
    // Each of the calls that it names reads the list anew.
    for list in [known, companies] {
        world.clock.advance(Duration::from_secs(6));
        let reads = world.reads();
        let again = list["refresh"][0].as_str().unwrap();
        world.get(again).await.expect(200);
        assert!(world.reads() > reads, "{again}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_last_day_outlives_a_restart() {
    let mut world = World::linked().await;
    assert_eq!(buckets(&world).await.len(), 1);
    for key in ["a", "b", "c"] {
        world.acknowledge(&event(key)).await.expect(201);
    }
    quarter_ends(&world).await;
    world.acknowledge(&event("d")).await.expect(201);
    let before = buckets(&world).await;
    assert_eq!(acknowledged(&before), 4);
    let counts: Vec<_> = before.iter().map(|bucket| &bucket["acknowledgements"]).collect();
    assert!(counts.ends_with(&[&json!(3), &json!(1)]), "{before:?}");
    assert!(before.iter().all(|bucket| bucket["itop"]["median_ms"].is_number()), "{before:?}");

    world.stop_bridge().await;
    world.start_bridge().await;
    let after = buckets(&world).await;
    assert_eq!(acknowledged(&after), 4);
    assert_eq!(after.last().unwrap()["start"], before.last().unwrap()["start"]);
    assert_eq!(after[0], before[0]);
    // The rest of the same quarter of an hour is added to what was kept of it.
    world.acknowledge(&event("e")).await.expect(201);
    let more = buckets(&world).await;
    assert_eq!((more.len(), acknowledged(&more)), (after.len(), 5));

    // A day later none of it is told, and nine days later none of it is kept.
    world.clock.advance(Duration::from_hours(25));
    world
        .until("the day is over", async || {
            let day = buckets(&world).await;
            (acknowledged(&day) == 0).then_some(())
        })
        .await;
    world.clock.advance(Duration::from_hours(9 * 24));
    world
        .until("what is old is gone", async || {
            // It is looked at once in a quarter of an hour.
            world.clock.advance(Duration::from_mins(15));
            let oldest: i64 = world
                .look(|db| db.query_row("SELECT min(start) FROM history", [], |row| row.get(0)))
                .await;
            let bound = world.clock.now().as_millisecond() - 8 * 24 * 60 * 60 * 1_000;
            (oldest >= bound).then_some(())
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn a_bucket_is_written_once_and_not_for_each_acknowledgement() {
    let world = World::linked().await;
    for key in 0..5 {
        world.acknowledge(&event(&key.to_string())).await.expect(201);
    }
    assert_eq!(kept(&world).await, 0);
    world.finish().await;
}

#[tokio::test]
async fn the_gates_changes_are_kept() {
    let mut world = World::linked().await;
    assert_eq!(world.get(HEALTH).await.expect(200)["gate_changes"], json!([]));
    world.itop.faults().set(FaultKind::Maintenance, true);
    world.insist("/api/v1/teams").await;
    let changes = async |count: usize| {
        world
            .until(&format!("the gate has changed {count} times"), async || {
                world.clock.advance(world.config.delivery.probe_max.duration());
                let health = world.get(HEALTH).await.expect(200);
                let changes = health["gate_changes"].as_array().unwrap().clone();
                (changes.len() == count).then_some(changes)
            })
            .await
    };
    let closed = changes(1).await;
    assert_eq!(closed[0]["reason"], "maintenance");
    assert!(!closed[0]["message"].as_str().unwrap().is_empty());
    world.itop.faults().clear();
    let opened = changes(2).await;
    assert_eq!((&opened[0]["reason"], &opened[1]), (&Value::Null, &closed[0]));
    let page = world.get("/health").await;
    assert!(
        page.text.contains("iTop is in maintenance.") && page.text.contains("iTop answers again")
    );
    world.stop_bridge().await;
    world.start_bridge().await;
    assert_eq!(world.get(HEALTH).await.expect(200)["gate_changes"], json!(opened));
    world.finish().await;
}

#[tokio::test]
async fn the_configuration_is_shown_without_secrets() {
    let world = World::with(Options::default(), |config| {
        config.server.link_key = Some(Secret::new("k3y-0f-links".to_owned()));
        config.board.batch = 500;
    })
    .await;
    let answer = world.get("/api/v1/configuration").await;
    let shown = answer.body.clone();
    let of = |name: &str| {
        let keys = shown["keys"].as_array().unwrap();
        keys.iter().find(|key| key["key"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    assert_eq!(
        of("board.batch"),
        json!({"key": "board.batch", "value": 500, "default": 1000, "changed": true})
    );
    assert_eq!(of("server.link_key")["value"], "set");
    assert_eq!(of("itop.password")["value"], "set");
    assert_eq!(of("itop.token")["value"], Value::Null);
    assert_eq!(of("board.refresh")["changed"], false);
    let changed = shown["changed"].as_array().unwrap();
    for name in ["board.batch", "server.link_key", "itop.url", "itop.password", "store.path"] {
        assert!(changed.contains(&json!(name)), "{changed:?}");
    }
    let page = world.get("/health").await;
    assert!(page.text.contains("board.batch") && page.text.contains("board.refresh"));
    let password = world.config.itop.as_ref().unwrap().password.as_ref().unwrap().expose();
    for told in [&answer.text, &page.text] {
        assert!(!told.contains("k3y-0f-links") && !told.contains(password), "{told}");
    }
    world.finish().await;
}

/// A bridge with a token that sees all, and one of a company.
async fn with_tokens() -> World {
    let tokens = |config: &mut Config| {
        config.auth.tokens = vec![
            token("admin", &[Scope::Admin]),
            token("reader", &[Scope::Read]),
            limited("limited", &[Scope::Read], "", &["id:42"]),
        ];
    };
    let mut world = World::with(Options::default(), tokens).await;
    world.token = Some("admin".to_owned());
    world.link_demo().await;
    world.acknowledge(&event("a")).await.expect(201);
    let other = with(event("other"), "/company", json!({"id": 9, "name": "Other"}));
    world.acknowledge(&other).await.expect(202);
    world
}

#[tokio::test]
async fn who_is_limited_is_told_of_its_own_alone() {
    let mut world = with_tokens().await;
    world.token = Some("limited".to_owned());
    let health = world.get(HEALTH).await.expect(200);
    assert_eq!(
        (&health["waiting"], &health["database"]["acknowledgements"]),
        (&json!(0), &json!(1))
    );
    for detail in ["history", "gate_changes", "lists", "deliveries", "itop", "slow_creates"] {
        assert_eq!(health.get(detail), None, "{detail}");
    }
    assert_eq!(health["database"].get("path"), None);
    let page = world.get("/health").await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("what concerns your companies")
            && !page.text.contains("<svg class=\"plot\"")
    );
    // Who reads all sees how it is, and neither paths nor settings.
    world.token = Some("reader".to_owned());
    let health = world.get(HEALTH).await.expect(200);
    assert!(health["history"].is_object() && health["database"].get("path").is_none());
    let page = world.get("/health").await;
    assert!(page.text.contains("<svg class=\"plot\""), "{}", page.text);
    assert!(!page.text.contains("id=\"check\""), "{}", page.text);
    assert!(!page.text.contains("store.path"));
    world.get("/api/v1/configuration").await.problem(403, "forbidden");
    world.finish().await;
}

#[tokio::test]
async fn the_page_shows_it_in_both_languages() {
    let world = World::linked().await;
    world.acknowledge(&event("a")).await.expect(201);
    world.read_lists().await;
    world.post("/api/v1/check", &Value::Null).await.expect(200);
    let page = world.get("/health").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.text.contains("style=") && !page.text.contains("onclick"), "{}", page.text);
    for said in [
        "Way to iTop",
        "Being settled",
        "Check now",
        "ticket class",
        "Lists from iTop",
        "CIs",
        "SQLite, 1 acknowledgement",
        "<svg class=\"plot\"",
        "data-hour=",
        "Hours are UTC.",
    ] {
        assert!(page.text.contains(said), "no '{said}' in {}", page.text);
    }
    assert_eq!(page.text.matches("<svg class=\"plot\"").count(), 2);
    let french = [("accept-language", "fr")];
    let page = world.send(Method::GET, "/health", &french, None).await;
    for said in ["Voie vers iTop", "En vérification", "Vérifier", "Listes d’iTop"] {
        assert!(page.text.contains(said), "no '{said}' in {}", page.text);
    }
    assert!(!page.text.contains("Being settled"));
    world.finish().await;
}
