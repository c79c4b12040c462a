//! Who calls, and what they may do.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{header, request::Parts},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::{problem::ApiError, share::Receiving};
use crate::{
    config::{Scope, Token},
    domain::{
        acknowledgement::Party,
        hex::{hex, unhex},
        keys::Instance,
        visible::Visible,
    },
    secret::Secret,
    store::{Store, StoreError},
};

/// The tokens of the configuration. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiTokens {
    callers: Arc<watch::Sender<Callers>>,
}

#[derive(Debug)]
enum Callers {
    /// There are no tokens: everyone is let in.
    Anyone(Arc<Caller>),
    /// By the SHA-256 of each token. How long it takes to find one tells nothing: who knows
    /// beginnings of hashes knows no token.
    Known(HashMap<[u8; 32], Arc<Caller>>),
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
        Self { callers: Arc::new(watch::Sender::new(Callers::of(tokens))) }
    }

    /// Knows these tokens from now on, and no others.
    pub fn replace(&self, tokens: &[Token]) {
        self.callers.send_replace(Callers::of(tokens));
    }

    /// Waits until other tokens are known: what was granted before must be asked for anew.
    pub(super) fn replaced(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut changes = self.callers.subscribe();
        let tokens = self.clone();
        async move {
            // An error says that they will not be replaced any more, which `tokens` prevents.
            let _ = changes.changed().await;
            drop(tokens);
        }
    }

    fn caller(&self, parts: &Parts) -> Result<Arc<Caller>, ApiError> {
        let callers = self.callers.borrow();
        let known = match &*callers {
            Callers::Anyone(anyone) => return Ok(anyone.clone()),
            Callers::Known(known) => known,
        };
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let digest = <[u8; 32]>::from(Sha256::digest(token.ok_or(ApiError::Unauthorized)?));
        known.get(&digest).cloned().ok_or(ApiError::Unauthorized)
    }

    /// Whether everyone is let in.
    pub(super) fn let_in_anyone(&self) -> bool {
        matches!(&*self.callers.borrow(), Callers::Anyone(_))
    }

    /// Those who have a token of this name.
    pub(super) fn named(&self, name: &str) -> Vec<Arc<Caller>> {
        match &*self.callers.borrow() {
            Callers::Anyone(anyone) => vec![anyone.clone()],
            Callers::Known(known) => {
                known.values().filter(|known| known.name == name).cloned().collect()
            }
        }
    }
}

impl Callers {
    fn of(tokens: &[Token]) -> Self {
        if tokens.is_empty() {
            return Self::Anyone(Arc::new(Caller::anyone()));
        }
        let tenants: Arc<[Visible]> = tenants(tokens).collect();
        let known = |token: &Token| {
            // A hash that is none fits no token; loading the configuration has refused it.
            let hash = token.hash.to_ascii_lowercase();
            let hash = hash.strip_prefix(HASH)?;
            let digest = unhex(hash)?.try_into().ok()?;
            let caller = Caller {
                id: Secret::new(hash.to_owned()),
                name: token.name.clone(),
                scopes: token.scopes.clone(),
                visible: visible(token),
                tenants: tenants.clone(),
                receiving: Receiving::default(),
            };
            Some((digest, Arc::new(caller)))
        };
        Self::Known(tokens.iter().filter_map(known).collect())
    }
}

/// What tenants may see: the instance of each is for its companies alone.
fn tenants(tokens: &[Token]) -> impl Iterator<Item = Visible> {
    tokens.iter().filter(|token| token.is_of_a_tenant()).map(visible)
}

/// The instance of a tenant in which there are other companies already: what it posts would take the
/// place of theirs.
pub async fn crowded_instance(
    tokens: &[Token],
    store: &Store,
) -> Result<Option<Instance>, StoreError> {
    for tenant in tenants(tokens) {
        if let Some(instance) = store.crowded(&tenant).await? {
            return Ok(Some(instance));
        }
    }
    Ok(None)
}

/// What a token may see.
fn visible(token: &Token) -> Visible {
    let instance = token.instance.as_ref().and_then(|instance| instance.parse().ok());
    match (instance, &token.companies) {
        // Another instance's company 42 is another company.
        (instance, Some(companies)) => {
            let companies: Vec<_> =
                companies.iter().filter_map(|company| company.parse().ok()).collect();
            Visible::of_companies(instance.unwrap_or_default(), &companies)
        }
        (Some(instance), None) => Visible::of_instance(instance),
        (None, None) => Visible::all(),
    }
}

/// Whoever sent a request.
#[derive(Debug)]
pub(super) struct Caller {
    /// The hash of the token, which tells it from others of its name; for signatures alone.
    pub(super) id: Secret,
    pub(super) name: String,
    scopes: Vec<Scope>,
    visible: Visible,
    /// What tenants see: the instance of each is for its companies alone.
    tenants: Arc<[Visible]>,
    pub(super) receiving: Receiving,
}

impl Caller {
    fn anyone() -> Self {
        Self {
            id: Secret::new(String::new()),
            name: "anyone".to_owned(),
            scopes: vec![Scope::Admin],
            visible: Visible::all(),
            tenants: Arc::default(),
            receiving: Receiving::default(),
        }
    }

    fn require(self: Arc<Self>, scope: Scope) -> Result<Arc<Self>, ApiError> {
        if self.may(scope) {
            return Ok(self);
        }
        if scope == Scope::Ingest {
            // The sender may ignore the answer, and nothing else would tell of what it has sent.
            tracing::warn!(token = self.name, "a post was refused: its token lacks the scope");
        }
        let (name, scope) = (&self.name, scope.as_str());
        Err(ApiError::Forbidden(format!("The token '{name}' lacks the scope '{scope}'.")))
    }

    /// Whether it has a scope.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Which organization a company is decides whose tickets it gets: no token of some companies says
    /// that, not even of its own.
    fn may_link(&self) -> Result<(), ApiError> {
        if self.is_limited_to_companies() {
            return Err(ApiError::Forbidden(format!(
                "The token '{}' is limited to companies, and such tokens change no links.",
                self.name
            )));
        }
        Ok(())
    }

    /// Whether it administers, and is limited to nothing.
    pub(super) fn oversees(&self) -> bool {
        self.may(Scope::Admin) && self.sees_all()
    }

    /// How the bridge is set up, and what it finds out of iTop, concerns all who share it.
    fn may_oversee(&self) -> Result<(), ApiError> {
        if self.sees_all() {
            return Ok(());
        }
        Err(ApiError::Forbidden(format!(
            "The token '{}' is limited, and this concerns all companies.",
            self.name
        )))
    }

    /// Whether it may post an event of this company to this instance.
    pub(super) fn may_post(&self, instance: &Instance, company: &Party) -> Result<(), ApiError> {
        let key = &company.key;
        let not_for = |whose: String| {
            let company = company.label();
            Err(ApiError::Forbidden(format!("{whose} is not for company '{company}' ({key}).")))
        };
        if !self.visible.has_company(key) {
            return not_for(format!("The token '{}'", self.name));
        }
        let is_of_another =
            |tenant: &Visible| tenant.instance() == Some(instance) && !tenant.has_company(key);
        if self.tenants.iter().any(is_of_another) {
            return not_for(format!(
                "Instance '{instance}' is that of a token which is limited to companies, and"
            ));
        }
        Ok(())
    }

    /// The instance that the request is about: what it names, else the token's, else `default`.
    pub(super) fn instance(&self, named: Option<&Instance>) -> Result<Instance, ApiError> {
        match (named, self.visible.instance()) {
            (Some(named), Some(own)) if named != own => Err(ApiError::Forbidden(format!(
                "This token speaks for instance '{own}', and the request names '{named}'."
            ))),
            (Some(instance), _) | (None, Some(instance)) => Ok(instance.clone()),
            (None, None) => Ok(Instance::default()),
        }
    }

    /// What it may see.
    pub(super) fn visible(&self) -> &Visible {
        &self.visible
    }

    /// What a list is narrowed to: what the caller may see, of the instance that the request names if
    /// it names one.
    pub(super) fn narrowed_to(&self, named: Option<&Instance>) -> Result<Visible, ApiError> {
        match named {
            Some(_) => Ok(self.visible.in_instance(&self.instance(named)?)),
            None => Ok(self.visible.clone()),
        }
    }

    /// Whether the token is limited to nothing: what concerns all may be told.
    pub(super) fn sees_all(&self) -> bool {
        self.visible == Visible::all()
    }

    /// Whether it sees some companies only.
    pub(super) fn is_limited_to_companies(&self) -> bool {
        self.visible.companies().is_some()
    }
}

macro_rules! scope {
    ($(#[$doc:meta])* $name:ident, $scope:expr) => {
        $(#[$doc])*
        pub(super) struct $name(pub(super) Arc<Caller>);

        impl $name {
            /// The caller, if it may do this.
            pub(super) fn of(caller: Arc<Caller>) -> Result<Self, ApiError> {
                caller.require($scope).map(Self)
            }
        }

        impl<S> FromRequestParts<S> for $name
        where
            ApiTokens: FromRef<S>,
            S: Send + Sync,
        {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
                Self::of(ApiTokens::from_ref(state).caller(parts)?)
            }
        }
    };
}

/// A caller that may change links.
pub(super) struct Linker(pub(super) Arc<Caller>);

impl<S> FromRequestParts<S> for Linker
where
    ApiTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Admin(caller) = Admin::from_request_parts(parts, state).await?;
        caller.may_link().map(|()| Self(caller))
    }
}

/// A caller that may do and see what concerns all.
pub(super) struct Overseer;

impl<S> FromRequestParts<S> for Overseer
where
    ApiTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Admin(caller) = Admin::from_request_parts(parts, state).await?;
        caller.may_oversee().map(|()| Self)
    }
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
    /// A caller that may pull the operator's levers.
    Operator, Scope::Operate
}
scope! {
    /// A caller that may administer.
    Admin, Scope::Admin
}

/// The caller, if there is one that may read: for what everybody is told a little of.
pub(super) struct MaybeReader(pub(super) Option<Arc<Caller>>);

impl<S> FromRequestParts<S> for MaybeReader
where
    ApiTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let caller = ApiTokens::from_ref(state).caller(parts);
        Ok(Self(caller.and_then(|caller| caller.require(Scope::Read)).ok()))
    }
}
