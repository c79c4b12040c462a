//! `migrate`: a provider leaves iTop, step by step, on a folder of its own.

mod extract;
mod forget;
mod load;
mod org;
mod rollback;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

/// Leave iTop for another ticket system: so far the first step, which reads all of it into a folder
///
/// It can be stopped at any moment and goes on where it was. All that is read lies in one folder, for its owner
/// alone.
#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Extract(Box<extract::Extract>),
    Load(Box<load::Load>),
    Verify(Box<verify::Verify>),
    Rollback(rollback::Rollback),
    Forget(forget::Forget),
}

/// Which migration.
#[derive(Debug, clap::Args)]
struct Place {
    /// The folder of the migration
    #[arg(long, default_value = "migration")]
    folder: PathBuf,
}

impl Migrate {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Extract(extract) => Box::pin(extract.run()).await,
            Command::Load(load) => Box::pin(load.run()).await,
            Command::Verify(verify) => Box::pin(verify.run()).await,
            Command::Rollback(rollback) => Box::pin(rollback.run()).await,
            Command::Forget(forget) => forget.run(),
        }
    }
}
