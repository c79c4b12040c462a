//! `[auth]`: who may call.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Oidc, OidcGroup};
use crate::secret::Secret;

/// Who may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The API tokens. Without any, and without a proxy or a provider that signs people in, the bridge
    /// listens on loopback only and lets everyone in.
    pub tokens: Vec<Token>,
    /// Requests a second that each token may make, on average over ten seconds.
    pub rate: u32,
    /// The same for each address from which callers come who are not known.
    pub rate_per_address: u32,
    /// A proxy that signs people in.
    pub proxy: Option<Proxy>,
    /// A provider where people sign in.
    pub oidc: Option<Oidc>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            tokens: Vec::new(),
            rate: 100_000,
            rate_per_address: 10_000,
            proxy: None,
            oidc: None,
        }
    }
}

impl Auth {
    /// Whether everybody is let in who reaches the port.
    #[must_use]
    pub fn lets_anyone_in(&self) -> bool {
        self.tokens.is_empty() && self.proxy.is_none() && self.oidc.is_none()
    }

    /// What tokens and groups give that can be limited to companies.
    pub fn grants(&self) -> impl Iterator<Item = Grant<'_>> {
        let groups = self.oidc.iter().flat_map(|oidc| &oidc.groups);
        self.tokens.iter().map(Grant::from).chain(groups.map(Grant::from))
    }
}

/// What a token gives to whoever has it, or a group to whoever is in it.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'c> {
    /// Where it stands in the configuration.
    pub key: &'static str,
    /// What it is called there.
    pub name: &'c str,
    /// What may be done.
    pub scopes: &'c [Scope],
    /// The instance that it is limited to.
    pub instance: Option<&'c str>,
    /// The companies that it is limited to.
    pub companies: Option<&'c [String]>,
}

impl Grant<'_> {
    /// Whether what the bridge keeps can be changed by it.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.scopes
            .iter()
            .any(|scope| !matches!(scope, Scope::Read | Scope::Changes | Scope::Metrics))
    }

    /// Whether it is that of a tenant: it writes, and for some companies alone. Their instance is then
    /// theirs alone too, so that ids of controls and events meet no others.
    #[must_use]
    pub fn is_of_a_tenant(&self) -> bool {
        self.companies.is_some() && self.writes()
    }
}

impl<'c> From<&'c Token> for Grant<'c> {
    fn from(token: &'c Token) -> Self {
        let Token { name, scopes, instance, companies, .. } = token;
        let (instance, companies) = (instance.as_deref(), companies.as_deref());
        Self { key: "auth.tokens", name, scopes, instance, companies }
    }
}

impl<'c> From<&'c OidcGroup> for Grant<'c> {
    fn from(group: &'c OidcGroup) -> Self {
        let OidcGroup { name, scopes, instance, companies } = group;
        let (instance, companies) = (instance.as_deref(), companies.as_deref());
        Self { key: "auth.oidc.groups", name, scopes, instance, companies }
    }
}

/// A proxy in front of the bridge that signs people in, and says in headers who they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// The header with the name of the person.
    pub header: String,
    /// The header with their groups, separated by commas.
    pub groups_header: String,
    /// The header with the secret that the proxy alone knows.
    pub secret_header: String,
    /// That secret.
    pub secret: Option<Secret>,
    /// A file that holds it.
    pub secret_file: Option<PathBuf>,
    /// Where the proxy calls from: addresses, and networks such as `10.0.0.0/8`.
    pub trusted: Vec<String>,
    /// What those in a group may do.
    pub groups: BTreeMap<String, Vec<Scope>>,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            header: "X-Forwarded-User".to_owned(),
            groups_header: "X-Forwarded-Groups".to_owned(),
            secret_header: "X-Bridge-Proxy-Secret".to_owned(),
            secret: None,
            secret_file: None,
            trusted: vec!["127.0.0.1".to_owned(), "::1".to_owned()],
            groups: BTreeMap::new(),
        }
    }
}

/// An API token, as `servicenav-itop-bridge token` prints it; or a sender that signs what it posts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What it is called in the log.
    pub name: String,
    /// `sha256:` and the hash of the token; empty where its sender only signs.
    #[serde(default, serialize_with = "super::shown::is_set")]
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Requests a second that it may make, instead of the `rate` of all.
    #[serde(default)]
    pub rate: Option<u32>,
    /// Whether the token may stand in the address of a post. It then ends up in the logs of others.
    #[serde(default)]
    pub in_path: bool,
    /// The secrets of the Standard Webhooks scheme by which it may sign, `whsec_…`, separated by blanks.
    #[serde(default)]
    pub signing_secret: Option<Secret>,
    /// A file that holds them.
    #[serde(default)]
    pub signing_secret_file: Option<PathBuf>,
    /// The instance it speaks for; a body may then not name another.
    #[serde(default)]
    pub instance: Option<String>,
    /// The companies it is limited to, `id:…` or `name:…`: those of its instance, else of `default`.
    #[serde(default)]
    pub companies: Option<Vec<String>>,
}

impl Token {
    /// The secrets by which it may sign: several while one takes the place of another.
    pub fn signing_secrets(&self) -> impl Iterator<Item = &str> {
        self.signing_secret.iter().flat_map(|secrets| secrets.expose().split_ascii_whitespace())
    }
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Post acknowledgements.
    Ingest,
    /// Read tickets, lists and the inbox.
    Read,
    /// Try acknowledgements again, and give them up.
    Operate,
    /// Tell that tickets have changed in iTop: for iTop itself.
    Changes,
    /// Read what the bridge counts, over all companies.
    Metrics,
    /// Change links, and see who waits for one. Includes the others.
    Admin,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Ingest, Self::Read, Self::Operate, Self::Changes, Self::Metrics, Self::Admin];

    /// Those that several groups give together, each once and in the order of [`Self::ALL`].
    #[must_use]
    pub fn together<'s>(given: impl IntoIterator<Item = &'s Self>) -> Vec<Self> {
        let given: Vec<_> = given.into_iter().collect();
        Self::ALL.into_iter().filter(|scope| given.contains(&scope)).collect()
    }

    /// The word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Changes => "changes",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
        }
    }
}
