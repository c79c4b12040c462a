//! What is done, from the command line.

use std::path::PathBuf;

use clap::ValueEnum as _;
use serde_json::{Value, json};

/// What goes wrong in iTop, beside the kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FaultSet {
    /// A quarter of all writes are disturbed for a moment
    Disturbed,
    /// Some creates are held back for much longer than `settle` before they are evaluated, then run
    Held,
    /// Now and then all creates wait behind the ticket counter, and are released together
    Counter,
    /// The same behind the table of tickets, where no probe comes
    Insert,
}

impl FaultSet {
    /// The longest time between two kills, in milliseconds. Each start lets `settle` begin anew, so
    /// that with many kills nothing would be sent again before the last one; and what iTop holds
    /// does not outlive it.
    pub fn kill_every_ms(self) -> u64 {
        if self == Self::Disturbed { 600 } else { 30_000 }
    }
}

impl std::fmt::Display for FaultSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.to_possible_value().expect("no value is hidden").get_name())
    }
}

/// Which ticket systems the companies are at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Desk {
    #[default]
    /// All at iTop, each acknowledgement a ticket of its own
    Itop,
    /// All at Salesforce, where half of the controls have notes on their open Case
    Salesforce,
    /// One at each, and one that moves from one to the other again and again
    Both,
}

impl Desk {
    pub fn has_salesforce(self) -> bool {
        self != Self::Itop
    }

    /// The companies of ServiceNav.
    pub fn companies(self) -> &'static [Company] {
        match self {
            Self::Itop => &COMPANIES[..1],
            Self::Salesforce => &COMPANIES[1..2],
            Self::Both => &COMPANIES,
        }
    }
}

impl std::fmt::Display for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.to_possible_value().expect("no value is hidden").get_name())
    }
}

/// A company of ServiceNav, and what it is called where it is or can be.
#[derive(Clone, Copy, Debug)]
pub struct Company {
    pub id: u32,
    /// The organization, its key and its team in iTop.
    pub itop: Option<(&'static str, u32, &'static str)>,
    /// The Account and its queue in Salesforce.
    pub salesforce: Option<(&'static str, &'static str)>,
}

const COMPANIES: [Company; 3] = [
    Company { id: 42, itop: Some(("Demo", 3, "Helpdesk")), salesforce: None },
    Company { id: 51, itop: None, salesforce: Some(("Bakery Dubois", "First line")) },
    Company {
        id: 77,
        itop: Some(("ACME Logistics", 5002, "On-call team")),
        salesforce: Some(("Clinic of the North", "Network")),
    },
];

impl Company {
    /// Its link to iTop, if it can be there.
    pub fn link_to_itop(&self) -> Option<Value> {
        let (organization, _, team) = self.itop?;
        Some(json!({"organization": {"name": organization}, "team": team}))
    }

    /// Its link to Salesforce, if it can be there.
    pub fn link_to_salesforce(&self) -> Option<Value> {
        let (organization, team) = self.salesforce?;
        Some(json!({"desk": "salesforce", "organization": organization, "team": team}))
    }
}

/// What keeps a create that is sent again from being made twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Guard {
    /// Creates carry the condition that no ticket has their marker
    Conditions,
    /// The way is probed, or a long time is waited for
    Probe,
    /// One is sent again at a time
    OneAtATime,
}

/// A torture run.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "tests/torture")]
pub struct Plan {
    /// Acknowledgements
    #[arg(long, default_value_t = 150)]
    pub acks: u32,
    /// Kills, of the bridge and of the simulated iTop
    #[arg(long, default_value_t = 6)]
    pub kills: u32,
    /// What goes wrong; several sets run side by side, each with processes of its own
    #[arg(long, value_delimiter = ',', default_value = "disturbed")]
    pub faults: Vec<FaultSet>,
    /// Which ticket systems the companies are at; several run side by side too
    #[arg(long = "desk", value_delimiter = ',', default_value = "itop")]
    pub desks: Vec<Desk>,
    /// The one of a run
    #[arg(skip)]
    pub desk: Desk,
    /// What is switched off, to see that it is needed
    #[arg(long, value_delimiter = ',', conflicts_with = "itop")]
    pub without: Vec<Guard>,
    /// Instead of all that, a crowd of idle, slow, endless and wild clients for so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub crowd: Option<u64>,
    /// Decides events, faults and kills
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A real iTop instead of the simulated one; it is never killed
    #[arg(long, requires = "itop_user", requires = "itop_password_file", conflicts_with = "desks")]
    pub itop: Option<String>,
    /// Its account
    #[arg(long)]
    pub itop_user: Option<String>,
    /// The file with its password
    #[arg(long)]
    pub itop_password_file: Option<PathBuf>,
    /// The company in that iTop, by name
    #[arg(long, default_value = "Demo")]
    pub company: String,
}

impl Plan {
    /// The plans of the runs, one for each choice of desks.
    pub fn each(self) -> impl Iterator<Item = Self> {
        let desks = self.desks.clone();
        desks.into_iter().map(move |desk| Self { desk, ..self.clone() })
    }

    /// The fault sets to run. What a real iTop holds cannot be told by a proxy before it.
    pub fn sets(&self) -> Vec<FaultSet> {
        if self.itop.is_some() { vec![FaultSet::Disturbed] } else { self.faults.clone() }
    }

    /// How long a sender waits between two events, in milliseconds, so that the events last about
    /// as long as the kills.
    pub fn pause_ms(&self, set: FaultSet, senders: u32) -> u64 {
        let kills = u64::from(self.kills) * (set.kill_every_ms() / 2 + 200);
        kills * u64::from(senders) / u64::from(self.acks.max(1))
    }

    /// The event id of an acknowledgement.
    pub fn event_id(&self, number: u32) -> String {
        format!("torture-{}-{number}-end", self.seed)
    }

    /// The company of an acknowledgement.
    pub fn company(&self, number: u32) -> Company {
        let companies = self.desk.companies();
        companies[number as usize / 4 % companies.len()]
    }

    /// An acknowledgement; four of them share a control.
    pub fn event(&self, number: u32) -> Value {
        let mut event = json!({
            "event_id": self.event_id(number),
            "created_at": "2026-11-21T09:15:02+01:00",
            "company": {"id": self.company(number).id},
            "control": {
                "id": format!("control-{}", number / 4), "element_type": "user_service",
                "name": "Torture", "state": "DEGRADED",
                "status_changed_at": "2026-11-21T08:14:09Z"
            },
            "acknowledgement": {"author": "torture", "comment": format!("number {number}")}
        });
        if self.desk.has_salesforce() {
            // What is told of it in a line of an open ticket.
            event["acknowledgement"]["comment"] = json!(self.event_id(number));
            event["ticket"] = json!({"new": (number / 12).is_multiple_of(2)});
        }
        event
    }
}
