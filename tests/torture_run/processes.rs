//! The bridge and its iTop, as processes of their own that can be killed.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use servicenav_itop_bridge::clock::Clock;

use crate::{plan::Plan, real_itop::Disturbed};

const PROGRAM: &str = env!("CARGO_BIN_EXE_servicenav-itop-bridge");

/// Which process a kill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The bridge.
    Bridge,
    /// The simulated iTop.
    Itop,
}

/// Both processes and where they are.
pub struct Processes {
    folder: tempfile::TempDir,
    http: reqwest::Client,
    clock: Clock,
    seed: u64,
    company: String,
    bridge_address: SocketAddr,
    itop: Itop,
    bridge: Child,
}

enum Itop {
    Simulated { process: Child, address: SocketAddr },
    Real { proxy: Disturbed, url: String, user: String, password: String },
}

/// An address that nothing listens on just now.
fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("a listener has an address")
}

impl Processes {
    pub async fn start(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the databases");
        let itop = if let Some(url) = &plan.itop {
            let file = plan.itop_password_file.as_ref().expect("the arguments demand it");
            Itop::Real {
                proxy: Disturbed::start(url, plan.seed).await,
                url: url.clone(),
                user: plan.itop_user.clone().expect("the arguments demand it"),
                password: std::fs::read_to_string(file).expect("the password").trim().to_owned(),
            }
        } else {
            let address = free_address();
            Itop::Simulated { process: start_itop(&folder, address), address }
        };
        let bridge_address = free_address();
        let bridge = start_bridge(&folder, bridge_address, &itop);
        let processes = Self {
            folder,
            http: reqwest::Client::new(),
            clock: Clock::system(),
            seed: plan.seed,
            company: plan.company.clone(),
            bridge_address,
            itop,
            bridge,
        };
        processes.until_up(&format!("{}/readyz", processes.bridge_url())).await;
        if let Itop::Simulated { address, .. } = &processes.itop {
            processes.until_up(&format!("http://{address}/sandbox/stats")).await;
        }
        processes
    }

    pub fn bridge_url(&self) -> String {
        format!("http://{}", self.bridge_address)
    }

    async fn until_up(&self, url: &str) {
        let deadline = self.clock.now() + Duration::from_mins(1);
        while !self.http.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(self.clock.now() < deadline, "{url} does not answer");
            self.clock.sleep(Duration::from_millis(10)).await;
        }
    }

    /// Links the company, and switches the faults on.
    pub async fn prepare(&self) {
        let organization = json!({"name": self.company});
        let link = format!("{}/api/v1/links/42", self.bridge_url());
        let body = json!({"organization": organization, "team": "Helpdesk"}).to_string();
        let request = self.http.put(link).header("content-type", "application/json").body(body);
        let answer = request.send().await.expect("the bridge answers");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
        self.begin_faults().await;
    }

    /// About a quarter of the writes are disturbed, and a few reads.
    async fn begin_faults(&self) {
        let address = match &self.itop {
            Itop::Simulated { address, .. } => address,
            Itop::Real { proxy, .. } => return proxy.disturb(true),
        };
        for (number, fault) in (0_u64..).zip(faults()) {
            let mut fault = fault;
            fault["seed"] = json!(self.seed.wrapping_mul(100).wrapping_add(number));
            let request = self.http.post(format!("http://{address}/sandbox/faults"));
            let request = request.header("content-type", "application/json");
            let answer = request.body(fault.to_string()).send().await;
            let answer = answer.expect("the simulated iTop answers");
            assert!(answer.status().is_success(), "{fault}: {}", answer.status());
        }
    }

    pub async fn end_faults(&self) {
        match &self.itop {
            Itop::Simulated { address, .. } => {
                let url = format!("http://{address}/sandbox/faults");
                self.http.delete(url).send().await.expect("the simulated iTop answers");
            }
            Itop::Real { proxy, .. } => proxy.disturb(false),
        }
    }

    /// What was disturbed, in words.
    pub fn faults_seen(&self) -> String {
        match &self.itop {
            Itop::Simulated { .. } => {
                "a quarter of all writes: answer lost, cut before, after the client gave up, \
                 code 100 after the commit, 502 before and after, cut JSON, 503; a few reads"
                    .to_owned()
            }
            Itop::Real { proxy, .. } => proxy.counts(),
        }
    }

    /// SIGKILL, a moment without the process, and a new one on the same files.
    pub async fn kill_and_restart(&mut self, victim: Victim, away: Duration) {
        match victim {
            Victim::Bridge => {
                end(&mut self.bridge);
                self.clock.sleep(away).await;
                self.bridge = start_bridge(&self.folder, self.bridge_address, &self.itop);
            }
            Victim::Itop => {
                let Itop::Simulated { process, address } = &mut self.itop else { return };
                let address = *address;
                end(process);
                self.clock.sleep(away).await;
                *process = start_itop(&self.folder, address);
                self.until_up(&format!("http://{address}/sandbox/stats")).await;
                self.begin_faults().await;
            }
        }
    }

    /// The descriptions of all tickets in iTop that this run may have made.
    pub async fn descriptions(&self) -> Vec<String> {
        let tickets: Value = match &self.itop {
            Itop::Simulated { address, .. } => {
                let url = format!("http://{address}/sandbox/tickets");
                let answer = self.http.get(url).send().await.expect("the simulated iTop answers");
                let text = answer.text().await.expect("a whole answer");
                serde_json::from_str(&text).expect("JSON")
            }
            Itop::Real { url, user, password, .. } => {
                let query =
                    format!("SELECT Ticket WHERE description LIKE '%torture-{}-%'", self.seed);
                let operation = json!({
                    "operation": "core/get", "class": "Ticket", "key": query,
                    "output_fields": "id,description",
                });
                let url = format!("{}/webservices/rest.php?version=1.3", url.trim_end_matches('/'));
                let form = [
                    ("auth_user", user.clone()),
                    ("auth_pwd", password.clone()),
                    ("json_data", operation.to_string()),
                ];
                let answer = self.http.post(url).form(&form).send().await.expect("iTop answers");
                let text = answer.text().await.expect("a whole answer");
                let answer: Value = serde_json::from_str(&text).expect("JSON");
                let objects = answer["objects"].as_object().cloned().unwrap_or_default();
                objects.values().map(|object| object["fields"].clone()).collect()
            }
        };
        let tickets = tickets.as_array().expect("a list of tickets");
        let description = |ticket: &Value| ticket["description"].as_str().map(str::to_owned);
        tickets.iter().filter_map(description).collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // After a failed assertion too nothing must go on running.
        end(&mut self.bridge);
        if let Itop::Simulated { process, .. } = &mut self.itop {
            end(process);
        }
    }
}

fn end(process: &mut Child) {
    // It may have ended already; then there is nothing to do.
    let _ = process.kill();
    let _ = process.wait();
}

fn faults() -> Vec<Value> {
    let mut faults = Vec::new();
    for on in ["create", "update"] {
        for (fault, probability) in [
            (json!({"kind": "cut_after"}), 0.06),
            (json!({"kind": "cut_before"}), 0.04),
            (json!({"kind": "slow", "before_ms": 2_500, "after_ms": 0}), 0.03),
            (json!({"kind": "slow", "before_ms": 0, "after_ms": 2_500}), 0.02),
            (json!({"kind": "code100_after_commit"}), 0.03),
            (json!({"kind": "bad_gateway", "after_effect": true}), 0.03),
            (json!({"kind": "bad_gateway"}), 0.02),
            (json!({"kind": "truncated_json"}), 0.02),
            (json!({"kind": "unavailable"}), 0.01),
        ] {
            let mut fault = fault;
            fault["on"] = json!(on);
            fault["probability"] = json!(probability);
            faults.push(fault);
        }
    }
    faults.push(json!({"kind": "cut_before", "on": "read", "probability": 0.005}));
    faults.push(json!({"kind": "maintenance", "on": "all", "probability": 0.002}));
    faults
}

fn start_itop(folder: &tempfile::TempDir, address: SocketAddr) -> Child {
    Command::new(PROGRAM)
        .args(["sandbox", "--listen", &address.to_string(), "--file"])
        .arg(folder.path().join("itop.db"))
        .stdout(Stdio::null())
        .spawn()
        .expect("the simulated iTop starts")
}

fn start_bridge(folder: &tempfile::TempDir, address: SocketAddr, itop: &Itop) -> Child {
    let (url, user, password) = match itop {
        Itop::Simulated { address, .. } => (format!("http://{address}"), "bridge", "sandbox"),
        Itop::Real { proxy, user, password, .. } => {
            (proxy.url.clone(), user.as_str(), password.as_str())
        }
    };
    // Times are short so that the run is: what matters is that a create that the client gave up
    // on has ended before `settle` has.
    let settings = [
        ("SERVER__LISTEN", address.to_string()),
        ("STORE__PATH", folder.path().join("bridge.db").display().to_string()),
        ("ITOP__URL", url),
        ("ITOP__USER", user.to_owned()),
        ("ITOP__PASSWORD", password.to_owned()),
        ("ITOP__TIMEOUT", "1500ms".to_owned()),
        ("ITOP__CREATE_TIMEOUT", "1500ms".to_owned()),
        ("DELIVERY__SETTLE", "6s".to_owned()),
        ("DELIVERY__BACKOFF_FIRST", "200ms".to_owned()),
        ("DELIVERY__BACKOFF_MAX", "2s".to_owned()),
        ("DELIVERY__PROBE_FIRST", "100ms".to_owned()),
        ("DELIVERY__PROBE_MAX", "1s".to_owned()),
        ("TICKET__ON_OPEN_TICKET", "replace".to_owned()),
        ("LOG__FILTER", "off".to_owned()),
    ];
    Command::new(PROGRAM)
        .arg("serve")
        .envs(settings.map(|(name, value)| (format!("BRIDGE__{name}"), value)))
        .stdout(Stdio::null())
        .spawn()
        .expect("the bridge starts")
}
