//! The engines whose words are understood.

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Values, icinga, nagios, zabbix};
use crate::domain::{dotted, hex::hex, text::cut_chars};

/// Which engine speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// Nagios or Naemon: their macros as arguments, or as NAGIOS_… in the environment
    Nagios,
    /// Centreon: the same macros
    Centreon,
    /// Icinga 2: the same names, as arguments or as ICINGA_… in the environment
    Icinga,
    /// Zabbix: EVENT.ID={EVENT.ID} … as arguments
    Zabbix,
    /// ServiceNav, or whatever runs a notification command of its Nagios engine
    Servicenav,
}

/// What an engine's notification is for the bridge.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// An event to send.
    Event(Map<String, Value>),
    /// Nothing, and why: engines call the same command for all that happens.
    Nothing(String),
}

impl Engine {
    /// How the names of its environment variables begin.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Nagios | Self::Centreon | Self::Servicenav => "NAGIOS_",
            Self::Icinga => "ICINGA_",
            Self::Zabbix => "ZABBIX_",
        }
    }

    /// The name of the product, as `source.product` has it.
    #[must_use]
    pub fn product(self) -> &'static str {
        match self {
            Self::Nagios => "Nagios",
            Self::Centreon => "Centreon",
            Self::Icinga => "Icinga",
            Self::Zabbix => "Zabbix",
            Self::Servicenav => "ServiceNav",
        }
    }

    /// What these values say, read now.
    ///
    /// # Errors
    /// A sentence about what is missing for an event.
    pub fn read(self, values: &Values, now: Timestamp) -> Result<Told, String> {
        match self {
            Self::Zabbix => zabbix::read(values, now),
            _ => nagios::read(self, values, now),
        }
    }

    /// What a line of its event stream says. Only Icinga has one.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn read_line(self, line: &str) -> Result<Told, String> {
        match self {
            Self::Icinga => icinga::read(line),
            _ => Err("only Icinga has an event stream".to_owned()),
        }
    }
}

/// For how long, in seconds, what is told again is the same acknowledgement: engines tell each contact,
/// one after the other. The bridge's own keys have the same.
pub(super) const SAME_MOMENT: i64 = 600;

/// How much of a control's name a key shows, in characters.
const SHOWN: usize = 80;

/// An event that is being made.
pub(super) struct Event {
    members: Map<String, Value>,
    engine: Engine,
}

impl Event {
    pub(super) fn new(event_type: &str, engine: Engine) -> Self {
        let mut event = Self { members: Map::new(), engine };
        event.set("event_type", Some(event_type));
        event.set("source.product", Some(engine.product()));
        event
    }

    /// Sets a member, if there is a value for it.
    pub(super) fn set(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            // The names stand in this folder: none of them is wrong.
            let _ = dotted::set(&mut self.members, name, value.into());
        }
    }

    /// Sets the key: what it is about in words, and all that tells it from another as a hash.
    pub(super) fn key(&mut self, about: &str, parts: &[Option<&str>]) {
        let mut hash = Sha256::new();
        for part in parts {
            let part = part.unwrap_or_default();
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let engine = self.engine.product().to_ascii_lowercase();
        let about = cut_chars(about, SHOWN);
        let key = format!("{engine}:{about}:{}", hex(&hash.finalize()[..12]));
        self.set("event_id", Some(&key));
    }

    pub(super) fn members(self) -> Map<String, Value> {
        self.members
    }
}
