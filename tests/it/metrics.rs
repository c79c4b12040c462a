//! What Prometheus reads, after a day on which much went wrong; and what alerts and dashboard ask of it.

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::Scope,
    sandbox::{Fault, FaultKind, Operations},
};

use crate::{
    unclear_outcomes::{impatient, pass, post},
    world::{ACKNOWLEDGEMENTS, World, event, limited, token, with},
};

const OWN: &str = "servicenav_bridge_";

/// A number of a metric, as Prometheus reads it.
#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
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

    fn has(&self, name: &str, value: &str) -> bool {
        self.labels.iter().any(|(known, word)| known == name && word == value)
    }
}

/// What stands between braces: `name="value"`, with whatever sign. None of the values has a comma.
fn matchers(text: &str) -> Vec<(String, String, String)> {
    let matcher = |part: &str| {
        let at = part.find(['=', '!']).unwrap();
        let (name, rest) = part.split_at(at);
        let (sign, value) = rest.split_at(rest.find('"').unwrap());
        (name.trim().to_owned(), sign.to_owned(), value.trim_matches('"').to_owned())
    };
    text.split(',').filter(|part| !part.is_empty()).map(matcher).collect()
}

async fn scrape(world: &World) -> Vec<Sample> {
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
fn number(samples: &[Sample], name: &str, labels: &[&str]) -> u64 {
    text(samples, name, labels).parse().unwrap()
}

#[track_caller]
fn seconds(samples: &[Sample], name: &str, labels: &[&str]) -> f64 {
    text(samples, name, labels).parse().unwrap()
}

/// A bridge that has seen: tickets, a line, a repeated post, a refused one, a company without a link, a
/// ticket that iTop refuses, an answer that was lost, and an outage.
async fn eventful() -> World {
    let world = impatient().await;
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
        "cause",
        "code",
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

/// Each selector of these expressions finds something.
#[track_caller]
fn finds_all(samples: &[Sample], expressions: &str) -> usize {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = 0;
    for prefix in [OWN, "process_"] {
        for (at, _) in expressions.match_indices(prefix) {
            let rest = &expressions[at..];
            let (name, rest) = rest.split_at(rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()));
            let selector = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let wanted = matchers(selector.map_or("", |(inside, _)| inside));
            let is_it = |sample: &&Sample| {
                sample.name == name
                    && wanted.iter().all(|(label, sign, value)| match sign.as_str() {
                        // Prometheus adds them.
                        _ if ["job", "instance"].contains(&label.as_str()) => true,
                        "=" => sample.has(label, value),
                        "!=" => !sample.has(label, value),
                        _ => value.split('|').any(|value| sample.has(label, value)),
                    })
            };
            assert!(samples.iter().any(|sample| is_it(&sample)), "{name} {wanted:?} is not there");
            for (label, sign, value) in wanted.iter().filter(|(.., value)| !value.contains('$')) {
                // Each word of a choice is one that there is.
                let words = value.split('|').filter(|_| sign == "=~");
                for word in words {
                    let is_there =
                        samples.iter().any(|sample| sample.name == name && sample.has(label, word));
                    assert!(is_there, "{name} {label}={word}");
                }
            }
            found += 1;
        }
    }
    found
}

#[tokio::test]
async fn alerts_and_dashboard_ask_for_what_there_is() {
    let world = eventful().await;
    let samples = scrape(&world).await;
    let rules = document("docs/alerts.yaml");
    let expressions: Vec<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert!(finds_all(&samples, &expressions.join("\n")) >= 10);

    let dashboard: Value = serde_json::from_str(&document("docs/grafana.json")).unwrap();
    let mut expressions = Vec::new();
    all_of(&dashboard, "expr", &mut expressions);
    all_of(&dashboard, "definition", &mut expressions);
    assert!(expressions.len() > 30, "{}", expressions.len());
    assert!(finds_all(&samples, &expressions.join("\n")) > 30);
    // No two panels lie upon each other, and each has an id of its own.
    let panels = dashboard["panels"].as_array().unwrap();
    let mut cells = BTreeSet::new();
    for panel in panels {
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|part| panel["gridPos"][part].as_u64().unwrap());
        assert!(x + w <= 24, "{}", panel["title"]);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(cells.insert(cell), "{}", panel["title"]);
        }
    }
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    world.finish().await;
}

/// The texts under a name, wherever they are.
fn all_of<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(name).and_then(Value::as_str));
            members.values().for_each(|member| all_of(member, name, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all_of(item, name, found)),
        _ => {}
    }
}

#[test]
fn each_alert_says_what_it_means_and_what_to_do() {
    let rules = document("docs/alerts.yaml");
    let (operations, tests) =
        (document("docs/operations.md"), document("tests/fixtures/alerts_test.yaml"));
    let alerts: Vec<_> = rules.split("- alert: ").skip(1).collect();
    assert!((5..=12).contains(&alerts.len()), "few, and enough: {}", alerts.len());
    for alert in alerts {
        let name = alert.lines().next().unwrap().trim();
        for part in ["severity: ", "summary: ", "description: ", "expr: "] {
            assert_eq!(alert.matches(part).count(), 1, "{name}: {part}");
        }
        let runbook = alert.split("runbook_url: ").nth(1).unwrap().lines().next().unwrap();
        assert_eq!(runbook, format!("docs/operations.md#{}", name.to_lowercase()));
        let heading = format!("\n### {name}\n");
        let section = operations.split(&heading).nth(1);
        let section = section.unwrap_or_else(|| panic!("{name} has no section"));
        let section = section.split("\n#").next().unwrap();
        assert!(section.contains("**What to do:**"), "{name}");
        for what in ["fires", "does not fire"] {
            assert!(tests.contains(&format!("- name: {name} {what}\n")), "{name} {what}");
        }
    }
}

#[test]
fn promtool_takes_the_alerts_and_each_fires_when_it_should() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for arguments in [
        ["check", "rules", "docs/alerts.yaml"],
        ["test", "rules", "tests/fixtures/alerts_test.yaml"],
    ] {
        let [what, kind, file] = arguments;
        let file = root.join(file);
        if let Some(said) = promtool(&[what, kind, file.to_str().unwrap()], "") {
            assert!(said.contains("SUCCESS"), "{said}");
        }
    }
}

fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What promtool says; `None` where it is not installed. `tests/run` fetches it, and then it must be there.
#[track_caller]
fn promtool(arguments: &[&str], input: &str) -> Option<String> {
    let started = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let is_needed = std::env::var_os("BRIDGE_TESTS_WITH_PROMTOOL").is_some();
            assert!(!is_needed, "promtool cannot be started: {error}");
            eprintln!("left out, for there is no promtool: tests/run fetches it");
            return None;
        }
    };
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    Some(said)
}
