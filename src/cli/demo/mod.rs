//! `demo`: the bridge and a simulated iTop, or Salesforce, or both, with a day behind them to look at.

mod day;
mod equipment;
mod guide;
mod org;
mod shown;
mod simulated;
mod story;

use std::{net::SocketAddr, process::ExitCode};

use anyhow::bail;
use itop_sandbox::{self as sandbox, Sandbox};
use tokio_util::sync::CancellationToken;

use super::listen;
use crate::{
    app::{App, client_settings},
    clock::Clock,
    config::{Auth, Board, Config, Log, Period, Scope, StoreSection, Token},
    desk::DeskName,
    lifecycle,
    secret::random_key,
    telemetry,
    web::hash_token,
};
use shown::Shown;
use simulated::{Salesforce, Simulated};

/// That one acknowledgement waits for a link and another has failed is no news here, nor is it that hours
/// have passed.
const LOG_FILTER: &str = "error,servicenav_itop_bridge::delivery=off";

/// Where.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Where the bridge listens; beyond loopback a token is made, to sign in with
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Which ticket system is simulated; with both, some companies are here and some there
    #[arg(long, value_enum, default_value_t)]
    desk: Shown,
    /// Where the simulated iTop listens
    #[arg(long, default_value = "127.0.0.1:8081")]
    sandbox_listen: SocketAddr,
    /// Where the simulated Salesforce listens
    #[arg(long, default_value = "127.0.0.1:8082")]
    salesforce_listen: SocketAddr,
    /// Show the pages in the browser of this machine
    #[arg(long)]
    open: bool,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&Log { filter: LOG_FILTER.to_owned(), ..Log::default() })?;
        for (address, which) in
            [(self.sandbox_listen, "iTop"), (self.salesforce_listen, "Salesforce")]
        {
            if !address.ip().is_loopback() {
                bail!(
                    "the simulated {which} has a known password and listens on loopback only, not on {address}"
                );
            }
        }
        // Anybody may look at it then, so that somebody must say who.
        let token = (!self.listen.ip().is_loopback()).then(random_key);
        let stop = lifecycle::stop_on_signal()?;
        let clock = Clock::system();
        clock.step(-day::DAY);
        let bridge = listen(self.listen, "--listen").await?;
        let mut simulated = self.simulated(&clock).await?;
        // Everything of the demo goes when it ends.
        let folder = tempfile::tempdir()?;
        let config = Config {
            store: StoreSection { path: folder.path().join("demo.db"), ..StoreSection::default() },
            auth: Auth {
                tokens: token.iter().map(|token| administrator(token)).collect(),
                ..Auth::default()
            },
            ..configured(&simulated)
        };
        let account = match &config.cmdb {
            Some(_) => Some(client_settings(&config)?),
            None => None,
        };
        let app = App::build(config, clock.clone(), bridge).await?;
        let base = reached_at(app.address());
        let guide = async {
            // Whoever opens the page at once finds it all: nothing is shown of what is not yet so.
            let caller = (base.as_str(), token.as_deref());
            day::live(caller, (&simulated, self.desk), account, &clock).await?;
            guide::print(&base, token.as_deref(), &simulated, clock.now());
            if self.open {
                open(&base);
            }
            Ok::<_, anyhow::Error>(())
        };
        let running = app.run(stop.clone());
        tokio::pin!(running);
        let outcome = tokio::select! {
            ended = &mut running => ended.map_err(anyhow::Error::from),
            guided = guide => match guided {
                Ok(()) => tokio::select! {
                    ended = &mut running => ended.map_err(anyhow::Error::from),
                    ended = wait_unless_stopped(&mut simulated, &stop) => ended,
                },
                Err(error) => Err(error),
            },
        };
        simulated.stop().await?;
        outcome.map(|()| ExitCode::SUCCESS)
    }

    /// Starts what is shown.
    async fn simulated(&self, clock: &Clock) -> anyhow::Result<Simulated> {
        let mut simulated = Simulated { itop: None, salesforce: None };
        if self.desk.has(DeskName::Itop) {
            let listener = listen(self.sandbox_listen, "--sandbox-listen").await?;
            let started = Sandbox::start(listener, sandbox::Options::default(), clock.clone());
            simulated.itop = Some(started.await?);
        }
        if self.desk.has(DeskName::Salesforce) {
            let listener = listen(self.salesforce_listen, "--salesforce-listen").await?;
            simulated.salesforce = Some(Salesforce::start(listener, clock.clone()).await?);
        }
        Ok(simulated)
    }
}

/// What is configured of it.
fn configured(Simulated { itop, salesforce }: &Simulated) -> Config {
    Config {
        itop: itop.as_ref().map(simulated::itop_section),
        salesforce: salesforce.as_ref().map(Salesforce::section),
        // They are near: what is resolved there shows at once.
        board: Board { max_age: Period::seconds(1), ..Board::default() },
        cmdb: itop.as_ref().map(|_| equipment::section()),
        ..Config::default()
    }
}

async fn wait_unless_stopped(
    simulated: &mut Simulated,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    match stop.run_until_cancelled(simulated.ended()).await {
        Some(ended) => ended,
        // The bridge ends first, so that its last calls are answered.
        None => std::future::pending().await,
    }
}

fn administrator(token: &str) -> Token {
    Token {
        name: "demo".to_owned(),
        hash: hash_token(token),
        scopes: vec![Scope::Admin],
        ..Token::default()
    }
}

/// How this machine reaches it, whichever of its addresses it listens on.
fn reached_at(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        return format!("http://127.0.0.1:{}", address.port());
    }
    format!("http://{address}")
}

/// Shows a page in the browser, if there is one; whoever sees none has read the address.
fn open(address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opened = std::process::Command::new(program)
        .arg(address)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    if let Err(error) = opened {
        eprintln!("No browser could be opened ({program}: {error}).");
    }
}
