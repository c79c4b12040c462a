//! `cmdb`: the data sources in iTop, and CSV at once. These speak with iTop themselves.

mod admin;
mod export;
mod file;
mod import;
mod setup;

use std::{process::ExitCode, time::Duration};

use clap::Subcommand;

use crate::itop::{Client, ClientError, Settings, synchro::Doors};

pub(super) use admin::Account;

/// Set up how equipment is kept in iTop's CMDB; export and import CIs as CSV
#[derive(Debug, clap::Args)]
pub(super) struct Cmdb {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Setup(setup::Setup),
    Export(export::Export),
    Import(import::Import),
}

impl Cmdb {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Setup(setup) => Box::pin(setup.run()).await,
            Command::Export(export) => Box::pin(export.run()).await,
            Command::Import(import) => Box::pin(import.run()).await,
        }
    }
}

/// How long iTop may take for a request: an export of 50,000 CIs takes half a minute.
const PATIENCE: Duration = Duration::from_mins(10);

/// The doors for this account.
fn doors(account: &Settings) -> Result<Doors, ClientError> {
    Doors::new(&Client::new(account)?, account, PATIENCE)
}
