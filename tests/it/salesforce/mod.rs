//! What speaks to Salesforce, over HTTP against the simulated one.

mod check;
mod client;
mod login;
mod notes;

use std::{collections::BTreeMap, path::PathBuf};

use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET, Options, PRIVATE_KEY, Sandbox, USERNAME};
use servicenav_itop_bridge::{
    clock::Clock,
    config::{SalesforceLogin, SalesforceSection},
    domain::{
        keys::{ObjectId, OrgId},
        marker::Marker,
        new_ticket::{Chosen, NewTicket, Refs},
        priority::Priority,
    },
    salesforce::Client,
    secret::Secret,
};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A simulated org and a client that calls it.
struct Org {
    sandbox: Sandbox,
    client: Client,
    section: SalesforceSection,
    clock: Clock,
    _stop: DropGuard,
    _folder: tempfile::TempDir,
}

impl Org {
    async fn new() -> Self {
        Self::with(Options::default(), |_| {}).await
    }

    async fn with(options: Options, change: impl FnOnce(&mut SalesforceSection)) -> Self {
        let sandbox = Sandbox::new(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(sandbox.clone().serve(listener, stop.clone()));
        let folder = tempfile::tempdir().unwrap();
        let mut section = section(format!("http://{address}/"), folder.path().join("key.pem"));
        change(&mut section);
        let clock = Clock::system();
        let client = Client::new(&section.settings().unwrap(), clock.clone()).unwrap();
        Self { sandbox, client, section, clock, _stop: stop.drop_guard(), _folder: folder }
    }

    /// The id of the record of that name.
    fn id(&self, object: &str, name: &str) -> String {
        let records = self.sandbox.records(object);
        let named = records.iter().find(|record| record["Name"] == name);
        named.unwrap_or_else(|| panic!("no {object} {name}"))["Id"].as_str().unwrap().to_owned()
    }

    fn account(&self) -> OrgId {
        OrgId::new(self.id("Account", "Bakery Dubois"))
    }

    /// A ticket of the first account with nothing but its queue.
    fn ticket(&self, digit: char) -> NewTicket {
        NewTicket {
            org: self.account(),
            refs: Refs {
                team: self.key("Group", "First line"),
                contact: None,
                service: None,
                service_element: None,
                ci: None,
            },
            title: "Disk C: 97% used".to_owned(),
            description: "<p>Disk <b>C:</b> 97% used<br/>since 8:00</p>".to_owned(),
            priority: Priority::High,
            started_at: self.clock.now(),
            fields: BTreeMap::new(),
            marker: marker(digit),
        }
    }

    fn key(&self, object: &str, name: &str) -> Chosen {
        Chosen::Key { id: ObjectId::new(self.id(object, name)), name: name.to_owned() }
    }

    /// How many requests there were whose path ends so.
    fn requests(&self, path: &str) -> usize {
        let requests = self.sandbox.requests();
        requests.iter().filter(|request| request.path.trim_end_matches('/').ends_with(path)).count()
    }

    fn logins(&self) -> usize {
        self.requests("/services/oauth2/token")
    }
}

fn marker(digit: char) -> Marker {
    Marker::from_digits(&digit.to_string().repeat(32)).unwrap()
}

/// A section that logs in by JWT with the key of the sandbox, which is written there.
fn section(login_url: String, key_file: PathBuf) -> SalesforceSection {
    std::fs::write(&key_file, PRIVATE_KEY).unwrap();
    SalesforceSection {
        login_url,
        client_id: CLIENT_ID.to_owned(),
        user: USERNAME.to_owned(),
        key_file: Some(key_file),
        ..SalesforceSection::default()
    }
}

/// By client credentials instead.
fn by_secret(section: &mut SalesforceSection) {
    section.login = SalesforceLogin::ClientCredentials;
    section.client_secret = Some(Secret::new(CLIENT_SECRET.to_owned()));
}
