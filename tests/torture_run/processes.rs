//! The bridge and its iTop, as processes of their own that can be killed.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use servicenav_itop_bridge::clock::Clock;

use crate::{
    faults::{SETTLE, SETTLE_UNPROVEN, TIMEOUT, switched_on},
    plan::{FaultSet, Guard, Plan},
    real_itop::Disturbed,
};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_servicenav-itop-bridge");

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
    plan: Arc<Plan>,
    set: FaultSet,
    bridge_address: SocketAddr,
    itop: Itop,
    bridge: Child,
}

enum Itop {
    Simulated { process: Child, address: SocketAddr },
    Real { proxy: Disturbed, url: String, user: String, password: String },
}

/// An address that nothing listens on just now.
pub fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("a listener has an address")
}

impl Processes {
    pub async fn start(plan: &Arc<Plan>, set: FaultSet) -> Self {
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
            Itop::Simulated { process: start_itop(&folder, address, &[]), address }
        };
        let bridge_address = free_address();
        let bridge = start_bridge(&folder, bridge_address, &itop, &plan.without);
        let processes = Self {
            folder,
            http: reqwest::Client::new(),
            clock: Clock::system(),
            plan: plan.clone(),
            set,
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
        let organization = json!({"name": self.plan.company});
        let link = format!("{}/api/v1/links/42", self.bridge_url());
        let body = json!({"organization": organization, "team": "Helpdesk"}).to_string();
        let request = self.http.put(link).header("content-type", "application/json").body(body);
        let answer = request.send().await.expect("the bridge answers");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
        self.begin_faults().await;
    }

    /// Where the simulated iTop is, if it is one.
    pub fn itop_url(&self) -> Option<String> {
        match &self.itop {
            Itop::Simulated { address, .. } => Some(format!("http://{address}")),
            Itop::Real { .. } => None,
        }
    }

    async fn begin_faults(&self) {
        let address = match &self.itop {
            Itop::Simulated { address, .. } => address,
            Itop::Real { proxy, .. } => return proxy.disturb(true),
        };
        for (number, fault) in (0_u64..).zip(switched_on(self.set)) {
            let mut fault = fault;
            fault["seed"] = json!(self.plan.seed.wrapping_mul(100).wrapping_add(number));
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
            Itop::Simulated { .. } => crate::faults::in_words(self.set),
            Itop::Real { proxy, .. } => proxy.counts(),
        }
    }

    /// Waits until the simulated iTop is at work on nothing any more: what it holds may still make
    /// a ticket.
    pub async fn until_idle(&self) {
        let Some(url) = self.itop_url() else { return };
        loop {
            let answer = self.http.get(format!("{url}/sandbox/stats")).send().await;
            let text = answer.expect("the simulated iTop answers").text().await;
            let stats: Value = serde_json::from_str(&text.expect("a whole answer")).expect("JSON");
            // The bridge itself may look at a list or a status at any time.
            if stats["creates_in_flight"] == 0 && stats["updates_in_flight"] == 0 {
                return;
            }
            self.clock.sleep(Duration::from_millis(100)).await;
        }
    }

    /// SIGKILL, a moment without the process, and a new one on the same files.
    pub async fn kill_and_restart(&mut self, victim: Victim, away: Duration) {
        match victim {
            Victim::Bridge => {
                end(&mut self.bridge);
                self.clock.sleep(away).await;
                let Self { folder, bridge_address, itop, plan, .. } = &*self;
                self.bridge = start_bridge(folder, *bridge_address, itop, &plan.without);
            }
            Victim::Itop => {
                let Itop::Simulated { process, address } = &mut self.itop else { return };
                let address = *address;
                end(process);
                self.clock.sleep(away).await;
                *process = start_itop(&self.folder, address, &[]);
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
                    format!("SELECT Ticket WHERE description LIKE '%torture-{}-%'", self.plan.seed);
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

pub fn end(process: &mut Child) {
    // It may have ended already; then there is nothing to do.
    let _ = process.kill();
    let _ = process.wait();
}

pub fn start_itop(folder: &tempfile::TempDir, address: SocketAddr, more: &[&str]) -> Child {
    Command::new(PROGRAM)
        .args(["sandbox", "--listen", &address.to_string(), "--file"])
        .arg(folder.path().join("itop.db"))
        .args(more)
        .stdout(Stdio::null())
        .spawn()
        .expect("the simulated iTop starts")
}

fn start_bridge(
    folder: &tempfile::TempDir,
    address: SocketAddr,
    itop: &Itop,
    without: &[Guard],
) -> Child {
    let (url, user, password) = match itop {
        Itop::Simulated { address, .. } => (format!("http://{address}"), "bridge", "sandbox"),
        Itop::Real { proxy, user, password, .. } => {
            (proxy.url.clone(), user.as_str(), password.as_str())
        }
    };
    let ms = |period: Duration| format!("{}ms", period.as_millis());
    let mut settings = vec![
        ("SERVER__LISTEN", address.to_string()),
        ("STORE__PATH", folder.path().join("bridge.db").display().to_string()),
        ("ITOP__URL", url),
        ("ITOP__USER", user.to_owned()),
        ("ITOP__PASSWORD", password.to_owned()),
        ("ITOP__TIMEOUT", ms(TIMEOUT)),
        ("ITOP__CREATE_TIMEOUT", ms(TIMEOUT)),
        ("DELIVERY__SETTLE", ms(SETTLE)),
        ("DELIVERY__SETTLE_UNPROVEN", ms(SETTLE_UNPROVEN)),
        ("DELIVERY__BACKOFF_FIRST", "200ms".to_owned()),
        ("DELIVERY__BACKOFF_MAX", "2s".to_owned()),
        ("DELIVERY__PROBE_FIRST", "100ms".to_owned()),
        ("DELIVERY__PROBE_MAX", "1s".to_owned()),
        ("TICKET__ON_OPEN_TICKET", "replace".to_owned()),
        ("LOG__FILTER", "off".to_owned()),
    ];
    // The later one of two counts.
    for guard in without {
        settings.extend(match guard {
            Guard::Conditions => vec![("DELIVERY__CONDITIONAL", "off".to_owned())],
            Guard::Probe => vec![
                ("DELIVERY__PATH_PROBE", "off".to_owned()),
                ("DELIVERY__SETTLE_UNPROVEN", ms(SETTLE)),
            ],
            Guard::OneAtATime => vec![("DELIVERY__RECREATE_AT_ONCE", "1000".to_owned())],
        });
    }
    Command::new(PROGRAM)
        .arg("serve")
        .envs(settings.into_iter().map(|(name, value)| (format!("BRIDGE__{name}"), value)))
        .stdout(Stdio::null())
        .spawn()
        .expect("the bridge starts")
}
