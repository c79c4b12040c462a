//! The commands; one file each.

mod backup;
mod check;
mod demo;
mod healthcheck;
mod links;
mod print;
mod sandbox;
mod send;
mod serve;
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
    /// Run the bridge and a simulated iTop, with a day behind them to look at
    Demo(demo::Demo),
    /// Run the simulated iTop alone, on loopback
    Sandbox(sandbox::SandboxArgs),
    /// Examine the configuration and the way to iTop, and say what to mend
    Check(check::Check),
    /// Make an API token and print what belongs into the configuration
    Token(token::TokenArgs),
    /// Copy the database, also while the bridge runs
    Backup(backup::Backup),
    /// Start from a copy of the database; the bridge must be stopped
    Restore(backup::Restore),
    /// Take company links from a table, or write them into one
    Links(links::Links),
    /// Send acknowledgements of a monitoring engine to a bridge
    Send(Box<send::Send>),
    /// Ask a running bridge whether it can store; for containers
    Healthcheck(healthcheck::Healthcheck),
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
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        config::load(self.file(), environment)
    }

    /// The named file, else the usual one if it is there.
    fn file(&self) -> Option<&Path> {
        let usual = Path::new("/etc/servicenav-itop-bridge/config.toml");
        let named = self.config.as_ref().filter(|named| !named.is_empty()).map(Path::new);
        named.or_else(|| usual.exists().then_some(usual))
    }
}

impl Cli {
    /// Runs the command.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(file) => Box::pin(serve::serve(&file)).await,
            Command::Demo(demo) => demo.run().await,
            Command::Sandbox(sandbox) => sandbox.run().await,
            Command::Check(check) => Box::pin(check.run()).await,
            Command::Token(args) => Ok(args.run()),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
            Command::Links(links) => links.run().await,
            Command::Send(send) => Box::pin(send.run()).await,
            Command::Healthcheck(healthcheck) => healthcheck.run().await,
        }
    }
}

async fn listen(address: std::net::SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; if another program has the port, change {setting}")
    })
}
