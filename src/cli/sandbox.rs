//! `sandbox`: the simulated iTop or the simulated Salesforce alone, for trying a configuration against it.

use std::{
    fs::Permissions, net::SocketAddr, os::unix::fs::PermissionsExt as _, path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;
use itop_sandbox::{Data, Flavour, Grown, Latency, Noise, Options, PASSWORD, Sandbox};
use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY, USERNAME};

use super::{listen, print};
use crate::{clock::Clock, config::Log, lifecycle, telemetry};

/// Which ticket system.
#[derive(Debug, clap::Args)]
pub(super) struct SandboxArgs {
    /// The simulated Salesforce instead of the simulated iTop
    #[arg(long, conflicts_with_all = ["simple", "servers", "read_ms", "create_ms", "best_in_flight", "noise", "grown"])]
    salesforce: bool,
    /// The user of its API may say when a record was made
    #[arg(long, requires = "salesforce")]
    audit_fields: bool,
    /// Writes the private key that logs in to the simulated Salesforce by JWT into this file
    #[arg(long, value_name = "FILE", requires = "salesforce")]
    key_file: Option<PathBuf>,
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
    /// As a provider has it after years: so many tickets with logs and files, people, changes, knowledge, and three
    /// classes of its own
    #[arg(long, value_name = "TICKETS", conflicts_with = "simple")]
    grown: Option<u32>,
    /// What it is filled with by --grown: the same number is the same iTop
    #[arg(long, default_value_t = 1, requires = "grown")]
    seed: u64,
    /// Milliseconds that a read takes
    #[arg(long, default_value_t = 0)]
    read_ms: u64,
    /// Milliseconds that a create or an update takes where few are at work at once
    #[arg(long, default_value_t = 0)]
    create_ms: u64,
    /// How many creates and updates at once it does the most of; with more it gets slower
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    best_in_flight: u32,
    /// Lets these times vary and jump, by a seed: the same seed is the same noise
    #[arg(long, value_name = "SEED")]
    noise: Option<u64>,
}

/// How far the times of requests vary with `--noise`.
const SPREAD: f64 = 0.7;

impl SandboxArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&Log { filter: "warn".to_owned(), ..Log::default() })?;
        if !self.listen.ip().is_loopback() {
            let which = if self.salesforce { "Salesforce" } else { "iTop" };
            anyhow::bail!("a simulated {which} listens on loopback only, not on {}", self.listen);
        }
        if self.salesforce {
            return self.salesforce().await;
        }
        let stop = lifecycle::stop_on_signal()?;
        let listener = listen(self.listen, "--listen").await?;
        let latency = self.latency();
        let grown = self.grown.map(|tickets| Grown { tickets, seed: self.seed });
        let options = Options {
            flavour: match grown {
                Some(_) => Flavour::Grown,
                None if self.simple => Flavour::Simple,
                None => Flavour::Itil,
            },
            data: grown.map_or_else(Data::default, Data::Grown),
            file: self.file,
            servers: self.servers,
            latency,
            ..Options::default()
        };
        let mut sandbox = Sandbox::start(listener, options, Clock::system()).await?;
        print::line(format_args!(
            "A simulated iTop: {}/, user bridge, password {PASSWORD}",
            sandbox.url()
        ));
        if let Some(ended) = stop.run_until_cancelled(sandbox.ended()).await {
            ended?;
        }
        sandbox.stop().await?;
        Ok(ExitCode::SUCCESS)
    }

    /// The simulated Salesforce, with a small provider in it.
    async fn salesforce(self) -> anyhow::Result<ExitCode> {
        if let Some(file) = &self.key_file {
            let written = std::fs::write(file, PRIVATE_KEY).and_then(|()| {
                // Anybody can read this key in the sandbox; the bridge warns of others that can.
                std::fs::set_permissions(file, Permissions::from_mode(0o600))
            });
            written.with_context(|| format!("--key-file {}", file.display()))?;
        }
        let stop = lifecycle::stop_on_signal()?;
        let listener = listen(self.listen, "--listen").await?;
        let clock = Clock::system();
        let options = salesforce_sandbox::Options {
            file: self.file,
            audit_fields: self.audit_fields,
            now: salesforce_sandbox::Now::of(move || clock.now()),
            ..salesforce_sandbox::Options::default()
        };
        // Opening a file of many records takes its time.
        let sandbox =
            tokio::task::spawn_blocking(move || salesforce_sandbox::Sandbox::new(options));
        let sandbox = sandbox.await??;
        print::line(format_args!("A simulated Salesforce: http://{}", listener.local_addr()?));
        print::line(format_args!(
            "Client credentials: client_id {CLIENT_ID}, client_secret {CLIENT_SECRET}"
        ));
        match &self.key_file {
            Some(file) => print::line(format_args!(
                "JWT: client_id {CLIENT_ID}, user {USERNAME}, key {}",
                file.display()
            )),
            None => print::line(format_args!(
                "JWT: client_id {CLIENT_ID}, user {USERNAME}, with the key that --key-file FILE writes"
            )),
        }
        sandbox.serve(listener, stop).await?;
        Ok(ExitCode::SUCCESS)
    }

    fn latency(&self) -> Option<Latency> {
        let Self { read_ms, create_ms, best_in_flight, .. } = *self;
        let noise = self.noise.map(|seed| Noise { seed, spread: SPREAD });
        let latency = Latency { read_ms, create_ms, best_in_flight, noise };
        (read_ms > 0 || create_ms > 0).then_some(latency)
    }
}
