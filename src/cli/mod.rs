//! The commands; one file each.

mod ask;
mod backup;
mod bridge;
mod check;
mod cmdb;
mod demo;
mod desks;
mod equipment;
mod generated;
mod healthcheck;
mod inbox;
mod links;
mod listing;
mod migrate;
mod print;
mod progress;
mod salesforce;
mod sandbox;
mod screen;
mod send;
mod serve;
mod status;
mod test_event;
mod tickets;
mod token;

use std::{ffi::OsString, path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::net::TcpListener;

use crate::config::{self, Config};

/// Turns `ServiceNav` acknowledgements into iTop tickets, exactly once.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge
    Serve(ConfigFile),
    /// Run the bridge and a simulated iTop (or Salesforce), with a day behind them to look at
    Demo(demo::Demo),
    /// Run a simulated iTop or Salesforce alone, on loopback
    Sandbox(sandbox::SandboxArgs),
    /// Examine the configuration and the way to iTop, and say what to mend
    Check(check::Check),
    /// Make an API token and print what belongs into the configuration
    Token(token::TokenArgs),
    /// Copy the database, also while the bridge runs
    Backup(backup::Backup),
    /// Start from a copy of the database; the bridge must be stopped
    Restore(backup::Restore),
    Status(status::Status),
    /// List acknowledgements in the inbox, the newest first
    List(inbox::List),
    /// Show one acknowledgement with all that is known of it
    Show(inbox::Show),
    Retry(inbox::Retry),
    Discard(inbox::Discard),
    /// Search the tickets of all controls
    Tickets(tickets::Tickets),
    /// Say which company is which organization in iTop
    Links(links::Links),
    Cmdb(cmdb::Cmdb),
    Equipment(equipment::Equipment),
    Salesforce(salesforce::Salesforce),
    Migrate(migrate::Migrate),
    TestEvent(test_event::TestEvent),
    /// Send acknowledgements of a monitoring engine to a bridge
    Send(Box<send::Send>),
    /// Ask a running bridge whether it can store; for containers
    Healthcheck(healthcheck::Healthcheck),
    Completions(generated::Completions),
    #[command(hide = true)]
    Man(generated::Man),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file; without it, /etc/servicenav-itop-bridge/config.toml if that is there
    // A text, because a path must not be empty, and an empty variable is one that is not set.
    #[arg(short, long, env = "BRIDGE_CONFIG")]
    config: Option<OsString>,
}

impl ConfigFile {
    fn load(&self) -> Result<Config, config::ConfigError> {
        config::load(self.file(), environment())
    }

    /// Where its bridge listens, and the database of that.
    fn place(&self) -> Result<config::Place, config::ConfigError> {
        config::place(self.file(), environment())
    }

    /// The named file, else the usual one if it is there.
    fn file(&self) -> Option<&Path> {
        let usual = Path::new("/etc/servicenav-itop-bridge/config.toml");
        let named = self.config.as_ref().filter(|named| !named.is_empty()).map(Path::new);
        named.or_else(|| usual.exists().then_some(usual))
    }
}

fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Runs the command that this process was started with, to its end.
///
/// Compiled here as a whole: what only a program's own crate polls would be compiled there once more.
#[must_use]
pub fn main() -> ExitCode {
    // Whatever it writes, database and backups above all, is for its own user.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let cli = Cli::of_this_process();
    let ended = tokio::runtime::Runtime::new()
        .context("the runtime does not start")
        .and_then(|runtime| runtime.block_on(cli.run()));
    match ended {
        Ok(code) => code,
        Err(error) => {
            eprintln!("servicenav-itop-bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    /// What this process was called with; a call that cannot be understood ends it.
    fn of_this_process() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            // For a plugin of a monitoring engine 2 is a bridge in need.
            let is_plugin = std::env::args_os().nth(1).is_some_and(|name| name == "status");
            if is_plugin && error.use_stderr() {
                // Whoever was to read it may be gone.
                let _ = error.print();
                std::process::exit(status::UNKNOWN);
            }
            error.exit()
        })
    }

    async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(file) => Box::pin(serve::serve(&file)).await,
            Command::Demo(demo) => Box::pin(demo.run()).await,
            Command::Sandbox(sandbox) => sandbox.run().await,
            Command::Check(check) => Box::pin(check.run()).await,
            Command::Token(args) => Ok(args.run()),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
            Command::Status(status) => Ok(Box::pin(status.run()).await),
            Command::List(list) => list.run().await,
            Command::Show(show) => show.run().await,
            Command::Retry(retry) => Box::pin(retry.run()).await,
            Command::Discard(discard) => Box::pin(discard.run()).await,
            Command::Tickets(tickets) => tickets.run().await,
            Command::Links(links) => Box::pin(links.run()).await,
            Command::Cmdb(cmdb) => Box::pin(cmdb.run()).await,
            Command::Salesforce(salesforce) => Box::pin(salesforce.run()).await,
            Command::Equipment(equipment) => Box::pin(equipment.run()).await,
            Command::Migrate(migrate) => migrate.run().await,
            Command::TestEvent(test) => test.run().await,
            Command::Send(send) => Box::pin(send.run()).await,
            Command::Healthcheck(healthcheck) => healthcheck.run().await,
            Command::Completions(completions) => completions.run(),
            Command::Man(man) => man.run(),
        }
    }
}

async fn listen(address: std::net::SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; if another program has the port, change {setting}")
    })
}
