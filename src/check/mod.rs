//! The examination of a configuration and of the way to iTop, and what to mend. What it says is what
//! `serve` would do: it plans a ticket as a delivery does, and asks iTop about that very one. The
//! command `check` shows it line by line, and [`Checks`] runs it for whoever asks a running bridge.

mod attributes;
mod certificate;
mod cmdb;
mod company;
mod configuration;
mod examination;
mod examine;
mod finding;
mod latest;
mod login;
mod plan;
mod rights;
mod salesforce;
mod sample;
mod sign_in;
mod ticket;

pub use examine::{Examined, Tell, examine};
pub use finding::{Finding, Told, Verdict};
pub use latest::{Checks, Ended, Latest, UnderWay};

use crate::config::ConfigError;
use finding::Report;

/// Tells what is wrong with a configuration that `serve` would not start with.
pub fn refused(error: &ConfigError, tell: Tell<'_>) {
    configuration::refused(error, &mut Report::new(tell));
}
