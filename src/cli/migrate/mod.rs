//! `migrate`: a provider leaves iTop, step by step, on a folder of its own.

mod delta;
mod extract;
mod forget;
mod load;
mod map;
mod org;
mod rollback;
mod schema;
mod survey;
mod switch;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

/// Leave iTop for Salesforce, step by step
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
    Survey(Box<survey::Survey>),
    Extract(Box<extract::Extract>),
    Map(map::Map),
    Schema(schema::Schema),
    Load(Box<load::Load>),
    Verify(Box<verify::Verify>),
    Delta(Box<delta::Delta>),
    Switch(Box<switch::Switch>),
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
            Command::Survey(survey) => Box::pin(survey.run()).await,
            Command::Extract(extract) => Box::pin(extract.run()).await,
            Command::Map(map) => Box::pin(map.run()).await,
            Command::Schema(schema) => Box::pin(schema.run()).await,
            Command::Load(load) => Box::pin(load.run()).await,
            Command::Verify(verify) => Box::pin(verify.run()).await,
            Command::Delta(delta) => Box::pin(delta.run()).await,
            Command::Switch(switch) => Box::pin(switch.run()).await,
            Command::Rollback(rollback) => Box::pin(rollback.run()).await,
            Command::Forget(forget) => forget.run(),
        }
    }
}

/// The code of a class, as an argument.
fn is_class(text: &str) -> Result<String, String> {
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if text.is_empty() || !text.bytes().all(is_code) {
        return Err("it is not the code of a class".to_owned());
    }
    Ok(text.to_owned())
}
