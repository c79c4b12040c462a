//! `healthcheck`: ask a running bridge whether it can store.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};

use super::{ConfigFile, print};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which bridge.
#[derive(Debug, clap::Args)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    file: ConfigFile,
    /// Where it listens, if not as configured
    #[arg(long)]
    address: Option<SocketAddr>,
}

impl Healthcheck {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut address = match self.address {
            Some(address) => address,
            None => self.file.load()?.server.listen,
        };
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The bridge that is asked is this machine's: a proxy would ask another one.
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let url = format!("http://{address}/readyz");
        let answer = client.get(&url).send().await.context("the bridge does not answer")?;
        if !answer.status().is_success() {
            bail!("the bridge answers {}: it cannot store anything now", answer.status());
        }
        print::line(answer.text().await?);
        Ok(ExitCode::SUCCESS)
    }
}
