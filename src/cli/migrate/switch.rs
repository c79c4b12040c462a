//! `migrate switch`: the bridge's companies go to Salesforce, or come back.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Place,
    delta::{self, How, Since},
    org::Org,
};
use crate::{
    cli::{
        bridge::{Answer, Bridge, PATIENCE},
        print,
        screen::plain,
    },
    clock::Clock,
    domain::keys::PartyKey,
    migrate::{
        folder::Folder,
        staging::Staging,
        switch::{Asked, Standing, Which, asked},
    },
};

const HOLD: &str = "/api/v1/hold";
const SWITCH: &str = "/api/v1/switch";

/// How long the bridge may take to move: it reads each Case.
const LONGEST_MOVE: Duration = Duration::from_mins(10);

/// How often it is asked whether all is settled.
const LOOK: Duration = Duration::from_secs(1);

/// How many of what stays are told; --json has all.
const TOLD: usize = 20;

/// Lead the bridge's companies to Salesforce: their links, and their controls to the Cases of their tickets
///
/// It asks the running bridge. Deliveries are held (what is posted is stored and waits), what is under way is settled,
/// a last delta runs, then links and tickets of controls move in one commit, and deliveries go on. What has no record
/// stays as it is and is named. It can be run again at any time; --back takes it back.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Switch {
    #[command(flatten)]
    bridge: Bridge,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    how: How,
    /// A company that moves: its id in ServiceNav, or name:NAME; all whose organizations have moved without it
    #[arg(long = "company", value_name = "COMPANY", value_parser = company_key)]
    companies: Vec<String>,
    /// The queue for links whose team was mapped to none; else the one that is called like the team
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Only say what would move; nothing is held
    #[arg(long)]
    dry_run: bool,
    /// Take it back: links and tickets of controls are what they were before
    #[arg(long, conflicts_with = "queue")]
    back: bool,
    /// Let deliveries go on that a switch holds which was broken off, and nothing else
    #[arg(long, conflicts_with_all = ["back", "dry_run", "companies", "queue"])]
    end_hold: bool,
    /// How many seconds deliveries that are under way are given to come to a clear outcome
    #[arg(long, value_name = "SECONDS", default_value_t = 1_800)]
    settle_within: u64,
    /// Print what moved as JSON, and say what happens before as one event a line
    #[arg(long)]
    json: bool,
}

/// The key of a company as the bridge writes it.
fn company_key(text: &str) -> Result<String, String> {
    let key = text.parse::<PartyKey>().or_else(|_| PartyKey::id(text));
    key.map(|key| key.to_string()).map_err(|error| error.to_string())
}

impl Switch {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if self.end_hold {
            self.end_hold().await?;
            print::line("Deliveries go on.");
            return Ok(ExitCode::SUCCESS);
        }
        if self.back {
            return self.back().await;
        }
        let config = self.bridge.file().load()?;
        let org = Org::open(&config, &self.place.folder).await?;
        if self.dry_run {
            let asked = self.asked(&org).await?;
            return self.say_moved(&self.moved(asked).await?);
        }
        self.held(async || {
            let changes = self.how.bring(&org, &config, Since::Now, self.json).await?;
            if !self.json {
                delta::tell(&changes)?;
            }
            let asked = self.asked(&org).await?;
            let step = Step::begin(&org.staging, "switch").await?;
            let report = self.moved(asked).await?;
            step.end(&report, "moved_links", "moved_controls").await?;
            self.say_moved(&report)
        })
        .await
    }

    async fn back(&self) -> anyhow::Result<ExitCode> {
        let mut body = json!({"dry_run": self.dry_run});
        if !self.companies.is_empty() {
            body["companies"] = json!(self.companies);
        }
        let back = async || self.long_post(&format!("{SWITCH}/back"), &body).await;
        let answer = if self.dry_run {
            back().await?
        } else {
            // The way back needs the bridge alone: the folder may be gone.
            let folder = Folder::of(&self.place.folder).ok();
            let staging = folder.and_then(|folder| Staging::open(&folder.staging()).ok());
            self.held(async || {
                let Some(staging) = &staging else { return back().await };
                let step = Step::begin(staging, "switch_back").await?;
                let answer = back().await?;
                step.end(&answer.body, "links", "controls").await?;
                Ok(answer)
            })
            .await?
        };
        let body = &answer.body;
        if self.json {
            print::json(&answer.text)?;
        } else {
            let count = |member: &str| body[member].as_u64().unwrap_or_default();
            let (links, controls) = (count("links"), count("controls"));
            let have = if self.dry_run { "would be" } else { "are" };
            print::line(format_args!(
                "{links} links and the tickets of {controls} controls {have} what they were before."
            ));
            let which = |of: &Value| text(of, "control");
            told("keeps the ticket that it has since", &body["controls_kept"], which);
            told("stays in Salesforce", &body["companies_left"], company_and_why);
            let case =
                |of: &Value| format!("{} (control {})", text(of, "number"), text(of, "control"));
            told("is a Case that was made since; it stays", &body["cases"], case);
        }
        Ok(ended(&body["companies_left"]))
    }

    /// Does something while deliveries are held and nothing is under way; then they go on, however it ended.
    async fn held<T>(&self, work: impl AsyncFnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.call(Method::PUT, HOLD).await?;
        print::note("Deliveries are held: what is posted is stored and waits.");
        let held = async {
            self.settled().await?;
            work().await
        };
        let done = tokio::select! {
            done = held => done,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("it was broken off; run it again to go on")),
        };
        match self.end_hold().await {
            Ok(()) => print::note("Deliveries go on."),
            Err(error) => print::note(format_args!(
                "Whether deliveries go on is not known ({error:#}): run this again, or 'migrate switch --end-hold'."
            )),
        }
        done
    }

    async fn end_hold(&self) -> anyhow::Result<()> {
        self.call(Method::DELETE, HOLD).await.map(drop)
    }

    /// Waits until no delivery runs and each that ran has a clear outcome.
    async fn settled(&self) -> anyhow::Result<()> {
        let clock = Clock::system();
        let within = Duration::from_secs(self.settle_within);
        let began = clock.moment();
        loop {
            let hold = self.bridge.get(HOLD).await?.body;
            if hold["is_settled"] == true {
                return Ok(());
            }
            if clock.moment().since(began) >= within {
                let rows = hold["unsettled"].as_u64().unwrap_or_default();
                bail!(
                    "{rows} acknowledgements still have no clear outcome after {} s, and nothing was moved: 'list' \
                     shows them, 'status' whether iTop answers; then run this again",
                    self.settle_within
                );
            }
            clock.sleep(LOOK).await;
        }
    }

    /// What is to move, by what the bridge has and what has become of it.
    async fn asked(&self, org: &Org) -> anyhow::Result<Asked> {
        let links = self.bridge.get("/api/v1/links").await?;
        let tickets = self.bridge.get(SWITCH).await?;
        let unread = "the bridge speaks of links in another way than this version of the program";
        let items = |mut answer: Answer| answer.body["items"].take();
        let standing = Standing {
            links: serde_json::from_value(items(links)).context(unread)?,
            tickets: serde_json::from_value(items(tickets)).context(unread)?,
        };
        let companies = (!self.companies.is_empty()).then(|| self.companies.clone());
        let which = Which { companies, queue: self.queue.clone() };
        Ok(asked(&org.staging, &org.plan.mapping, standing, which).await?)
    }

    /// Has the bridge move; what did, and what stays.
    async fn moved(&self, asked: Asked) -> anyhow::Result<Value> {
        let Asked { items, tickets, without, companies_left, controls_left } = asked;
        let body = json!({"items": items, "tickets": tickets, "dry_run": self.dry_run});
        let mut report = self.long_post(SWITCH, &body).await?.body;
        for (member, more) in [
            ("without", json!(without)),
            ("companies_left", json!(companies_left)),
            ("controls_left", json!(controls_left)),
        ] {
            if let (Some(all), Value::Array(more)) = (report[member].as_array_mut(), more) {
                all.extend(more);
            }
        }
        Ok(report)
    }

    fn say_moved(&self, report: &Value) -> anyhow::Result<ExitCode> {
        if self.json {
            print::json(&report.to_string())?;
            return Ok(ended(&report["companies_left"]));
        }
        let count = |member: &str| report[member].as_u64().unwrap_or_default();
        let (links, controls) = (count("moved_links"), count("moved_controls"));
        let moved = if self.dry_run { "would lead" } else { "lead" };
        print::line(format_args!("{links} links and {controls} controls {moved} to Salesforce."));
        let member = |of: &Value| {
            let (company, member, why) = (text(of, "company"), text(of, "member"), text(of, "why"));
            format!("{company}, {member}: {why}")
        };
        told("is left out", &report["without"], member);
        told("stays where it is", &report["companies_left"], company_and_why);
        let control = |of: &Value| format!("control {}: {}", text(of, "control"), text(of, "why"));
        told("keeps its ticket", &report["controls_left"], control);
        Ok(ended(&report["companies_left"]))
    }

    async fn call(&self, method: Method, path: &str) -> anyhow::Result<Answer> {
        let call = self.bridge.call(method, path)?;
        Ok(call.with(|request| request.timeout(PATIENCE)).send().await?)
    }

    async fn long_post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let call = self.bridge.call(Method::POST, path)?.json(body);
        Ok(call.with(|request| request.timeout(LONGEST_MOVE)).send().await?)
    }
}

/// A run of it, as the folder keeps it for whoever looks on.
struct Step<'s> {
    staging: &'s Staging,
    run: i64,
}

impl<'s> Step<'s> {
    async fn begin(staging: &'s Staging, name: &'static str) -> anyhow::Result<Self> {
        let at = Clock::system().now().to_string();
        let run = staging.ledger(move |ledger| ledger.begin_step(name, &at)).await?;
        Ok(Self { staging, run })
    }

    /// It has ended, by that report, in which these members count.
    async fn end(&self, report: &Value, links: &str, controls: &str) -> anyhow::Result<()> {
        let at = Clock::system().now().to_string();
        let came_to = json!({"links": report[links], "controls": report[controls]}).to_string();
        let run = self.run;
        Ok(self.staging.ledger(move |ledger| ledger.end_step(run, &at, &came_to)).await?)
    }
}

/// Some of what stays, each with what becomes of it.
fn told(what: &str, items: &Value, say: impl Fn(&Value) -> String) {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    for item in items.iter().take(TOLD) {
        print::line(format_args!("{what}: {}", say(item)));
    }
    if items.len() > TOLD {
        print::line(format_args!("{what}: {} more; --json names all", items.len() - TOLD));
    }
}

fn company_and_why(of: &Value) -> String {
    format!("{}: {}", text(of, "company"), text(of, "why"))
}

fn text(of: &Value, member: &str) -> String {
    plain(of[member].as_str().unwrap_or_default())
}

/// With success, unless a company stays that was to go.
fn ended(companies_left: &Value) -> ExitCode {
    let is_whole = companies_left.as_array().is_none_or(Vec::is_empty);
    if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
