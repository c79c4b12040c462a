//! What alerts and dashboard ask of the metrics is there, and alerts fire when they should.

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::metrics::{OWN, Sample, document, eventful, matchers, scrape};

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
    assert!((5..=14).contains(&alerts.len()), "few, and enough: {}", alerts.len());
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

/// What promtool says; `None` where it is not installed. `tests/run` fetches it, and then it must be there.
#[track_caller]
pub fn promtool(arguments: &[&str], input: &str) -> Option<String> {
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
