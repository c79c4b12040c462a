//! What parts of the bridge are given of a configuration.

use super::StartError;
use crate::{
    config::{Config, Unusable},
    domain::desk_name::DeskName,
    itop::Settings,
    secret::{Secret, random_key},
    store::{Store, StoreError},
};

/// The settings of the iTop client, from a checked configuration.
///
/// # Errors
/// Where iTop is not configured, for what needs it.
pub fn client_settings(config: &Config) -> Result<Settings, StartError> {
    let section = config.itop.as_ref().ok_or(Unusable::Section(DeskName::Itop))?;
    Ok(section.settings()?)
}

/// The key of signed links: the configured one, else one that is made once and kept.
pub(super) async fn link_key(config: &Config, store: &Store) -> Result<Secret, StoreError> {
    match &config.server.link_key {
        Some(key) => Ok(key.clone()),
        None => Ok(Secret::new(store.meta_or_insert("link_key", random_key()).await?)),
    }
}
