//! People who come through a proxy that has signed them in.
//!
//! It says in headers who they are, which whoever reaches the bridge can say as well: on one host
//! everybody comes from 127.0.0.1. So these headers count only beside a secret that the proxy alone
//! knows, and from where the proxy is.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use axum::http::{HeaderMap, HeaderName, HeaderValue, request::Parts};

use super::{Caller, Kind};
use crate::{
    clock::Clock,
    config::{self, Scope},
    domain::{network::Network, visible::Visible},
    secret::{Secret, random_key},
    web::{Signer, problem::ApiError, rates::Allowance, seldom::Seldom, share::Receiving},
};

/// The address that a connection comes from; the server adds it to each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The longest name of a person, in characters.
const MAX_NAME: usize = 200;

/// What the proof of the proxy is for.
const PURPOSE: &str = "proxy";

/// The proxy, and what those who come through it may do.
#[derive(Debug)]
pub(super) struct ProxySignIn {
    user: HeaderName,
    groups: HeaderName,
    secret: HeaderName,
    /// Compares in constant time, whatever the proxy's secret is.
    signer: Signer,
    signature: String,
    trusted: Vec<Network>,
    scopes: BTreeMap<String, Vec<Scope>>,
    tenants: Arc<[Visible]>,
    /// All of them together have as much as one token.
    receiving: Receiving,
    allowance: Allowance,
    told: Seldom,
}

impl ProxySignIn {
    /// That of a checked configuration.
    pub(super) fn of(
        proxy: &config::Proxy,
        rate: u32,
        tenants: Arc<[Visible]>,
        clock: &Clock,
    ) -> Option<Self> {
        let signer = Signer::new(&Secret::new(random_key()));
        Some(Self {
            user: proxy.header.parse().ok()?,
            groups: proxy.groups_header.parse().ok()?,
            secret: proxy.secret_header.parse().ok()?,
            signature: signer.sign(PURPOSE, &[proxy.secret.as_ref()?.expose()]),
            signer,
            trusted: proxy.trusted.iter().filter_map(|network| network.parse().ok()).collect(),
            scopes: proxy.groups.clone(),
            tenants,
            receiving: Receiving::default(),
            allowance: Allowance::new(rate, clock),
            told: Seldom::new(clock.clone(), "further requests named a user and were not believed"),
        })
    }

    /// Whom the proxy has signed in; `None` where it is not the proxy that says so.
    ///
    /// # Errors
    /// A header stands there twice, the name is none, or the person may do nothing here.
    pub(super) fn caller(&self, parts: &Parts) -> Result<Option<Arc<Caller>>, ApiError> {
        let headers = &parts.headers;
        if !headers.contains_key(&self.user) {
            return Ok(None);
        }
        let [name, groups, secret] = [&self.user, &self.groups, &self.secret];
        let [name, groups, secret] =
            [once(headers, name)?, once(headers, groups)?, once(headers, secret)?];
        let peer = parts.extensions.get::<Peer>().map(|Peer(address)| *address);
        if !peer.is_some_and(|peer| self.trusted.iter().any(|network| network.contains(peer))) {
            self.tell(peer, "it does not come from auth.proxy.trusted");
            return Ok(None);
        }
        let secret = text(secret).unwrap_or_default();
        if !self.signer.verify(PURPOSE, &[secret], &self.signature) {
            self.tell(peer, "it does not have the secret of auth.proxy");
            return Ok(None);
        }
        let Some(name) = text(name).map(str::trim).filter(|name| is_name(name)) else {
            return Err(ApiError::ForeignCaller(format!(
                "What the proxy says in '{}' is not the name of a person.",
                self.user
            )));
        };
        if name.is_empty() {
            return Ok(None);
        }
        let scopes = self.scopes_of(text(groups).unwrap_or_default());
        if scopes.is_empty() {
            return Err(ApiError::Forbidden(format!(
                "The user '{name}' is signed in, and in none of the groups that may use the bridge: \
                 auth.proxy.groups names them, and the proxy tells those of a user in '{}'.",
                self.groups
            )));
        }
        Ok(Some(Arc::new(Caller {
            kind: Kind::ByProxy,
            id: Secret::new(String::new()),
            shown_id: String::new(),
            name: name.to_owned(),
            scopes,
            visible: Visible::all(),
            tenants: self.tenants.clone(),
            receiving: self.receiving.clone(),
            allowance: self.allowance.clone(),
        })))
    }

    /// What somebody in these groups may do.
    fn scopes_of(&self, groups: &str) -> Vec<Scope> {
        let known = groups.split(',').filter_map(|group| self.scopes.get(group.trim()));
        Scope::together(known.flatten())
    }

    /// Whoever has set up the proxy looks for this, and whoever tries to pass for it is seen.
    fn tell(&self, peer: Option<IpAddr>, why: &'static str) {
        if self.told.is_told() {
            let peer = peer.map(tracing::field::display);
            tracing::warn!(peer, header = %self.user, why, "a request names a user and is not believed");
        }
    }
}

/// The value of a header that may stand there once.
fn once<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(ApiError::ForeignCaller(format!(
            "The header '{name}' stands there twice: the proxy has to clear what a browser sends of it."
        )));
    }
    Ok(value)
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    std::str::from_utf8(value?.as_bytes()).ok()
}

/// Several values that were joined on the way are not one name.
fn is_name(name: &str) -> bool {
    name.chars().count() <= MAX_NAME && !name.chars().any(|c| c == ',' || c.is_control())
}
