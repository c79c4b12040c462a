//! `status`: how the bridge is, on one screen; and as a plugin of Nagios and its kin.

mod figures;
mod limits;

use std::process::ExitCode;

use super::{
    bridge::{Answer, Bridge, BridgeError},
    print,
    screen::{Screen, Tone},
};
use crate::clock::Clock;
use figures::Figures;
use limits::{Limits, Verdict, numbers, times};

/// What stands below the options.
const MORE: &str = "\
It ends with 0 if all is well, 1 for a warning, 2 if something is critical, 3 if that cannot be told, and
is a plugin of Nagios, Centreon and Icinga: what a program reads has performance data. Limits are
WARNING,CRITICAL, or one of them (15m or ,2h); what is above a limit counts, and 'none' is for never.";

/// Say how the bridge is, on one screen; also a plugin of Nagios and its kin
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub(super) struct Status {
    #[command(flatten)]
    bridge: Bridge,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Limits")]
    bounds: Bounds,
}

/// What may be without a warning.
#[derive(Debug, clap::Args)]
struct Bounds {
    /// For how long the way to a ticket system may be closed
    #[arg(long, value_name = "TIMES", default_value = "0s,15m", value_parser = times)]
    closed: Limits,
    /// How many may wait for their ticket
    #[arg(long, value_name = "NUMBERS", default_value = "100,1000", value_parser = numbers)]
    waiting: Limits,
    /// For how long the oldest of them may wait
    #[arg(long, value_name = "TIMES", default_value = "15m,2h", value_parser = times)]
    oldest: Limits,
    /// How many may wait for an administrator
    #[arg(long, value_name = "NUMBERS", default_value = "0,10", value_parser = numbers)]
    blocked: Limits,
    /// How many may have failed
    #[arg(long, value_name = "NUMBERS", default_value = "0,10", value_parser = numbers)]
    failed: Limits,
    /// How many may have been refused, and not ticked off
    #[arg(long, value_name = "NUMBERS", default_value = "0,100", value_parser = numbers)]
    rejected: Limits,
}

/// How it ends where it cannot tell how the bridge is.
pub(super) const UNKNOWN: i32 = Verdict::Unknown as i32;

/// What plugins call what they look at.
const SERVICE: &str = "SERVICENAV-ITOP-BRIDGE";

impl Status {
    pub(super) async fn run(self) -> ExitCode {
        match self.asked().await {
            Ok((ready, health)) => {
                let answer = health.unwrap_or(ready);
                let figures = Figures::of(&answer.body, &self.bounds, Clock::system().now());
                if self.json {
                    if let Err(error) = print::json(&answer.text) {
                        print::note(error);
                    }
                } else {
                    figures.print(Screen::stdout());
                }
                ExitCode::from(figures.verdict() as u8)
            }
            Err(error) => {
                let verdict = verdict(&error);
                let screen = Screen::stdout();
                let word = screen.toned(Some(Tone::Bad), &verdict.to_string());
                print::line(if screen.is_terminal() {
                    format!("{word}: {error:#}")
                } else {
                    // What stands behind a bar is performance data.
                    format!("{SERVICE} {word}: {}", format!("{error:#}").replace('|', "/"))
                });
                ExitCode::from(verdict as u8)
            }
        }
    }

    /// Whether it can store, and how it is as far as the caller may know: of a stranger it keeps the rest.
    async fn asked(&self) -> anyhow::Result<(Answer, Option<Answer>)> {
        let ready = self.bridge.get("/readyz").await?;
        let health = match self.bridge.get("/api/v1/health").await {
            Ok(health) => Some(health),
            Err(error) => match error.downcast_ref() {
                Some(BridgeError::NoToken) => None,
                _ => return Err(error),
            },
        };
        Ok((ready, health))
    }
}

/// What it says of a bridge that it has not answered, or not with what it was asked for.
fn verdict(error: &anyhow::Error) -> Verdict {
    match error.downcast_ref() {
        // One that answers so can store nothing, or has a defect.
        Some(BridgeError::Away { .. } | BridgeError::Refused { status: 500.., .. }) => {
            Verdict::Critical
        }
        _ => Verdict::Unknown,
    }
}
