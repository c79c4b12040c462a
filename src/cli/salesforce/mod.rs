//! `salesforce`: what an administrator of the org needs of the bridge.

mod package;

use std::process::ExitCode;

use clap::Subcommand;

/// Write what an administrator deploys in Salesforce before the first Case
#[derive(Debug, clap::Args)]
pub(super) struct Salesforce {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Package(package::Package),
}

impl Salesforce {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Package(package) => Box::pin(package.run()).await,
        }
    }
}
