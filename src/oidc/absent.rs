//! In place of the provider in a program without the feature: nobody signs in.

#![expect(clippy::unused_async, reason = "they are those of the provider")]

use super::{Attempt, Examined, Identity, OidcError};
use crate::{clock::Clock, config, secret::Secret};

/// No provider.
#[derive(Debug)]
pub struct Provider;

impl Provider {
    /// The configuration was refused before.
    #[must_use]
    pub fn new(_: &config::Oidc, _: Clock) -> Self {
        Self
    }

    /// Leads nowhere.
    ///
    /// # Errors
    /// Always.
    pub async fn begin(&self, _: &Attempt, _: &str, _: &str) -> Result<String, OidcError> {
        Err(absent())
    }

    /// Knows nobody.
    ///
    /// # Errors
    /// Always.
    pub async fn finish(&self, _: Secret, _: Attempt, _: &str) -> Result<Identity, OidcError> {
        Err(absent())
    }

    /// There is none.
    pub async fn sign_out_address(&self, _: &str) -> Option<String> {
        None
    }

    /// Says that there is none.
    ///
    /// # Errors
    /// Always.
    pub async fn examine(&self) -> Result<Examined, OidcError> {
        Err(absent())
    }
}

fn absent() -> OidcError {
    OidcError::Away("this program was built without the feature oidc".to_owned())
}
