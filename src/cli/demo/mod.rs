//! `demo`: the bridge and a simulated iTop, with a day behind them to look at.

mod day;
mod equipment;
mod story;

use std::{net::SocketAddr, process::ExitCode};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{listen, print};
use crate::{
    app::{App, client_settings},
    clock::Clock,
    config::{Auth, Board, Config, ItopSection, Log, Period, Scope, StoreSection, Token},
    lifecycle,
    sandbox::{self, Sandbox},
    secret::{Secret, random_key},
    telemetry,
    web::hash_token,
};

/// That one acknowledgement waits for a link and another has failed is no news here, nor is it that hours
/// have passed.
const LOG_FILTER: &str = "error,servicenav_itop_bridge::delivery=off";

/// Where.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Where the bridge listens; beyond loopback a token is made, to sign in with
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the simulated iTop listens
    #[arg(long, default_value = "127.0.0.1:8081")]
    sandbox_listen: SocketAddr,
    /// Show the pages in the browser of this machine
    #[arg(long)]
    open: bool,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&Log { filter: LOG_FILTER.to_owned(), ..Log::default() })?;
        if !self.sandbox_listen.ip().is_loopback() {
            let address = self.sandbox_listen;
            bail!(
                "the simulated iTop has a known password and listens on loopback only, not on {address}"
            );
        }
        // Anybody may look at it then, so that somebody must say who.
        let token = (!self.listen.ip().is_loopback()).then(random_key);
        let stop = lifecycle::stop_on_signal()?;
        let clock = Clock::system();
        clock.step(-day::DAY);
        let bridge = listen(self.listen, "--listen").await?;
        let itop = listen(self.sandbox_listen, "--sandbox-listen").await?;
        let mut itop = Sandbox::start(itop, sandbox::Options::default(), clock.clone()).await?;
        // Everything of the demo goes when it ends.
        let folder = tempfile::tempdir()?;
        let config = Config {
            itop: Some(ItopSection {
                url: itop.url(),
                user: "bridge".to_owned(),
                password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
                ..ItopSection::default()
            }),
            store: StoreSection { path: folder.path().join("demo.db"), ..StoreSection::default() },
            // The simulated iTop is near: what is resolved there shows at once.
            board: Board { max_age: Period::seconds(1), ..Board::default() },
            cmdb: Some(equipment::section()),
            auth: Auth {
                tokens: token.iter().map(|token| administrator(token)).collect(),
                ..Auth::default()
            },
            ..Config::default()
        };
        let account = client_settings(&config)?;
        let app = App::build(config, clock.clone(), bridge).await?;
        let base = reached_at(app.address());
        let guide = async {
            // Whoever opens the page at once finds it all: nothing is shown of what is not yet so.
            day::live((&base, token.as_deref()), (&itop, account), &clock).await?;
            print_guide(&base, token.as_deref(), &itop.url(), clock.now());
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
                    ended = wait_unless_stopped(&mut itop, &stop) => ended,
                },
                Err(error) => Err(error),
            },
        };
        itop.stop().await?;
        outcome.map(|()| ExitCode::SUCCESS)
    }
}

async fn wait_unless_stopped(itop: &mut Sandbox, stop: &CancellationToken) -> anyhow::Result<()> {
    match stop.run_until_cancelled(itop.ended()).await {
        Some(ended) => ended.context("the simulated iTop ended"),
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

fn print_guide(base: &str, token: Option<&str>, itop: &str, now: Timestamp) {
    let event = json!({
        "event_id": "demo:curl:1", "created_at": now,
        "company": {"id": 42, "name": "Demo"}, "contact": {"email": "agatha.christie@demo.com"},
        "service": "Telecom and connectivity",
        "equipment": {"id": 1207, "name": "Server4", "itsm_id": "4"},
        "control": {"id": "svc-48213", "element_type": "service", "name": "Disk C:",
                    "criticality": "high", "state": "CRITICAL", "status_changed_at": now,
                    "output": "C: 97% used"},
        "acknowledgement": {"author": {"login": "jdupont", "name": "Jean Dupont"},
                            "comment": "Purge in progress"}
    });
    let login =
        token.map(|token| format!(" -H 'Authorization: Bearer {token}'")).unwrap_or_default();
    let sign_in = token.map(|token| {
        format!(
            "This is a demo, and others can reach it: it is no place for real data.\n\
             Sign in with the token {token}\n\n"
        )
    });
    print::line(format_args!(
        "The console: {base}/\n\
         The tickets in a simulated iTop, to be assigned and resolved: {itop}/\n\
         The equipment in its CMDB, of which two pieces have failed: {base}/equipment\n\n\
         {}\
         Post an acknowledgement (again, and it is the same ticket):\n\n\
         curl -i {base}/api/v1/acknowledgements{login} -H 'Content-Type: application/json' -d '{event}'\n\n\
         What its control's ticket is now:\n  \
         curl{login} {base}/api/v1/controls/svc-48213/ticket\n\
         All tickets, and who waits for a link:\n  \
         curl{login} {base}/api/v1/tickets\n  \
         curl{login} {base}/api/v1/links/unlinked\n\n\
         Ctrl-C ends the demo; nothing of it is kept.",
        sign_in.unwrap_or_default()
    ));
}
