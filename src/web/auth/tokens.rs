//! The tokens of the configuration, and whom a request is from by them.

mod admission;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use axum::http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::{
    By, Caller, Identified, Kind, Known, OidcSignIn, Sessions, Signed,
    proxy::ProxySignIn,
    sessions::{Session, is_by_person, shown_id},
};
use crate::{
    clock::Clock,
    config::{Auth, Grant},
    domain::{
        hex::{hex, unhex},
        keys::Instance,
        standard_webhooks::Key,
        visible::Visible,
    },
    secret::Secret,
    store::{Store, StoreError},
    web::{
        client::Client,
        content,
        problem::ApiError,
        rates::{Allowance, Refusals, Strangers},
        share::{Receiving, Unproven},
    },
};

/// The tokens of the configuration. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiTokens {
    callers: Arc<watch::Sender<Callers>>,
    sessions: Sessions,
    /// Who has signed a body is known when it was read: until then those of one address have as much as one
    /// token.
    unproven: Unproven,
    refusals: Refusals,
}

#[derive(Debug)]
enum Callers {
    /// There are no tokens, no proxy and no provider: everyone is let in.
    Anyone(Arc<Caller>),
    Known {
        /// By the SHA-256 of each token. How long it takes to find one tells nothing: who knows
        /// beginnings of hashes knows no token.
        tokens: HashMap<[u8; 32], Arc<Caller>>,
        /// Those of them that may stand in an address.
        in_path: HashSet<[u8; 32]>,
        /// Those who sign, with the keys of each.
        signers: Vec<(Vec<Key>, Arc<Caller>)>,
        /// People come through it.
        proxy: Option<Box<ProxySignIn>>,
        /// Those who are not known.
        strangers: Box<Strangers>,
        /// People sign in there.
        oidc: Option<Arc<OidcSignIn>>,
    },
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
    pub fn new(auth: &Auth, sessions: Sessions) -> Self {
        let callers = Callers::of(auth, sessions.clock());
        let callers = Arc::new(watch::Sender::new(callers));
        let refusals = Refusals::new(sessions.clock().clone());
        Self { callers, sessions, unproven: Unproven::default(), refusals }
    }

    /// Knows these tokens from now on, and no others.
    pub fn replace(&self, auth: &Auth) {
        self.callers.send_replace(Callers::of(auth, self.sessions.clock()));
    }

    /// Waits until other tokens are known: what was granted before must be asked for anew.
    pub(in crate::web) fn replaced(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut changes = self.callers.subscribe();
        let tokens = self.clone();
        async move {
            // An error says that they will not be replaced any more, which `tokens` prevents.
            let _ = changes.changed().await;
            drop(tokens);
        }
    }

    /// Whoever has sent a request, if it may be that.
    pub(in crate::web) fn caller(&self, parts: &Parts) -> Result<Arc<Caller>, ApiError> {
        self.known(parts).map(|known| known.caller)
    }

    /// The same with how it has told who it is. A bearer token goes before the cookie of a session; and
    /// what a browser adds by itself counts for what changes something only if a page of the bridge has
    /// asked for it.
    pub(in crate::web) fn known(&self, parts: &Parts) -> Result<Known, ApiError> {
        let known = match parts.extensions.get() {
            Some(Identified(found)) => found.clone()?,
            None => self.callers.borrow().known(parts, &self.sessions)?,
        };
        let is_of_a_browser = match known.by {
            By::Cookie | By::Proxy => true,
            By::Token | By::Anyone => false,
        };
        if is_of_a_browser && !parts.method.is_safe() {
            self.refuse_foreign(parts)?;
            // What a form of any page can send no call takes, whatever a browser says of that page.
            content::refuse_forms(&parts.headers)?;
        }
        Ok(known)
    }

    /// Whoever has a token that may stand in an address, and stands there.
    pub(in crate::web) fn in_path(&self, token: &str) -> Option<Arc<Caller>> {
        self.callers.borrow().in_path(token)
    }

    /// Whether a request says by its signature alone who has sent it.
    pub(in crate::web) fn may_be_signed(&self, headers: &HeaderMap) -> bool {
        let has_signers = match &*self.callers.borrow() {
            Callers::Anyone(_) => false,
            Callers::Known { signers, .. } => !signers.is_empty(),
        };
        has_signers && bearer(headers).is_none() && Signed::is_in(headers)
    }

    /// Whoever has signed this body.
    pub(in crate::web) fn signer(&self, signed: &Signed, body: &[u8]) -> Option<Arc<Caller>> {
        let callers = self.callers.borrow();
        let Callers::Known { signers, .. } = &*callers else { return None };
        let (_, caller) = signers.iter().find(|(keys, _)| signed.is_by(keys, body))?;
        Some(caller.clone())
    }

    /// Whether this caller may sign what it posts.
    pub(in crate::web) fn signs(&self, caller: &Arc<Caller>) -> bool {
        match &*self.callers.borrow() {
            Callers::Anyone(_) => false,
            Callers::Known { signers, .. } => {
                signers.iter().any(|(_, signer)| Arc::ptr_eq(signer, caller))
            }
        }
    }

    /// What bodies have that come from there, and whose sender is not known yet.
    pub(in crate::web) fn unproven(&self, Client(address): Client) -> Receiving {
        self.unproven.of(address)
    }

    /// Whether no page of another origin has had a browser send this.
    pub(in crate::web) fn is_from_no_foreign_page(&self, parts: &Parts) -> bool {
        let is_own = |origin| self.sessions.own().is(origin, &parts.uri, &parts.headers);
        parts.headers.get(header::ORIGIN).is_none_or(is_own)
    }

    /// Refuses what no page of the bridge has sent.
    pub(in crate::web) fn refuse_foreign(&self, parts: &Parts) -> Result<(), ApiError> {
        if self.sessions.own().has_sent(&parts.uri, &parts.headers) {
            return Ok(());
        }
        Err(ApiError::ForeignCaller(
            "Without a token only pages of the bridge itself may write here, and by what the browser \
             says this was sent by none. Behind a proxy set server.public_url to how browsers reach the \
             bridge; programs send 'Authorization: Bearer …'."
                .to_owned(),
        ))
    }

    /// Whoever has this token, with the cookie of a session; `None` where it is none.
    pub(in crate::web) fn sign_in(&self, token: &str) -> Option<(Arc<Caller>, HeaderValue)> {
        let caller = self.callers.borrow().by_token(token)?;
        let cookie = self.sessions.begun(&caller)?;
        Some((caller, cookie))
    }

    /// Where people sign in, if there is such a provider.
    pub(in crate::web) fn oidc(&self) -> Option<Arc<OidcSignIn>> {
        match &*self.callers.borrow() {
            Callers::Anyone(_) => None,
            Callers::Known { oidc, .. } => oidc.clone(),
        }
    }

    /// Whether the session of a request is of somebody who has signed in there.
    pub(in crate::web) fn is_by_provider(&self, headers: &HeaderMap) -> bool {
        let session = self.callers.borrow().session(headers, &self.sessions);
        session.is_some_and(|session| session.caller.kind == Kind::ByProvider)
    }

    /// Where sessions come from.
    pub(in crate::web) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// What takes the cookie from the browser.
    pub(in crate::web) fn sign_out(&self) -> Option<HeaderValue> {
        self.sessions.ended()
    }

    /// A new cookie for the person whose session has grown old, if it is a person who asks.
    pub(in crate::web) fn renewed(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<HeaderValue> {
        if !is_by_person(method, headers) {
            return None;
        }
        let session = self.callers.borrow().session(headers, &self.sessions)?;
        self.sessions.renewed(&session)
    }

    /// Whether a request may be somebody's without a token in it: the answer then depends on what a browser,
    /// or the proxy in front, has added.
    pub(in crate::web) fn may_be_of_person(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_none() && !self.let_in_anyone()
    }

    /// Whether everyone is let in.
    pub(in crate::web) fn let_in_anyone(&self) -> bool {
        matches!(&*self.callers.borrow(), Callers::Anyone(_))
    }

    /// Those who have a token of this name.
    pub(in crate::web) fn named(&self, name: &str) -> Vec<Arc<Caller>> {
        match &*self.callers.borrow() {
            Callers::Anyone(anyone) => vec![anyone.clone()],
            Callers::Known { tokens, .. } => {
                tokens.values().filter(|known| known.name == name).cloned().collect()
            }
        }
    }
}

impl Callers {
    fn of(auth: &Auth, clock: &Clock) -> Self {
        let tokens = &auth.tokens;
        if auth.lets_anyone_in() {
            return Self::Anyone(Arc::new(Caller::anyone(Allowance::new(auth.rate, clock))));
        }
        let tenants: Arc<[Visible]> = tenants(auth).collect();
        let (mut known, mut in_path, mut signers) = (HashMap::new(), HashSet::new(), Vec::new());
        for token in tokens {
            let hash = token.hash.to_ascii_lowercase();
            let hash = hash.strip_prefix(HASH).unwrap_or_default();
            let caller = Arc::new(Caller {
                kind: Kind::Token,
                id: Secret::new(hash.to_owned()),
                shown_id: shown_id(hash),
                name: token.name.clone(),
                scopes: token.scopes.clone(),
                visible: visible(Grant::from(token)),
                tenants: tenants.clone(),
                receiving: Receiving::default(),
                allowance: Allowance::new(token.rate.unwrap_or(auth.rate), clock),
            });
            // What is none fits nothing; loading the configuration has refused it.
            let digest: Option<[u8; 32]> = unhex(hash).and_then(|digest| digest.try_into().ok());
            if let Some(digest) = digest {
                known.insert(digest, caller.clone());
                in_path.extend(token.in_path.then_some(digest));
            }
            let keys: Vec<_> = token.signing_secrets().flat_map(Key::parse).collect();
            if !keys.is_empty() {
                signers.push((keys, caller));
            }
        }
        let proxy = auth.proxy.as_ref();
        let proxy =
            proxy.and_then(|proxy| ProxySignIn::of(proxy, auth.rate, tenants.clone(), clock));
        let strangers = Box::new(Strangers::new(auth.rate_per_address, clock));
        let oidc = auth.oidc.as_ref();
        let oidc = oidc.map(|oidc| Arc::new(OidcSignIn::new(oidc, auth.rate, tenants, clock)));
        Self::Known { tokens: known, in_path, signers, proxy: proxy.map(Box::new), strangers, oidc }
    }

    fn known(&self, parts: &Parts, sessions: &Sessions) -> Result<Known, ApiError> {
        let proxy = match self {
            Self::Anyone(anyone) => {
                return Ok(Known { caller: anyone.clone(), by: By::Anyone });
            }
            Self::Known { proxy, .. } => proxy,
        };
        if let Some(token) = bearer(&parts.headers) {
            let caller = self.by_token(token).ok_or(ApiError::Unauthorized)?;
            return Ok(Known { caller, by: By::Token });
        }
        if let Some(session) = self.session(&parts.headers, sessions) {
            return Ok(Known { caller: session.caller, by: By::Cookie });
        }
        let person = proxy.as_ref().map_or(Ok(None), |proxy| proxy.caller(parts))?;
        let caller = person.ok_or(ApiError::Unauthorized)?;
        Ok(Known { caller, by: By::Proxy })
    }

    fn in_path(&self, token: &str) -> Option<Arc<Caller>> {
        let Self::Known { tokens, in_path, .. } = self else { return None };
        let digest = <[u8; 32]>::from(Sha256::digest(token));
        tokens.get(&digest).filter(|_| in_path.contains(&digest)).cloned()
    }

    fn by_token(&self, token: &str) -> Option<Arc<Caller>> {
        let Self::Known { tokens, .. } = self else { return None };
        tokens.get(&<[u8; 32]>::from(Sha256::digest(token))).cloned()
    }

    fn session(&self, headers: &HeaderMap, sessions: &Sessions) -> Option<Session> {
        let Self::Known { tokens, oidc, .. } = self else { return None };
        sessions.find(headers, |shown| {
            let by_token = tokens.values().find(|caller| caller.shown_id == shown);
            by_token.cloned().or_else(|| oidc.as_ref()?.shown(shown))
        })
    }
}

/// The token that a program sends; another scheme is for what stands in front.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What tenants may see: the instance of each is for its companies alone.
fn tenants(auth: &Auth) -> impl Iterator<Item = Visible> {
    auth.grants().filter(Grant::is_of_a_tenant).map(visible)
}

/// The instance of a tenant in which there are other companies already: what it posts would take the
/// place of theirs.
pub async fn crowded_instance(auth: &Auth, store: &Store) -> Result<Option<Instance>, StoreError> {
    for tenant in tenants(auth) {
        if let Some(instance) = store.crowded(&tenant).await? {
            return Ok(Some(instance));
        }
    }
    Ok(None)
}

/// What a token, or a group, lets see.
fn visible(grant: Grant<'_>) -> Visible {
    let instance = grant.instance.and_then(|instance| instance.parse().ok());
    match (instance, grant.companies) {
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
