//! `equipment`: what is monitored, as it is kept in iTop's CMDB, by the API of a running bridge.

mod levers;
mod list;
mod push;
mod release;
mod shown;

use std::process::ExitCode;

use clap::Subcommand;

/// Where the API has it.
const EQUIPMENT: &str = "/api/v1/equipment";

/// The equipment that is kept in iTop's CMDB
#[derive(Debug, clap::Args)]
pub(super) struct Equipment {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Push(Box<push::Push>),
    List(Box<list::List>),
    Companies(list::Companies),
    Approve(levers::Approve),
    Keep(levers::Keep),
    Retry(levers::Retry),
    Release(release::Release),
    Resume(release::Resume),
}

impl Equipment {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Push(push) => push.run().await,
            Command::List(list) => list.run().await,
            Command::Companies(companies) => companies.run().await,
            Command::Approve(approve) => approve.run().await,
            Command::Keep(keep) => keep.run().await,
            Command::Retry(retry) => retry.run().await,
            Command::Release(release) => Box::pin(release.run()).await,
            Command::Resume(resume) => resume.run().await,
        }
    }
}
