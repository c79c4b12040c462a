//! `check`: examine the configuration and the way to iTop, and say what to mend. What it says is
//! what `serve` would do: it plans a ticket as a delivery does, and asks iTop about that very one.

mod attributes;
mod company;
mod configuration;
mod examination;
mod examine;
mod finding;
mod login;
mod output;
mod plan;
mod rights;
mod sample;
mod ticket;

use std::process::ExitCode;

pub use examine::examine;
pub use finding::{Finding, Told, Verdict};

use super::ConfigFile;
use crate::clock::Clock;
use finding::Report;
use output::Output;

/// What to examine.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// The company that a ticket is planned for: its name or key in iTop; else one that can
    /// receive tickets
    #[arg(long)]
    company: Option<String>,
    /// Also create one real ticket, and examine time zone, priorities and marker on it
    #[arg(long)]
    create_ticket: bool,
    /// For programs: one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut output = Output::new(self.json);
        let mut tell = |told| output.take(told);
        match self.file.load() {
            Ok(config) => {
                let company = self.company.as_deref();
                examine(&config, &Clock::system(), company, self.create_ticket, &mut tell).await;
            }
            Err(error) => configuration::refused(&error, &mut Report::new(&mut tell)),
        }
        Ok(output.end())
    }
}
