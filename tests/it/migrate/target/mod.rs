//! From a simulated iTop into a simulated Salesforce: loaded, compared, taken back, with faults and kills on the way.

mod articles;
mod delta;
mod limits;
mod load;
mod rollback;
mod switch;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use itop_sandbox as sandbox;
use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET, Options, Sandbox};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Config;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    program::{command, output, text},
    world::World,
};

/// All objects in which a migration could leave something.
const OBJECTS: [&str; 10] = [
    "Account",
    "Contact",
    "CI__c",
    "Case",
    "CaseComment",
    "Asset",
    "Entitlement",
    "ContentVersion",
    "ContentDocument",
    "ContentDocumentLink",
];

/// The contact of the provider's own with whom the trial is made.
const OWN: &str = "jean.dubois@example.com";

/// A mapping of what the simulated iTop has. Organizations and persons refer to one another.
const MAPPING: &str = r#"
[people]
owner = "First line"
by_email = true
[[classes]]
class = "Organization"
object = "Account"
key = "Itop_Id__c"
[classes.fields]
Name = { from = "name", cut = true }
AccountNumber = { from = "code" }
ParentId = { from = "parent_id", refers_to = ["Organization"], later = true }
[[classes]]
class = "Person"
object = "Contact"
key = "Itop_Id__c"
[classes.fields]
LastName = { from = "name", cut = true }
FirstName = { from = "first_name", cut = true }
Email = { from = "email", as = "email", or_empty = true }
AccountId = { from = "org_id", refers_to = ["Organization"] }
ReportsToId = { from = "manager_id", refers_to = ["Person"], later = true }
[[classes]]
class = "Server"
object = "CI__c"
key = "Itop_Id__c"
where = { status = ["production", "implementation"] }
[classes.fields]
Name = { from = "name", cut = true }
CI_Type__c = { constant = "Server" }
Account__c = { from = "org_id", refers_to = ["Organization"] }
[[classes]]
class = "Incident"
object = "Case"
key = "Itop_Id__c"
audit = true
[classes.fields]
Subject = { from = "title", cut = true }
Description = { template = "{ref}\n{description}", as = "text", cut = true }
Status = { from = "impact", values = { 1 = "Closed", 2 = "Working" }, otherwise = "New" }
Priority = { from = "priority", values = { 1 = "High", 2 = "High", 3 = "Medium" }, otherwise = "Low" }
AccountId = { from = "org_id", refers_to = ["Organization"] }
ContactId = { from = "caller_id", refers_to = ["Person"] }
OwnerId = { from = "agent_id", as = "owner" }
CreatedDate = { from = "start_date", as = "date_time" }
[[logs]]
class = "Incident"
log = "public_log"
public = true
[[logs]]
class = "Incident"
log = "private_log"
[files]
attachments = true
"#;

/// Both systems, and the folder between them.
struct Move {
    world: World,
    org: Sandbox,
    /// Where the org is.
    url: String,
    around: tempfile::TempDir,
    /// A file with the password of an administrator of iTop.
    password: String,
    _stop: DropGuard,
}

impl Move {
    /// Both, with so many tickets that have logs and attachments; all of it is read into the folder.
    async fn of(tickets: usize) -> Self {
        Self::into(Options::default(), tickets).await
    }

    /// The same, into an org of another kind.
    async fn into(org: Options, tickets: usize) -> Self {
        let itop = sandbox::Options { servers: 30, ..sandbox::Options::default() };
        Self::between(itop, org, tickets).await
    }

    /// The same, out of an iTop of another kind.
    async fn between(itop: sandbox::Options, org: Options, tickets: usize) -> Self {
        let this = Self::with(itop, org, |_, _| {}).await;
        this.fill(tickets).await;
        this.extracts(&[]).await;
        this.map(MAPPING);
        this
    }

    /// Both, with nothing in the folder yet, and a bridge that knows of the org what `change` tells it of its
    /// address.
    async fn with(
        itop: sandbox::Options,
        org: Options,
        change: impl FnOnce(&mut Config, &str),
    ) -> Self {
        let org = Sandbox::new(org).unwrap();
        org.access(|access| access.sets_audit_fields = true);
        let (url, stop) = served(&org).await;
        let world = World::with(itop, |config| change(config, &url)).await;
        let around = tempfile::tempdir().unwrap();
        let password = around.path().join("admin");
        fs::write(&password, sandbox::PASSWORD).unwrap();
        let password = password.to_str().unwrap().to_owned();
        let this = Self { world, org, url, around, password, _stop: stop };
        this.configure(&this.url);
        this
    }

    /// Reads iTop into the folder.
    async fn extracts(&self, more: &[&str]) {
        self.done(&self.as_admin(&[&["extract"][..], more].concat())).await;
    }

    /// Reads what iTop has by now.
    async fn extracts_again(&self) {
        self.extracts(&["--again"]).await;
    }

    /// The words of a step that reads iTop, with the login of an administrator.
    fn as_admin<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        let account = ["--admin-user", super::ADMIN, "--admin-password-file", &self.password];
        [words, &account[..]].concat()
    }

    /// Writes the configuration, with the org at this address.
    fn configure(&self, org: &str) {
        let configuration = format!(
            "[itop]\nurl = '{}'\nuser = 'bridge'\npassword = '{pass}'\n[store]\npath = '{}'\n\
             [salesforce]\nlogin_url = '{org}'\nlogin = 'client-credentials'\n\
             client_id = '{CLIENT_ID}'\nclient_secret = '{CLIENT_SECRET}'\n",
            self.world.itop.url(),
            self.around.path().join("program.db").display(),
            pass = sandbox::PASSWORD,
        );
        fs::write(self.around.path().join("config.toml"), configuration).unwrap();
    }

    /// Tickets of several companies, with a public line on every third, an attachment on every tenth, and a long
    /// line on the first.
    async fn fill(&self, tickets: usize) {
        let world = &self.world;
        for number in 0..tickets {
            let (org, caller) = [(5002, 601), (5004, 608), (5001, 606)][number % 3];
            let mut fields = json!({
                "org_id": org, "caller_id": caller, "title": format!("Disk {number} is full"),
                "description": format!("<p>Number <b>{number}</b> &amp; more, \"quoted\", twice</p>"),
                "impact": (number % 3 + 1).to_string(), "urgency": "2",
                "start_date": format!("2024-0{}-1{} 08:00:00", number % 9 + 1, number % 9),
                "private_log": {"add_item": {"message": format!("looked at {number}"), "format": "text"}},
            });
            if number % 3 == 0 {
                fields["public_log"] =
                    json!({"add_item": {"message": "we are on it", "format": "text"}});
            }
            if number == 0 {
                let long = "a long line é ".repeat(900);
                fields["private_log"] = json!({"add_item": {"message": long, "format": "text"}});
            }
            world.itop_creates("Incident", fields).await;
        }
        let ids = world.itop.select("SELECT Incident").await.unwrap();
        for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 10 == 0) {
            let contents = json!({
                "data": BASE64_STANDARD.encode(format!("photo {number} é\0")),
                "mimetype": "image/jpeg", "filename": format!("photo {number} é.jpg"),
            });
            let attachment = json!({"item_class": "Incident", "item_id": id, "item_org_id": 5002,
                                    "contents": contents});
            world.itop.create("Attachment", attachment).await.unwrap();
        }
    }

    /// Writes a mapping.
    fn map(&self, mapping: &str) {
        let source =
            format!("[source]\nurl = '{}'\nzone = 'Europe/Paris'\n", self.world.itop.url());
        fs::write(self.folder().join("mapping.toml"), source + mapping).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.around.path().join("move")
    }

    /// A step of `migrate` with these words.
    fn step(&self, words: &[&str]) -> Command {
        let folder = self.folder();
        let mut command = command(&[&["migrate"], words].concat());
        command
            .args(["--folder", folder.to_str().unwrap()])
            .env("BRIDGE_CONFIG", self.around.path().join("config.toml"))
            .env("BRIDGE_URL", &self.world.base);
        command
    }

    async fn run(&self, words: &[&str]) -> Output {
        output(self.step(words)).await
    }

    /// A step that does all that it is to do; what it says.
    async fn done(&self, words: &[&str]) -> String {
        let done = self.run(words).await;
        assert!(done.status.success(), "{words:?}: {}", text(&done));
        text(&done)
    }

    /// A step that does not; what it says.
    async fn refused(&self, words: &[&str]) -> String {
        let done = self.run(words).await;
        assert!(!done.status.success(), "{words:?}: {}", text(&done));
        text(&done)
    }

    /// A trial that was silent.
    async fn trial(&self) {
        self.done(&["load", "--trial", "--contact", OWN]).await;
    }

    /// Runs a step and kills it when it says so, as JSON; whether it came that far.
    async fn killed(&self, words: &[&str], when: impl Fn(&Value) -> bool + Send + 'static) -> bool {
        let mut step = self.step(words);
        step.arg("--json").stdout(Stdio::piped());
        let killed = tokio::task::spawn_blocking(move || {
            let mut process = step.spawn().unwrap();
            let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
            let came = lines.any(|line| when(&serde_json::from_str(&line.unwrap()).unwrap()));
            process.kill().unwrap();
            process.wait().unwrap();
            came
        });
        killed.await.unwrap()
    }

    /// The records of all objects.
    fn dump(&self) -> BTreeMap<&'static str, Value> {
        OBJECTS.iter().map(|object| (*object, json!(self.org.records(object)))).collect()
    }

    /// The records of an object that have a key of a class.
    fn keyed(&self, object: &str, class: &str) -> BTreeMap<String, Value> {
        let records = self.org.records(object).into_iter().filter_map(|record| {
            let key = record["Itop_Id__c"].as_str()?.to_owned();
            key.starts_with(&format!("{class}::")).then_some((key, Value::Object(record)))
        });
        records.collect()
    }

    /// How many objects a class has in iTop.
    async fn count(&self, class: &str) -> usize {
        self.world.itop.select(&format!("SELECT {class}")).await.unwrap().len()
    }

    /// The report of `verify`, which ends as it says.
    async fn verified(&self, words: &[&str]) -> Value {
        let done = self.run(&[&["verify", "--json"], words].concat()).await;
        let report: Value =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", text(&done)));
        assert_eq!(report["is_sound"], done.status.success(), "{}", text(&done));
        report
    }

    /// Requests that change something, by method and path.
    fn writes(&self) -> Vec<String> {
        let requests = self.org.requests().into_iter();
        let writes = requests.filter(|request| {
            request.method != "GET" && !request.path.contains("/oauth2/")
                // A read of many ids at once is a POST.
                && !(request.method == "POST" && is_read(&request.path))
        });
        writes.map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    async fn finish(self) {
        assert!(self.org.faults().is_empty(), "{:?}", self.org.faults());
        self.world.finish().await;
    }
}

/// Serves an org: where it is, and what ends it.
async fn served(org: &Sandbox) -> (String, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(org.clone().serve(listener, stop.clone()));
    (url, stop.drop_guard())
}

/// `/composite/sobjects/X`: an object is named.
fn is_read(path: &str) -> bool {
    path.trim_end_matches('/').split("/composite/sobjects/").nth(1).is_some()
}
