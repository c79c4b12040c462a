//! Who calls, and what they may do.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{header, request::Parts},
};
use sha2::{Digest as _, Sha256};

use super::problem::ApiError;
use crate::{
    config::{Scope, Token},
    domain::{
        hex::{hex, unhex},
        keys::{Instance, PartyKey},
    },
};

/// The tokens of the configuration. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiTokens {
    /// By the SHA-256 of each token. How long it takes to find one tells nothing: who knows
    /// beginnings of hashes knows no token.
    /// `None` lets everyone in.
    callers: Option<Arc<HashMap<[u8; 32], Arc<Caller>>>>,
}

/// What a hash begins with.
const HASH: &str = "sha256:";

/// The hash of a token as the configuration has it. A token has 256 random bits, so one round of
/// SHA-256 is as good as a slow hash.
#[must_use]
pub fn hash_token(token: &str) -> String {
    format!("{HASH}{}", hex(&Sha256::digest(token)))
}

impl ApiTokens {
    /// The tokens of a checked configuration; none lets everyone in, which `serve` allows on
    /// loopback only.
    #[must_use]
    pub fn new(tokens: &[Token]) -> Self {
        let known = |token: &Token| {
            let caller = Caller {
                name: token.name.clone(),
                scopes: token.scopes.clone(),
                instance: token.instance.as_ref().and_then(|instance| instance.parse().ok()),
                companies: token.companies.as_ref().map(|companies| {
                    companies.iter().filter_map(|company| company.parse().ok()).collect()
                }),
            };
            // A hash that is none fits no token; loading the configuration has refused it.
            let hash = token.hash.to_ascii_lowercase();
            let digest = hash.strip_prefix(HASH).and_then(unhex)?.try_into().ok()?;
            Some((digest, Arc::new(caller)))
        };
        let callers = || Arc::new(tokens.iter().filter_map(known).collect());
        Self { callers: (!tokens.is_empty()).then(callers) }
    }

    fn caller(&self, parts: &Parts) -> Result<Arc<Caller>, ApiError> {
        let Some(callers) = &self.callers else { return Ok(Arc::new(Caller::anyone())) };
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let digest = <[u8; 32]>::from(Sha256::digest(token.ok_or(ApiError::Unauthorized)?));
        callers.get(&digest).cloned().ok_or(ApiError::Unauthorized)
    }
}

/// Whoever sent a request.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) name: String,
    scopes: Vec<Scope>,
    instance: Option<Instance>,
    companies: Option<Vec<PartyKey>>,
}

impl Caller {
    fn anyone() -> Self {
        Self {
            name: "anyone".to_owned(),
            scopes: vec![Scope::Admin],
            instance: None,
            companies: None,
        }
    }

    fn require(self: Arc<Self>, scope: Scope) -> Result<Arc<Self>, ApiError> {
        if self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin) {
            return Ok(self);
        }
        let scope = match scope {
            Scope::Ingest => "ingest",
            Scope::Read => "read",
            Scope::Admin => "admin",
        };
        Err(ApiError::Forbidden(format!("The token '{}' lacks the scope '{scope}'.", self.name)))
    }

    /// The instance that the request is about: what it names, else the token's, else `default`.
    pub(super) fn instance(&self, named: Option<&Instance>) -> Result<Instance, ApiError> {
        match (named, &self.instance) {
            (Some(named), Some(own)) if named != own => Err(ApiError::Forbidden(format!(
                "This token speaks for instance '{own}', and the request names '{named}'."
            ))),
            (Some(instance), _) | (None, Some(instance)) => Ok(instance.clone()),
            (None, None) => Ok(Instance::default()),
        }
    }

    /// The instance that a list is narrowed to: the one that the request names, else the one that
    /// the token is limited to, if it is.
    pub(super) fn narrowed_to(
        &self,
        named: Option<&Instance>,
    ) -> Result<Option<Instance>, ApiError> {
        match (named, &self.instance) {
            (None, None) => Ok(None),
            (named, _) => self.instance(named).map(Some),
        }
    }

    /// Whether objects of this company are visible to the token.
    pub(super) fn sees(&self, company: &PartyKey) -> bool {
        self.companies.as_ref().is_none_or(|companies| companies.contains(company))
    }

    /// The same for a stored key and instance.
    pub(super) fn sees_stored(&self, instance: &str, company: Option<&str>) -> bool {
        let instance_fits = self.instance.as_ref().is_none_or(|own| own.as_str() == instance);
        let company_fits = match (&self.companies, company) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(key)) => key.parse().is_ok_and(|key| self.sees(&key)),
        };
        instance_fits && company_fits
    }

    /// The companies that the token is limited to, as they are stored.
    pub(super) fn company_keys(&self) -> Option<Vec<String>> {
        let companies = self.companies.as_ref()?;
        Some(companies.iter().map(ToString::to_string).collect())
    }
}

macro_rules! scope {
    ($(#[$doc:meta])* $name:ident, $scope:expr) => {
        $(#[$doc])*
        pub(super) struct $name(pub(super) Arc<Caller>);

        impl<S> FromRequestParts<S> for $name
        where
            ApiTokens: FromRef<S>,
            S: Send + Sync,
        {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
                ApiTokens::from_ref(state).caller(parts)?.require($scope).map(Self)
            }
        }
    };
}

scope! {
    /// A caller that may post acknowledgements.
    Ingest, Scope::Ingest
}
scope! {
    /// A caller that may read.
    Reader, Scope::Read
}
scope! {
    /// A caller that may change links and pull the operator's levers.
    Admin, Scope::Admin
}
