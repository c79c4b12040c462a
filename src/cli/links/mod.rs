//! `links`: which company is which organization, by the API of a running bridge.

mod many;
mod one;
mod show;
mod table;

use std::process::ExitCode;

use clap::Subcommand;

/// Company links.
#[derive(Debug, clap::Args)]
pub(super) struct Links {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(many::List),
    Set(one::Set),
    Remove(one::Remove),
    Match(many::Match),
    Try(one::Try),
    Import(table::Import),
    Export(table::Export),
}

impl Links {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List(list) => list.run().await,
            Command::Set(set) => set.run().await,
            Command::Remove(remove) => remove.run().await,
            Command::Match(matched) => matched.run().await,
            Command::Try(tried) => tried.run().await,
            Command::Import(import) => import.run().await,
            Command::Export(export) => export.run().await,
        }
    }
}
