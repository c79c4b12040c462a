//! What a running bridge takes over without a restart: tokens, hooks, the key of links, the certificate, and how it
//! logs in.

use std::{net::SocketAddr, sync::Arc};

use super::{StartError, Tokens, federation, link_key, refuse_crowded, refuse_open};
use crate::{
    cmdb::Federation,
    config::{Config, Current},
    desk::Desks,
    hooks::Hooks,
    store::Store,
    tls::{Files, Shown},
    web::{ControlAnswers, Signer},
};

/// Changes a running bridge. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reload {
    inner: Arc<Parts>,
}

/// What of a bridge can be changed.
#[derive(Debug)]
pub(super) struct Parts {
    /// What the bridge runs with now.
    pub(super) config: Current,
    pub(super) address: SocketAddr,
    pub(super) desks: Desks,
    pub(super) store: Store,
    pub(super) tokens: Tokens,
    pub(super) signer: Signer,
    pub(super) answers: ControlAnswers,
    pub(super) hooks: Hooks,
    pub(super) federation: Option<Federation>,
    pub(super) tls: Option<Shown>,
}

impl Reload {
    pub(super) fn new(parts: Parts) -> Self {
        Self { inner: Arc::new(parts) }
    }

    /// Takes tokens, hooks, secrets, the certificate and the logins to the ticket systems from a configuration that
    /// was read again. Tells whether it differs in anything else, which needs a restart. The log is its caller's.
    ///
    /// # Errors
    /// Nothing is taken then: everybody could call, a token would reach other companies, or the login or
    /// a hook cannot be used.
    pub async fn configuration(&self, read: &Config) -> Result<bool, StartError> {
        let inner = &*self.inner;
        let known = inner.config.get();
        let renewed = known.renewed(read);
        refuse_open(inner.address, &renewed)?;
        refuse_crowded(&renewed, &inner.store).await?;
        let key = link_key(&renewed, &inner.store).await?;
        let hooks = Hooks::prepared(&renewed.hooks)?;
        for served in inner.desks.iter() {
            served.catalog.desk().renew(&renewed)?;
        }
        self.account_of_cmdb(&renewed)?;
        if renewed.hooks != known.hooks {
            inner.hooks.replace(hooks).await?;
        }
        if renewed.auth != known.auth {
            inner.tokens.replace(&renewed.auth);
        }
        if let Some((tls, files)) = inner.tls.as_ref().zip(Files::of(&renewed.server)) {
            // One that cannot be used holds up nothing else.
            tls.take_from(files);
        }
        if inner.signer.replace(&key) {
            // They hold links.
            inner.answers.forget();
        }
        let needs_restart = renewed != *read;
        inner.config.replace(renewed);
        Ok(needs_restart)
    }

    /// Reads the files of secrets and certificates for the ticket systems again: whoever changes a password there
    /// changes the file, and nothing else tells the bridge.
    pub(super) fn secret_files(&self) {
        let inner = &*self.inner;
        let mut config = Config::clone(&inner.config.get());
        for problem in config.read_secret_files_again() {
            tracing::warn!("a secret could not be read again: {problem}");
        }
        for served in inner.desks.iter() {
            let title = served.name().title();
            match served.catalog.desk().renew(&config) {
                Ok(false) => {}
                Ok(true) => tracing::info!("the login to {title} was read again and has changed"),
                Err(error) => {
                    tracing::warn!(%error, "the login to {title} could not be read again");
                }
            }
        }
        match self.account_of_cmdb(&config) {
            Ok(false) => {}
            Ok(true) => tracing::info!("the login of [cmdb] was read again and has changed"),
            Err(error) => tracing::warn!(%error, "the login of [cmdb] could not be read again"),
        }
    }

    /// Takes over how the account of `[cmdb]` logs in; tells whether that is different.
    fn account_of_cmdb(&self, config: &Config) -> Result<bool, StartError> {
        match (&self.inner.federation, federation::account(config)?) {
            (Some(federation), Some(account)) => Ok(federation.renew(&account)?),
            _ => Ok(false),
        }
    }
}
