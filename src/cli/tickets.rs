//! `tickets`: the board, searched.

use std::process::ExitCode;

use serde_json::Value;

use super::{
    bridge::{Bridge, Query},
    desks,
    inbox::called,
    listing, print,
    screen::{Cell, Screen, Table, Tone, plain},
};
use crate::{clock::Clock, desk::DeskName};

/// Which tickets.
#[derive(Debug, clap::Args)]
pub(super) struct Tickets {
    #[command(flatten)]
    bridge: Bridge,
    /// Words that must all occur, in control, equipment, company, site, ticket or person
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// Those that are open, resolved, closed or gone
    #[arg(long, value_parser = ["open", "resolved", "closed", "gone", "all"], default_value = "all")]
    group: String,
    /// Those in this status, as iTop codes it, such as assigned
    #[arg(long)]
    status: Option<String>,
    /// Those of one ticket system, where more than one is served
    #[arg(long, value_parser = DeskName::ALL.map(DeskName::code))]
    desk: Option<String>,
    /// Those of a company: its id in ServiceNav, or name:NAME
    #[arg(long)]
    company: Option<String>,
    /// Those of one ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// Those of a priority
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4))]
    priority: Option<u8>,
    /// Those of a team
    #[arg(long)]
    team: Option<String>,
    /// Those that are assigned to this person
    #[arg(long)]
    agent: Option<String>,
    /// Those that this person has acknowledged, or is assigned to
    #[arg(long, value_name = "PERSON")]
    mine: Option<String>,
    /// In which order
    #[arg(long, value_parser = ["age", "priority", "control", "company", "status", "agent", "ticket"], default_value = "age")]
    sort: String,
    /// In that order from the end
    #[arg(short, long)]
    reverse: bool,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Where the page begins that an earlier call has named
    #[arg(long, value_name = "TEXT")]
    cursor: Option<String>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
}

impl Tickets {
    fn query(&self) -> Query {
        let words = self.words.join(" ");
        let order = if self.reverse { format!("-{}", self.sort) } else { self.sort.clone() };
        Query::default()
            .with("q", Some(words).filter(|words| !words.is_empty()))
            .with("group", Some(&self.group))
            .with("status", self.status.as_ref())
            .with("desk", self.desk.as_ref())
            .with("company", self.company.as_ref())
            .with("instance", self.instance.as_ref())
            .with("priority", self.priority)
            .with("team", self.team.as_ref())
            .with("agent", self.agent.as_ref())
            .with("mine", self.mine.as_ref())
            .with("sort", Some(order))
            .with("limit", Some(self.limit))
            .with("cursor", self.cursor.as_ref())
            .with("details", Some(true))
            .with("count", Some(true))
    }

    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let answer = self.bridge.get(&self.query().of("/api/v1/tickets")).await?;
        let Some(said) = listing::show(answer, self.json, rows, "No ticket is like that.")? else {
            return Ok(ExitCode::SUCCESS);
        };
        if said["stale"] == true {
            let tickets =
                said["items"].as_array().into_iter().flatten().map(|item| &item["ticket"]);
            let who = if desks::are_told(tickets) { "A ticket system" } else { "iTop" };
            print::note(format_args!(
                "{who} does not answer: some of this is what was known last."
            ));
        }
        if let Some(next) = said["next"].as_str() {
            let total = said["total"].as_u64().unwrap_or_default();
            print::note(format_args!("There are {total} in all: --cursor {}", plain(next)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn rows(items: &Value, screen: Screen) -> Table {
    let now = Clock::system().now();
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    let desks = desks::Column::of(items.iter().map(|item| &item["ticket"]));
    let mut table = desks.table(&[
        "ticket",
        "status",
        "prio",
        "acknowledged",
        "company",
        "equipment",
        "control",
        "team",
        "agent",
    ]);
    for item in items {
        let ticket = &item["ticket"];
        let text = |value: &Value| Cell::new(value.as_str().unwrap_or_default());
        let presence = ticket["presence"].as_str().filter(|presence| *presence != "present");
        let status = match presence {
            Some("not_visible") => "not visible",
            Some(presence) => presence,
            None => ticket["status"].as_str().unwrap_or_default(),
        };
        let tone = presence.map(|_| Tone::Doubtful);
        let priority = ticket["priority"].as_u64().map(|priority| priority.to_string());
        let company = item["company_name"].as_str().or(item["company"].as_str());
        let row = [
            text(&ticket["ref"]),
            Cell::toned(status, tone),
            Cell::new(&priority.unwrap_or_default()),
            Cell::new(&screen.when(item["acknowledged"]["at"].as_str(), now)),
            Cell::new(company.unwrap_or_default()),
            text(&item["equipment"]),
            Cell::new(called(&item["control"])),
            text(&ticket["team"]),
            text(&ticket["agent"]),
        ];
        table.row(row.into_iter().chain(desks.cell(ticket)));
    }
    table
}
