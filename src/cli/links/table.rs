//! `links import` and `links export`: links as a table.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use reqwest::{Method, header};

use super::show::{problem, report};
use crate::cli::{
    bridge::{Bridge, BridgeError, Query},
    print,
    progress::Waiting,
    screen::{Screen, harmless_lines, readable},
};

/// Take the links of a table over, all of them or none; needs the scope admin
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    #[command(flatten)]
    bridge: Bridge,
    /// The table (CSV), as 'links export' writes it; - for standard input
    file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// The instance of lines that name none
    #[arg(long)]
    instance: Option<String>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
}

/// Write all links into a table, with a line for each company that has none; needs the scope read
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    #[command(flatten)]
    bridge: Bridge,
    /// Where to; without it, standard output
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// What stands between cells
    #[arg(long, value_enum, default_value_t)]
    separator: Separator,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Separator {
    /// As most programs expect it
    #[default]
    Comma,
    /// As spreadsheets expect it in French
    Semicolon,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let name = readable(&self.file);
        let table = if self.file == Path::new("-") {
            let mut table = Vec::new();
            std::io::stdin().read_to_end(&mut table).map(|_| table)
        } else {
            std::fs::read(&self.file)
        };
        let table = table.with_context(|| format!("{name} cannot be read"))?;
        let query = Query::default().with("dry_run", Some(self.dry_run));
        let path = query.with("instance", self.instance.as_ref()).of("/api/v1/links");
        let call = self.bridge.call(Method::PUT, &path)?;
        // Checking many links against iTop takes as long as it takes.
        let call = call.with(|put| put.header(header::CONTENT_TYPE, "text/csv").body(table));
        let waiting = Waiting::on("the bridge checks each line against iTop");
        let answer = call.send().await;
        drop(waiting);
        let answer = match answer {
            Ok(answer) => answer,
            Err(BridgeError::Refused { said, body, .. }) => {
                if self.json {
                    print::json(&body.to_string())?;
                }
                eprint!("{}", problem(&name, &body).0);
                return Err(anyhow!(said));
            }
            Err(error) => return Err(error.into()),
        };
        let (shown, errors) = report(&name, &answer.body);
        if self.json {
            print::json(&answer.text)?;
        } else {
            print::bytes(shown.as_bytes())?;
        }
        eprint!("{errors}");
        Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let separator = match self.separator {
            Separator::Comma => "comma",
            Separator::Semicolon => "semicolon",
        };
        let path = format!("/api/v1/links.csv?separator={separator}");
        let table = self.bridge.get(&path).await?.text;
        match &self.output {
            Some(file) => std::fs::write(file, &table)
                .with_context(|| format!("{} cannot be written", readable(file)))?,
            None if Screen::stdout().is_terminal() => {
                print::bytes(harmless_lines(&table).as_bytes())?;
            }
            None => print::bytes(table.as_bytes())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
