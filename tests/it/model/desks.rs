//! Which ticket systems there are, whose companies are at which, and how tickets look in either.

use std::time::Duration;

use itop_sandbox::{Sandbox, TicketSeen};
use salesforce_sandbox::{self as salesforce, CLIENT_ID, CLIENT_SECRET, Now, Pauses};
use serde_json::{Map, Value, json};
use servicenav_itop_bridge::{
    clock::Clock,
    config::{Config, Period, SalesforceLogin, SalesforceSection},
    desk::DeskName,
    domain::marker::Marker,
    secret::Secret,
};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::world::{event, with};

/// The ticket systems that the companies of a sequence are at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desks {
    /// All are at iTop, and there is nothing else.
    Itop,
    /// All are at Salesforce.
    Salesforce,
    /// One is at each, and may move.
    Both,
}

/// A company of ServiceNav: its id, and what it is called at each desk, with a team there.
pub struct Company {
    pub id: u64,
    name: &'static str,
    itop: (&'static str, i64, &'static str),
    salesforce: (&'static str, &'static str),
}

pub const COMPANIES: [Company; 2] = [
    Company {
        id: 42,
        name: "Demo",
        itop: ("Demo", 3, "Helpdesk"),
        salesforce: ("Bakery Dubois", "First line"),
    },
    Company {
        id: 51,
        name: "ACME Logistics",
        itop: ("ACME Logistics", 5002, "On-call team"),
        salesforce: ("Clinic of the North", "Network"),
    },
];

impl Company {
    /// The link to its organization at a desk.
    pub fn link(&self, desk: DeskName) -> Value {
        match desk {
            DeskName::Itop => json!({"organization": self.itop.0, "team": self.itop.2}),
            DeskName::Salesforce => {
                let (organization, team) = self.salesforce;
                json!({"desk": "salesforce", "organization": organization, "team": team})
            }
        }
    }

    /// What its organization is known by in tickets.
    pub fn org(&self, desk: DeskName) -> String {
        match desk {
            DeskName::Itop => self.itop.1.to_string(),
            DeskName::Salesforce => self.salesforce.0.to_owned(),
        }
    }
}

impl Desks {
    /// Where a company is at first.
    pub fn first_of(self, company: usize) -> DeskName {
        match self {
            Self::Itop => DeskName::Itop,
            Self::Both if company == 0 => DeskName::Itop,
            Self::Salesforce | Self::Both => DeskName::Salesforce,
        }
    }

    pub fn has_salesforce(self) -> bool {
        self != Self::Itop
    }

    /// An event; every second is of the same company, every sixth of the same control.
    pub fn event(self, number: usize) -> Value {
        let Company { id, name, itop, .. } = &COMPANIES[number % 2];
        let event = with(event(&key_of(number)), "/company", json!({"id": id, "name": name}));
        // Teams of one desk are none of the other.
        let team = if self == Self::Itop { json!(itop.2) } else { Value::Null };
        let event = with(event, "/team", team);
        let event = with(event, "/control/id", json!(control_of(number)));
        // What does not resolve everywhere would only bring warnings.
        let event = with(event, "/contact", Value::Null);
        let event = with(event, "/service", Value::Null);
        let event = with(event, "/service_element", Value::Null);
        // Equipment that is refused once, as long as no list tells that it is not there.
        if number % 7 == 3 {
            return with(event, "/equipment", json!({"name": "unknown"}));
        }
        let event = with(event, "/equipment", Value::Null);
        with(event, "/control/element_type", json!("user_service"))
    }
}

fn key_of(number: usize) -> String {
    format!("m{number}x")
}

/// The event id of an event.
pub fn event_id(number: usize) -> String {
    format!("event-{}", key_of(number))
}

pub fn control_of(number: usize) -> String {
    format!("c{}", number % 6)
}

/// The simulated Salesforce, for which time passes as for the bridge.
pub struct Org {
    pub sandbox: salesforce::Sandbox,
    _stop: DropGuard,
}

impl Org {
    /// Starts one, and has the configuration name it.
    pub async fn start(clock: &Clock, timeout: Period) -> (Self, SalesforceSection) {
        let (day, pauses) = (clock.elsewhere(), clock.elsewhere());
        let sandbox = salesforce::Sandbox::new(salesforce::Options {
            now: Now::of(move || day.now()),
            pauses: Pauses::of(move |time| {
                let clock = pauses.clone();
                async move { clock.sleep(time).await }
            }),
            ..salesforce::Options::default()
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(sandbox.clone().serve(listener, stop.clone()));
        let section = SalesforceSection {
            login_url: url,
            login: SalesforceLogin::ClientCredentials,
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
            timeout,
            create_timeout: timeout,
            ..SalesforceSection::default()
        };
        (Self { sandbox, _stop: stop.drop_guard() }, section)
    }
}

/// Has the configuration know Salesforce too.
pub fn configure(config: &mut Config, desks: Desks, section: SalesforceSection) {
    config.salesforce = Some(section);
    if desks == Desks::Salesforce {
        config.links.desk = Some(DeskName::Salesforce);
    }
}

/// A ticket at either desk.
#[derive(Debug)]
pub struct Ticket {
    pub desk: DeskName,
    pub class: String,
    pub id: String,
    /// As [`Company::org`] has it.
    pub org: String,
    pub description: String,
    /// The digits of the marker that it was made with, where these have a field of their own.
    made_with: Option<String>,
    /// Its private log, or its comments.
    entries: Vec<String>,
    pub is_open: bool,
}

impl Ticket {
    /// How often the marker of an event stands in it.
    pub fn markers(&self, number: usize) -> usize {
        let marker = marker(number);
        let own = usize::from(self.made_with.as_deref() == Some(marker.digits()));
        let marker = marker.to_string();
        own + self.entries.iter().map(|entry| entry.matches(&marker).count()).sum::<usize>()
    }

    /// Whether its description names an event.
    pub fn names(&self, number: usize) -> bool {
        self.description.contains(&event_id(number))
    }
}

/// All tickets, those of iTop first, the oldest of each first.
pub async fn tickets(itop: &Sandbox, org: Option<&Org>) -> Vec<Ticket> {
    let mut tickets: Vec<_> = itop.tickets().await.unwrap().into_iter().map(of_itop).collect();
    if let Some(Org { sandbox, .. }) = org {
        let accounts = sandbox.records("Account");
        let comments = sandbox.records("CaseComment");
        let cases = sandbox.records("Case");
        tickets.extend(cases.iter().map(|case| of_salesforce(case, &accounts, &comments)));
    }
    tickets
}

fn of_itop(ticket: TicketSeen) -> Ticket {
    Ticket {
        desk: DeskName::Itop,
        class: ticket.class,
        id: ticket.id.to_string(),
        org: ticket.org_id.to_string(),
        description: ticket.description,
        made_with: None,
        entries: ticket.private_log,
        is_open: ticket.operational_status == "ongoing",
    }
}

fn of_salesforce(
    case: &Map<String, Value>,
    accounts: &[Map<String, Value>],
    comments: &[Map<String, Value>],
) -> Ticket {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let account = accounts.iter().find(|account| account["Id"] == case["AccountId"]);
    let own = comments.iter().filter(|comment| comment["ParentId"] == case["Id"]);
    Ticket {
        desk: DeskName::Salesforce,
        class: "Case".to_owned(),
        id: text(&case["Id"]),
        org: account.map(|account| text(&account["Name"])).unwrap_or_default(),
        description: text(&case["Description"]),
        made_with: case["Bridge_Ack__c"].as_str().map(ToOwned::to_owned),
        entries: own.map(|comment| text(&comment["CommentBody"])).collect(),
        is_open: case["Status"] != "Closed",
    }
}

/// The marker of an event.
pub fn marker(number: usize) -> Marker {
    Marker::new(&"default".parse().unwrap(), &event_id(number).parse().unwrap())
}

/// How long a short wait is by the clock that is moved.
pub const STEP: Duration = Duration::from_secs(2);
