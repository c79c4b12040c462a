//! The simulated Salesforce, as a process of its own.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET};
use serde_json::{Value, json};

use crate::{
    counting::Told,
    faults::{TIMEOUT, of_salesforce},
    processes::{PROGRAM, end, free_address},
};

/// The process, and where it is.
pub struct Salesforce {
    process: Child,
    address: SocketAddr,
    http: reqwest::Client,
}

impl Salesforce {
    pub fn start(folder: &Path) -> Self {
        let address = free_address();
        Self { process: spawn(folder, address), address, http: reqwest::Client::new() }
    }

    /// SIGKILL; after a moment a new one on the same file.
    pub fn end(&mut self) {
        end(&mut self.process);
    }

    pub fn start_again(&mut self, folder: &Path) {
        self.process = spawn(folder, self.address);
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/sandbox/{path}", self.address)
    }

    /// An address that answers when it is up.
    pub fn answers_at(&self) -> String {
        self.url("under_way")
    }

    /// What the bridge is told to find it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let timeout = format!("{}ms", TIMEOUT.as_millis());
        vec![
            ("SALESFORCE__LOGIN_URL", format!("http://{}/", self.address)),
            ("SALESFORCE__LOGIN", "client-credentials".to_owned()),
            ("SALESFORCE__CLIENT_ID", CLIENT_ID.to_owned()),
            ("SALESFORCE__CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("SALESFORCE__TIMEOUT", timeout.clone()),
            ("SALESFORCE__CREATE_TIMEOUT", timeout),
        ]
    }

    pub async fn begin_faults(&self, seed: u64) {
        for (number, mut fault) in (0_u64..).zip(of_salesforce()) {
            fault["seed"] = json!(seed.wrapping_mul(100).wrapping_add(number));
            let request = self.http.post(self.url("faults"));
            let request = request.header("content-type", "application/json");
            let answer = request.body(fault.to_string()).send().await;
            let answer = answer.expect("the simulated Salesforce answers");
            assert!(answer.status().is_success(), "{fault}: {}", answer.status());
        }
    }

    pub async fn end_faults(&self) {
        let answer = self.http.delete(self.url("faults")).send().await;
        answer.expect("the simulated Salesforce answers");
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).send().await;
        let text = answer.expect("the simulated Salesforce answers").text().await;
        serde_json::from_str(&text.expect("a whole answer")).expect("JSON")
    }

    async fn records(&self, object: &str) -> Vec<Value> {
        let records = self.get(&format!("records/{object}")).await;
        records.as_array().cloned().expect("a list of records")
    }

    pub async fn is_idle(&self) -> bool {
        self.get("under_way").await == json!(0)
    }

    /// What its Cases and their comments tell.
    pub async fn told(&self) -> Vec<Told> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let accounts = self.records("Account").await;
        let name_of = |account: &Value| {
            let own = accounts.iter().find(|own| own["Id"] == *account);
            own.map(|own| text(&own["Name"])).unwrap_or_default()
        };
        let (mut told, mut orgs) = (Vec::new(), HashMap::new());
        for case in self.records("Case").await {
            let org = name_of(&case["AccountId"]);
            orgs.insert(text(&case["Id"]), org.clone());
            told.push(Told { is_description: true, text: text(&case["Description"]), org });
        }
        for comment in self.records("CaseComment").await {
            let org = orgs.get(&text(&comment["ParentId"])).cloned().unwrap_or_default();
            told.push(Told { is_description: false, text: text(&comment["CommentBody"]), org });
        }
        told
    }
}

impl Drop for Salesforce {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

fn spawn(folder: &Path, address: SocketAddr) -> Child {
    Command::new(PROGRAM)
        .args(["sandbox", "--salesforce", "--listen", &address.to_string(), "--file"])
        .arg(folder.join("salesforce.db"))
        .stdout(Stdio::null())
        .spawn()
        .expect("the simulated Salesforce starts")
}
