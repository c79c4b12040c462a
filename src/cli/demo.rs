//! `demo`: the bridge and a simulated iTop on loopback, with something to look at.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::listen;
use crate::{
    app::App,
    clock::Clock,
    config::{Board, Config, ItopSection, Log, Period, StoreSection},
    lifecycle,
    sandbox::{self, Sandbox},
    secret::Secret,
    telemetry,
};

/// One of the acknowledgements waits for a link, which is no news here.
const LOG_FILTER: &str = "warn,servicenav_itop_bridge::delivery=error";

/// Where.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Where the bridge listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the simulated iTop listens
    #[arg(long, default_value = "127.0.0.1:8081")]
    sandbox_listen: SocketAddr,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&Log { filter: LOG_FILTER.to_owned(), ..Log::default() })?;
        for address in [self.listen, self.sandbox_listen] {
            if !address.ip().is_loopback() {
                bail!("the demo has no tokens and listens on loopback only, not on {address}");
            }
        }
        let stop = lifecycle::stop_on_signal()?;
        let clock = Clock::system();
        let bridge = listen(self.listen, "--listen").await?;
        let itop = listen(self.sandbox_listen, "--sandbox-listen").await?;
        let mut itop = Sandbox::start(itop, sandbox::Options::default(), clock.clone()).await?;
        // Everything of the demo goes when it ends.
        let folder = tempfile::tempdir()?;
        let config = Config {
            itop: ItopSection {
                url: itop.url(),
                user: "bridge".to_owned(),
                password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
                ..ItopSection::default()
            },
            store: StoreSection { path: folder.path().join("demo.db"), ..StoreSection::default() },
            // The simulated iTop is near: what is resolved there shows at once.
            board: Board { max_age: Period::seconds(1), ..Board::default() },
            ..Config::default()
        };
        let app = App::build(config, clock.clone(), bridge).await?;
        let base = format!("http://{}", app.address());

        let itop_url = itop.url();
        let guide = async {
            prepare(&base, clock.now()).await?;
            print_guide(&base, &itop_url, clock.now());
            std::future::pending::<anyhow::Result<()>>().await
        };
        let outcome = tokio::select! {
            ended = app.run(stop.clone()) => ended.map_err(anyhow::Error::from),
            failed = guide => failed,
            ended = wait_unless_stopped(&mut itop, &stop) => ended,
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

/// Links companies and posts a few acknowledgements, through the API as anybody would.
async fn prepare(base: &str, now: Timestamp) -> anyhow::Result<()> {
    // It listens on loopback, which no proxy reaches.
    let http = reqwest::Client::builder().no_proxy().build()?;
    let send = async |request: reqwest::RequestBuilder, body: Value| -> anyhow::Result<()> {
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await?;
        if !answer.status().is_success() {
            bail!("the demo could not be prepared: {}", answer.text().await?);
        }
        Ok(())
    };
    for (company, link) in links() {
        send(http.put(format!("{base}/api/v1/links/{company}")), link).await?;
    }
    for event in events(now) {
        send(http.post(format!("{base}/api/v1/acknowledgements")), event).await?;
    }
    Ok(())
}

fn links() -> [(&'static str, Value); 3] {
    [
        ("42", json!({"name": "Demo", "organization": {"id": 3}, "team": "Helpdesk"})),
        (
            "51",
            json!({"name": "ACME Logistics", "organization": "ACME Logistics",
                   "team": "On-call team"}),
        ),
        (
            "52",
            json!({"name": "Hôpital Saint-Éloi", "organization": "Hôpital Saint-Éloi",
                   "team": "Helpdesk"}),
        ),
    ]
}

/// One that resolves as a whole, one with warnings, a business view, and one whose company is
/// linked to nothing.
fn events(now: Timestamp) -> [Value; 4] {
    let by = |name: &str, comment: &str| json!({"author": {"name": name}, "comment": comment});
    [
        json!({
            "event_id": "demo:acme:db01:disk", "created_at": now,
            "company": {"id": 51, "name": "ACME Logistics"}, "contact": "Julie Martin",
            "service": "Server hosting", "service_element": "Disk space",
            "equipment": {"name": "db01.acme.example", "address": "10.51.0.12"},
            "control": {"id": "svc-5101", "element_type": "service", "name": "Disk /var",
                        "criticality": "high", "state": "CRITICAL", "status_changed_at": now,
                        "output": "DISK CRITICAL - /var 97% used (612 MB free)"},
            "acknowledgement": by("Marie Durand", "Purging old logs")
        }),
        json!({
            "event_id": "demo:hse:imagerie:down", "created_at": now,
            "company": {"id": 52, "name": "Hôpital Saint-Éloi"}, "contact": "Julie Martin",
            "equipment": {"name": "srv-imagerie"},
            "control": {"id": "host-5201", "element_type": "equipment", "name": "srv-imagerie",
                        "criticality": "high", "state": "DOWN", "status_changed_at": now,
                        "output": "PING CRITICAL - Packet loss = 100%"},
            "acknowledgement": by("Paul Leroy", "On site in ten minutes")
        }),
        json!({
            "event_id": "demo:acme:wms", "created_at": now,
            "company": {"id": 51, "name": "ACME Logistics"},
            "control": {"id": "view-5102", "element_type": "user_service",
                        "name": "Order preparation", "state": "DEGRADED",
                        "status_changed_at": now},
            "acknowledgement": by("Marie Durand", "Watching it")
        }),
        json!({
            "event_id": "demo:unlinked", "created_at": now,
            "company": {"id": 53, "name": "ACME Retail"},
            "equipment": {"name": "till-12"},
            "control": {"id": "host-5301", "element_type": "equipment", "name": "till-12",
                        "state": "DOWN", "status_changed_at": now},
            "acknowledgement": by("Paul Leroy", "Calling the provider")
        }),
    ]
}

fn print_guide(base: &str, itop: &str, now: Timestamp) {
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
    println!(
        "The bridge listens on {base}, a simulated iTop on {itop}.\n\n\
         Post an acknowledgement (again, and it is the same ticket):\n"
    );
    println!(
        "curl -i {base}/api/v1/acknowledgements -H 'Content-Type: application/json' -d '{event}'\n"
    );
    println!("What its control's ticket is now:\n  curl {base}/api/v1/controls/svc-48213/ticket");
    println!("All tickets, and who waits for a link:");
    println!("  curl {base}/api/v1/tickets\n  curl {base}/api/v1/links/unlinked");
    println!("The tickets in the simulated iTop, to be assigned and resolved:\n  {itop}/\n");
    println!("Ctrl-C ends the demo; nothing of it is kept.");
}
