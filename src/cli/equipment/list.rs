//! `equipment list` and `equipment companies`: how far each row is, and what is held.

use std::process::ExitCode;

use serde_json::Value;

use super::{EQUIPMENT, shown::tone};
use crate::{
    cli::{
        bridge::{Bridge, Query},
        listing, print,
        screen::{Cell, Screen, Table, Tone, plain},
    },
    clock::Clock,
    domain::equipment::{EquipmentState, Held},
};

/// List equipment and how far each piece is; needs the scope read
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Words that must all occur
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// Of a company: its id in ServiceNav, or name:NAME
    #[arg(long)]
    company: Option<String>,
    /// Of one ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// In this state
    #[arg(long, value_parser = EquipmentState::ALL.map(EquipmentState::as_str))]
    state: Option<String>,
    /// For which somebody must say yes to this
    #[arg(long, value_parser = Held::ALL.map(Held::as_str))]
    held: Option<String>,
    /// Of this class of iTop
    #[arg(long)]
    class: Option<String>,
    /// With this code as their problem
    #[arg(long, value_name = "CODE")]
    problem: Option<String>,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Where the page begins that an earlier call has named
    #[arg(long)]
    cursor: Option<String>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bridge: Bridge,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let words = self.words.join(" ");
        let path = Query::default()
            .with("q", Some(words).filter(|words| !words.is_empty()))
            .with("company", self.company.as_ref())
            .with("instance", self.instance.as_ref())
            .with("state", self.state.as_ref())
            .with("held", self.held.as_ref())
            .with("class", self.class.as_ref())
            .with("problem", self.problem.as_ref())
            .with("limit", Some(self.limit))
            .with("cursor", self.cursor.as_ref())
            .of(EQUIPMENT);
        let answer = self.bridge.get(&path).await?;
        let nothing = "No equipment is like that.";
        let Some(said) = listing::show(answer, self.json, rows, nothing)? else {
            return Ok(ExitCode::SUCCESS);
        };
        if let Some(next) = said["next"].as_str() {
            print::note(format_args!("There are more: --cursor {}", plain(next)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn rows(items: &Value, screen: Screen) -> Table {
    let now = Clock::system().now();
    let headings = ["company", "id", "name", "state", "changed", "ci", "held", "problem"];
    let mut table = Table::new(&headings);
    for item in items.as_array().into_iter().flatten() {
        let text = |member: &str| item[member].as_str().unwrap_or_default();
        let ci = match (item["ci"]["class"].as_str(), item["ci"]["id"].as_str()) {
            (Some(class), Some(id)) => format!("{class} {id}"),
            _ => text("class").to_owned(),
        };
        table.row([
            Cell::new(text("company")),
            Cell::new(text("id")),
            Cell::new(text("name")),
            Cell::toned(text("state"), tone(text("state"))),
            Cell::new(&screen.when(item["changed_at"].as_str(), now)),
            Cell::new(&ci),
            Cell::toned(text("held"), Some(Tone::Doubtful)),
            Cell::new(item["problem"]["message"].as_str().unwrap_or_default()),
        ]);
    }
    table
}

/// Say how much equipment each company has, and what is held; needs the scope read
#[derive(Debug, clap::Args)]
pub(super) struct Companies {
    /// Of one ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bridge: Bridge,
}

impl Companies {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let query = Query::default().with("instance", self.instance.as_ref());
        let answer = self.bridge.get(&query.of(&format!("{EQUIPMENT}/companies"))).await?;
        listing::show(answer, self.json, companies, "There is no equipment yet.")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn companies(items: &Value, screen: Screen) -> Table {
    let now = Clock::system().now();
    let headings =
        ["company", "name", "listed", "synchronized", "waiting", "failed", "retired", "held"];
    let mut table = Table::new(&headings);
    for item in items.as_array().into_iter().flatten() {
        let text = |member: &str| item[member].as_str().unwrap_or_default();
        let count = |states: &[&str]| -> String {
            let counts = states.iter().filter_map(|state| item["counts"][*state].as_u64());
            counts.sum::<u64>().to_string()
        };
        let holds = item["holds"].as_array().into_iter().flatten().map(|hold| {
            let class = hold["class"].as_str().unwrap_or_default();
            format!("{} {class} to {}", hold["rows"], hold["what"].as_str().unwrap_or_default())
        });
        table.row([
            Cell::new(text("company")),
            Cell::new(text("name")),
            Cell::new(&screen.when(item["listed_at"].as_str(), now)),
            Cell::new(&count(&["synchronized"])),
            Cell::new(&count(&["new", "changed", "retiring"])),
            Cell::new(&count(&["failed"])),
            Cell::new(&count(&["retired"])),
            Cell::toned(&holds.collect::<Vec<_>>().join(", "), Some(Tone::Doubtful)),
        ]);
    }
    table
}
