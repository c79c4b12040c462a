//! `[auth.oidc]`: people sign in at an identity provider, by OpenID Connect.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Scope;
use crate::secret::Secret;

/// An identity provider that signs people in (OpenID Connect, authorization code flow with PKCE).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oidc {
    /// What people call it: the button says "Sign in with …".
    pub name: String,
    /// Its issuer, to the letter: below it stands `.well-known/openid-configuration`.
    pub issuer: String,
    /// What the bridge is called there.
    pub client_id: String,
    /// The secret of a confidential client; a public one has none.
    pub client_secret: Option<Secret>,
    /// A file that holds it.
    pub client_secret_file: Option<PathBuf>,
    /// What the bridge asks for, beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists somebody's groups; `a.b` is member `b` of claim `a`.
    pub groups_claim: String,
    /// Whether strangers are led there at once, without the page that offers it beside a token.
    pub straight: bool,
    /// What those in a group may do.
    pub groups: Vec<OidcGroup>,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            name: "SSO".to_owned(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret: None,
            client_secret_file: None,
            scopes: vec!["profile".to_owned(), "email".to_owned()],
            groups_claim: "groups".to_owned(),
            straight: false,
            groups: Vec::new(),
        }
    }
}

/// A group of the provider, and what whoever is in it may do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcGroup {
    /// As the provider writes it in the claim.
    pub name: String,
    /// What its people may do.
    pub scopes: Vec<Scope>,
    /// The instance that they are limited to.
    #[serde(default)]
    pub instance: Option<String>,
    /// The companies that they are limited to, `id:…` or `name:…`: those of its instance, else of `default`.
    #[serde(default)]
    pub companies: Option<Vec<String>>,
}
