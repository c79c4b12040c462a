//! `healthcheck`: ask a running bridge whether it can store.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};

use super::{ConfigFile, bridge::of_this_machine, print};
use crate::config::url;

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
        let root = match (self.address, self.file.place()) {
            (Some(address), place) => url(address, place.is_ok_and(|place| place.tls)),
            (None, place) => place?.url(),
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = of_this_machine(reqwest::Client::builder().timeout(PATIENCE)).build()?;
        let answer = client
            .get(format!("{root}/readyz"))
            .send()
            .await
            .context("the bridge does not answer")?;
        if !answer.status().is_success() {
            bail!("the bridge answers {}: it cannot store anything now", answer.status());
        }
        print::line(answer.text().await?);
        Ok(ExitCode::SUCCESS)
    }
}
