//! Why a bridge does not start, and why one ends.

use std::net::SocketAddr;

use crate::{
    config::Unusable,
    desk::DeskConfigError,
    domain::{keys::Instance, ticket_text::TemplateError},
    hooks::{HookError, ReplaceError},
    outgoing::ClientError,
    server::FrontError,
    store::StoreError,
};

/// A bridge that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Everybody could call it.
    #[error(
        "server.listen is {0}, beyond loopback, and there is no token: anyone could post. Make \
         one with the command 'token', or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// A token of some companies would meet those of others.
    #[error(
        "auth: instance '{0}' is that of a token or group which is limited to companies and may write, \
         and the database has controls or acknowledgements of other companies in it. Give \
         the token an instance of its own (or the group of auth.oidc), and link its companies there"
    )]
    Crowded(Instance),
    /// The configuration names something unusable.
    #[error(transparent)]
    Config(#[from] Unusable),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A page cannot be used: a defect.
    #[error("a page of the bridge cannot be used: {0}")]
    Page(#[from] minijinja::Error),
    /// It cannot be reached as it is to be.
    #[error(transparent)]
    Front(#[from] FrontError),
    /// A hook cannot be used.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A bridge that ended although nobody told it to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A background task ended: without it the bridge would only seem to work.
    #[error("the background task '{0}' ended; see the log before this")]
    Task(&'static str),
}

impl From<DeskConfigError> for StartError {
    fn from(error: DeskConfigError) -> Self {
        match error {
            DeskConfigError::Unusable(error) => Self::Config(error),
            DeskConfigError::Client(error) => Self::Client(error),
        }
    }
}

impl From<ReplaceError> for StartError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Hook(error) => Self::Hook(error),
            ReplaceError::Store(error) => Self::Store(error),
        }
    }
}
