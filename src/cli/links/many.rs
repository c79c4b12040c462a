//! `links list` and `links match`: all companies, and those that are called as an organization is.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::Value;

use super::show::report;
use crate::{
    cli::{
        ask::{self, Assent},
        bridge::{Bridge, Query},
        desks, listing, print,
        progress::Waiting,
        screen::{Cell, Screen, Table, Tone},
    },
    clock::Clock,
};

/// List the companies and sites that are known, those without a link first; needs the scope read
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    bridge: Bridge,
    /// Words that must all occur
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// All, those without a link, or those that get no tickets
    #[arg(long, value_parser = ["all", "unlinked", "off"], default_value = "all")]
    group: String,
    /// Those of one ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Where the page begins that an earlier call has named
    #[arg(long, value_name = "NUMBER")]
    cursor: Option<usize>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
}

/// Link each company that is called as one organization alone is; needs the scope admin
#[derive(Debug, clap::Args)]
pub(super) struct Match {
    #[command(flatten)]
    bridge: Bridge,
    /// Those of one ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Do not ask, however many they are
    #[arg(short, long)]
    yes: bool,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let words = self.words.join(" ");
        let query = Query::default()
            .with("q", Some(words).filter(|words| !words.is_empty()))
            .with("group", Some(&self.group))
            .with("instance", self.instance.as_ref())
            .with("limit", Some(self.limit))
            .with("cursor", self.cursor);
        let answer = self.bridge.get(&query.of("/api/v1/links/companies")).await?;
        let Some(said) = listing::show(answer, self.json, rows, "No company is like that.")? else {
            return Ok(ExitCode::SUCCESS);
        };
        if let Some(next) = said["next"].as_u64() {
            print::note(format_args!("There are {} in all: --cursor {next}", said["found"]));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn rows(items: &Value, screen: Screen) -> Table {
    let now = Clock::system().now();
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    let desks = desks::Column::of(items.iter().map(|item| &item["link"]));
    let mut table = desks.table(&[
        "instance",
        "company",
        "site",
        "name",
        "organization",
        "team",
        "tickets",
        "waiting",
        "since",
    ]);

    for item in items {
        let text = |value: &Value| Cell::new(value.as_str().unwrap_or_default());
        let link = &item["link"];
        let organization = match (link["organization"]["name"].as_str(), item["inherited"] == true)
        {
            (Some(name), true) => Cell::new(&format!("{name} (of the company)")),
            (Some(name), false) => Cell::new(name),
            (None, _) => Cell::toned("none", Some(Tone::Doubtful)),
        };
        let tickets = match link["tickets"].as_bool() {
            Some(true) => "on",
            Some(false) => "off",
            None => "",
        };
        let waiting = item["waiting"].as_u64().unwrap_or_default();
        let row = [
            text(&item["instance"]),
            text(&item["company"]),
            text(&item["site"]),
            text(&item["name"]),
            organization,
            text(&link["team"]["name"]),
            Cell::new(tickets),
            Cell::toned(&waiting.to_string(), (waiting > 0).then_some(Tone::Doubtful)),
            Cell::new(&screen.when(item["since"].as_str(), now)),
        ];
        table.row(row.into_iter().chain(desks.cell(link)));
    }
    table
}

impl Match {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let dry = Query::default().with("dry_run", Some(true));
        let looked_at = self.call(dry).await?;
        let body = &looked_at.body;
        let changed = body["counts"]["created"].as_u64().unwrap_or_default();
        if self.dry_run || changed == 0 {
            return self.show(&looked_at);
        }
        if !self.yes && changed > ask::A_FEW as u64 {
            if !self.json {
                print::bytes(report("matches", body).0.as_bytes())?;
            }
            if ask::whether(&format!("Link these {changed} companies?"))? == Assent::No {
                print::note("Nothing was done.");
                return Ok(ExitCode::FAILURE);
            }
        }
        // What was shown, and nothing else.
        let digest = Query::default().with("digest", body["digest"].as_str());
        self.show(&self.call(digest).await?)
    }

    async fn call(&self, query: Query) -> anyhow::Result<crate::cli::bridge::Answer> {
        let path = query.with("instance", self.instance.as_ref()).of("/api/v1/links/matches");
        let _waiting = Waiting::on("the bridge compares the names with those of iTop");
        Ok(self.bridge.call(Method::POST, &path)?.send().await?)
    }

    fn show(&self, answer: &crate::cli::bridge::Answer) -> anyhow::Result<ExitCode> {
        if self.json {
            print::json(&answer.text)?;
        } else {
            print::bytes(report("matches", &answer.body).0.as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
