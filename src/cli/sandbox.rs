//! `sandbox`: the simulated iTop alone, for trying a configuration against it.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use super::listen;
use crate::{
    clock::Clock,
    config::Log,
    lifecycle,
    sandbox::{Flavour, Options, PASSWORD, Sandbox},
    telemetry,
};

/// Which iTop.
#[derive(Debug, clap::Args)]
pub(super) struct SandboxArgs {
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Where its data are kept; else in memory
    #[arg(long)]
    file: Option<PathBuf>,
    /// Simple tickets: user requests only, no incidents
    #[arg(long)]
    simple: bool,
    /// Servers to add to the company Demo
    #[arg(long, default_value_t = 0)]
    servers: u32,
}

impl SandboxArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&Log { filter: "warn".to_owned(), ..Log::default() })?;
        if !self.listen.ip().is_loopback() {
            anyhow::bail!("a simulated iTop listens on loopback only, not on {}", self.listen);
        }
        let stop = lifecycle::stop_on_signal()?;
        let listener = listen(self.listen, "--listen").await?;
        let options = Options {
            flavour: if self.simple { Flavour::Simple } else { Flavour::Itil },
            file: self.file,
            servers: self.servers,
            ..Options::default()
        };
        let mut sandbox = Sandbox::start(listener, options, Clock::system()).await?;
        println!("A simulated iTop: {}/, user bridge, password {PASSWORD}", sandbox.url());
        if let Some(ended) = stop.run_until_cancelled(sandbox.ended()).await {
            ended?;
        }
        sandbox.stop().await?;
        Ok(ExitCode::SUCCESS)
    }
}
