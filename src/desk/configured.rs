//! Ticket systems as a configuration names them.

use super::{Desk, DeskName};
use crate::{
    clock::Clock,
    config::{Config, Unusable},
    itop,
    outgoing::ClientError,
    salesforce,
};

/// A ticket system that cannot be spoken to as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum DeskConfigError {
    /// The configuration names something unusable.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Desk {
    /// The way to one of those that are configured.
    ///
    /// # Errors
    /// Where it is not, or its login cannot be used.
    pub fn configured(
        name: DeskName,
        config: &Config,
        clock: &Clock,
    ) -> Result<Self, DeskConfigError> {
        let missing = Unusable::Section(name);
        Ok(match name {
            DeskName::Itop => {
                let settings = config.itop.as_ref().ok_or(missing)?.settings()?;
                itop::Client::new(&settings)?.into()
            }
            DeskName::Salesforce => {
                let settings = config.salesforce.as_ref().ok_or(missing)?.settings()?;
                salesforce::Client::new(&settings, clock.clone())?.into()
            }
        })
    }

    /// Logs in from now on as a configuration says that was read again, and with what its files hold now;
    /// tells whether that is different.
    ///
    /// # Errors
    /// Nothing is changed then.
    pub fn renew(&self, config: &Config) -> Result<bool, DeskConfigError> {
        let missing = Unusable::Section(self.name());
        match self {
            Self::Itop(client) => {
                let settings = config.itop.as_ref().ok_or(missing)?.settings()?;
                Ok(client.renew(&settings)?)
            }
            Self::Salesforce(client) => {
                let settings = config.salesforce.as_ref().ok_or(missing)?.settings()?;
                Ok(client.renew(&settings)?)
            }
        }
    }
}
