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
    counting::Told,
    faults::{OF_SALESFORCE, SETTLE, SETTLE_UNPROVEN, TIMEOUT, switched_on},
    plan::{Company, Desk, FaultSet, Guard, Plan},
    real_itop::Disturbed,
    salesforce::Salesforce,
};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_servicenav-itop-bridge");

/// How often a link is tried: the bridge may just have been killed, and its desk fails.
const MOVE_TRIES: u32 = 20;

/// Which process a kill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The bridge.
    Bridge,
    /// The simulated iTop.
    Itop,
    /// The simulated Salesforce.
    Salesforce,
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
    salesforce: Option<Salesforce>,
    /// Whether companies that can be at both desks are at Salesforce.
    moved: bool,
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
        let salesforce = plan.desk.has_salesforce().then(|| Salesforce::start(folder.path()));
        let bridge_address = free_address();
        let bridge = start_bridge(&folder, bridge_address, (&itop, salesforce.as_ref()), plan);
        let processes = Self {
            folder,
            http: reqwest::Client::new(),
            clock: Clock::system(),
            plan: plan.clone(),
            set,
            bridge_address,
            itop,
            salesforce,
            moved: false,
            bridge,
        };
        processes.until_up(&format!("{}/readyz", processes.bridge_url())).await;
        if let Itop::Simulated { address, .. } = &processes.itop {
            processes.until_up(&format!("http://{address}/sandbox/stats")).await;
        }
        if let Some(salesforce) = &processes.salesforce {
            processes.until_up(&salesforce.answers_at()).await;
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

    /// Links the companies, and switches the faults on.
    pub async fn prepare(&self) {
        for company in self.plan.desk.companies() {
            let mut link = company.link_to_itop().or_else(|| company.link_to_salesforce());
            if let Some(link) = link.as_mut().filter(|_| self.plan.itop.is_some()) {
                link["organization"]["name"] = json!(self.plan.company);
            }
            let linked = self.link(company, &link.expect("each is somewhere")).await;
            linked.expect("a company is linked before anything goes wrong");
        }
        self.begin_faults().await;
        if let Some(salesforce) = &self.salesforce {
            salesforce.begin_faults(self.plan.seed).await;
        }
    }

    async fn link(&self, company: &Company, link: &Value) -> Result<(), String> {
        let url = format!("{}/api/v1/links/{}", self.bridge_url(), company.id);
        let request = self.http.put(url).header("content-type", "application/json");
        let answer = request.body(link.to_string()).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(answer.text().await.unwrap_or_default())
    }

    /// Links what can be at both desks to the other one; how many could be, in a while.
    pub async fn move_companies(&mut self) -> u32 {
        let movable = |company: &&Company| company.itop.and(company.salesforce).is_some();
        let Some(company) = self.plan.desk.companies().iter().find(movable) else { return 0 };
        let link = if self.moved { company.link_to_itop() } else { company.link_to_salesforce() };
        let link = link.expect("it can be at both");
        for _ in 0..MOVE_TRIES {
            if self.link(company, &link).await.is_ok() {
                self.moved = !self.moved;
                return 1;
            }
            self.clock.sleep(Duration::from_millis(50)).await;
        }
        0
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
        if let Some(salesforce) = &self.salesforce {
            salesforce.end_faults().await;
        }
    }

    /// What was disturbed, in words.
    pub fn faults_seen(&self) -> String {
        match &self.itop {
            Itop::Simulated { .. } => match self.plan.desk {
                Desk::Itop => crate::faults::in_words(self.set),
                Desk::Salesforce => OF_SALESFORCE.to_owned(),
                Desk::Both => {
                    format!(
                        "iTop: {}; Salesforce: {OF_SALESFORCE}",
                        crate::faults::in_words(self.set)
                    )
                }
            },
            Itop::Real { proxy, .. } => proxy.counts(),
        }
    }

    /// Waits until the simulated desks are at work on nothing any more: what they hold may still make
    /// a ticket.
    pub async fn until_idle(&self) {
        while let Some(salesforce) = &self.salesforce {
            if salesforce.is_idle().await {
                break;
            }
            self.clock.sleep(Duration::from_millis(100)).await;
        }
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
                let Self { folder, bridge_address, itop, salesforce, plan, .. } = &*self;
                let desks = (itop, salesforce.as_ref());
                self.bridge = start_bridge(folder, *bridge_address, desks, plan);
            }
            Victim::Salesforce => {
                let Some(salesforce) = &mut self.salesforce else { return };
                salesforce.end();
                self.clock.sleep(away).await;
                salesforce.start_again(self.folder.path());
                let url = salesforce.answers_at();
                self.until_up(&url).await;
                if let Some(salesforce) = &self.salesforce {
                    salesforce.begin_faults(self.plan.seed).await;
                }
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

    /// What stands in all tickets that this run may have made.
    pub async fn told(&self) -> Vec<Told> {
        let mut told = self.told_by_itop().await;
        if let Some(salesforce) = &self.salesforce {
            told.extend(salesforce.told().await);
        }
        told
    }

    async fn told_by_itop(&self) -> Vec<Told> {
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
        let mut told = Vec::new();
        for ticket in tickets.as_array().expect("a list of tickets") {
            let org = ticket["org_id"].as_u64().map(|key| key.to_string()).unwrap_or_default();
            let entries = ticket["private_log"].as_array().into_iter().flatten();
            let entries = entries.map(|entry| (false, entry));
            for (is_description, text) in entries.chain([(true, &ticket["description"])]) {
                let Some(text) = text.as_str().map(ToOwned::to_owned) else { continue };
                told.push(Told { is_description, text, org: org.clone() });
            }
        }
        told
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
    (itop, salesforce): (&Itop, Option<&Salesforce>),
    plan: &Plan,
) -> Child {
    let (url, user, password) = match itop {
        Itop::Simulated { address, .. } => (format!("http://{address}"), "bridge", "sandbox"),
        Itop::Real { proxy, user, password, .. } => {
            (proxy.url.clone(), user.as_str(), password.as_str())
        }
    };
    // With notes and lines of tickets that are open each acknowledgement need not have its own.
    let on_open = if salesforce.is_some() { "reuse" } else { "replace" };
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
        ("TICKET__ON_OPEN_TICKET", on_open.to_owned()),
        ("LOG__FILTER", "off".to_owned()),
    ];
    settings.extend(salesforce.into_iter().flat_map(Salesforce::settings));
    // The later one of two counts.
    for guard in &plan.without {
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
