//! `check`: examine the configuration and the way to iTop, and say what to mend.

mod output;

use std::process::ExitCode;

use super::{ConfigFile, cmdb::Account};
use crate::{
    check::{Examined, examine, refused},
    clock::Clock,
};
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
    #[command(flatten)]
    account: Account,
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
                let clock = Clock::system();
                // Asked for here it would hold up whoever only wants to know how tickets fare.
                let wants_admin = self.account.admin_user.is_some();
                let admin = wants_admin.then(|| self.account.administrator(&config)).transpose()?;
                let examined = Examined {
                    company: self.company.as_deref(),
                    create_ticket: self.create_ticket,
                    admin: admin.as_ref(),
                    ..Examined::of(&config, &clock)
                };
                examine(examined, &mut tell).await;
            }
            Err(error) => refused(&error, &mut tell),
        }
        Ok(output.end())
    }
}
