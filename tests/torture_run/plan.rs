//! What is done, from the command line.

use std::path::PathBuf;

use serde_json::{Value, json};

/// The longest time between two kills, in milliseconds.
pub const KILL_EVERY_MS: u64 = 600;

/// A torture run.
#[derive(Debug, clap::Parser)]
#[command(name = "tests/torture")]
pub struct Plan {
    /// Acknowledgements
    #[arg(long, default_value_t = 150)]
    pub acks: u32,
    /// Kills, of the bridge and of the simulated iTop
    #[arg(long, default_value_t = 6)]
    pub kills: u32,
    /// Decides events, faults and kills
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A real iTop instead of the simulated one; it is never killed
    #[arg(long, requires = "itop_user", requires = "itop_password_file")]
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
    /// How long a sender waits between two events, in milliseconds, so that the events last about
    /// as long as the kills.
    pub fn pause_ms(&self, senders: u32) -> u64 {
        let kills = u64::from(self.kills) * 500;
        kills * u64::from(senders) / u64::from(self.acks.max(1))
    }

    /// The event id of an acknowledgement.
    pub fn event_id(&self, number: u32) -> String {
        format!("torture-{}-{number}-end", self.seed)
    }

    /// An acknowledgement; four of them share a control.
    pub fn event(&self, number: u32) -> Value {
        json!({
            "event_id": self.event_id(number),
            "created_at": "2026-11-21T09:15:02+01:00",
            "company": {"id": 42},
            "control": {
                "id": format!("control-{}", number / 4), "element_type": "user_service",
                "name": "Torture", "state": "DEGRADED",
                "status_changed_at": "2026-11-21T08:14:09Z"
            },
            "acknowledgement": {"author": "torture", "comment": format!("number {number}")}
        })
    }
}
