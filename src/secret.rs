//! Text that must not be seen.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::hex::hex;

/// A password, token or key: never shown by `Debug`, nor by `Serialize`, which says that it is set; it
/// has no `Display`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes over a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself; the name is for whoever reviews its uses.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What is shown in the place of what must not be seen.
pub const SET: &str = "set";

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SET)
    }
}

/// A key that nobody can guess: 256 random bits, in hexadecimal.
#[must_use]
pub fn random_key() -> String {
    hex(&rand::random::<[u8; 32]>())
}
