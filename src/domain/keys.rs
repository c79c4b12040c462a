//! Identities. Each is checked once, where it enters, and passed on as a type.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    hex::hex,
    names::spelling,
    text::{one_line, too_long},
};

/// The longest id that a sender may use for anything, in characters.
pub const MAX_ID_CHARS: usize = 200;

/// The longest name that a sender may use for anything, in characters.
pub const MAX_NAME_CHARS: usize = 500;

/// A text that cannot be an identity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than [`MAX_ID_CHARS`] or, for a name, [`MAX_NAME_CHARS`].
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// Control characters would end up in logs, URLs and queries.
    #[error("must not contain control characters")]
    Control,
    /// A party key without `id:` or `name:` in front of a usable text.
    #[error("must read id:… or name:…")]
    Form,
}

fn checked(text: &str, max: usize) -> Result<String, KeyError> {
    let text = text.trim();
    if text.is_empty() {
        Err(KeyError::Empty)
    } else if too_long(text, max).is_some() {
        Err(KeyError::TooLong(max))
    } else if text.chars().any(char::is_control) {
        Err(KeyError::Control)
    } else {
        Ok(text.to_owned())
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(String);

        impl $name {
            /// The id as the sender wrote it, without surrounding white space.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = KeyError;

            fn from_str(text: &str) -> Result<Self, KeyError> {
                checked(text, MAX_ID_CHARS).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// One ServiceNav installation: the namespace of all its other ids.
    Instance
}
text_id! {
    /// What ServiceNav checks, unique within its instance.
    ControlId
}
text_id! {
    /// The idempotency key of an acknowledgement, unique within its instance.
    EventId
}

text_id! {
    /// An equipment, unique within its instance and company.
    EquipmentId
}

impl EventId {
    /// The key of an event that has none of its own, from what makes it that event.
    pub(super) fn derived(parts: &impl Serialize) -> Self {
        // Texts and numbers can always be written as JSON.
        let digest = Sha256::digest(serde_json::to_vec(parts).unwrap_or_default());
        Self(format!("derived-{}", hex(&digest[..16])))
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

/// How a company or a site is told from others: by its id, or, where the sender has none, by its
/// name. Written `id:42` or `name:demo`, so that a company that is *named* 42 is never taken for
/// the one with that id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartyKey {
    /// ServiceNav's id.
    Id(String),
    /// The one [`spelling`] of the name, where no id was given: keys are equal, as texts in the
    /// database too, where the names are one. The name as it was written stands beside them.
    Name(String),
}

impl PartyKey {
    /// The key of an id.
    pub fn id(id: &str) -> Result<Self, KeyError> {
        checked(id, MAX_ID_CHARS).map(Self::Id)
    }

    /// The key of a name.
    pub fn name(name: &str) -> Result<Self, KeyError> {
        let name = checked(&one_line(name), MAX_NAME_CHARS)?;
        // What has no width is nothing; `ß` is two letters. What is stored can be read again.
        checked(&spelling(&name), MAX_NAME_CHARS).map(Self::Name)
    }
}

impl fmt::Display for PartyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id:{id}"),
            Self::Name(name) => write!(f, "name:{name}"),
        }
    }
}

impl FromStr for PartyKey {
    type Err = KeyError;

    /// Reads `id:…` or `name:…`.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        match text.split_once(':') {
            Some(("id", id)) => Self::id(id),
            Some(("name", name)) => Self::name(name),
            _ => Err(KeyError::Form),
        }
    }
}

impl JsonSchema for PartyKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PartyKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(id|name):"})
    }
}

impl Serialize for PartyKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PartyKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! object_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The key of that text, as the ticket system writes it.
            #[must_use]
            pub fn new(key: impl Into<Arc<str>>) -> Self {
                Self(key.into())
            }

            /// The key as the ticket system writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

// Those of iTop are numbers; that is known in `itop` alone. Cheap to clone.
object_key! {
    /// The key of an organization in the ticket system.
    OrgId
}
object_key! {
    /// The key of what else a ticket refers to: a person, team, service, element or CI.
    ObjectId
}
object_key! {
    /// The key of a ticket among those of its class.
    TicketId
}

/// A ticket. Its number (`ref`) may exist in two classes and is not made from the id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct TicketKey {
    /// The concrete class, such as `Incident` or `UserRequest`.
    pub class: String,
    /// The key.
    pub id: TicketId,
}

impl TicketKey {
    /// Where the ticket stands in the order in which its system gives ids, by which searches for new
    /// tickets are bounded; 0, which bounds nothing, where ids are no numbers.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.id.as_str().parse().unwrap_or(0)
    }
}

impl fmt::Display for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.class, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_named_like_an_id_is_another_company() {
        let id = PartyKey::id("42").unwrap();
        let name = PartyKey::name("42").unwrap();
        assert_ne!(id, name);
        assert_eq!("id:42".parse(), Ok(id));
        assert_eq!("name:42".parse(), Ok(name));
        assert_eq!("42".parse::<PartyKey>(), Err(KeyError::Form));
    }

    #[test]
    fn names_that_are_one_are_one_company() {
        let key = PartyKey::name("Espace  double").unwrap();
        assert_eq!(key.to_string(), "name:espace double");
        for name in ["espace DOUBLE", " Espace\u{a0}double\n", "Èspace double"] {
            assert_eq!(PartyKey::name(name), Ok(key.clone()), "{name:?}");
            assert_eq!(format!("name:{name}").parse(), Ok(key.clone()), "{name:?}");
        }
        assert_ne!(PartyKey::name("Espace-double"), Ok(key));
        assert_ne!(PartyKey::id("ops"), PartyKey::id("Ops"));
    }

    #[test]
    fn a_name_of_nothing_and_one_that_grows_too_long_are_refused() {
        assert_eq!(PartyKey::name("\u{200b}"), Err(KeyError::Empty));
        assert_eq!(PartyKey::name(&"ß".repeat(251)), Err(KeyError::TooLong(500)));
        let longest = PartyKey::name(&"ß".repeat(250)).unwrap();
        assert_eq!(longest.to_string().parse(), Ok(longest));
    }

    #[test]
    fn ids_are_bounded_and_printable() {
        assert_eq!("".parse::<EventId>(), Err(KeyError::Empty));
        assert_eq!("a\u{0}b".parse::<EventId>(), Err(KeyError::Control));
        assert_eq!("x".repeat(201).parse::<EventId>(), Err(KeyError::TooLong(200)));
        assert!("é".repeat(200).parse::<EventId>().is_ok());
    }
}
