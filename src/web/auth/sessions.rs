//! The sessions of people in browsers: a cookie that stands for a token, or for whom the provider has
//! signed in.
//!
//! Nothing is kept of one. It is signed with the token's hash, which it does not show, so that whoever
//! removes the token, or changes the key of links, ends it.
//!
//! That of a token lasts for twelve hours after its person was there. What a person does is to go to a page, or to change
//! something: that renews it. Pages that refresh themselves, and streams that are listened to, do not: a
//! screen that nobody looks at is signed out in the end. That of the provider is never renewed.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use sha2::{Digest as _, Sha256};

use super::{Caller, Kind, attempts::Used};
use crate::{
    clock::{Clock, later},
    config::Server,
    domain::hex::hex,
    web::{Signer, cookies, origin::OwnOrigin},
};

/// How long a session lasts whose person does nothing.
const LIFETIME: Duration = Duration::from_hours(12);

/// How long one lasts that the provider has given, whatever its person does.
const LIFETIME_BY_PROVIDER: Duration = Duration::from_hours(8);

/// How long a session goes on before its cookie is given anew.
const FRESH: Duration = Duration::from_hours(1);

const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What browsers name first among what they take when somebody goes to a page, and no script does.
const OF_NAVIGATION: &str = "application/xhtml+xml";

/// What its cookie is called.
const NAME: &str = "bridge_session";

/// What its signature is for.
const PURPOSE: &str = "session";

/// Hexadecimal digits by which a token is told from others. They are those of a hash of its hash, of
/// which nothing can be made.
const DIGITS: usize = 32;

/// Gives out sessions, and takes them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    own: OwnOrigin,
    pub(super) signer: Signer,
    pub(super) clock: Clock,
    /// Attempts to sign in at the provider that came back.
    pub(super) used: Used,
}

/// A session that is good.
pub(super) struct Session {
    pub(super) caller: Arc<Caller>,
    /// Until when it lasts, in seconds since 1970.
    expires: i64,
}

impl Sessions {
    /// Sessions of browsers that reach the bridge there.
    #[must_use]
    pub fn new(server: &Server, signer: Signer, clock: Clock) -> Self {
        let own = OwnOrigin::of(server);
        Self { inner: Arc::new(Inner { own, signer, clock, used: Used::default() }) }
    }

    /// Where the bridge is.
    pub(super) fn own(&self) -> &OwnOrigin {
        &self.inner.own
    }

    /// The clock by which they end.
    pub(super) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The cookie of a session that begins now.
    pub(in crate::web) fn begun(&self, caller: &Caller) -> Option<HeaderValue> {
        let lifetime = match caller.kind {
            Kind::Token | Kind::ByProxy => LIFETIME,
            Kind::ByProvider => LIFETIME_BY_PROVIDER,
        };
        let expires = later(self.inner.clock.now(), lifetime).as_second();
        let signature = self.signature(caller, expires);
        let value = format!("{expires}.{}.{signature}", caller.shown_id);
        self.cookie(&self.name(), &value, lifetime)
    }

    /// What takes the cookie from the browser.
    pub(super) fn ended(&self) -> Option<HeaderValue> {
        self.cookie(&self.name(), "", Duration::ZERO)
    }

    /// The session that a request has, if it is that of one of the callers, whom `with` finds by
    /// their digits.
    pub(super) fn find(
        &self,
        headers: &HeaderMap,
        with: impl Fn(&str) -> Option<Arc<Caller>>,
    ) -> Option<Session> {
        cookies::named(headers, &self.name()).find_map(|value| self.read(value, &with))
    }

    fn read(&self, value: &str, with: impl Fn(&str) -> Option<Arc<Caller>>) -> Option<Session> {
        let (expires, rest) = value.split_once('.')?;
        let (digits, signature) = rest.split_once('.')?;
        let expires: i64 = expires.parse().ok()?;
        let now = self.inner.clock.now();
        // After the clock was put back, none lasts longer than it was meant to.
        if !(now.as_second()..=later(now, LIFETIME).as_second()).contains(&expires) {
            return None;
        }
        let caller = with(digits)?;
        let signed = [caller.id.expose(), &expires.to_string()];
        let is_signed = self.inner.signer.verify(PURPOSE, &signed, signature);
        is_signed.then_some(Session { caller, expires })
    }

    /// The cookie of a session whose person is there.
    pub(super) fn renewed(&self, session: &Session) -> Option<HeaderValue> {
        if session.caller.kind == Kind::ByProvider {
            return None;
        }
        let full = later(self.inner.clock.now(), LIFETIME).as_second();
        let used = u64::try_from(full.saturating_sub(session.expires)).unwrap_or_default();
        if used < FRESH.as_secs() { None } else { self.begun(&session.caller) }
    }

    fn signature(&self, caller: &Caller, expires: i64) -> String {
        self.inner.signer.sign(PURPOSE, &[caller.id.expose(), &expires.to_string()])
    }

    fn name(&self) -> String {
        self.named(NAME)
    }

    /// The whole name of a cookie. Browsers take one with such a beginning only from the very host by https:
    /// no other site of its domain can put a cookie of its own there.
    pub(super) fn named(&self, name: &str) -> String {
        let prefix = match (self.own().is_https(), self.own().path()) {
            (true, "") => "__Host-",
            (true, _) => "__Secure-",
            (false, _) => "",
        };
        [prefix, name].concat()
    }

    /// The header that sets a cookie of this whole name.
    ///
    /// `Lax`: the browser sends it along when a link, or the provider, leads here, and with nothing that
    /// another site posts or embeds. `Strict` would keep it back from whoever comes back from the provider.
    pub(super) fn cookie(
        &self,
        name: &str,
        value: &str,
        lifetime: Duration,
    ) -> Option<HeaderValue> {
        let own = self.own();
        let path = if own.path().is_empty() { "/" } else { own.path() };
        let secure = if own.is_https() { "; Secure" } else { "" };
        let seconds = lifetime.as_secs();
        let cookie = format!(
            "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        );
        // It could only be an odd path that no header can have.
        HeaderValue::from_str(&cookie).ok()
    }
}

/// Whether a person is behind a request: somebody goes to a page, or changes something. Where a browser
/// does not say how it was asked, which it says by https alone, what it takes tells the same.
pub(super) fn is_by_person(method: &Method, headers: &HeaderMap) -> bool {
    if !method.is_safe() {
        return true;
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => text(header::ACCEPT).is_some_and(|taken| taken.contains(OF_NAVIGATION)),
    }
}

/// Which token a cookie stands for, by the token's hash.
pub(super) fn shown_id(hash: &str) -> String {
    let mut digits = hex(&Sha256::digest(hash));
    digits.truncate(DIGITS);
    digits
}
