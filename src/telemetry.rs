//! The log: text or JSON, to standard error.

use std::{fmt, io::IsTerminal as _, sync::Arc};

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("log.filter cannot be read; write a level such as info, or target=level pairs")]
pub struct FilterError;

/// The filter of the log that was started, to be changed while the process runs.
#[derive(Clone)]
pub struct Filter {
    replace: Arc<dyn Fn(EnvFilter) + Send + Sync>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

impl Filter {
    /// Logs by this filter from now on.
    pub fn set(&self, filter: &str) -> Result<(), FilterError> {
        (self.replace)(parsed(filter)?);
        Ok(())
    }
}

fn parsed(filter: &str) -> Result<EnvFilter, FilterError> {
    EnvFilter::try_new(filter).map_err(|_| FilterError)
}

/// Starts the log of the process. A second call changes nothing.
pub fn start(settings: &Log) -> Result<Filter, FilterError> {
    let log = tracing_subscriber::fmt()
        .with_env_filter(parsed(&settings.filter)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // An error says that a log has been started before, as in a test, or that it is gone.
    Ok(match settings.format {
        LogFormat::Text => {
            let log = log.with_filter_reloading();
            let handle = log.reload_handle();
            let _ = log.try_init();
            Filter { replace: Arc::new(move |filter| drop(handle.reload(filter))) }
        }
        LogFormat::Json => {
            let log = log.json().flatten_event(true).with_filter_reloading();
            let handle = log.reload_handle();
            let _ = log.try_init();
            Filter { replace: Arc::new(move |filter| drop(handle.reload(filter))) }
        }
    })
}
