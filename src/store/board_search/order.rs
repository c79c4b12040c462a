//! By what the board is ordered, and where a row stands in it.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

/// By what the board is ordered. Rows that are equal by it follow each other by age, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// How long ago the acknowledgement came.
    Age,
    /// The priority, 1 first and none last.
    Priority,
    /// The name of the control, then its equipment.
    Control,
    /// The company, then its site.
    Company,
    /// iTop's status.
    Status,
    /// The agent; tickets without one come first.
    Agent,
    /// The number of the ticket, shorter ones first.
    Ticket,
}

impl Order {
    /// All of them, by the words that ask for them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("age", Self::Age),
        ("priority", Self::Priority),
        ("control", Self::Control),
        ("company", Self::Company),
        ("status", Self::Status),
        ("agent", Self::Agent),
        ("ticket", Self::Ticket),
    ];

    /// What a row is ordered by.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Age => "0",
            Self::Priority => "m.ticket_priority",
            // As much of it as anybody sees: the key stands in addresses.
            Self::Control => "substr(m.control_words, 1, 80)",
            Self::Company => "substr(m.company_words, 1, 80)",
            Self::Status => "m.ticket_status",
            Self::Agent => "substr(m.agent_words, 1, 80)",
            Self::Ticket => "printf('%04d%s', length(m.ticket_number), m.ticket_number)",
        }
    }
}

/// Where a row stands in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub(super) key: Key,
    pub(super) received_at: i64,
    pub(super) instance: String,
    pub(super) control: String,
}

/// What a row is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

/// The same without copies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyRef<'a> {
    Number(i64),
    Text(&'a str),
}

pub(super) type Rank<'a> = (KeyRef<'a>, Reverse<i64>, Reverse<&'a str>, Reverse<&'a str>);

impl Place {
    pub(super) fn rank(&self) -> Rank<'_> {
        let key = match &self.key {
            Key::Number(number) => KeyRef::Number(*number),
            Key::Text(text) => KeyRef::Text(text),
        };
        (key, Reverse(self.received_at), Reverse(&self.instance), Reverse(&self.control))
    }

    pub(super) fn of(
        (key, Reverse(received_at), Reverse(instance), Reverse(control)): Rank<'_>,
    ) -> Self {
        let key = match key {
            KeyRef::Number(number) => Key::Number(number),
            KeyRef::Text(text) => Key::Text(text.to_owned()),
        };
        Self { key, received_at, instance: instance.to_owned(), control: control.to_owned() }
    }
}
