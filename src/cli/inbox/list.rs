//! `list`: rows of the inbox.

use std::process::ExitCode;

use serde_json::Value;

use super::{ACKNOWLEDGEMENTS, called, tone};
use crate::{
    cli::{
        bridge::{Bridge, Query},
        desks, listing, print,
        screen::{Cell, Screen, Table, plain},
    },
    clock::Clock,
    domain::{delivery_state::State, inbox_group::Group},
};

/// Which rows.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    bridge: Bridge,
    #[command(flatten)]
    filter: Filter,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Where the page begins that an earlier call has named
    #[arg(long, value_name = "NUMBER")]
    cursor: Option<i64>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
}

/// What rows are narrowed to.
#[derive(Debug, clap::Args)]
struct Filter {
    /// Words that must all occur
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// Those that need somebody, are on their way, or have ended
    #[arg(long, value_parser = Group::ALL.map(Group::as_str))]
    group: Option<String>,
    /// Those in this state
    #[arg(long, value_parser = State::ALL.map(State::as_str))]
    state: Option<String>,
    /// Those with this code as their problem, such as team-missing
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Those of a company: its id in ServiceNav, or name:NAME
    #[arg(long)]
    company: Option<String>,
    /// Those of a control, by its id
    #[arg(long)]
    control: Option<String>,
    /// Those of one ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
}

impl Filter {
    fn query(&self) -> Query {
        let words = self.words.join(" ");
        Query::default()
            .with("q", Some(words).filter(|words| !words.is_empty()))
            .with("group", self.group.as_ref())
            .with("state", self.state.as_ref())
            .with("cause", self.code.as_ref())
            .with("company", self.company.as_ref())
            .with("control", self.control.as_ref())
            .with("instance", self.instance.as_ref())
    }
}

impl List {
    pub(in crate::cli) async fn run(self) -> anyhow::Result<ExitCode> {
        let query = self.filter.query().with("limit", Some(self.limit));
        let query = query.with("cursor", self.cursor).of(ACKNOWLEDGEMENTS);
        let answer = self.bridge.get(&query).await?;
        let Some(said) =
            listing::show(answer, self.json, rows, "No acknowledgement is like that.")?
        else {
            return Ok(ExitCode::SUCCESS);
        };
        if said["cut"] == true {
            print::note(
                "Only the newest were searched: narrow it by --state or --company to see older ones.",
            );
        }
        if let Some(next) = said["next"].as_str() {
            print::note(format_args!("There are more: --cursor {}", plain(next)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Rows of an answer as a table.
pub(super) fn rows(items: &Value, screen: Screen) -> Table {
    let now = Clock::system().now();
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    let desks = desks::Column::of(items.iter().map(|item| &item["ticket"]));
    let mut table =
        desks.table(&["id", "state", "received", "company", "control", "ticket", "problem"]);
    for item in items {
        let state = item["state"].as_str().unwrap_or_default();
        let problem = item["problem"]["message"].as_str().or(item["reason"].as_str());
        let row = [
            Cell::new(&item["id"].to_string()),
            Cell::toned(state, tone(state)),
            Cell::new(&screen.when(item["received_at"].as_str(), now)),
            Cell::new(called(&item["company"])),
            Cell::new(called(&item["control"])),
            Cell::new(item["ticket"]["ref"].as_str().unwrap_or_default()),
            Cell::new(problem.unwrap_or_default()),
        ];
        table.row(row.into_iter().chain(desks.cell(&item["ticket"])));
    }
    table
}
