//! What Prometheus reads, after a day on which much went wrong.

use std::{collections::BTreeSet, path::Path, time::Duration};

use itop_sandbox::{Fault, FaultKind, Operations};
use serde_json::json;
use servicenav_itop_bridge::{
    config::{Config, Hook, Scope},
    domain::hook_event::HookEvent,
    secret::Secret,
};

use crate::{
    alerts::promtool,
    unclear_outcomes::{impatient_with, pass, post},
    world::{ACKNOWLEDGEMENTS, World, event, limited, token, with},
};

pub const OWN: &str = "servicenav_bridge_";

/// A number of a metric, as Prometheus reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: Vec<(String, String)>,
    value: String,
}

impl Sample {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = matchers(labels.strip_suffix('}').unwrap());
        let labels = labels.into_iter().map(|(name, _, value)| (name, value)).collect();
        Self { name: name.to_owned(), labels, value: value.to_owned() }
    }

    pub fn count(&self) -> u64 {
        self.value.parse().unwrap()
    }

    pub fn number(&self) -> f64 {
        self.value.parse().unwrap()
    }

    pub fn has(&self, name: &str, value: &str) -> bool {
        self.labels.iter().any(|(known, word)| known == name && word == value)
    }
}

/// What stands between braces: `name="value"`, with whatever sign. None of the values has a comma.
pub fn matchers(text: &str) -> Vec<(String, String, String)> {
    let matcher = |part: &str| {
        let at = part.find(['=', '!']).unwrap();
        let (name, rest) = part.split_at(at);
        let (sign, value) = rest.split_at(rest.find('"').unwrap());
        (name.trim().to_owned(), sign.to_owned(), value.trim_matches('"').to_owned())
    };
    text.split(',').filter(|part| !part.is_empty()).map(matcher).collect()
}

pub async fn scrape(world: &World) -> Vec<Sample> {
    let answer = world.get("/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let lines = answer.text.lines().filter(|line| !line.starts_with('#'));
    lines.map(Sample::read).collect()
}

/// The number of a series of the bridge; each label is `name=value`.
#[track_caller]
fn text<'s>(samples: &'s [Sample], name: &str, labels: &[&str]) -> &'s str {
    let name = format!("{OWN}{name}");
    let found: Vec<_> = samples
        .iter()
        .filter(|sample| sample.name == name)
        .filter(|sample| {
            labels.iter().all(|label| {
                let (name, value) = label.split_once('=').unwrap();
                sample.has(name, value)
            })
        })
        .collect();
    assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
    &found[0].value
}

#[track_caller]
pub fn number(samples: &[Sample], name: &str, labels: &[&str]) -> u64 {
    text(samples, name, labels).parse().unwrap()
}

#[track_caller]
pub fn seconds(samples: &[Sample], name: &str, labels: &[&str]) -> f64 {
    text(samples, name, labels).parse().unwrap()
}

/// A bridge that has seen: tickets, a line, a repeated post, a refused one, a company without a link, a
/// ticket that iTop refuses, an answer that was lost, an outage, and a hook whose receiver is away.
pub async fn eventful() -> World {
    let keeps = |config: &mut Config| config.cmdb = Some(crate::federation::section());
    let mut world = impatient_with(keeps).await;
    world.config.hooks = vec![Hook {
        name: "noc".to_owned(),
        url: Some(Secret::new("http://127.0.0.1:9/".to_owned())),
        events: vec![HookEvent::TicketCreated],
        ..Hook::default()
    }];
    assert!(!world.reload().await.unwrap());
    world.acknowledge(&event("a")).await.expect(201);
    world.acknowledge(&event("a")).await.expect(200);
    let line = with(event("b"), "/control/id", json!("control-a"));
    assert_eq!(world.acknowledge(&line).await.expect(200)["state"], "reused");
    world.post(ACKNOWLEDGEMENTS, &json!({"event_id": "x"})).await.problem(422, "invalid");
    let unlinked = with(event("c"), "/company", json!({"id": 99, "name": "Nobody"}));
    assert_eq!(world.acknowledge(&unlinked).await.expect(202)["state"], "blocked");
    let refuse = FaultKind::Refuse { code: 100, message: "Error: no".to_owned() };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    assert_eq!(world.acknowledge(&event("d")).await.expect(202)["state"], "failed");

    let lost = Fault::new(FaultKind::BadGateway).on(Operations::Create).times(1).after_effect();
    world.itop.faults().switch_on(lost);
    let id = post(&world, &event("e")).await;
    world.until_state(&id, "unknown").await;
    pass(&world, 10).await;
    world.until_state(&id, "created").await;

    world.itop.faults().set_maintenance(true);
    let waits = post(&world, &event("f")).await;
    world
        .until("the gate is closed", async || {
            let ready = world.get("/readyz").await.body;
            (ready["gate"]["state"] == "closed").then_some(())
        })
        .await;
    world.clock.advance(Duration::from_mins(10));
    let samples = scrape(&world).await;
    assert_eq!(number(&samples, "gate_open", &[]), 0);
    assert_eq!(number(&samples, "gate_closed", &["reason=maintenance"]), 1);
    assert_eq!(number(&samples, "gate_closed", &["reason=credentials"]), 0);
    let oldest = seconds(&samples, "oldest_waiting_age_seconds", &["waits=under-way"]);
    assert!((600.0..700.0).contains(&oldest), "{oldest}");
    assert!(seconds(&samples, "oldest_waiting_age_seconds", &["waits=blocked"]) >= oldest);
    world.itop.faults().set_maintenance(false);
    world.clock.advance(Duration::from_mins(1));
    world.until_state(&waits, "created").await;
    world
}

#[tokio::test]
async fn what_has_happened_is_counted() {
    let world = eventful().await;
    let samples = scrape(&world).await;
    let is = |name: &str, labels: &[&str], expected: u64| {
        assert_eq!(number(&samples, name, labels), expected, "{name} {labels:?}");
    };
    for (outcome, count) in [("stored", 7), ("repeated", 1), ("rejected", 1), ("not-stored", 0)] {
        is("acknowledgements_received_total", &[&format!("outcome={outcome}")], count);
    }
    for (state, count) in [
        ("created", 4),
        ("reused", 1),
        ("blocked", 1),
        ("failed", 1),
        ("rejected", 1),
        ("accepted", 0),
        ("unknown", 0),
    ] {
        is("acknowledgements", &[&format!("state={state}")], count);
    }
    for (outcome, count) in
        [("created", 4), ("reused", 1), ("blocked", 1), ("failed", 1), ("unknown", 1)]
    {
        is("deliveries_total", &[&format!("outcome={outcome}")], count);
    }
    for cause in [
        ["state=blocked", "cause=company-not-linked"],
        ["state=failed", "cause=refused-by-itop"],
        ["state=rejected", "cause=invalid"],
    ] {
        is("acknowledgements_needing_somebody", &cause, 1);
    }
    is("unknown_settled_total", &["result=found"], 1);
    is("unknown_settled_total", &["result=absent"], 0);
    is("gate_open", &[], 1);
    is("gate_closings_total", &["reason=maintenance"], 1);
    let oldest = text(&samples, "oldest_waiting_age_seconds", &["waits=under-way"]);
    assert_eq!(oldest, "0.0");
    is("store_writing", &[], 1);
    is("store_damaged", &[], 0);
    is("event_streams", &[], 0);
    is("itop_calls_in_flight", &[], 0);

    // Each call is in one of the codes, and what was answered took its time.
    is("itop_calls_total", &["operation=create", "code=ok"], 3);
    let refused = number(&samples, "itop_calls_total", &["operation=create", "code=refused"]);
    assert!(refused >= 1, "{refused}");
    let calls = samples
        .iter()
        .filter(|sample| sample.name == "servicenav_bridge_itop_calls_total")
        .map(|sample| (sample, sample.value.parse::<u64>().unwrap()));
    let maintenance: u64 = calls
        .clone()
        .filter(|(sample, _)| sample.has("code", "maintenance"))
        .map(|(_, count)| count)
        .sum();
    assert!(maintenance >= 1, "{maintenance}");
    let all: u64 = calls.map(|(_, count)| count).sum();
    let seen = world.itop.requests_seen();
    let seen: u64 = ["core/get", "core/create", "core/update", "list_operations"]
        .iter()
        .map(|operation| seen.of(operation))
        .sum();
    assert!(all.abs_diff(seen) <= 2, "{all} of {seen}");
    let count = number(&samples, "itop_call_duration_seconds_count", &["operation=create"]);
    let most = &["operation=create", "le=60"];
    assert_eq!(number(&samples, "itop_call_duration_seconds_bucket", most), count);
    let commits = number(&samples, "store_commit_duration_seconds_count", &[]);
    assert!(commits > 10, "{commits}");
    assert_eq!(number(&samples, "store_commit_writes_count", &[]), commits);
    is("catalog_loads_total", &["list=teams", "outcome=failed"], 0);
    assert!(number(&samples, "catalog_loads_total", &["list=teams", "outcome=read"]) >= 1);
    world.finish().await;
}

#[tokio::test]
async fn the_age_of_statuses_and_open_streams_are_told() {
    let world = World::linked().await;
    world.acknowledge(&event("a")).await.expect(201);
    let stream =
        world.http.get(format!("{}/api/v1/tickets/stream", world.base)).send().await.unwrap();
    let samples = scrape(&world).await;
    assert_eq!(number(&samples, "event_streams", &[]), 1);
    assert!(seconds(&samples, "board_oldest_open_age_seconds", &[]) < 60.0);
    drop(stream);
    world.itop.faults().set_database_down(true);
    world.clock.advance(Duration::from_mins(20));
    let samples = scrape(&world).await;
    assert!(seconds(&samples, "board_oldest_open_age_seconds", &[]) >= 1_200.0);
    // Looked up a moment ago, whatever has happened since; what is counted is told as it is.
    world.clock.advance(Duration::from_secs(3));
    world.post(ACKNOWLEDGEMENTS, &json!({"event_id": "x"})).await.problem(422, "invalid");
    let again = scrape(&world).await;
    let age = |samples| text(samples, "board_oldest_open_age_seconds", &[]).to_owned();
    assert_eq!(age(&again), age(&samples));
    let rejected = ["outcome=rejected"];
    assert_eq!(number(&again, "acknowledgements_received_total", &rejected), 1);
    world.finish().await;
}

#[tokio::test]
async fn only_a_token_that_is_limited_to_nothing_reads_them() {
    let mut world = World::start().await;
    // Nobody has a token: whoever reaches the port may.
    world.get("/metrics").await.expect(200);
    world.stop_bridge().await;
    world.config.auth.tokens = vec![
        token("prometheus", &[Scope::Metrics]),
        token("admin", &[Scope::Admin]),
        token("dashboard", &[Scope::Read, Scope::Operate, Scope::Ingest]),
        limited("tenant", &[Scope::Admin], "tenant", &["id:42"]),
        limited("instance", &[Scope::Admin], "other", &[]),
    ];
    world.start_bridge().await;
    world.get("/metrics").await.problem(401, "unauthorized");
    for (token, status) in [
        ("prometheus", 200),
        ("admin", 200),
        ("dashboard", 403),
        ("tenant", 403),
        ("instance", 403),
    ] {
        world.token = Some(token.to_owned());
        assert_eq!(world.get("/metrics").await.status, status, "{token}");
    }
    // It reads nothing else.
    world.token = Some("prometheus".to_owned());
    for path in [ACKNOWLEDGEMENTS, "/api/v1/tickets", "/api/v1/health", "/api/v1/configuration"] {
        world.get(path).await.problem(403, "forbidden");
    }
    let ready = world.get("/readyz").await.expect(200);
    assert_eq!(ready.get("slow_creates"), None);
    world.finish().await;
}

#[tokio::test]
async fn prometheus_is_given_the_format_that_it_asks_for() {
    let world = World::start().await;
    let answer = world.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(!answer.text.contains("# EOF"));
    let open = [("accept", "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1")];
    let answer = world.send(reqwest::Method::GET, "/metrics", &open, None).await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), kind);
    assert!(answer.text.ends_with("\n# EOF\n"), "{}", answer.text);
    world.get("/metrics?name=x").await.problem(400, "bad-parameter");
    world.finish().await;
}

/// Labels name few things, known beforehand: what a bridge serves never makes new ones.
#[tokio::test]
async fn names_and_labels_follow_the_rules_and_are_documented() {
    let world = eventful().await;
    let text = world.get("/metrics").await.text;
    let told = document("docs/operations.md");
    let mut families = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert!(name.starts_with(OWN) || name.starts_with("process_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        for unit in ["milli", "micro", "minutes", "hours", "percent", "kilo", "mega"] {
            assert!(!name.contains(unit), "{name}");
        }
        assert!(told.contains(&format!("`{name}")), "docs/operations.md does not tell of {name}");
        families += 1;
    }
    assert!(families > 35, "{families}");
    let known = [
        "by",
        "cause",
        "code",
        "hook",
        "le",
        "list",
        "operation",
        "outcome",
        "reason",
        "reference",
        "result",
        "state",
        "version",
        "waits",
    ];
    let samples = scrape(&world).await;
    let mut series = BTreeSet::new();
    for sample in &samples {
        assert!(series.insert(format!("{}{:?}", sample.name, sample.labels)), "twice: {sample:?}");
        for (name, value) in &sample.labels {
            assert!(known.contains(&name.as_str()), "{sample:?}");
            for of_a_company in ["42", "Demo", "Nobody", "control-", "event-"] {
                assert!(!value.contains(of_a_company), "{sample:?}");
            }
        }
    }
    assert!(series.len() < 500, "{}", series.len());
    if let Some(said) = promtool(&["check", "metrics"], &text) {
        assert_eq!(said, "", "promtool check metrics");
    }
    world.finish().await;
}

pub fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
