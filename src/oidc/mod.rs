//! The provider where people sign in, by OpenID Connect: where it leads them, and whom it says they are.
//!
//! It is asked only when somebody signs in. What it says of itself is kept for an hour; its keys are read
//! again when it signs with one that is not known. While it is away nobody signs in there, and nothing else
//! fails.
//!
//! The crate that does it brings many others, which few need: it is the feature `oidc`, which the packages
//! have. A program without it refuses a configuration with a provider.

#[cfg(not(feature = "oidc"))]
#[path = "absent.rs"]
mod provider;
#[cfg(feature = "oidc")]
mod provider;

pub use provider::Provider;

use crate::secret::Secret;

/// Whether this program was built with it.
pub const IS_BUILT_IN: bool = cfg!(feature = "oidc");

/// Why nobody could be signed in. The words are for the log: secrets and codes are taken out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be reached, or is not one: it may be another time.
    #[error("the provider cannot be used: {0}")]
    Away(String),
    /// It does not want what the bridge asks for.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// What it says of somebody cannot be believed.
    #[error("what the provider says is not valid: {0}")]
    NotValid(String),
}

/// What one attempt to sign in is recognised by. Each is of one attempt alone.
#[derive(Debug)]
pub struct Attempt {
    /// Comes back from the browser.
    pub state: String,
    /// Comes back in what the provider has signed.
    pub nonce: String,
    /// Proves that whoever has the code has begun this: 43 to 128 unreserved characters (RFC 7636, 4.1).
    pub verifier: Secret,
}

/// What `check` is told of a provider.
#[derive(Debug)]
pub struct Examined {
    /// What should be looked at, in sentences.
    pub doubts: Vec<String>,
    /// Whether people can sign out there.
    pub has_sign_out: bool,
}

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What the provider calls them: it stands in what they do.
    pub name: String,
    /// Their groups; `None` where it told of none, which is another thing than that there are none.
    pub groups: Option<Vec<String>>,
    /// Whether there are so many that the provider tells them elsewhere.
    pub has_too_many: bool,
}
