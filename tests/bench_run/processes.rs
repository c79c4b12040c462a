//! The bridge, its iTop and the floors, as processes that end with their owner.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use servicenav_itop_bridge::{clock::Clock, web::hash_token};
use tempfile::TempDir;

use crate::{requests, wire};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_servicenav-itop-bridge");

/// The token of senders and dashboards.
pub const TOKEN: &str = "snb_bench";
/// The token of the administrator, who links companies.
pub const ADMIN: &str = "snb_bench_admin";

/// Ticks of the processor times in /proc: of user space they are always hundredths of a second.
const TICK_MICROS: f64 = 10_000.0;

/// A folder for databases. It lies where things are built, because the system's folder for
/// temporary files may be memory, where an fsync costs nothing.
pub fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the databases")
}

/// An address that nothing listens on just now.
fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("a listener has an address")
}

/// A process that listens. It is killed when this is dropped, by its id.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// The bridge, with its database in `folder`, ready.
    pub async fn bridge(folder: &Path, itop: SocketAddr) -> Self {
        let bridge = Self::spawn_bridge(folder, itop);
        bridge.until_up("/readyz").await;
        bridge
    }

    /// The same, just started.
    pub fn spawn_bridge(folder: &Path, itop: SocketAddr) -> Self {
        let address = free_address();
        let config = folder.join("bridge.toml");
        fs::write(&config, configuration(folder, address, itop)).expect("a configuration");
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg("--config").arg(config);
        Self::spawn(command, address, &folder.join("bridge.log"))
    }

    /// The simulated iTop.
    pub async fn itop(folder: &Path, options: &[&str]) -> Self {
        let address = free_address();
        let mut command = Command::new(PROGRAM);
        command.args(["sandbox", "--listen", &address.to_string()]).args(options);
        let itop = Self::spawn(command, address, &folder.join("itop.log"));
        itop.until_up("/sandbox/stats").await;
        itop
    }

    /// The simulated Salesforce, whose user may say when a record was made.
    pub async fn salesforce(folder: &Path) -> Self {
        let address = free_address();
        let mut command = Command::new(PROGRAM);
        command.args(["sandbox", "--salesforce", "--audit-fields", "--listen"]);
        command.arg(address.to_string());
        let salesforce = Self::spawn(command, address, &folder.join("salesforce.log"));
        salesforce.until_up("/sandbox/under_way").await;
        salesforce
    }

    /// The floors: this very program.
    pub async fn floor(folder: &Path, body_bytes: usize) -> Self {
        let address = free_address();
        let mut command = Command::new(std::env::current_exe().expect("this program is a file"));
        command.args(["--floor", &address.to_string()]);
        command.args(["--body-bytes", &body_bytes.to_string(), "--database"]);
        command.arg(folder.join("floor.db"));
        let floor = Self::spawn(command, address, &folder.join("floor.log"));
        floor.until_up("/fixed").await;
        floor
    }

    fn spawn(mut command: Command, address: SocketAddr, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).expect("a log");
        let errors = log.try_clone().expect("a second handle");
        let child = command.stdout(log).stderr(errors).spawn().expect("the program starts");
        Self { child, address }
    }

    async fn until_up(&self, path: &str) {
        let clock = Clock::system();
        let deadline = clock.now() + Duration::from_mins(1);
        while !self.answers(path).await {
            assert!(clock.now() < deadline, "{path} does not answer");
            clock.sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether it answers well there.
    pub async fn answers(&self, path: &str) -> bool {
        let answer = wire::ask(self.address, &requests::get(path)).await;
        answer.is_ok_and(|(status, _)| status == 200)
    }

    /// Processor time so far, in microseconds. The sum over threads that still run would miss
    /// those that have ended.
    pub fn cpu_micros(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = fs::read_to_string(path).expect("the process runs");
        // The name of the program may hold spaces; what is counted begins behind it.
        let (_, numbers) = stat.rsplit_once(')').expect("the name is in parentheses");
        let ticks = |at| -> u32 {
            let number = numbers.split_whitespace().nth(at);
            number.and_then(|number| number.parse().ok()).expect("a number of ticks")
        };
        f64::from(ticks(11) + ticks(12)) * TICK_MICROS
    }

    /// `VmRSS` or `VmHWM`, in millions of bytes.
    pub fn memory(&self, which: &str) -> f64 {
        memory(self.child.id(), which).expect("the process runs")
    }

    /// Ends it in good order.
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.is_ok_and(|status| status.success()), "a process cannot be stopped");
        let ended = self.child.wait().expect("a child can be waited for");
        assert!(ended.success(), "{ended}");
    }
}

/// `VmRSS` or `VmHWM` of a process, in millions of bytes; nothing of one that has ended.
pub fn memory(process: u32, which: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(f64::from(kib) * 1_024.0 / 1e6)
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As in production: tokens with the scopes they need, and defaults.
fn configuration(folder: &Path, address: SocketAddr, itop: SocketAddr) -> String {
    let token = |name: &str, token: &str, scopes: &str| {
        let hash = hash_token(token);
        format!("[[auth.tokens]]\nname = \"{name}\"\nhash = \"{hash}\"\nscopes = [{scopes}]\n")
    };
    let database = folder.join("bridge.db").display().to_string();
    format!(
        "[server]\nlisten = \"{address}\"\n[store]\npath = {}\n\
         [itop]\nurl = \"http://{itop}\"\nuser = \"bridge\"\npassword = \"sandbox\"\n\
         time_zone = \"Europe/Paris\"\n{}{}",
        toml::Value::from(database),
        token("servicenav", TOKEN, "\"ingest\", \"read\""),
        token("admin", ADMIN, "\"admin\""),
    )
}
