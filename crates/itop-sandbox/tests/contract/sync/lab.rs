//! The sandbox that stands for the recorded installation, and how its ids are called there.

use std::collections::BTreeMap;

use clock::Clock;
use itop_sandbox::{self as sandbox, Data, Faults, Options, Sandbox};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::{super::is_date, LIMITED_LATER, Request};

/// Above this, and here alone, ids of the recorded installation are others than the sandbox's: what
/// was made between the recorded requests is not known.
const IDS_DIFFER: std::ops::RangeFrom<u64> = 50_100..;
const REPLICA_OF_109: u64 = 7_168;

pub struct Lab {
    pub sandbox: Sandbox,
    client: reqwest::Client,
    clock: Clock,
    second: Timestamp,
    /// How ids, and numbers of tickets, are called here.
    names: BTreeMap<(bool, u64), String>,
}

pub struct Answer {
    pub status: u16,
    pub content_type: String,
    /// JSON written anew, or text.
    pub body: String,
}

impl Lab {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let data = Data::Recorded { clients: 2_000 };
        let options = Options { data, servers: 50_000, ..Options::default() };
        let clock = Clock::system();
        let sandbox = Sandbox::start(listener, options, clock.clone()).await.unwrap();
        // An error says that another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let second = Timestamp::from_second(clock.now().as_second()).unwrap();
        Self { sandbox, client: reqwest::Client::new(), clock, second, names: BTreeMap::new() }
    }

    pub async fn stop(self) {
        self.sandbox.stop().await.unwrap();
    }

    pub fn faults(&self) -> &Faults {
        self.sandbox.faults()
    }

    pub fn seconds_pass(&mut self, seconds: i64) {
        self.second += seconds.seconds();
    }

    /// The id that is called `recorded` in the requests to come.
    pub fn call(&mut self, recorded: u64, id: i64) {
        self.names.insert((false, recorded), id.to_string());
    }

    /// Sends a recorded request, with the password that the recording hides.
    pub async fn send(&self, name: &str, request: &Request) -> Answer {
        let mut form: Vec<(String, Vec<u8>)> = Vec::new();
        for (field, value) in &request.form {
            let value = match field.as_str() {
                "auth_pwd" if name.ends_with("-wrong-password") => b"wrong".to_vec(),
                "auth_user" if value == LIMITED_LATER.0 => LIMITED_LATER.1.into(),
                "auth_pwd" => sandbox::PASSWORD.as_bytes().to_vec(),
                "csvdata" => csv(value),
                _ => value.as_bytes().to_vec(),
            };
            form.push((field.clone(), value));
        }
        if !request.json_data.is_null() {
            form.push(("json_data".to_owned(), self.called(&request.json_data.to_string()).into()));
        }
        let query: Vec<_> =
            request.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.post(&format!("{}?{}", request.path, query.join("&")), &form).await
    }

    /// Posts a form as it is, at the beginning of the present second.
    async fn post(&self, path: &str, form: &[(String, Vec<u8>)]) -> Answer {
        let encoded = |bytes: &[u8]| {
            percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let pairs: Vec<_> =
            form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = self
            .client
            .post(format!("{}{path}", self.sandbox.url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(pairs.join("&"));
        self.clock.step(self.second.duration_since(self.clock.now()));
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let text = response.text().await.unwrap();
        let body = match serde_json::from_str::<Value>(&text) {
            Ok(json) if content_type == "application/json" => json.to_string(),
            _ => text,
        };
        Answer { status, content_type, body }
    }

    /// A request to REST by the administrator, which must succeed.
    pub async fn rest(&self, data: Value) -> Map<String, Value> {
        let form = [
            ("auth_user".to_owned(), b"labadmin".to_vec()),
            ("auth_pwd".to_owned(), sandbox::PASSWORD.into()),
            ("json_data".to_owned(), data.to_string().into_bytes()),
        ];
        let answer = self.post("/webservices/rest.php?version=1.3", &form).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["code"], 0, "{data}: {body}");
        body["objects"].as_object().cloned().unwrap_or_default()
    }

    pub async fn create(&self, class: &str, fields: Value) -> i64 {
        let data = json!({
            "operation": "core/create", "class": class, "comment": "lab", "output_fields": "id",
            "fields": fields,
        });
        let objects = self.rest(data).await;
        objects.values().next().unwrap()["key"].as_str().unwrap().parse().unwrap()
    }

    pub async fn change(&self, class: &str, key: Value, fields: Value) {
        let data = json!({
            "operation": "core/update", "class": class, "key": key, "comment": "lab",
            "output_fields": "id", "fields": fields,
        });
        self.rest(data).await;
    }

    pub async fn delete(&self, class: &str, oql: &str) {
        let data = json!({
            "operation": "core/delete", "class": class, "key": oql, "comment": "lab",
        });
        self.rest(data).await;
    }

    /// Posts rows to a source as the administrator.
    pub async fn load(&self, source: i64, synchronize: bool, rows: &str) -> Answer {
        let form = [
            ("auth_user".to_owned(), b"labadmin".to_vec()),
            ("auth_pwd".to_owned(), sandbox::PASSWORD.into()),
            ("data_source_id".to_owned(), source.to_string().into_bytes()),
            ("synchronize".to_owned(), i32::from(synchronize).to_string().into_bytes()),
            ("csvdata".to_owned(), rows.as_bytes().to_vec()),
        ];
        self.post("/synchro/synchro_import.php", &form).await
    }

    pub async fn exec(&self, source: i64) -> Answer {
        let form = [
            ("auth_user".to_owned(), b"labadmin".to_vec()),
            ("auth_pwd".to_owned(), sandbox::PASSWORD.into()),
            ("data_sources".to_owned(), source.to_string().into_bytes()),
        ];
        self.post("/synchro/synchro_exec.php", &form).await
    }

    /// The same with the ids that it has here.
    fn called(&self, text: &str) -> String {
        self.names
            .iter()
            .filter(|((ticket, _), _)| !ticket)
            .fold(text.to_owned(), |text, ((_, theirs), ours)| {
                text.replace(&theirs.to_string(), ours)
            })
    }

    /// Where an answer differs from the recorded one, if it does. Times are the clock's; an id that
    /// is another here must be the same other one everywhere.
    pub fn difference(&mut self, theirs: &str, ours: &str) -> Option<String> {
        let (theirs, ours) = (pieces(theirs), pieces(ours));
        for n in 0..theirs.len().max(ours.len()) {
            let (their, our) = (theirs.get(n), ours.get(n));
            let same = match (their, our) {
                (Some(their), Some(our)) => {
                    their == our
                        || self.is_called(n.checked_sub(1).map(|n| &*theirs[n]), their, our)
                }
                _ => false,
            };
            if !same {
                let around = |pieces: &[String]| {
                    pieces.iter().skip(n.saturating_sub(8)).take(24).cloned().collect::<String>()
                };
                return Some(format!("{:?} is {:?}", around(&theirs), around(&ours)));
            }
        }
        None
    }

    fn is_called(&mut self, before: Option<&str>, their: &str, our: &str) -> bool {
        let (Ok(their), Ok(_)) = (their.parse::<u64>(), our.parse::<u64>()) else { return false };
        let before = before.unwrap_or_default();
        // Sizes and counts follow a blank.
        let is_id = before.ends_with(['"', ';', '-']) || before.ends_with("::");
        if !is_id || !(IDS_DIFFER.contains(&their) || their == REPLICA_OF_109) {
            return false;
        }
        let name = (before.ends_with('-'), their);
        self.names.entry(name).or_insert_with(|| our.to_owned()) == our
    }
}

/// A page without its head and foot, as the recordings have it.
pub fn shortened(page: &str) -> String {
    let Some(body) = page.find(" <body data-gui-type").filter(|_| page.starts_with("<!DOCTYPE"))
    else {
        return page.to_owned();
    };
    let end = page.rfind("\n</div>").unwrap();
    format!("<!DOCTYPE html>…{}\n</div> …", &page[body..end])
}

/// Numbers, and what stands between them; a time counts as one thing.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut digits = None;
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        if rest.get(..19).is_some_and(is_date) {
            pieces.push("<time>".to_owned());
            digits = None;
            rest = &rest[19..];
            continue;
        }
        let digit = sign.is_ascii_digit();
        match pieces.last_mut() {
            Some(last) if digits == Some(digit) => last.push(sign),
            _ => pieces.push(sign.to_string()),
        }
        digits = Some(digit);
        rest = &rest[sign.len_utf8()..];
    }
    pieces
}

/// A recorded file in the bytes that were sent: long ones are recorded by their beginning and length.
fn csv(recorded: &str) -> Vec<u8> {
    if let Some((text, _)) = recorded.split_once("  (sent as ISO-8859-1 bytes)") {
        return text.chars().map(|sign| u8::try_from(u32::from(sign)).unwrap()).collect();
    }
    let Some((start, length)) = recorded.split_once("… (") else { return recorded.into() };
    let length: usize = length.split_once(' ').unwrap().0.parse().unwrap();
    let mut lines = start.lines();
    let mut file = format!("{}\n", lines.next().unwrap());
    let first = lines.next().unwrap();
    let number = first.split(['-', ';', ',']).nth(1).unwrap();
    let (number, width) = (number.parse::<usize>().unwrap(), number.len());
    for n in number.. {
        if file.len() >= length {
            break;
        }
        // What is padded keeps its width, what is not does not.
        let old = format!("{number:05}");
        let row = first.replace(&old, "\u{0}");
        let row = if width == 5 {
            row.replace(&format!("-{number},"), &format!("-{n},"))
        } else {
            row.replace(&format!("-{number};"), &format!("-{n};"))
                .replace(&format!("row {number}"), &format!("row {n}"))
        };
        file.push_str(&row.replace('\u{0}', &format!("{n:05}")));
        file.push('\n');
    }
    assert_eq!(file.len(), length, "{start}");
    assert!(file.starts_with(start), "{start}");
    file.into_bytes()
}
