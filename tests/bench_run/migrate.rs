//! Moving house: 200,000 tickets become Cases by bulk jobs and are compared; entries of logs become comments.

use std::{
    fs, iter,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rusqlite::Connection;
use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    clock::Clock,
    migrate::{folder::Folder, staging::Staging},
};

use crate::{
    load::now,
    processes::{PROGRAM, Process, folder, memory},
    report::Line,
};

const TICKETS: u32 = 200_000;
/// How many go by hand, as the floor: one job of Salesforce without us.
const BY_HAND: u32 = 50_000;
const COMMENTS: u32 = 20_000;
/// How long an org works on a call with 200 comments here, in milliseconds: a real one takes seconds.
const CALL: u32 = 300;
/// So many go in one call.
const IN_A_CALL: u32 = 200;

/// The contact of the trial, whom the simulated org has.
const OWN: &str = "jean.dubois@example.com";
const ITOP: &str = "http://itop.example/";

const MAPPING: &str = r#"
[[classes]]
class = "Organization"
object = "Account"
key = "Itop_Id__c"
fields.Name = { from = "name" }
[[classes]]
class = "Incident"
object = "Case"
key = "Itop_Id__c"
audit = true
[classes.fields]
Subject = { from = "title", cut = true }
Description = { template = "{ref}\n{description}", as = "text", cut = true }
Status = { constant = "Closed" }
AccountId = { from = "org_id", refers_to = ["Organization"] }
CreatedDate = { from = "start_date", as = "date_time" }
"#;

const LOGS: &str = "[[logs]]\nclass = \"Incident\"\nlog = \"public_log\"\npublic = true\n";

pub async fn moving() -> Vec<Line> {
    let around = folder();
    let around = around.path();
    let org = Org::start(around).await;
    let floor = org.by_hand().await;
    fill(around);
    map(around, "");
    org.step(around, &["load", "--trial", "--contact", OWN]).await;
    let asked = org.calls().await;
    let load = org.step(around, &["load", "--silent-confirmed"]).await;
    let calls = org.calls().await - asked;
    let verify = org.step(around, &["verify"]).await;

    let staging = Connection::open(around.join("move/staging.db")).expect("the staging file");
    let entry =
        "INSERT INTO log_entries SELECT class, id, 'public_log', 0, '2024-02-03 10:00:00', '1',
                 'Ada Martin', 'Restarted; it works again.' FROM objects
                 WHERE class = 'Incident' ORDER BY id LIMIT ?1";
    staging.execute(entry, [COMMENTS]).expect("entries");
    drop(staging);
    map(around, LOGS);
    org.is_slow().await;
    let comments = org.step(around, &["load"]).await;

    let of = |rows: u32, seconds: f64| f64::from(rows) / seconds;
    let name = "200,000 Cases by bulk jobs";
    vec![
        Line::new(format!("{name}: rows"), of(TICKETS, load.seconds), "/s").beside(floor),
        Line::new(format!("{name}: calls"), f64::from(calls), ""),
        Line::new(format!("{name}: memory at its highest"), load.memory, "MB").at_most(200.0),
        Line::new(format!("{name}: compared, rows"), of(TICKETS, verify.seconds), "/s"),
        Line::new(format!("{name}: compared, memory"), verify.memory, "MB").at_most(200.0),
        Line::new(
            format!("20,000 comments, {CALL} ms a call: comments"),
            of(COMMENTS, comments.seconds),
            "/s",
        )
        .beside(of(IN_A_CALL, f64::from(CALL) / 1_000.0)),
    ]
}

/// What a step came to.
struct Ended {
    seconds: f64,
    /// At its highest, in millions of bytes.
    memory: f64,
}

/// The simulated Salesforce.
struct Org {
    process: Process,
    http: reqwest::Client,
}

impl Org {
    async fn start(around: &Path) -> Self {
        let process = Process::salesforce(around).await;
        let config = format!(
            "[itop]\nurl = '{ITOP}'\nuser = 'x'\npassword = 'x'\n[store]\npath = '{}'\n\
             [salesforce]\nlogin_url = 'http://{}/'\nlogin = 'client-credentials'\n\
             client_id = '{CLIENT_ID}'\nclient_secret = '{CLIENT_SECRET}'\n",
            around.join("program.db").display(),
            process.address,
        );
        fs::write(around.join("move.toml"), config).expect("a configuration");
        // Only the first one counts.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { process, http }
    }

    /// A step of `migrate`, to its end.
    async fn step(&self, around: &Path, words: &[&str]) -> Ended {
        let mut command = Command::new(PROGRAM);
        command.arg("migrate").args(words).arg("--folder").arg(around.join("move"));
        command.env("BRIDGE_CONFIG", around.join("move.toml")).stdout(Stdio::null());
        let began = now();
        let mut child = command.spawn().expect("the program starts");
        let (clock, mut highest) = (Clock::system(), 0.0_f64);
        let ended = loop {
            // Nothing is told of a process that has just ended.
            highest = memory(child.id(), "VmHWM").map_or(highest, |now| highest.max(now));
            if let Some(ended) = child.try_wait().expect("a child can be waited for") {
                break ended;
            }
            clock.sleep(Duration::from_millis(20)).await;
        };
        assert!(ended.success(), "{words:?}: {ended}");
        Ended { seconds: began.elapsed().as_secs_f64(), memory: highest }
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> String {
        let answer = request.send().await.expect("the org answers");
        assert!(answer.status().is_success(), "{}: {}", answer.url(), answer.status());
        answer.text().await.expect("a whole answer")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.process.address)
    }

    /// How many requests came in so far.
    async fn calls(&self) -> u32 {
        let text = self.ask(self.http.get(self.url("/sandbox/requests"))).await;
        let seen: Vec<serde::de::IgnoredAny> = serde_json::from_str(&text).expect("a list");
        u32::try_from(seen.len()).expect("some thousands")
    }

    /// Each call that makes comments takes its time from here on.
    async fn is_slow(&self) {
        let fault = json!({"at": "create", "object": "CaseComment",
                           "kind": {"slow": {"before_ms": CALL, "after_ms": 0}}});
        self.ask(self.http.post(self.url("/sandbox/faults")).json(&fault)).await;
    }

    /// Rows a second of one job that is written by hand.
    async fn by_hand(&self) -> f64 {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        let login = self.http.post(self.url("/services/oauth2/token")).form(&form);
        let login: Value = serde_json::from_str(&self.ask(login).await).expect("JSON");
        let token = login["access_token"].as_str().expect("a token");
        let ingest = self.url("/services/data/v67.0/jobs/ingest");
        let start = now();
        let job = json!({"object": "Case", "operation": "insert", "contentType": "CSV",
                         "lineEnding": "LF", "columnDelimiter": "COMMA"});
        let opened = self.http.post(&ingest).bearer_auth(token).json(&job);
        let job: Value = serde_json::from_str(&self.ask(opened).await).expect("JSON");
        let job = format!("{ingest}/{}", job["id"].as_str().expect("an id"));
        let row = |number| {
            format!("Disk {number} is full,{},Closed,hand::{number}\n", description(number))
        };
        let rows = (0..BY_HAND).map(row);
        let table: String =
            iter::once("Subject,Description,Status,Itop_Id__c\n".to_owned()).chain(rows).collect();
        let upload = self.http.put(format!("{job}/batches")).bearer_auth(token);
        self.ask(upload.header("content-type", "text/csv").body(table)).await;
        let begin = self.http.patch(&job).bearer_auth(token);
        self.ask(begin.json(&json!({"state": "UploadComplete"}))).await;
        let clock = Clock::system();
        loop {
            let state = self.ask(self.http.get(&job).bearer_auth(token)).await;
            let state: Value = serde_json::from_str(&state).expect("JSON");
            if state["state"] == "JobComplete" {
                assert_eq!(state["numberRecordsFailed"], 0);
                return f64::from(BY_HAND) / start.elapsed().as_secs_f64();
            }
            clock.sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What a ticket says, in a kilobyte.
fn description(number: u32) -> String {
    format!("Ticket {number}: ") + &"the disk of the server is full and nothing works ".repeat(20)
}

/// Writes down what an extract would have read.
fn fill(around: &Path) {
    let folder = Folder::make(&around.join("move")).expect("a folder");
    let staging = Staging::open(&folder.staging()).expect("a staging file");
    staging.of_source(ITOP, "Europe/Paris").expect("it is new");
    drop(staging);
    let staging = Connection::open(folder.staging()).expect("the staging file");
    let words = description(0);
    staging
        .execute_batch(&format!(
            "BEGIN;
             INSERT INTO objects (class, id, seen_in, fields)
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)
                 SELECT 'Organization', i, 1, json_object('name', 'Company ' || i) FROM n;
             INSERT INTO objects (class, id, seen_in, fields)
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {TICKETS})
                 SELECT 'Incident', i, 1, json_object(
                     'title', 'Disk ' || i || ' is full', 'ref', format('I-%06d', i),
                     'description', '<p>' || i || '</p><p>{words}</p>',
                     'org_id', i % 1000 + 1, 'start_date', '2024-02-03 08:00:00') FROM n;
             COMMIT;"
        ))
        .expect("the tables have these columns");
}

fn map(around: &Path, more: &str) {
    let mapping = format!("[source]\nurl = '{ITOP}'\nzone = 'Europe/Paris'\n{MAPPING}{more}");
    fs::write(around.join("move/mapping.toml"), mapping).expect("a mapping");
}
