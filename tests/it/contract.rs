//! The contract of the sandbox: it answers every recorded request as the recorded iTop did.
//!
//! The cases of a folder run in order against one sandbox that holds what the recorded
//! installation held. Compared are HTTP status, content type and the whole body; only what cannot
//! be equal is let go: dates that the clock makes, and ids and refs of tickets, which are mapped.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use servicenav_itop_bridge::{
    clock::Clock,
    sandbox::{self, Data, Flavour, Options, Sandbox},
};
use tokio::net::TcpListener;

/// The cases that the sandbox cannot match, and why. At most five; one that matches after all
/// fails the test as well.
const CANNOT_MATCH: &[(&str, &str)] = &[(
    "3.2.0-itil/072-ticket-by-ref",
    "the recorded installation had 200,000 imported incidents, one of which bore the same number",
)];

#[derive(Deserialize)]
struct Case {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    query: BTreeMap<String, String>,
    form: BTreeMap<String, String>,
    #[serde(default)]
    json_data: Value,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
    content_type: String,
    body: Value,
}

/// How the tickets of a recording are called in the sandbox.
#[derive(Default)]
struct Names {
    ids: BTreeMap<String, String>,
    refs: BTreeMap<String, String>,
}

#[tokio::test]
async fn itil_answers_as_recorded() {
    replay("3.2.0-itil", Flavour::Itil, Data::Recorded { clients: 2_000 }, 50_000).await;
}

#[tokio::test]
async fn simple_answers_as_recorded() {
    let names = replay("3.1.2-simple", Flavour::Simple, Data::Recorded { clients: 0 }, 0).await;
    // Refused creates use up numbers: a ref runs as far ahead of its id as it did in iTop.
    let ahead = |id: &str, reference: &str| {
        reference[2..].parse::<i64>().unwrap() - id.parse::<i64>().unwrap()
    };
    let first = ahead("2", "R-000002") - ahead(&names.ids["2"], &names.refs["R-000002"]);
    let last = ahead("27", "R-000032") - ahead(&names.ids["27"], &names.refs["R-000032"]);
    assert_eq!(first, last);
}

#[tokio::test]
async fn outages_look_as_recorded() {
    replay("outages", Flavour::Itil, Data::Recorded { clients: 0 }, 0).await;
}

async fn replay(folder: &str, flavour: Flavour, data: Data, servers: u32) -> Names {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options { flavour, data, servers, ..Options::default() };
    let sandbox = Sandbox::start(listener, options, Clock::system()).await.unwrap();
    // An error says that another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let mut names = Names::default();
    let mut wrong = Vec::new();
    for (name, case) in cases(folder) {
        let faults = sandbox.faults();
        faults.set_maintenance(name.contains("-maintenance-"));
        faults.set_read_only(name.contains("-readonly-"));
        faults.set_database_down(name.contains("-database-down-"));

        let answer = send(&client, &sandbox, &case.request, &name, &names).await;
        names.learn(&case.response.body, &answer.body);
        let request = case.request.json_data.to_string();
        let mut differences = Vec::new();
        if case.response.status != answer.status {
            differences.push(format!("status {} is {}", case.response.status, answer.status));
        }
        if case.response.content_type != answer.content_type {
            differences
                .push(format!("type {} is {}", case.response.content_type, answer.content_type));
        }
        let expected = names.translated(&case.response.body);
        compare(&expected, &answer.body, "body", &request, &mut differences);

        let full_name = format!("{folder}/{name}");
        let listed = CANNOT_MATCH.iter().any(|(case, _)| *case == full_name);
        match (differences.is_empty(), listed) {
            (false, false) => wrong.push(format!("{full_name}: {}", differences.join("; "))),
            (true, true) => wrong.push(format!("{full_name} matches: take it off the list")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(CANNOT_MATCH.len() <= 5);
    sandbox.stop().await.unwrap();
    names
}

fn cases(folder: &str) -> Vec<(String, Case)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/itop").join(folder);
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let case = serde_json::from_str(&fs::read_to_string(&path).unwrap())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, case)
        })
        .collect()
}

/// Sends a recorded request, with the password that the recording hides.
async fn send(
    client: &reqwest::Client,
    sandbox: &Sandbox,
    request: &Request,
    name: &str,
    names: &Names,
) -> Response {
    let password = if name.ends_with("-bad-login") { "wrong" } else { sandbox::PASSWORD };
    let mut form = request.form.clone();
    if let Some(hidden) = form.get_mut("auth_pwd") {
        password.clone_into(hidden);
    }
    match names.in_request(&request.json_data) {
        Value::Null => {}
        Value::String(text) => drop(form.insert("json_data".to_owned(), text)),
        mut data => {
            if let Some(hidden) = data.get_mut("password") {
                *hidden = Value::from(password);
            }
            form.insert("json_data".to_owned(), data.to_string());
        }
    }
    let query: Vec<_> = request.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let url = format!("{}/webservices/rest.php?{}", sandbox.url(), query.join("&"));
    let response = client.post(url).form(&form).send().await.unwrap();
    let status = response.status().as_u16();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Response { status, content_type, body }
}

impl Names {
    /// Learns how a ticket that was just created, or first shown with its ref, is called.
    fn learn(&mut self, recorded: &Value, answered: &Value) {
        let (Some(recorded), Some(answered)) = (only_object(recorded), only_object(answered))
        else {
            return;
        };
        if !matches!(text(recorded, "class"), "Incident" | "UserRequest") {
            return;
        }
        if text(recorded, "message") == "created" {
            self.ids.insert(text(recorded, "key").to_owned(), text(answered, "key").to_owned());
        }
        let known =
            self.ids.get(text(recorded, "key")).is_some_and(|id| id == text(answered, "key"));
        let (theirs, ours) = (text(&recorded["fields"], "ref"), text(&answered["fields"], "ref"));
        let same_form = ours.len() == theirs.len() && ours.get(..2) == theirs.get(..2);
        if known && !theirs.is_empty() && same_form {
            self.refs.entry(theirs.to_owned()).or_insert_with(|| ours.to_owned());
        }
    }

    /// The names in the key of a request about tickets.
    fn in_request(&self, data: &Value) -> Value {
        let mut data = data.clone();
        let about_tickets =
            matches!(data["class"].as_str(), Some("Incident" | "UserRequest" | "Ticket"));
        if !about_tickets || data.get("key").is_none() {
            return data;
        }
        match &data["key"] {
            Value::Number(id) => {
                let id = id.to_string();
                data["key"] = Value::from(self.ids.get(&id).cloned().unwrap_or(id));
            }
            Value::String(oql) => data["key"] = Value::from(self.in_oql(oql)),
            _ => {}
        }
        data
    }

    fn in_oql(&self, oql: &str) -> String {
        let mut translated = String::new();
        for piece in oql.split_inclusive([' ', '(', ')', ',', '\'']) {
            let word = piece.trim_end_matches([' ', '(', ')', ',', '\'']);
            let name = self.ids.get(word).or_else(|| self.refs.get(word));
            translated.push_str(name.map_or(word, String::as_str));
            translated.push_str(&piece[word.len()..]);
        }
        translated
    }

    /// A recorded body, with its tickets called as in the sandbox.
    fn translated(&self, recorded: &Value) -> Value {
        let Some(objects) = recorded["objects"].as_object() else {
            return self.with_refs(recorded);
        };
        let mut renamed = Map::new();
        for (name, object) in objects {
            let mut object = self.with_refs(object);
            let class = text(&object, "class").to_owned();
            let id = text(&object, "key").to_owned();
            match self.ids.get(&id).filter(|_| matches!(&*class, "Incident" | "UserRequest")) {
                Some(ours) => {
                    object["key"] = Value::from(ours.clone());
                    if object["fields"].get("id").is_some() {
                        object["fields"]["id"] = Value::from(ours.clone());
                    }
                    renamed.insert(format!("{class}::{ours}"), object);
                }
                None => drop(renamed.insert(name.clone(), object)),
            }
        }
        let mut body = recorded.clone();
        body["objects"] = Value::Object(renamed);
        body
    }

    fn with_refs(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(
                self.refs
                    .iter()
                    .fold(text.clone(), |text, (theirs, ours)| text.replace(theirs.as_str(), ours)),
            ),
            Value::Array(items) => items.iter().map(|item| self.with_refs(item)).collect(),
            Value::Object(map) => {
                map.iter().map(|(key, value)| (key.clone(), self.with_refs(value))).collect()
            }
            other => other.clone(),
        }
    }
}

fn only_object(body: &Value) -> Option<&Value> {
    let objects = body.get("objects")?.as_object()?;
    if objects.len() == 1 { objects.values().next() } else { None }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Notes where `answered` differs from what is expected. Objects must come in the same order.
fn compare(expected: &Value, answered: &Value, at: &str, request: &str, notes: &mut Vec<String>) {
    match (expected, answered) {
        (Value::Object(expected), Value::Object(answered)) => {
            let (theirs, ours): (Vec<_>, Vec<_>) =
                (expected.keys().collect(), answered.keys().collect());
            if theirs != ours {
                notes.push(format!("{at} has {ours:?}, not {theirs:?}"));
                return;
            }
            for (key, value) in expected {
                compare(value, &answered[key], &format!("{at}.{key}"), request, notes);
            }
        }
        (Value::Array(expected), Value::Array(answered)) if expected.len() == answered.len() => {
            for (n, (expected, answered)) in expected.iter().zip(answered).enumerate() {
                compare(expected, answered, &format!("{at}[{n}]"), request, notes);
            }
        }
        (Value::String(expected), Value::String(answered)) => {
            // A date that the request did not set is the clock's.
            let by_the_clock = !request.contains(expected.as_str()) && is_date(expected);
            if expected != answered && !(by_the_clock && is_date(answered)) {
                notes.push(format!("{at} is {answered:?}, not {expected:?}"));
            }
        }
        _ if expected == answered => {}
        _ => notes.push(format!("{at} is {answered}, not {expected}")),
    }
}

fn is_date(text: &str) -> bool {
    jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text).is_ok()
}
