//! Who calls, and what they may do.

mod attempts;
mod oidc;
mod proxy;
mod sessions;
mod signed;
mod tokens;

pub(super) use oidc::{NoAccess, OidcSignIn};
pub use proxy::Peer;
pub use sessions::Sessions;
pub(super) use signed::Signed;
pub use tokens::{ApiTokens, crowded_instance, hash_token};

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{Extensions, request::Parts},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{problem::ApiError, rates::Allowance, share::Receiving};
use crate::{
    config::Scope,
    domain::{
        acknowledgement::Party,
        keys::{Instance, PartyKey},
        visible::Visible,
    },
    secret::Secret,
};

/// What a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Whoever has a token.
    Token,
    /// A person whom the proxy has signed in.
    ByProxy,
    /// A person whom the provider has signed in.
    ByProvider,
}

impl Kind {
    /// What it is called in sentences.
    fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ByProxy | Self::ByProvider => "user",
        }
    }
}

/// Whoever sent a request.
#[derive(Debug)]
pub(super) struct Caller {
    kind: Kind,
    /// The hash of the token, which tells it from others of its name; for signatures alone.
    pub(super) id: Secret,
    /// What the cookie of a session has of that.
    shown_id: String,
    pub(super) name: String,
    scopes: Vec<Scope>,
    visible: Visible,
    /// What tenants see: the instance of each is for its companies alone.
    tenants: Arc<[Visible]>,
    pub(super) receiving: Receiving,
    pub(super) allowance: Allowance,
}

impl Caller {
    fn anyone(allowance: Allowance) -> Self {
        Self {
            kind: Kind::Token,
            id: Secret::new(String::new()),
            shown_id: String::new(),
            name: "anyone".to_owned(),
            scopes: vec![Scope::Admin],
            visible: Visible::all(),
            tenants: Arc::default(),
            receiving: Receiving::default(),
            allowance,
        }
    }

    /// The caller, if it has this scope.
    pub(super) fn require(self: Arc<Self>, scope: Scope) -> Result<Arc<Self>, ApiError> {
        if self.may(scope) {
            return Ok(self);
        }
        if scope == Scope::Ingest {
            // The sender may ignore the answer, and nothing else would tell of what it has sent.
            tracing::warn!(token = self.name, "a post was refused: its token lacks the scope");
        }
        let (who, scope) = (self.called(), scope.as_str());
        Err(ApiError::Forbidden(format!("The {who} lacks the scope '{scope}'.")))
    }

    /// What it is called in sentences.
    fn called(&self) -> String {
        format!("{} '{}'", self.kind.as_str(), self.name)
    }

    /// Whether it has a token, so that an address can be signed for that.
    pub(super) fn has_token(&self) -> bool {
        self.kind == Kind::Token
    }

    /// Whether it has a scope.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Which organization a company is decides whose tickets it gets: no token of some companies says
    /// that, not even of its own.
    fn may_link(&self) -> Result<(), ApiError> {
        if self.is_limited_to_companies() {
            let (who, kind) = (self.called(), self.kind.as_str());
            return Err(ApiError::Forbidden(format!(
                "The {who} is limited to companies, and such {kind}s change no links."
            )));
        }
        Ok(())
    }

    /// Whether it administers, and is limited to nothing.
    pub(super) fn oversees(&self) -> bool {
        self.may(Scope::Admin) && self.sees_all()
    }

    /// How the bridge is set up, and what it finds out of iTop, concerns all who share it.
    pub(super) fn may_oversee(&self) -> Result<(), ApiError> {
        if self.sees_all() {
            return Ok(());
        }
        let who = self.called();
        Err(ApiError::Forbidden(format!("The {who} is limited, and this concerns all companies.")))
    }

    /// Whether it may post an event of this company to this instance.
    pub(super) fn may_post(&self, instance: &Instance, company: &Party) -> Result<(), ApiError> {
        let key = &company.key;
        let not_for = |whose: String| {
            let company = company.label();
            Err(ApiError::Forbidden(format!("{whose} is not for company '{company}' ({key}).")))
        };
        if !self.visible.has_company(key) {
            return not_for(format!("The {}", self.called()));
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

    /// Whether it may say something of the equipment of this company.
    pub(super) fn may_see_company(&self, company: &PartyKey) -> Result<(), ApiError> {
        if self.visible.has_company(company) {
            return Ok(());
        }
        Err(ApiError::Forbidden(format!("The {} is not for company '{company}'.", self.called())))
    }

    /// The instance that the request is about: what it names, else the token's, else `default`.
    pub(super) fn instance(&self, named: Option<&Instance>) -> Result<Instance, ApiError> {
        match (named, self.visible.instance()) {
            (Some(named), Some(own)) if named != own => Err(ApiError::Forbidden(format!(
                "This {} speaks for instance '{own}', and the request names '{named}'.",
                self.kind.as_str()
            ))),
            (Some(instance), _) | (None, Some(instance)) => Ok(instance.clone()),
            (None, None) => Ok(Instance::default()),
        }
    }

    /// What it may do.
    pub(super) fn scopes(&self) -> &[Scope] {
        &self.scopes
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

/// How a caller has told who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum By {
    /// By its token.
    Token,
    /// By the cookie of a session, which stands for a token, or for whom the provider has signed in.
    Cookie,
    /// By the proxy in front of the bridge.
    Proxy,
    /// Not at all: there are no tokens.
    Anyone,
}

/// A caller, whatever it may do.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) caller: Arc<Caller>,
    pub(super) by: By,
}

/// Who has sent a request, or why that is nobody; found out at the door, and kept with the request.
#[derive(Clone)]
struct Identified(Result<Known, ApiError>);

/// What the sender of a request has of being received at once, if it is known.
pub(super) fn receiving(extensions: &Extensions) -> Option<Receiving> {
    let Identified(found) = extensions.get()?;
    found.as_ref().ok().map(|known| known.caller.receiving.clone())
}

impl<S> FromRequestParts<S> for Known
where
    ApiTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        ApiTokens::from_ref(state).known(parts)
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
        Self::of(caller)
    }
}

impl Linker {
    /// The caller, if it may change links.
    pub(super) fn of(caller: Arc<Caller>) -> Result<Self, ApiError> {
        let Admin(caller) = Admin::of(caller)?;
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

/// A caller that may operate what concerns all.
pub(super) struct Steward;

impl<S> FromRequestParts<S> for Steward
where
    ApiTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Operator(caller) = Operator::from_request_parts(parts, state).await?;
        caller.may_oversee().map(|()| Self)
    }
}

/// A caller that may see what is counted over all.
pub(super) struct Watcher;

impl<S> FromRequestParts<S> for Watcher
where
    ApiTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = ApiTokens::from_ref(state).caller(parts)?.require(Scope::Metrics)?;
        caller.may_oversee().map(|()| Self)
    }
}

/// A caller that may post acknowledgements, where it posts none: who posts is `Posted`.
pub(super) struct Ingest;

impl<S> FromRequestParts<S> for Ingest
where
    ApiTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        ApiTokens::from_ref(state).caller(parts)?.require(Scope::Ingest).map(|_| Self)
    }
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
