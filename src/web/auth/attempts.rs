//! Attempts to sign in at the provider: what ties the way there to the way back.
//!
//! The browser keeps a random id in a signed cookie. State, nonce and the proof for the code are made of that
//! id with the key of the bridge, so that the cookie shows none of them, and a restart loses no attempt. Only
//! the browser that has begun one can end it, once, within ten minutes: nobody can have somebody else signed
//! in as themselves, and a code that was overheard is good for nothing.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Sessions;
use crate::{
    clock::later,
    oidc::Attempt,
    secret::{Secret, random_key},
    web::cookies,
};

/// How long somebody may take to sign in there.
const LIFETIME: Duration = Duration::from_mins(10);

/// What the cookie is called.
const NAME: &str = "bridge_sign_in";

/// The longest address to go on to, in bytes: whoever comes from a longer one begins at the first page.
const MOST_OF_NEXT: usize = 1024;

/// The most attempts that are remembered as used, of the last ten minutes.
const MOST_USED: usize = 10_000;

/// Attempts that came back, with when they end: none comes back twice.
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<BTreeSet<(i64, String)>>);

impl Used {
    /// Whether this one has not come back before.
    fn is_first(&self, now: i64, expires: i64, id: &str) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.split_off(&(now, String::new()));
        if used.len() >= MOST_USED {
            used.pop_first();
        }
        used.insert((expires, id.to_owned()))
    }
}

impl Sessions {
    /// A new attempt, with its cookie; `next` is where to go on to then.
    pub(in crate::web) fn attempt(&self, next: &str) -> (Attempt, Option<HeaderValue>) {
        let expires = later(self.inner.clock.now(), LIFETIME).as_second().to_string();
        let id = random_key();
        let next = if next.len() > MOST_OF_NEXT { "" } else { next };
        let next = URL_SAFE_NO_PAD.encode(next);
        let signature = self.inner.signer.sign("sign-in", &[&id, &expires, &next]);
        let value = [expires.as_str(), &id, &next, &signature].join(".");
        let cookie = self.cookie(&self.named(NAME), &value, LIFETIME);
        (self.attempt_of(&id), cookie)
    }

    /// The attempt that a browser has come back from with this state, and where it goes on to. It is used
    /// up by that.
    pub(in crate::web) fn attempted(
        &self,
        headers: &HeaderMap,
        state: &str,
    ) -> Option<(Attempt, String)> {
        cookies::named(headers, &self.named(NAME)).find_map(|value| self.come_back(value, state))
    }

    fn come_back(&self, value: &str, state: &str) -> Option<(Attempt, String)> {
        let parts: Vec<_> = value.split('.').collect();
        let [expires, id, next, signature] = parts[..] else { return None };
        let Sessions { inner } = self;
        if !inner.signer.verify("sign-in", &[id, expires, next], signature)
            || !inner.signer.verify("sign-in state", &[id], state)
        {
            return None;
        }
        let (now, expires) = (inner.clock.now(), expires.parse().ok()?);
        let latest = later(now, LIFETIME).as_second();
        let now = now.as_second();
        if !(now..=latest).contains(&expires) || !inner.used.is_first(now, expires, id) {
            return None;
        }
        let next = URL_SAFE_NO_PAD.decode(next).ok()?;
        Some((self.attempt_of(id), String::from_utf8(next).ok()?))
    }

    /// What takes the cookie from the browser.
    pub(in crate::web) fn attempt_ended(&self) -> Option<HeaderValue> {
        self.cookie(&self.named(NAME), "", Duration::ZERO)
    }

    fn attempt_of(&self, id: &str) -> Attempt {
        let made = |purpose| self.inner.signer.sign(purpose, &[id]);
        Attempt {
            state: made("sign-in state"),
            nonce: made("sign-in nonce"),
            verifier: Secret::new(made("sign-in verifier")),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;
    use crate::config::Server;
    use crate::{clock::Clock, web::Signer};

    fn back(cookie: &HeaderValue) -> HeaderMap {
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn an_attempt_comes_back_once_in_time_and_with_its_own_state() {
        let clock = Clock::system();
        let signer = Signer::new(&Secret::new("key".to_owned()));
        let public_url = Some("https://bridge.example".to_owned());
        let server = Server { public_url, ..Server::default() };
        let sessions = Sessions::new(&server, signer, clock.clone());
        let (attempt, cookie) = sessions.attempt("/inbox?state=failed");
        let cookie = cookie.unwrap();
        let text = cookie.to_str().unwrap();
        assert!(text.starts_with("__Host-bridge_sign_in="), "{text}");
        assert!(text.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"), "{text}");
        // Whoever sees the cookie has neither state nor nonce nor proof.
        for part in [attempt.state.as_str(), &attempt.nonce, attempt.verifier.expose()] {
            assert!(part.len() == 64 && !text.contains(part), "{text}");
        }
        let (other, _) = sessions.attempt("/");
        for wrong in ["", &attempt.state[1..], &attempt.nonce, &other.state] {
            assert!(sessions.attempted(&back(&cookie), wrong).is_none());
        }
        assert!(sessions.attempted(&HeaderMap::new(), &attempt.state).is_none());
        let (again, next) = sessions.attempted(&back(&cookie), &attempt.state).unwrap();
        assert_eq!((again.nonce, next), (attempt.nonce, "/inbox?state=failed".to_owned()));
        assert!(sessions.attempted(&back(&cookie), &attempt.state).is_none(), "used");

        let (late, cookie) = sessions.attempt(&format!("/{}", "a".repeat(MOST_OF_NEXT)));
        clock.advance(LIFETIME + Duration::from_secs(1));
        assert!(sessions.attempted(&back(&cookie.unwrap()), &late.state).is_none());
        let (long, cookie) = sessions.attempt(&format!("/{}", "a".repeat(MOST_OF_NEXT)));
        let (_, next) = sessions.attempted(&back(&cookie.unwrap()), &long.state).unwrap();
        assert_eq!(next, "");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let used = Used::default();
        let count = || used.0.lock().unwrap().len();
        let most = i64::try_from(MOST_USED).unwrap();
        for expires in 0..most + 5 {
            assert!(used.is_first(0, expires, "id"));
        }
        // What would be forgotten anyway goes first.
        assert_eq!(count(), MOST_USED);
        assert!(!used.is_first(0, most + 4, "id"));
        assert!(used.is_first(most + 5, most + 600, "id"));
        assert_eq!(count(), 1);
    }
}
