//! `check`: examine the configuration and the way to iTop, and say what to mend.

mod examine;
mod ticket;

use std::{fmt, process::ExitCode};

pub use examine::examine;

use super::ConfigFile;
use crate::clock::Clock;

/// What to examine.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// The company whose lists are read: its name or key in iTop; else the first that has a team
    #[arg(long)]
    company: Option<String>,
    /// Also create one real ticket, and examine time zone, priorities and marker on it
    #[arg(long)]
    create_ticket: bool,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// The bridge cannot do its work like this.
    Failure,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What was examined.
    pub what: &'static str,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    pub mend: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, what, seen: seen.into(), mend: None }
    }

    fn warning(what: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        let (seen, mend) = (seen.into(), Some(mend.into()));
        Self { verdict: Verdict::Warning, what, seen, mend }
    }

    fn failure(what: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        let (seen, mend) = (seen.into(), Some(mend.into()));
        Self { verdict: Verdict::Failure, what, seen, mend }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failure => "failure",
        };
        write!(f, "{verdict:8} {}: {}", self.what, self.seen)?;
        match &self.mend {
            Some(mend) => write!(f, "\n{:8} -> {mend}", ""),
            None => Ok(()),
        }
    }
}

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.file.load()?;
        let findings =
            examine(&config, &Clock::system(), self.company.as_deref(), self.create_ticket).await?;
        for finding in &findings {
            println!("{finding}");
        }
        let count = |verdict| findings.iter().filter(|f| f.verdict == verdict).count();
        let (warnings, failures) = (count(Verdict::Warning), count(Verdict::Failure));
        println!("\n{warnings} warnings, {failures} failures");
        Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
