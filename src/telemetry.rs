//! The log: text or JSON, to standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("log.filter '{filter}' cannot be read: {reason}")]
pub struct FilterError {
    filter: String,
    reason: String,
}

/// Starts the log of the process. A second call changes nothing.
pub fn start(settings: &Log) -> Result<(), FilterError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| FilterError {
        filter: settings.filter.clone(),
        reason: error.to_string(),
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // An error says that a log has been started before, as in a test.
    let _ = match settings.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}
