//! Both systems as processes of their own, on files that outlive them.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET, Fault};
use serde_json::{Value, json};
use servicenav_itop_bridge::clock::Clock;

use crate::program::command;

/// How long a process may take to be there: an iTop of 20,000 tickets is made first.
const LONGEST_START: Duration = Duration::from_mins(5);

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Itop,
    Salesforce,
}

/// One system.
pub struct Side {
    which: Which,
    arguments: Vec<String>,
    address: SocketAddr,
    process: Child,
    faults: Vec<Value>,
    http: reqwest::Client,
}

impl Side {
    pub async fn start(which: Which, around: &Path, more: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let file = around.join(format!("{which:?}.db"));
        let mut arguments = vec!["sandbox".to_owned()];
        arguments.extend(more.iter().map(|word| (*word).to_owned()));
        arguments.extend(["--listen".to_owned(), address.to_string()]);
        arguments.extend(["--file".to_owned(), file.to_str().unwrap().to_owned()]);
        let process = spawn(&arguments);
        // Only the first one counts; all are the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let side = Self { which, arguments, address, process, faults: Vec::new(), http };
        side.until_up().await;
        side
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn until_up(&self) {
        let path = match self.which {
            Which::Itop => "stats",
            Which::Salesforce => "under_way",
        };
        let url = format!("{}/sandbox/{path}", self.url());
        let clock = Clock::system();
        let deadline = clock.now() + LONGEST_START;
        while !self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(clock.now() < deadline, "{url} does not answer");
            clock.sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL, and a new one on the same file, with the same faults.
    pub async fn kill(&mut self) {
        self.end();
        self.process = spawn(&self.arguments);
        self.until_up().await;
        self.switch_on().await;
    }

    fn end(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Has these faults from here on, whenever it is killed.
    pub async fn fail(&mut self, faults: Vec<Value>) {
        self.faults = faults;
        self.switch_on().await;
    }

    async fn switch_on(&self) {
        let url = format!("{}/sandbox/faults", self.url());
        for fault in &self.faults {
            let answer = self.http.post(&url).json(fault).send().await.unwrap();
            assert!(answer.status().is_success(), "{fault}: {}", answer.status());
        }
    }

    pub async fn heal(&mut self) {
        self.faults.clear();
        let url = format!("{}/sandbox/faults", self.url());
        assert!(self.http.delete(url).send().await.unwrap().status().is_success());
    }

    /// What it tells of itself, as it comes.
    pub async fn told(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}/sandbox/{path}", self.url())).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    /// The records of an object of Salesforce.
    pub async fn records(&self, object: &str) -> Vec<Value> {
        serde_json::from_str(&self.told(&format!("records/{object}")).await).unwrap()
    }

    /// Makes a record in Salesforce as the user of the bridge does; its id.
    pub async fn make(&self, object: &str, fields: Value) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        let login = self.http.post(format!("{}/services/oauth2/token", self.url()));
        let login: Value = login.form(&form).send().await.unwrap().json().await.unwrap();
        let token = login["access_token"].as_str().unwrap();
        let url = format!("{}/services/data/v67.0/sobjects/{object}", self.url());
        let made = self.http.post(url).bearer_auth(token).json(&fields).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // After a failed assertion too nothing goes on running; it may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(arguments: &[String]) -> Child {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    command(&arguments).stdout(Stdio::null()).spawn().unwrap()
}

/// What goes wrong in the simulated Salesforce, by a seed.
pub fn of_salesforce(seed: u64) -> Vec<Value> {
    use salesforce_sandbox::{FaultKind as Kind, Operation as At};
    let html = |after| Kind::Html { status: 503, after };
    let cut = |after| Kind::Cut { after };
    let faults = [
        (At::Create, Kind::LockRow, 8),
        (At::Create, cut(true), 30),
        (At::Create, html(false), 10),
        (At::Create, Kind::Truncated, 10),
        (At::Update, Kind::LockRow, 8),
        (At::Update, cut(true), 30),
        (At::Delete, Kind::LockRow, 4),
        (At::Delete, cut(true), 30),
        (At::Query, Kind::SessionExpired, 20),
        (At::Query, html(false), 10),
        (At::Retrieve, cut(false), 20),
        (At::Bulk, cut(true), 30),
        (At::Bulk, Kind::SessionExpired, 20),
        (At::Bulk, html(false), 10),
        (At::Action, cut(true), 300),
        // The limit of the day: whoever meets it stops, and goes on when it is started again.
        (At::Any, Kind::RequestLimit, 3),
    ];
    let numbered = (0_u64..).zip(faults);
    let drawn = numbered.map(|(number, (at, kind, permille))| {
        json!(Fault::new(at, kind).permille(permille, seed.wrapping_mul(100) + number))
    });
    drawn.collect()
}

/// What goes wrong in the simulated iTop, by a seed.
pub fn of_itop(seed: u64) -> Vec<Value> {
    let kinds = [
        json!({"kind": "cut_before", "on": "read", "probability": 0.02}),
        json!({"kind": "cut_after", "on": "read", "probability": 0.02}),
        json!({"kind": "truncated_json", "on": "read", "probability": 0.01}),
        json!({"kind": "maintenance", "on": "all", "probability": 0.01}),
    ];
    let numbered = (0_u64..).zip(kinds);
    let drawn = numbered.map(|(number, mut kind)| {
        kind["seed"] = json!(seed.wrapping_mul(100) + number);
        kind
    });
    drawn.collect()
}
