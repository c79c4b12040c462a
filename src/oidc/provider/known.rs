//! What the provider says of itself, and its keys.

use std::{sync::Arc, time::Duration};

use openidconnect::{DiscoveryError, IssuerUrl, JsonWebKeySet, TokenUrl, UserInfoUrl};
use tokio::sync::Mutex;

use super::{Metadata, OidcError, Provider, is_safe};
use crate::clock::{Clock, Moment};

/// How long it is taken for true.
const TTL: Duration = Duration::from_hours(1);

/// How long nobody asks again after it was away: those who have waited meanwhile need not wait anew.
const PAUSE: Duration = Duration::from_secs(5);

/// How long its keys are not read again: whoever has a token with an invented key cannot have the provider
/// asked as often as they like.
const LEAST_AGE: Duration = Duration::from_secs(10);

/// One question at a time, shared by all who need the answer.
#[derive(Debug)]
pub(super) struct Known {
    clock: Clock,
    last: Mutex<Option<(Outcome, Moment)>>,
}

type Outcome = Result<Arc<Metadata>, OidcError>;

impl Known {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, last: Mutex::default() }
    }
}

impl Provider {
    /// What it says of itself, with its keys.
    pub(super) async fn metadata(&self) -> Outcome {
        let mut last = self.known.last.lock().await;
        if let Some((outcome, at)) = &*last {
            let lasts = if outcome.is_ok() { TTL } else { PAUSE };
            if self.known.clock.moment().since(*at) < lasts {
                return outcome.clone();
            }
        }
        let outcome = self.discovered().await;
        *last = Some((outcome.clone(), self.known.clock.moment()));
        outcome
    }

    /// The same with keys that were read after these.
    pub(super) async fn metadata_after(&self, old: &Arc<Metadata>) -> Outcome {
        let mut last = self.known.last.lock().await;
        if let Some((outcome, at)) = &*last {
            let is_newer = outcome.as_ref().is_ok_and(|known| !Arc::ptr_eq(known, old));
            if is_newer || self.known.clock.moment().since(*at) < LEAST_AGE {
                return outcome.clone();
            }
        }
        let keys = JsonWebKeySet::fetch_async(old.jwks_uri(), &self.http).await;
        let keys = keys.map_err(|error| self.not_discovered(error))?;
        let renewed = Arc::new(Metadata::clone(old).set_jwks(keys));
        *last = Some((Ok(renewed.clone()), self.known.clock.moment()));
        Ok(renewed)
    }

    async fn discovered(&self) -> Outcome {
        let issuer =
            IssuerUrl::new(self.config.issuer.clone()).map_err(|error| self.away(&error))?;
        let metadata = Metadata::discover_async(issuer, &self.http).await;
        let metadata = metadata.map_err(|error| self.not_discovered(error))?;
        let addresses = [
            Some(metadata.authorization_endpoint().url()),
            metadata.token_endpoint().map(TokenUrl::url),
            metadata.userinfo_endpoint().map(UserInfoUrl::url),
            Some(metadata.jwks_uri().url()),
        ];
        if addresses.into_iter().flatten().any(|address| !is_safe(address)) {
            return Err(OidcError::Away("it names an address that is not https".to_owned()));
        }
        if metadata.token_endpoint().is_none() {
            return Err(OidcError::Away("it has no token_endpoint".to_owned()));
        }
        Ok(Arc::new(metadata))
    }

    fn not_discovered(&self, error: DiscoveryError<super::http::NoAnswer>) -> OidcError {
        match error {
            DiscoveryError::Request(error) => OidcError::Away(error.to_string()),
            error => self.away(&error),
        }
    }
}
